//! Ten thousand at once.

use bottega_manifest::World;
use bottega_sandbox_wasm::{Engine, Fault, Handled, Options, StartError};

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, manifest};

#[tokio::test]
async fn ten_thousand_live_and_one_more_is_told_that_there_is_no_room() {
    let engine = Engine::new(Options::default()).unwrap();
    let guest = engine.agent(&TextAgent::default().wasm(), manifest(World::Agent, "")).unwrap();
    let host = SampleHost::default();
    let mut agents = Vec::new();
    for _ in 0..10_000 {
        agents.push(guest.start(host.provision(), "").await.unwrap());
    }
    let error = guest.start(host.provision(), "").await.unwrap_err();
    assert!(matches!(error, StartError::Fault(Fault::NoRoom { most: 10_000 })), "{error}");
    for agent in &mut agents {
        assert_eq!(agent.handle("hello").await, Ok(Handled::Done));
    }
    // Whoever goes makes room.
    drop(agents.pop());
    guest.start(host.provision(), "").await.unwrap();
}
