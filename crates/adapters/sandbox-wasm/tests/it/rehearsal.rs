//! An agent plays a script: what happens is noted, held against the script, and the same each time.

use bottega_manifest::World;
use bottega_rehearsal::{Ending, Record, Script};
use bottega_sandbox_wasm::{Options, Rehearsal};

use crate::text_guest::{TextAgent, manifest};

const SEND: &str = r#"(import "bottega:guest/send@0.1.0" "send" (func $send (param i32 i32 i32)))"#;
const CLOCK: &str = r#"(import "bottega:guest/clock@0.1.0" "now" (func $now (result i64)))"#;
const RANDOM: &str = r#"(import "bottega:guest/random@0.1.0" "bits" (func $bits (result i64)))"#;
const MODEL: &str =
    r#"(import "bottega:guest/model@0.1.0" "remaining" (func $remaining (result i64)))"#;
const HEAR: &str = "[[steps]]\nadvance = \"1s\"\nhear = { performative = \"request\", sender = \"ada@local\", receiver = \"sample@local\", content = \"Ada\" }\n";

/// Sends the message back as it came.
const ECHO: &str =
    "(call $send (local.get $ptr) (local.get $len) (i32.const 64)) (call $told (i32.const 4))";

fn rehearsal(agent: TextAgent<'_>, lines: &str) -> Rehearsal {
    let options = Options { instances: 4, ..Options::default() };
    let name = "sample@local".parse().unwrap();
    Rehearsal::load(options, name, &agent.wasm(), manifest(World::Agent, lines)).unwrap()
}

async fn play(agent: TextAgent<'_>, lines: &str, steps: &str) -> (Script, Record) {
    let script = Script::parse(&format!("name = \"plays\"\nseed = 7\n{steps}")).unwrap();
    let record = rehearsal(agent, lines).play(&script).await.unwrap();
    (script, record)
}

fn echo() -> TextAgent<'static> {
    TextAgent { imports: SEND, handle: ECHO, ..TextAgent::default() }
}

#[tokio::test]
async fn an_agent_that_does_what_is_expected_passes() {
    let says =
        "says = [{ performative = \"request\", sender = \"sample@local\", content = \"Ada\" }]\n";
    let steps = format!("{HEAR}{says}");
    let (script, record) = play(echo(), "[capabilities]\nsend = true", &steps).await;
    assert_eq!(script.compare(&record), []);
    assert_eq!(record.steps[1].at, "2026-01-01T00:00:01.000Z");
}

#[tokio::test]
async fn an_agent_that_does_something_else_differs() {
    let says = "says = [{ performative = \"inform\", content = \"Ada\" }]\n";
    let steps = format!("{HEAR}{says}");
    let (script, record) = play(echo(), "[capabilities]\nsend = true", &steps).await;
    let differences = script.compare(&record);
    assert_eq!(differences.len(), 1);
    assert_eq!(
        (differences[0].step, differences[0].line, differences[0].what),
        (1, 3, "what it says")
    );
    let row = &differences[0].rows[0];
    assert_eq!(row.expected.as_deref(), Some("inform: \"Ada\""));
    assert_eq!(row.found.as_deref(), Some("request to sample@local: \"Ada\""));
}

#[tokio::test]
async fn an_agent_that_traps_is_begun_anew_for_the_next_step() {
    let agent = TextAgent { handle: "unreachable", ..TextAgent::default() };
    let (script, record) =
        play(agent, "", &format!("{HEAR}fails = \"`unreachable`\"\n{HEAR}fails = \"trapped\""))
            .await;
    assert_eq!(script.compare(&record), []);
    let (script, record) = play(agent, "", HEAR).await;
    assert_eq!(script.compare(&record)[0].what, "how it ended");
}

#[tokio::test]
async fn fuel_holds_here_too() {
    let handle = "(loop $again (br $again)) (call $ok)";
    let agent = TextAgent { handle, ..TextAgent::default() };
    let steps = format!("{HEAR}fails = \"used up its 100000 units of fuel\"");
    let (script, record) = play(agent, "[limits]\nfuel = 100000", &steps).await;
    assert_eq!(script.compare(&record), [], "{record:?}");
}

#[tokio::test]
async fn an_agent_that_does_not_begin_hears_nothing() {
    let steps = format!("config = \"no\"\n[begin]\nrefuses = \"!\"\n{HEAR}");
    // A config that begins with `!` is refused; as JSON a text begins with a quote, so the agent itself says no.
    let (script, record) = play(TextAgent::default(), "", &steps).await;
    assert_eq!(record.steps[0].ending, Ending::Done);
    assert_eq!(script.compare(&record)[0].what, "how it ended");
    let pages = TextAgent { pages: 32, ..TextAgent::default() };
    let steps = format!("[begin]\nfails = \"of memory\"\n{HEAR}");
    let (script, record) = play(pages, "[limits]\nmemory = \"1MiB\"", &steps).await;
    assert_eq!(record.steps.len(), 1);
    assert_eq!(script.compare(&record)[0].what, "whether it came");
}

#[tokio::test]
async fn what_was_saved_is_taken_over_between_two_messages() {
    let items = "(global $heard (mut i32) (i32.const 0))";
    let handle =
        "(if (global.get $heard) (then unreachable)) (global.set $heard (i32.const 1)) (call $ok)";
    let save = "(drop (call $say (i32.const 0) (i32.const 0))) (i32.store8 (i32.const 16) (i32.const 0)) (i32.const 16)";
    let agent = TextAgent { items, handle, save, ..TextAgent::default() };
    let upgraded = HEAR.replace("advance", "upgrade = true\nadvance");
    let (script, record) = play(agent, "", &format!("{HEAR}{upgraded}")).await;
    assert_eq!(script.compare(&record), [], "{record:?}");
    let (_, record) = play(agent, "", &format!("{HEAR}{HEAR}")).await;
    assert!(matches!(record.steps[2].ending, Ending::Failed(_)), "{record:?}");
}

#[tokio::test]
async fn the_same_script_and_agent_give_the_same_record() {
    let imports = &format!("{SEND}{CLOCK}{RANDOM}{MODEL}");
    let handle = &format!("(drop (call $now)) (drop (call $bits)) (drop (call $remaining)) {ECHO}");
    let agent = TextAgent { imports, handle, ..TextAgent::default() };
    let lines =
        "[capabilities]\nsend = true\nclock = true\nrandom = true\nmodel = { tokens = 100 }";
    let script = |seed: u32| {
        Script::parse(&format!("name = \"plays\"\nseed = {seed}\n{HEAR}asks = [\"clock\", \"random\"]\nsays = [{{}}]\n{HEAR}")).unwrap()
    };
    let mut one = rehearsal(agent, lines);
    let first = one.play(&script(7)).await.unwrap();
    assert_eq!(script(7).compare(&first).len(), 1, "the second step expects silence: {first:?}");
    assert_eq!(one.play(&script(7)).await.unwrap(), first, "in the same process");
    assert_eq!(rehearsal(agent, lines).play(&script(7)).await.unwrap(), first, "in another");
    assert_ne!(one.play(&script(8)).await.unwrap(), first, "another seed");
}
