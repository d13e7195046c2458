//! Each capability: granted it works, else the guest does not load.

use bottega_manifest::{Capability, World};
use bottega_sandbox_wasm::{Engine, Handled, LoadError, Options};
use bottega_types::{Entropy, ManualClock, Timestamp};
use std::sync::Arc;

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, engine, manifest};

/// One guest that uses one capability, and what it says then.
struct Use {
    capability: Capability,
    grant: &'static str,
    imports: &'static str,
    handle: &'static str,
    said: Handled,
    asked: &'static [&'static str],
}

fn said(text: &str) -> Handled {
    Handled::Refused(text.to_owned())
}

/// Draws the same number every time.
struct Seven;

impl Entropy for Seven {
    fn bits(&self) -> u64 {
        7
    }
}

fn uses() -> Vec<Use> {
    vec![
        Use {
            capability: Capability::Send,
            grant: "send = true",
            imports: r#"(import "bottega:guest/send@0.1.0" "send" (func $send (param i32 i32 i32)))"#,
            handle: "(call $send (local.get $ptr) (local.get $len) (i32.const 64)) (call $told (i32.const 0))",
            said: Handled::Done,
            asked: &["send hello"],
        },
        Use {
            capability: Capability::Directory,
            grant: "directory = true",
            imports: r#"(import "bottega:guest/directory@0.1.0" "search" (func $search (param i32 i32 i32)))"#,
            // The second entry of the list.
            handle: "(call $search (local.get $ptr) (local.get $len) (i32.const 64))
                (call $say (i32.load offset=8 (i32.load (i32.const 68))) (i32.load offset=12 (i32.load (i32.const 68))))",
            said: said("jones"),
            asked: &["search hello"],
        },
        Use {
            capability: Capability::KeyValue,
            grant: "key-value = true",
            imports: r#"(import "bottega:guest/key-value@0.1.0" "get" (func $get (param i32 i32 i32)))
                (import "bottega:guest/key-value@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
                (import "bottega:guest/key-value@0.1.0" "delete" (func $delete (param i32 i32 i32)))"#,
            handle: "(call $set (local.get $ptr) (local.get $len) (local.get $ptr) (local.get $len) (i32.const 64))
                (call $delete (local.get $ptr) (local.get $len) (i32.const 64))
                (call $get (local.get $ptr) (local.get $len) (i32.const 64))
                (call $say (i32.load (i32.const 72)) (i32.load (i32.const 76)))",
            said: said("value"),
            asked: &["set hello Some(\"hello\")", "set hello None", "get hello"],
        },
        Use {
            capability: Capability::Log,
            grant: "log = true",
            imports: r#"(import "bottega:guest/log@0.1.0" "write" (func $write (param i32 i32 i32)))"#,
            handle: "(call $write (i32.const 2) (local.get $ptr) (local.get $len)) (call $ok)",
            said: Handled::Done,
            asked: &["log Warn hello"],
        },
        Use {
            capability: Capability::Clock,
            grant: "clock = true",
            imports: r#"(import "bottega:guest/clock@0.1.0" "now" (func $now (result i64)))"#,
            handle: "(if (i64.ne (call $now) (i64.const 1234)) (then unreachable)) (call $ok)",
            said: Handled::Done,
            asked: &[],
        },
        Use {
            capability: Capability::Random,
            grant: "random = true",
            imports: r#"(import "bottega:guest/random@0.1.0" "bits" (func $bits (result i64)))"#,
            handle: "(if (i64.ne (call $bits) (i64.const 7)) (then unreachable)) (call $ok)",
            said: Handled::Done,
            asked: &[],
        },
        Use {
            capability: Capability::Http,
            grant: "http = [\"api.example.org\"]",
            imports: r#"(import "bottega:guest/http@0.1.0" "fetch"
                (func $fetch (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
                (data (i32.const 1024) "GEThttps://api.example.org/a")"#,
            handle: "(call $fetch (i32.const 1024) (i32.const 3) (i32.const 1027) (i32.const 25) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64))
                (if (i32.ne (i32.load16_u (i32.const 68)) (i32.const 204)) (then unreachable)) (call $ok)",
            said: Handled::Done,
            asked: &["fetch GET https://api.example.org/a"],
        },
        Use {
            capability: Capability::Model,
            grant: "model = { tokens = 2000 }",
            imports: r#"(import "bottega:guest/model@0.1.0" "ask"
                (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
                (import "bottega:guest/model@0.1.0" "remaining" (func $remaining (result i64)))"#,
            handle: "(call $ask (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (local.get $ptr) (local.get $len) (i32.const 100) (i32.const 64))
                (if (i64.ne (call $remaining) (i64.const 1910)) (then unreachable))
                (call $say (i32.load (i32.const 72)) (i32.load (i32.const 76)))",
            said: said("yes"),
            asked: &["ask hello within 1161"],
        },
        Use {
            capability: Capability::Tools,
            grant: "tools = [\"grep\"]",
            imports: r#"(import "bottega:guest/tools@0.1.0" "call" (func $call (param i32 i32 i32 i32 i32)))
                (data (i32.const 1024) "grep")"#,
            handle: "(call $call (i32.const 1024) (i32.const 4) (local.get $ptr) (local.get $len) (i32.const 64))
                (call $say (i32.load (i32.const 68)) (i32.load (i32.const 72)))",
            said: said("found"),
            asked: &["call grep hello"],
        },
        Use {
            capability: Capability::Files,
            grant: "files = { folder = \"notes\" }",
            imports: r#"(import "bottega:guest/files@0.1.0" "read" (func $read (param i32 i32 i32)))"#,
            handle: "(call $read (local.get $ptr) (local.get $len) (i32.const 64)) (call $told (i32.const 4))",
            // Of the other ways to use files there are tests of their own.
            said: said("this host set no folder aside for the guest"),
            asked: &[],
        },
    ]
}

fn engine_of_the_sample() -> Engine {
    Engine::new(Options {
        instances: 32,
        clock: Arc::new(ManualClock::new(Timestamp::from_millis(1234))),
        entropy: Arc::new(Seven),
        ..Options::default()
    })
    .unwrap()
}

#[tokio::test]
async fn every_capability_works_when_it_is_granted() {
    let engine = engine_of_the_sample();
    for Use { capability, grant, imports, handle, said, asked } in uses() {
        let wasm = TextAgent { imports, handle, ..TextAgent::default() }.wasm();
        let manifest = manifest(World::Agent, &format!("[capabilities]\n{grant}"));
        let host = SampleHost::default();
        let guest = engine.agent(&wasm, manifest).unwrap();
        let mut agent = guest.start(host.provision(), "").await.unwrap();
        assert_eq!(agent.handle("hello").await, Ok(said), "{capability}");
        assert_eq!(host.asked(), asked, "{capability}");
    }
    assert!(
        Capability::ALL.iter().all(|known| uses().iter().any(|used| used.capability == *known))
    );
}

#[test]
fn no_capability_is_there_unless_it_is_granted_by_its_name() {
    let engine = engine();
    let everything_but = |capability: Capability| {
        let others = Capability::ALL.into_iter().filter(|other| *other != capability);
        others.fold("[capabilities]\n".to_owned(), |lines, other| lines + other.line() + "\n")
    };
    for Use { capability, imports, handle, .. } in uses() {
        let wasm = TextAgent { imports, handle, ..TextAgent::default() }.wasm();
        let manifest = manifest(World::Agent, &everything_but(capability));
        let error = engine.agent(&wasm, manifest).unwrap_err();
        assert!(
            matches!(error, LoadError::Ungranted { capability: named } if named == capability),
            "{error}"
        );
        let line = format!("add `{}` below [capabilities]", capability.line());
        assert!(error.to_string().contains(&line), "{error}");
    }
}

async fn check(used: Capability, grant: &str, changed: (&str, &str), expected: &str) {
    let found = uses().into_iter().find(|row| row.capability == used).unwrap();
    let Use { imports, handle, .. } = found;
    let (imports, handle) =
        (imports.replace(changed.0, changed.1), handle.replace(changed.0, changed.1));
    let wasm = TextAgent { imports: &imports, handle: &handle, ..TextAgent::default() }.wasm();
    let manifest = manifest(World::Agent, &format!("[capabilities]\n{grant}"));
    let guest = engine().agent(&wasm, manifest).unwrap();
    let host = SampleHost::default();
    let mut agent = guest.start(host.provision(), "").await.unwrap();
    assert_eq!(agent.handle("hello").await, Ok(said(expected)));
    assert_eq!(host.asked(), [""; 0], "the host is not asked");
}

const TOLD: &str = "(call $told (i32.const 0))";

#[tokio::test]
async fn only_listed_hosts_are_asked_for() {
    let refused =
        "(if (i32.ne (i32.load16_u (i32.const 68)) (i32.const 204)) (then unreachable)) (call $ok)";
    let refused = (refused, "(call $told (i32.const 4))");
    check(
        Capability::Http,
        "http = [\"*.example.org:8443\"]",
        refused,
        "api.example.org:443 was not granted",
    )
    .await;
    check(
        Capability::Http,
        "http = [\"example.org\"]",
        refused,
        "api.example.org:443 was not granted",
    )
    .await;
}

#[tokio::test]
async fn only_listed_tools_are_called() {
    let say = "(call $say (i32.load (i32.const 68)) (i32.load (i32.const 72)))";
    let expected = "the tool `grep` was not granted; granted: sed";
    check(Capability::Tools, "tools = [\"sed\"]", (say, "(call $told (i32.const 4))"), expected)
        .await;
}

#[tokio::test]
async fn a_refusal_of_the_host_is_an_answer() {
    let sends = &uses()[0];
    let handle = sends.handle.replace(TOLD, "(call $told (i32.const 4))");
    let wasm = TextAgent { imports: sends.imports, handle: &handle, ..TextAgent::default() }.wasm();
    let guest =
        engine().agent(&wasm, manifest(World::Agent, "[capabilities]\nsend = true")).unwrap();
    let mut agent = guest.start(SampleHost::default().provision(), "").await.unwrap();
    assert_eq!(agent.handle("nobody").await, Ok(said("nobody of that name")));
    assert_eq!(agent.handle("hello").await, Ok(Handled::Done));
}

#[tokio::test]
async fn a_budget_for_models_is_never_overrun() {
    let row = uses().into_iter().find(|row| row.capability == Capability::Model).unwrap();
    let handle = "(call $ask (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (local.get $ptr) (local.get $len) (i32.const 100) (i32.const 64))
        (if (result i32) (i32.load8_u (i32.const 64))
            (then (call $say (i32.load (i32.const 76)) (i32.load (i32.const 80))))
            (else (call $ok)))";
    let wasm = TextAgent { imports: row.imports, handle, ..TextAgent::default() }.wasm();
    let manifest = manifest(World::Agent, "[capabilities]\nmodel = { tokens = 200 }");
    let guest = engine().agent(&wasm, manifest).unwrap();
    let host = SampleHost::default();
    let mut first = guest.start(host.provision(), "").await.unwrap();
    assert_eq!(first.handle("one").await, Ok(Handled::Done));
    assert_eq!(first.handle("two").await, Ok(Handled::Done));
    drop(first);
    // A new instance gets no new budget.
    let mut second = guest.start(host.provision(), "").await.unwrap();
    assert_eq!(second.handle("three").await, Ok(Handled::Done));
    assert_eq!(second.handle("four").await, Ok(said("the budget for models is used up")));
    let within = ["ask one within 200", "ask two within 110", "ask three within 20"];
    assert_eq!(host.asked(), within);
    assert_eq!(guest.budget().left().get(), 0);
}
