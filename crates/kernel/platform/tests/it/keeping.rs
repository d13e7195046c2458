//! What is kept as blobs, and how long.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_event::{Attachment, Revision, SessionEvent, StreamId};
use bottega_platform::BlobAudit;
use bottega_store::{Blobs, Journal, StoreError};
use bottega_types::Digest;

use crate::tools::{KEEPING, KEPT, Keeping};
use crate::world::World;

fn attachment(media_type: &str, inline: &str) -> Attachment {
    Attachment {
        name: "file".to_owned(),
        media_type: media_type.to_owned(),
        blob: Digest::of(b"elsewhere"),
        inline: Some(inline.to_owned()),
    }
}

#[tokio::test]
async fn a_large_attachment_is_stored_once_and_seen_whole_after_a_restart() {
    let world = World::new([]);
    let handle = world.begin().await;
    let session = handle.session();
    let text = "A line of a large file.\n".repeat(50_000);
    let attachments = vec![attachment("text/plain", &text), attachment("text/plain", "small")];
    world.task_with(&handle, "say 1", attachments).await;
    let given = world.worker.tasks.lock().unwrap().pop().unwrap();
    assert_eq!(given.attachments[0].inline.as_deref(), Some(text.as_str()));

    let records = world.store.read_stream(&StreamId::session(session), Revision(0), 10).await;
    let stored =
        records.unwrap().into_iter().find(|record| &*record.event.kind == "session.tasked");
    let stored = stored.unwrap();
    assert!(stored.event.data.len() < 1_000, "{} bytes", stored.event.data.len());
    let Ok(SessionEvent::Tasked(task)) = SessionEvent::decode(&stored.event) else {
        panic!("no task")
    };
    assert_eq!(task.attachments[1].inline.as_deref(), Some("small"));
    let blob = world.store.get(task.attachments[0].blob).await.unwrap().unwrap();
    assert_eq!(blob, text.as_bytes());

    let lines = world.platform.export(session).await.unwrap();
    let records = world.history(session).await.len();
    assert_eq!(lines.len(), records + 1, "each record, and the file that stands in none");
    let last: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(last["blob"], task.attachments[0].blob.to_string());

    drop(handle);
    world.reopen(session).await;
    assert_eq!(world.worker.tasks.lock().unwrap().pop().unwrap(), given);
}

/// A tool keeps a blob; before any event names it, somebody else removes another session.
#[tokio::test]
async fn what_is_put_meanwhile_is_not_forgotten() {
    let world = World::new([]);
    let (kept, go_on) = (Arc::default(), Arc::default());
    let keeping = Keeping { store: world.store.clone(), kept, go_on };
    *KEEPING.lock().unwrap() = Some(keeping.clone());
    let other = world.begin().await;
    world.work(&other, "call write=old").await;
    let (removed, last) = (other.session(), world.begin().await.session());
    drop(other);

    let handle = world.begin().await;
    let mut updates = handle.updates();
    world.task(&handle, "call keep=x").await;
    keeping.kept.notified().await;
    assert_eq!(world.platform.remove(removed).await.unwrap(), 0, "somebody keeps blobs now");
    keeping.go_on.notify_one();
    world.ended(&mut updates).await;
    assert_eq!(world.store.get(Digest::of(KEPT)).await.unwrap().as_deref(), Some(KEPT));

    // The session is open still, but nothing runs in it.
    assert!(world.platform.remove(last).await.unwrap() > 0);
    assert_eq!(world.store.get(Digest::of(b"before\n")).await.unwrap(), None);
    assert_eq!(world.store.get(Digest::of(KEPT)).await.unwrap().as_deref(), Some(KEPT));
}

/// Blobs that can't be read as they were kept.
struct Damaged(Digest);

#[async_trait]
impl Blobs for Damaged {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        Ok(Digest::of(bytes))
    }

    async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        if digest == self.0 { Err(StoreError::DamagedBlob(digest)) } else { Ok(None) }
    }

    async fn sweep(
        &self,
        _keep: &(dyn for<'d> Fn(&'d Digest) -> bool + Send + Sync),
    ) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test]
async fn blobs_are_verified() {
    let mut world = World::new([]);
    let handle = world.begin().await;
    world.work(&handle, "call write=old").await;
    let session = handle.session();
    drop(handle);
    let whole = world.platform.verify_blobs().await.unwrap();
    assert_eq!(whole, BlobAudit { verified: 2, ..BlobAudit::default() });

    let kept = world.platform.blobs.clone();
    let wrong = Digest::of(b"before\n");
    world.platform.blobs = Arc::new(Damaged(wrong));
    let found = world.platform.verify_blobs().await.unwrap();
    assert_eq!(found, BlobAudit { damaged: vec![wrong], missing: 1, ..BlobAudit::default() });

    world.platform.blobs = kept;
    world.platform.remove(session).await.unwrap();
    let swept = world.platform.verify_blobs().await.unwrap();
    assert_eq!(swept, BlobAudit { forgotten: 2, ..BlobAudit::default() });
}
