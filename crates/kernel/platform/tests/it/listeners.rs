//! Listeners of a session: slow ones, and those who hear of a break-down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bottega_behaviour::Input;
use bottega_event::{Position, Record, Revision, SessionEvent, StreamId, Tasked};
use bottega_platform::{PlatformError, Update, read_since};
use bottega_store::{
    Append, AppendError, Appended, Head, Journal, MemoryStore, StoreError, Subscription,
};
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
    assert!(waiting <= 2_048 && missed + waiting == stored.len() as u64, "{missed} {waiting}");
}

#[tokio::test]
async fn a_panic_of_a_session_is_told_and_spares_its_work() {
    let world = World::new([]);
    let handle = world.begin().await;
    let session = handle.session();
    world.work(&handle, "say 3").await;
    let mut updates = handle.updates();
    let task = Tasked {
        text: "panic".to_owned(),
        attachments: Vec::new(),
        output_schema: None,
        goes_on: false,
    };
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

/// A journal that counts its appends.
struct Counting(Arc<MemoryStore>, AtomicUsize);

#[async_trait]
impl Journal for Counting {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.append(append).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.0.read_stream(stream, after, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.0.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.0.head().await
    }

    async fn subscribe(&self, after: Position) -> Result<Subscription, StoreError> {
        self.0.subscribe(after).await
    }
}

/// No session is left without its task: both are one append, and a listener hears of both.
#[tokio::test]
async fn a_session_begins_with_its_task() {
    let mut world = World::new([]);
    let journal = Arc::new(Counting(world.store.clone(), AtomicUsize::new(0)));
    world.platform.journal = journal.clone();
    let (handle, mut updates) = world.begin_with_task("say 1").await;
    assert_eq!(journal.1.load(Ordering::Relaxed), 1);
    world.ended(&mut updates).await;
    let kinds: Vec<&str> =
        world.history(handle.session()).await.iter().map(|it| it.event.kind()).collect();
    assert_eq!(kinds[..2], ["session.started", "session.tasked"]);
}
