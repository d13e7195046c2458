use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let shown = match Script::parse(text) {
        Ok(_) => "right".to_owned(),
        Err(problems) => problems.to_string(),
    };
    assert_eq!(shown, expected);
}

const STEP: &str =
    "name = \"a\"\n[[steps]]\nhear = { performative = \"request\", content = \"Ada\" }\n";

#[test]
fn a_whole_script_is_read() {
    let script = Script::parse(
        r#"
        name = "asks the web"
        config = { greeting = "Hello" }
        seed = 7
        now = "2026-01-02T00:00:00Z"
        keys = { greeted = "4" }
        files = { "notes/a.md" = "hinges" }
        [[directory]]
        agent = "smith@local"
        services = [{ name = "hinges", type = "forging" }]
        [[http]]
        url = "https://api.example.org/x"
        body = "sunny"
        [[model]]
        says = "yes"
        tokens = 9
        [[tools]]
        tool = "grep"
        refuses = "no such file"
        [begin]
        logs = ["info: begun"]
        [[steps]]
        advance = "1s"
        upgrade = true
        hear = { performative = "request", sender = "ada@local", content = { a = 1 } }
        says = [{ performative = "inform", receiver = "ada@local" }]
        "#,
    )
    .unwrap();
    assert_eq!(script.config, r#"{"greeting":"Hello"}"#);
    assert_eq!(script.now.to_string(), "2026-01-02T00:00:00.000Z");
    assert_eq!(script.answers.len(), 3);
    assert_eq!(script.answers[2].says, Err("no such file".to_owned()));
    assert_eq!(script.steps.len(), 2);
    let step = &script.steps[1];
    assert_eq!((step.line, step.advance, step.upgrade), (22, Duration::from_secs(1), true));
    // A table is heard as its JSON, and a bare receiver is a list of one.
    assert!(step.hear.contains(r#""content":"{\"a\":1}""#), "{}", step.hear);
    assert_eq!(step.says[0]["receiver"], serde_json::json!(["ada@local"]));
}

#[test]
fn the_least_script_hears_nothing() {
    let script = Script::parse("name = \"begins\"").unwrap();
    assert_eq!((script.steps.len(), script.config.as_str()), (1, "null"));
    assert_eq!(script.now.to_string(), "2026-01-01T00:00:00.000Z");
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_what_was_meant() {
    check(
        &format!("{STEP}syas = []"),
        "line 4: there is no `steps.syas`; did you mean `steps.says`?",
    );
    check(
        &format!("{STEP}says = [{{ performative = \"inform\", reciever = \"a\" }}]"),
        "line 4: there is no `steps.says.reciever`; did you mean `steps.says.receiver`?",
    );
    check(
        "name = \"a\"\nsede = 1\n[[http]]\nstatsu = 1",
        "line 2: there is no `sede`; did you mean `seed`?\n\
         line 4: there is no `http.statsu`; did you mean `http.status`?",
    );
}

#[test]
fn what_makes_no_sense_is_told_where_it_stands() {
    check(STEP, "right");
    check("seed = 1", "line 1: missing field `name`");
    check(
        "name = \"a\"\nnow = \"soon\"",
        "line 2: `soon` is no moment: write `2026-01-01T00:00:00Z`",
    );
    check(
        "name = \"a\"\n[files]\n\"../x\" = \"\"",
        "line 3: `../x` is no folder below the guest's own: write a relative path without `..`",
    );
    check(
        "name = \"a\"\n\n[[steps]]\nhear = { content = \"x\" }",
        "line 3: what it hears needs a `performative`, such as \"request\"",
    );
    check(
        &format!("{STEP}refuses = \"a\"\nfails = \"b\""),
        "line 2: it either `refuses`, and goes on, or `fails`: leave out one",
    );
    for (text, words) in [
        (
            "name = \"a\"\n[[steps]]\nhear = { performative = \"shout\" }",
            "line 2: what it hears is no message",
        ),
        (
            "name = \"a\"\n[[directory]]\nname = \"smith\"",
            "line 2: this is no entry of a directory",
        ),
        (&format!("{STEP}says = [{{ performative = \"shout\" }}]"), "line 2: "),
    ] {
        let told = Script::parse(text).unwrap_err().to_string();
        assert!(told.starts_with(words), "{told}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), cut in 0..100_usize) {
        let _answer = Script::parse(&text);
        let cut = STEP.char_indices().nth(cut).map_or(STEP.len(), |(at, _)| at);
        let _answer = Script::parse(&format!("{}{text}{}", &STEP[..cut], &STEP[cut..]));
    }
}
