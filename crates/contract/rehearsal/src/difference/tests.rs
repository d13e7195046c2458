use super::*;
use serde_json::json;

fn script(lines: &str) -> Script {
    let hear = "hear = { performative = \"request\", content = \"Ada\" }";
    Script::parse(&format!("name = \"a\"\n[[steps]]\n{hear}\n{lines}")).unwrap()
}

fn record(calls: Vec<Call>, ending: Ending) -> Record {
    let happened = |step, calls, ending| Happened {
        step,
        at: String::new(),
        calls,
        ending,
        keeps: [("greeted".to_owned(), "1".to_owned())].into(),
    };
    let steps = vec![happened(0, Vec::new(), Ending::Done), happened(1, calls, ending)];
    Record { name: "a".to_owned(), steps, unasked: Vec::new() }
}

fn hello() -> Call {
    let message = json!({
        "performative": "inform", "sender": "greeter@local", "receiver": ["ada@local"],
        "content": "{\"hello\":1}", "conversation-id": "cnv_1",
    });
    Call::Send { message, refused: None }
}

/// The rows of all differences, one a line, those that fit marked with `=`.
fn told(script: &Script, record: &Record) -> String {
    let mut text = String::new();
    for Difference { step, line, what, rows } in script.compare(record) {
        text.push_str(&format!("step {step}, line {line}: {what}\n"));
        for Row { expected, found, fits } in rows {
            let side = |side: Option<String>| side.unwrap_or_else(|| "nothing".to_owned());
            let mark = if fits { "=" } else { "|" };
            text.push_str(&format!("  {} {mark} {}\n", side(expected), side(found)));
        }
    }
    text
}

#[track_caller]
fn check(lines: &str, calls: Vec<Call>, ending: Ending, expected: &str) {
    assert_eq!(told(&script(lines), &record(calls, ending)), expected, "{lines}");
}

#[test]
fn what_is_not_named_may_be_anything() {
    for says in [
        "{ performative = \"inform\" }",
        "{ receiver = \"ada@local\" }",
        "{ content = { hello = 1 } }",
        "{ content = \"{\\\"hello\\\":1}\", conversation-id = \"cnv_1\" }",
    ] {
        check(&format!("says = [{says}]"), vec![hello()], Ending::Done, "");
    }
}

#[test]
fn each_message_counts_and_their_order() {
    check(
        "",
        vec![hello()],
        Ending::Done,
        "step 1, line 2: what it says\n  nothing | inform to ada@local: \"{\\\"hello\\\":1}\"\n",
    );
    check(
        "says = [{ performative = \"inform\" }, { performative = \"agree\", protocol = \"x\" }]",
        vec![hello()],
        Ending::Done,
        "step 1, line 2: what it says\n  inform = inform to ada@local: \"{\\\"hello\\\":1}\"\n  agree, protocol x | nothing\n",
    );
    check(
        "says = [{ performative = \"inform\", content = \"Hi\", protocol = \"x\" }]",
        vec![hello()],
        Ending::Done,
        "step 1, line 2: what it says\n  inform: \"Hi\", protocol x | inform to ada@local: \"{\\\"hello\\\":1}\", protocol nothing\n",
    );
}

#[test]
fn lines_and_calls_count_where_they_are_named() {
    let log = Call::Log { level: "info", text: "greeted".to_owned() };
    let calls = vec![Call::Get { key: "greeted".to_owned(), value: None }, log];
    check("", calls.clone(), Ending::Done, "");
    check("logs = [\"info: greeted\"]\nasks = [\"get greeted\"]", calls.clone(), Ending::Done, "");
    check(
        "logs = []\nasks = [\"clock\"]",
        calls,
        Ending::Done,
        "step 1, line 2: what it logs\n  nothing | info: greeted\nstep 1, line 2: what it asks for\n  clock | get greeted\n",
    );
    check(
        "keeps = { greeted = \"2\", other = \"x\" }",
        Vec::new(),
        Ending::Done,
        "step 1, line 2: what it keeps\n  greeted = 2 | greeted = 1\n  other = x | nothing\n",
    );
}

#[test]
fn a_step_ends_as_it_should() {
    let refused = || Ending::Refused("the content must be a name".to_owned());
    let failed = || Ending::Failed("the guest trapped: unreachable".to_owned());
    check("refuses = \"must be a name\"", Vec::new(), refused(), "");
    check("fails = \"trapped\"", Vec::new(), failed(), "");
    for (lines, ending, row) in [
        ("", failed(), "done | fails: the guest trapped: unreachable"),
        (
            "fails = \"out of fuel\"",
            failed(),
            "fails: … out of fuel … | fails: the guest trapped: unreachable",
        ),
        ("fails = \"trapped\"", Ending::Done, "fails: … trapped … | done"),
        (
            "refuses = \"trapped\"",
            failed(),
            "refuses: … trapped … | fails: the guest trapped: unreachable",
        ),
    ] {
        check(lines, Vec::new(), ending, &format!("step 1, line 2: how it ended\n  {row}\n"));
    }
}

#[test]
fn what_was_not_reached_and_not_asked_for_is_told() {
    let mut record = record(Vec::new(), Ending::Done);
    record.unasked.push("the `[[http]]` on line 9".to_owned());
    record.steps.pop();
    assert_eq!(
        told(&script(""), &record),
        "step 1, line 2: whether it came\n  to be reached | the agent did not begin\n\
         step 1, line 2: answers that nobody asked for\n  the `[[http]]` on line 9 | nothing\n"
    );
}
