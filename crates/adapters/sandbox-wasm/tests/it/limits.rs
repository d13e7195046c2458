//! Going over a limit ends that instance, says which limit it was, and nothing else happens.

use bottega_manifest::{Period, Size, World};
use bottega_sandbox_wasm::{AgentGuest, Fault, Handled, StartError};

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, engine, manifest};

const FOREVER: &str = "(loop $again (br $again)) (call $ok)";
const LOG: &str = r#"(import "bottega:guest/log@0.1.0" "write" (func $write (param i32 i32 i32)))"#;
const SEND: &str = r#"(import "bottega:guest/send@0.1.0" "send" (func $send (param i32 i32 i32)))"#;

fn guest(agent: TextAgent<'_>, lines: &str) -> AgentGuest {
    engine().agent(&agent.wasm(), manifest(World::Agent, lines)).unwrap()
}

/// A guest with that handling ends with that fault; its sister, another instance, lives on.
async fn check(agent: TextAgent<'_>, lines: &str, message: &str, expected: Fault) {
    // A message of one byte is always handled, so that the sister can be asked.
    let handle = format!(
        "(if (result i32) (i32.eq (local.get $len) (i32.const 1))
            (then (call $ok)) (else {}))",
        agent.handle
    );
    let guest = guest(TextAgent { handle: &handle, ..agent }, lines);
    let host = SampleHost::default();
    let mut sister = guest.start(host.provision(), "").await.unwrap();
    let mut agent = guest.start(host.provision(), "").await.unwrap();
    assert_eq!(agent.handle("x").await, Ok(Handled::Done));
    assert_eq!(agent.handle(message).await, Err(expected));
    assert!(agent.has_ended());
    assert_eq!(agent.handle("x").await, Err(Fault::Ended));
    assert_eq!(agent.save().await, Err(Fault::Ended));
    assert_eq!(sister.handle("x").await, Ok(Handled::Done));
}

#[tokio::test]
async fn a_runaway_loop_is_ended_by_fuel() {
    let agent = TextAgent { handle: FOREVER, ..TextAgent::default() };
    check(agent, "[limits]\nfuel = 100000", "go", Fault::OutOfFuel { most: 100_000 }).await;
}

#[tokio::test]
async fn a_runaway_loop_is_ended_by_epochs() {
    let agent = TextAgent { handle: FOREVER, ..TextAgent::default() };
    let lines = format!("[limits]\nfuel = {}\ncompute = \"20ms\"", i64::MAX);
    let most: Period = "20ms".parse().unwrap();
    check(agent, &lines, "go", Fault::OutOfCompute { most }).await;
}

/// Twenty waits of more than a tick each, and next to nothing computed between them.
#[tokio::test]
async fn waiting_for_the_host_is_not_computing() {
    let handle = "(loop $again
            (call $send (local.get $ptr) (local.get $len) (i32.const 64))
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (global.get $n) (i32.const 20))))
        (call $ok)";
    let items = "(global $n (mut i32) (i32.const 0))";
    let agent = TextAgent { imports: SEND, items, handle, ..TextAgent::default() };
    let guest = guest(agent, "[limits]\ncompute = \"20ms\"\n[capabilities]\nsend = true");
    let host = SampleHost::default();
    let mut agent = guest.start(host.provision(), "").await.unwrap();
    assert_eq!(agent.handle("slow").await, Ok(Handled::Done));
    assert_eq!(host.asked().len(), 20);
}

#[tokio::test]
async fn a_runaway_loop_is_ended_by_its_deadline() {
    let agent = TextAgent { handle: FOREVER, ..TextAgent::default() };
    let lines = format!("[limits]\nfuel = {}\ncompute = \"1h\"\ndeadline = \"20ms\"", i64::MAX);
    let most: Period = "20ms".parse().unwrap();
    check(agent, &lines, "go", Fault::PastDeadline { most }).await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_answers_is_not_waited_for_past_the_deadline() {
    let agent = TextAgent {
        imports: SEND,
        handle: "(call $send (local.get $ptr) (local.get $len) (i32.const 64)) (call $ok)",
        ..TextAgent::default()
    };
    let most = Period::seconds(3600);
    let lines = "[capabilities]\nsend = true\n[limits]\ndeadline = \"1h\"";
    check(agent, lines, "forever", Fault::PastDeadline { most }).await;
}

#[tokio::test]
async fn others_get_their_turn_while_a_guest_runs_away() {
    let agent = TextAgent { handle: FOREVER, ..TextAgent::default() };
    let lines = format!("[limits]\nfuel = {}\ncompute = \"50ms\"", i64::MAX);
    let runaway = guest(agent, &lines);
    let quick = guest(TextAgent::default(), "");
    let host = SampleHost::default();
    let mut runaway = runaway.start(host.provision(), "").await.unwrap();
    let mut quick = quick.start(host.provision(), "").await.unwrap();
    // One thread serves both; the first to end is the quick one although it came second.
    tokio::select! {
        biased;
        _ = runaway.handle("go") => panic!("the runaway guest held the thread to its end"),
        handled = quick.handle("go") => assert_eq!(handled, Ok(Handled::Done)),
    }
    assert!(runaway.has_ended(), "its call was dropped half-way");
}

#[tokio::test]
async fn a_bomb_of_memory_ends_its_instance() {
    let agent = TextAgent {
        handle: "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
        ..TextAgent::default()
    };
    let lines = "[limits]\nmemory = \"8MiB\"";
    check(agent, lines, "go", Fault::OutOfMemory { most: Size::mebibytes(8) }).await;
}

#[tokio::test]
async fn a_guest_that_begins_with_too_much_memory_does_not_start() {
    let guest =
        guest(TextAgent { pages: 32, ..TextAgent::default() }, "[limits]\nmemory = \"1MiB\"");
    let error = guest.start(SampleHost::default().provision(), "").await.unwrap_err();
    let most = Size::mebibytes(1);
    assert!(
        matches!(error, StartError::Fault(Fault::OutOfMemory { most: told }) if told == most),
        "{error}"
    );
}

#[tokio::test]
async fn a_bomb_of_output_ends_its_instance() {
    let lines = "[capabilities]\nlog = true\nsend = true\n[limits]\noutput = \"16KiB\"";
    let most = Size(16 << 10);
    let answer = "(call $say (i32.const 4096) (i32.const 100000))";
    let line = "(call $write (i32.const 0) (i32.const 4096) (i32.const 17000)) (call $ok)";
    let message = "(call $send (i32.const 4096) (i32.const 100000) (i32.const 64)) (call $ok)";
    for handle in [answer, line, message] {
        let imports = &format!("{LOG} {SEND}");
        let agent = TextAgent { imports, handle, pages: 4, ..TextAgent::default() };
        check(agent, lines, "go", Fault::TooMuchOutput { most }).await;
    }
}

#[tokio::test]
async fn a_length_that_leads_out_of_memory_is_a_trap() {
    let agent = TextAgent {
        handle: "(call $say (i32.const 4096) (i32.const 0x7fffffff))",
        ..TextAgent::default()
    };
    let why = "string pointer/length out of bounds of memory".to_owned();
    check(agent, "", "go", Fault::Trapped { why }).await;
}

#[tokio::test]
async fn a_guest_that_calls_its_host_without_end_is_ended() {
    let handle = "(loop $again (call $write (i32.const 0) (i32.const 0) (i32.const 0)) (br $again)) (call $ok)";
    let agent = TextAgent { imports: LOG, handle, ..TextAgent::default() };
    let lines = "[capabilities]\nlog = true\n[limits]\ncalls = 10";
    check(agent, lines, "go", Fault::TooManyCalls { most: 10 }).await;
}

#[tokio::test]
async fn a_trap_ends_that_instance_only_and_says_where() {
    let items = "(func $deep unreachable) (func $less (call $deep))";
    let agent = TextAgent { items, handle: "(call $less) (call $ok)", ..TextAgent::default() };
    let why = "wasm `unreachable` instruction executed, in `deep` < `less` < `handle`".to_owned();
    check(agent, "", "go", Fault::Trapped { why }).await;
}

#[tokio::test]
async fn a_recursion_that_is_too_deep_ends_its_instance() {
    let items = "(func $deep (param i32) (result i32)
        (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))";
    let agent = TextAgent {
        items,
        handle: "(drop (call $deep (i32.const 0))) (call $ok)",
        ..TextAgent::default()
    };
    check(agent, "", "go", Fault::StackExhausted).await;
}
