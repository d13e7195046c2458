//! Forks, and undo in them.

use bottega_behaviour::{Input, Refusal};
use bottega_platform::PlatformError;
use bottega_policy::AccessMode;

use crate::world::{World, rerouted};

#[tokio::test]
async fn a_fork_takes_the_model_of_its_moment() {
    let world = World::new([]);
    let handle = world.begin().await;
    let session = handle.session();
    world.work(&handle, "say 1").await;
    let before = world.history(session).await.len() as u64;
    handle.input(Input::Reroute(rerouted("second"))).await.unwrap();
    world.work(&handle, "say 1").await;
    let route = async |session| world.platform.started(session).await.unwrap().model.route;
    assert_eq!(route(session).await, "second");

    let early = world.platform.fork(session, Some(before)).await.unwrap();
    assert_eq!(route(early).await, "first");
    let late = world.platform.fork(session, None).await.unwrap();
    assert_eq!(route(late).await, "second");
    // What happens to the parent later is nothing to its forks, and a fork goes its own way.
    handle.input(Input::Reroute(rerouted("third"))).await.unwrap();
    let fork = world.reopen(early).await;
    fork.input(Input::Reroute(rerouted("fourth"))).await.unwrap();
    assert_eq!((route(early).await.as_str(), route(late).await.as_str()), ("fourth", "second"));
}

/// One sequence of places over all that a fork's history holds: to fork at, and to export.
#[tokio::test]
async fn a_fork_counts_what_it_inherited() {
    let world = World::new([]);
    let parent = world.begin().await;
    world.work(&parent, "say 1").await;
    let inherited = world.history(parent.session()).await.len() as u64;
    let fork = world.platform.fork(parent.session(), None).await.unwrap();
    let handle = world.reopen(fork).await;
    handle.input(Input::Reroute(rerouted("second"))).await.unwrap();
    assert_eq!(world.platform.export(fork).await.unwrap().len() as u64, inherited + 2);

    let route = async |session| world.platform.started(session).await.unwrap().model.route;
    for (at, expected) in [(2, "first"), (inherited + 1, "first"), (inherited + 2, "second")] {
        let again = world.platform.fork(fork, Some(at)).await.unwrap();
        assert_eq!(world.history(again).await.len() as u64, at + 1, "what it shares and its own");
        assert_eq!(route(again).await, expected);
    }
    for at in [0, inherited + 3] {
        let refused = world.platform.fork(fork, Some(at)).await.unwrap_err();
        assert!(
            matches!(refused, PlatformError::NoPlace { last, .. } if last == inherited + 2),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn undo_in_a_fork_takes_back_what_the_fork_did() {
    let world = World::new([]);
    let handle = world.begin().await;
    world.work(&handle, "call write=old").await;
    let fork = world.platform.fork(handle.session(), None).await.unwrap();
    let handle = world.reopen(fork).await;
    world.work(&handle, "call write=new/file").await;
    drop(handle);
    let ground = world.ground(AccessMode::Auto, 1);
    let outcome = world.platform.undo(fork, None, ground).await.unwrap();
    assert_eq!(outcome.left_alone, Vec::<String>::new());
    assert_eq!(world.workspace.text("new/file"), None);
    assert_eq!(world.workspace.text("old").as_deref(), Some("after\n"));
}

#[tokio::test]
async fn nothing_is_undone_under_work() {
    let world = World::new([("north", vec![bottega_testkit::Script::silence()])]);
    let handle = world.begin().await;
    let session = handle.session();
    world.work(&handle, "call write=old").await;
    world.task(&handle, "ask").await;
    let undo = async || {
        world.platform.undo(session, None, world.ground(AccessMode::Auto, 1)).await.unwrap_err()
    };
    // Somebody works on it now.
    assert!(matches!(undo().await, PlatformError::Contended(_)));
    drop(handle);
    // Its work was cut off, and may be gone on with.
    assert!(matches!(undo().await, PlatformError::Refused(Refusal::Busy)));
    assert_eq!(world.workspace.text("old").as_deref(), Some("after\n"));
}
