//! Starting, calling, dropping.

use std::task::{Context, Poll, Waker};

use bottega_manifest::World;
use bottega_sandbox_wasm::{Description, Fault, Handled, StartError};

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, echo_tool, engine, manifest};

#[tokio::test]
async fn a_guest_may_refuse_to_start() {
    let guest = engine().agent(&TextAgent::default().wasm(), manifest(World::Agent, "")).unwrap();
    let error = guest.start(SampleHost::default().provision(), "!no").await.unwrap_err();
    assert!(matches!(error, StartError::Refused(why) if why == "!no"));
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_the_instance_goes_on() {
    let agent = TextAgent {
        handle: "(call $say (local.get $ptr) (local.get $len))",
        ..TextAgent::default()
    };
    let guest = engine().agent(&agent.wasm(), manifest(World::Agent, "")).unwrap();
    let mut agent = guest.start(SampleHost::default().provision(), "").await.unwrap();
    for message in ["one", "two", "äöü"] {
        assert_eq!(agent.handle(message).await, Ok(Handled::Refused(message.to_owned())));
    }
}

#[tokio::test]
async fn a_call_that_was_dropped_half_way_ends_the_instance() {
    let imports = r#"(import "bottega:guest/send@0.1.0" "send" (func $send (param i32 i32 i32)))"#;
    let handle = "(call $send (local.get $ptr) (local.get $len) (i32.const 64)) (call $ok)";
    let wasm = TextAgent { imports, handle, ..TextAgent::default() }.wasm();
    let guest =
        engine().agent(&wasm, manifest(World::Agent, "[capabilities]\nsend = true")).unwrap();
    let host = SampleHost::default();
    let mut agent = guest.start(host.provision(), "").await.unwrap();
    {
        let mut call = std::pin::pin!(agent.handle("forever"));
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Pending);
    }
    assert_eq!(host.asked(), ["send forever"]);
    assert_eq!(agent.handle("hello").await, Err(Fault::Ended));
}

#[tokio::test]
async fn each_call_of_a_tool_meets_a_fresh_instance() {
    let guest = engine().tool(&echo_tool(), manifest(World::Tool, "")).unwrap();
    let described = Description {
        name: "echo".to_owned(),
        about: "gives back its arguments".to_owned(),
        schema: "{}".to_owned(),
    };
    assert_eq!(guest.describe().await, Ok(described));
    let host = SampleHost::default();
    for arguments in ["{}", "{\"a\": 1}"] {
        let answer = guest.call(host.provision(), arguments).await;
        assert_eq!(answer, Ok(Ok(arguments.to_owned())));
    }
    assert_eq!(guest.call(host.provision(), "!").await, Ok(Err("!".to_owned())));
}
