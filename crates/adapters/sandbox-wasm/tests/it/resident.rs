//! A guest as its agency sees it: told letters, with an office.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::{Aid, Message, Performative};
use bottega_behaviour::{Guest, Letter, Office, Undelivered, Unsent};
use bottega_manifest::World;
use bottega_types::Timestamp;

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, engine, manifest};

/// An office that nobody answers, and from which nobody of the name `operator` is reached.
struct Desk(Aid);

#[async_trait]
impl Office for Desk {
    fn me(&self) -> &Aid {
        &self.0
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }

    async fn send(&self, message: Message) -> Result<(), Unsent> {
        let all = message.receivers.as_slice();
        match all.iter().find(|one| one.name().local() == "operator") {
            Some(nobody) => Err(Unsent::Undelivered(vec![(nobody.clone(), Undelivered::Unknown)])),
            None => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_guest_reads_the_name_and_the_attempt_of_a_durable_message() {
    let imports = r#"(import "bottega:guest/send@0.1.0" "send" (func $send (param i32 i32 i32)))"#;
    let handle = "(call $send (local.get $ptr) (local.get $len) (i32.const 64)) (call $ok)";
    let wasm = TextAgent { imports, handle, ..TextAgent::default() }.wasm();
    let guest =
        engine().agent(&wasm, manifest(World::Agent, "[capabilities]\nsend = true")).unwrap();
    let host = SampleHost::default();
    let home = Path::new("/nonexistent");
    let mut resident = Guest::resident(&guest, Arc::new(host.clone()), home, "");
    let office = Desk("sample@here".parse().unwrap());
    resident.begin(&office).await.unwrap();
    let id = "msg_01arz3ndektsv4rrffq69g5fav";
    for (id, attempt) in [(Some(id), 1), (Some(id), 2), (None, 1)] {
        let id = id.map(|id| id.parse().unwrap());
        let message = Message::new(Performative::Inform).about("news");
        resident.hear(&Letter { id, attempt, message }, &office).await.unwrap();
    }
    let told = |parameters: &str| {
        format!(r#"send {{"performative":"inform","content":"news"{parameters}}}"#)
    };
    let named = |attempt: u32| told(&format!(r#","X-message-id":"{id}","X-attempt":"{attempt}""#));
    assert_eq!(host.asked(), [named(1), named(2), told("")]);
}

#[tokio::test]
async fn a_refusal_that_reaches_nobody_stands_in_the_agents_log() {
    // It refuses each message with itself.
    let handle = "(call $say (local.get $ptr) (local.get $len))";
    let wasm = TextAgent { handle, ..TextAgent::default() }.wasm();
    let guest = engine().agent(&wasm, manifest(World::Agent, "")).unwrap();
    let host = SampleHost::default();
    let mut resident =
        Guest::resident(&guest, Arc::new(host.clone()), Path::new("/nonexistent"), "");
    let office = Desk("sample@here".parse().unwrap());
    resident.begin(&office).await.unwrap();
    for sender in ["smith@here", "operator@here"] {
        let message = Message::new(Performative::Request).from(sender.parse::<Aid>().unwrap());
        let letter = Letter { id: None, attempt: 1, message };
        resident.hear(&letter, &office).await.unwrap();
    }
    let asked = host.asked();
    let [line] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(line.starts_with("log Warn refused, and nobody was told: {"), "{line}");
    assert!(
        line.ends_with("(not delivered to operator@here: no agent of this name is known here)"),
        "{line}"
    );
}
