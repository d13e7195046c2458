//! Listeners of a session: slow ones, and those who hear of a break-down.

use bottega_behaviour::Input;
use bottega_event::{SessionEvent, Tasked};
use bottega_platform::{PlatformError, Update, read_since};
use tokio::sync::broadcast::error::RecvError;

use crate::world::{DEADLINE, World};

/// More than a listener may be behind.
const MANY: usize = 20_000;

#[tokio::test]
async fn a_slow_listener_holds_nobody_up_and_misses_nothing_that_was_stored() {
    let world = World::new([]);
    let handle = world.begin().await;
    let mut slow = handle.updates();
    let opened = bottega_event::Revision(1);
    for _ in 0..MANY / 1_000 {
        // Nobody listens, and the work goes on.
        world.work(&handle, "say 1000").await;
    }
    let Err(RecvError::Lagged(missed)) = slow.recv().await else { panic!("it kept up") };
    let stored = read_since(world.store.as_ref(), handle.session(), opened).await.unwrap();
    assert_eq!(stored.len(), MANY / 1_000 * 1_002);
    assert!(stored.iter().zip(2..).all(|(happened, n)| happened.revision.0 == n));
    // What still waits for it is bounded, and joins on to what it read from the journal.
    let mut waiting = 0;
    while let Ok(Update::Stored { revision, .. }) = slow.try_recv() {
        waiting += 1;
        assert_eq!(revision.0, 1 + missed + waiting);
    }
    assert!(waiting <= 8_192 && missed + waiting == stored.len() as u64, "{missed} {waiting}");
}

#[tokio::test]
async fn a_panic_of_a_session_is_told_and_spares_its_work() {
    let world = World::new([]);
    let handle = world.begin().await;
    let session = handle.session();
    world.work(&handle, "say 3").await;
    let mut updates = handle.updates();
    let task = Tasked { text: "panic".to_owned(), attachments: Vec::new(), output_schema: None };
    let refused = handle.input(Input::Task(task)).await;
    assert!(matches!(refused, Err(PlatformError::Closed(_))), "{refused:?}");
    let told = tokio::time::timeout(DEADLINE, updates.recv()).await.expect("it is told").unwrap();
    let Update::Stopped { why } = told else { panic!("{told:?}") };
    assert!(matches!(&*why, PlatformError::Broke { why, .. } if why == "told to break"), "{why}");

    // Somebody still holds the handle, and the session can be gone on with all the same.
    let again = world.reopen(session).await;
    world.work(&again, "say 2").await;
    let ends = world.history(session).await;
    let ends = ends.iter().filter(|it| matches!(it.event, SessionEvent::Ended(_))).count();
    assert_eq!(ends, 2);
    drop(handle);
}
