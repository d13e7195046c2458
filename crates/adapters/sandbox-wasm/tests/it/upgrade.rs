//! Another version in the place of a running one.

use bottega_manifest::{Manifest, World};
use bottega_sandbox_wasm::{AgentGuest, Fault, Handled, UpgradeError};

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, engine, manifest};

/// Counts its messages by `step` and says how many there were, as one byte.
fn counter(version: &str, step: u32, restore: &str) -> AgentGuest {
    let handle = format!(
        "(i32.store8 (i32.const 512) (i32.add (i32.load8_u (i32.const 512)) (i32.const {step})))
        (call $say (i32.const 512) (i32.const 1))"
    );
    let agent = TextAgent {
        items: "(data (i32.const 512) \"0\")",
        handle: &handle,
        save: "(drop (call $say (i32.const 512) (i32.const 1))) (i32.store8 (i32.const 16) (i32.const 0)) (i32.const 16)",
        restore,
        ..TextAgent::default()
    };
    let manifest = Manifest { version: version.parse().unwrap(), ..manifest(World::Agent, "") };
    engine().agent(&agent.wasm(), manifest).unwrap()
}

const TAKE: &str = "(i32.store8 (i32.const 512) (i32.load8_u (local.get $state))) (call $ok)";

fn said(text: &str) -> Result<Handled, Fault> {
    Ok(Handled::Refused(text.to_owned()))
}

#[tokio::test]
async fn an_upgrade_keeps_the_state_and_a_rollback_restores_it() {
    let (old, new) = (counter("1.0.0", 1, TAKE), counter("2.0.0", 3, TAKE));
    let mut agent = old.start(SampleHost::default().provision(), "").await.unwrap();
    assert_eq!(agent.handle("go").await, said("1"));
    let rollback = agent.upgrade(&new).await.unwrap();
    assert_eq!(agent.guest().manifest().version.to_string(), "2.0.0");
    assert_eq!(agent.handle("go").await, said("4"));
    assert_eq!(rollback.version().to_string(), "1.0.0");
    agent.roll_back(&rollback).await.unwrap();
    assert_eq!(agent.handle("go").await, said("2"), "as it was before the upgrade");
}

#[tokio::test]
async fn the_way_back_is_open_after_the_new_version_trapped() {
    let (old, new) = (counter("1.0.0", 1, TAKE), counter("2.0.0", 3, TAKE));
    let broken = TextAgent { handle: "unreachable", restore: TAKE, ..TextAgent::default() };
    let broken = engine().agent(&broken.wasm(), manifest(World::Agent, "")).unwrap();
    let mut agent = old.start(SampleHost::default().provision(), "").await.unwrap();
    agent.upgrade(&new).await.unwrap();
    assert_eq!(agent.handle("go").await, said("3"));
    let rollback = agent.upgrade(&broken).await.unwrap();
    assert!(matches!(agent.handle("go").await, Err(Fault::Trapped { .. })));
    agent.roll_back(&rollback).await.unwrap();
    assert_eq!(agent.handle("go").await, said("6"));
}

#[tokio::test]
async fn a_version_that_can_not_take_over_leaves_the_old_one_running() {
    let old = counter("1.0.0", 1, TAKE);
    let mut agent = old.start(SampleHost::default().provision(), "").await.unwrap();
    let refusing = counter("2.0.0", 3, "(call $say (local.get $version) (local.get $version_len))");
    let error = agent.upgrade(&refusing).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the new version did not take over: the guest can't take over the state of version 1.0.0: 1.0.0"
    );
    let trapping = counter("2.0.0", 3, "unreachable");
    assert!(matches!(agent.upgrade(&trapping).await, Err(UpgradeError::New(_))));
    assert_eq!(agent.handle("go").await, said("1"));
}

#[tokio::test]
async fn an_agent_that_keeps_its_state_is_not_upgraded() {
    let silent = engine().agent(&TextAgent::default().wasm(), manifest(World::Agent, "")).unwrap();
    let mut agent = silent.start(SampleHost::default().provision(), "").await.unwrap();
    let error = agent.upgrade(&counter("2.0.0", 3, TAKE)).await.unwrap_err();
    assert!(matches!(error, UpgradeError::NotSaved(_)), "{error}");
    assert_eq!(agent.handle("go").await, Ok(Handled::Done));
}
