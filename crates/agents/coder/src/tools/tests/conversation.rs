//! Calls that are about the person: the list they see, the question they are asked.

use super::*;

#[tokio::test]
async fn the_list_is_shown_as_it_is_kept() {
    let bench = Bench::files(FakeWorkspace::new());
    let items = json!({ "items": ["[x] read it", "- [>]  mend\nit", "[ ] test", "* tell", "  "] });
    let prepared = find("todo").prepare(&items.to_string(), &bench.context).await.unwrap();
    assert_eq!(
        (prepared.summary().as_str(), prepared.needs().len()),
        ("todo: 1 of 4 done, now: mend it", 0)
    );
    let output = prepared.run(&bench.context).await.unwrap();
    let list = "[x] read it\n[>] mend it\n[ ] test\n[ ] tell\n";
    assert_eq!(output.text, format!("1 of 4 done\n{list}"));
    assert_eq!(*bench.screen.0.lock().unwrap(), list);
    let many: Vec<String> = (0..51).map(|n| format!("step {n}")).collect();
    bench.refused("todo", json!({ "items": many }), "at most 50 items").await;
    bench.refused("todo", json!({ "items": ["x".repeat(301)] }), "at most 300 bytes").await;
}

#[tokio::test]
async fn a_question_gets_an_answer_or_a_way_on() {
    let mut bench = Bench::files(FakeWorkspace::new());
    let question =
        json!({ "question": " Which one? ", "choices": ["the  first", "", "the second"] });
    bench.refused("ask_user", question.clone(), "There is nobody to ask").await;
    for (reply, told) in [
        (Answer::Declined, Err("The user gave no answer")),
        (Answer::Said { words: " ".to_owned() }, Err("The user gave no answer")),
        (Answer::Said { words: "neither\n".to_owned() }, Ok("the user says: neither")),
    ] {
        let person = Arc::new(Person { reply, asked: Mutex::default() });
        bench.context.person = person.clone();
        match told {
            Ok(text) => assert_eq!(bench.text("ask_user", question.clone()).await, text),
            Err(words) => bench.refused("ask_user", question.clone(), words).await,
        }
        let choices = vec!["the first".to_owned(), "the second".to_owned()];
        let expected = Question { text: "Which one?".to_owned(), choices };
        assert_eq!(*person.asked.lock().unwrap(), [expected]);
    }
    bench.refused("ask_user", json!({ "question": " " }), "question is empty").await;
    let ten = vec!["x"; 10];
    bench.refused("ask_user", json!({ "question": "?", "choices": ten }), "more than 9").await;
}
