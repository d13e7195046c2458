use super::*;
use crate::Script;
use serde_json::json;

fn happened(step: usize, calls: Vec<Call>, ending: Ending) -> Happened {
    Happened { step, at: String::new(), calls, ending, keeps: Default::default() }
}

#[test]
fn what_happened_takes_the_place_of_what_was_expected() {
    let text = "# Mine.\nname = \"greets\"\n\n[[steps]]\nhear = { performative = \"request\", content = \"Ada\" } # who\n\
        says = [{ performative = \"agree\" }]\nfails = \"never\"\n\n[[steps]]\nhear = { performative = \"request\" }\n";
    let message = json!({
        "performative": "inform", "sender": "greeter@local", "receiver": ["ada@local"], "content": "Hello, \"Ada\"",
    });
    let calls = vec![
        Call::Log { level: "info", text: "greeted".to_owned() },
        Call::Random { bits: "7".to_owned() },
        Call::Send { message, refused: None },
    ];
    let steps = vec![
        happened(0, Vec::new(), Ending::Done),
        happened(1, calls, Ending::Done),
        happened(2, Vec::new(), Ending::Refused("no name".to_owned())),
    ];
    let record = Record { name: "greets".to_owned(), steps, unasked: Vec::new() };
    let new = written(text, &record).unwrap();
    insta::assert_snapshot!(new);
    assert_eq!(Script::parse(&new).unwrap().compare(&record), []);
    assert_eq!(written(&new, &record).unwrap(), new, "writing it twice changes nothing");
}

#[test]
fn a_list_of_steps_can_not_be_written_into() {
    let text = "name = \"a\"\nsteps = [{ hear = { performative = \"request\" } }]\n";
    let steps = vec![happened(0, Vec::new(), Ending::Done), happened(1, Vec::new(), Ending::Done)];
    let record = Record { name: "a".to_owned(), steps, unasked: Vec::new() };
    assert!(matches!(written(text, &record), Err(NotWritten::OneList)));
    assert!(matches!(written("nam = 1", &record), Err(NotWritten::Malformed(_))));
}
