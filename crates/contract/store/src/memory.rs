//! The store that forgets: for tests and for sessions that nobody wants to keep.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bottega_event::{Position, Record, Revision, StreamId};
use bottega_types::{CommandId, Digest};

use crate::lease::Held;
use crate::{
    Append, AppendError, Appended, Bell, Blobs, Change, Head, Journal, Projections, Sequenced,
    Snapshot, Snapshots, StoreError, Subscription, follow,
};

/// All four ports in memory. Clones share one store; it is gone with the last of them.
///
/// It keeps every promise of the ports but durability, and one process only can use it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shelf: Arc<Mutex<Shelf>>,
    bell: Arc<Bell>,
    held: Arc<Held>,
}

#[derive(Default)]
struct Shelf {
    records: Vec<Record>,
    /// Indexes into `records`.
    streams: HashMap<StreamId, Vec<usize>>,
    answers: HashMap<CommandId, Appended>,
    blobs: HashMap<Digest, Blob>,
    snapshots: HashMap<StreamId, Snapshot>,
    views: HashMap<String, View>,
}

#[derive(Default)]
struct Blob {
    bytes: Vec<u8>,
    /// How often it was put: a sweep spares what was put again since it looked.
    puts: u64,
}

#[derive(Default)]
struct View {
    position: Position,
    version: u32,
    rows: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.shelf().records.len()).finish()
    }
}

impl MemoryStore {
    /// The leases that are held.
    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held)
    }

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Every change below is computed before it is made, so a poisoned lock still guards a whole store.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn head(&self) -> Head {
        self.records
            .last()
            .map_or(Head::EMPTY, |last| Head { position: last.position, digest: last.digest })
    }

    fn revision(&self, stream: &StreamId) -> Revision {
        Revision(self.streams.get(stream).map_or(0, |places| places.len() as u64))
    }

    fn append(&mut self, append: &Append) -> Result<Appended, AppendError> {
        if let Some(first) = self.answers.get(&append.command) {
            return Ok(Appended { repeated: true, ..first.clone() });
        }
        let revisions: Vec<_> =
            append.batches.iter().map(|batch| self.revision(&batch.stream)).collect();
        let Sequenced { records, answer, head: _ } =
            Sequenced::new(append, self.head(), &revisions)?;
        for record in records {
            self.streams.entry(record.stream.clone()).or_default().push(self.records.len());
            self.records.push(record);
        }
        self.answers.insert(append.command, answer.clone());
        Ok(answer)
    }

    fn read_all(&self, after: Position, limit: usize) -> Vec<Record> {
        let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(self.records.len());
        self.records[from..].iter().take(limit).cloned().collect()
    }
}

#[async_trait]
impl Journal for MemoryStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let answer = self.shelf().append(&append)?;
        self.bell.ring();
        Ok(answer)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let shelf = self.shelf();
        let places = shelf.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(places.len());
        Ok(places[from..].iter().take(limit).map(|place| shelf.records[*place].clone()).collect())
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(self.shelf().read_all(after, limit))
    }

    async fn head(&self) -> Result<Head, StoreError> {
        Ok(self.shelf().head())
    }

    async fn subscribe(&self, after: Position) -> Result<Subscription, StoreError> {
        let store = self.clone();
        Ok(follow(Arc::clone(&self.bell), after, move |after, limit| {
            let page = store.shelf().read_all(after, limit);
            Box::pin(std::future::ready(Ok(page)))
        }))
    }
}

#[async_trait]
impl Blobs for MemoryStore {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let mut shelf = self.shelf();
        let blob =
            shelf.blobs.entry(digest).or_insert_with(|| Blob { bytes: bytes.to_owned(), puts: 0 });
        blob.puts += 1;
        Ok(digest)
    }

    async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.shelf().blobs.get(&digest).map(|blob| blob.bytes.clone()))
    }

    async fn sweep(
        &self,
        keep: &(dyn for<'d> Fn(&'d Digest) -> bool + Send + Sync),
    ) -> Result<u64, StoreError> {
        // `keep` is foreign code: it is not called under the lock.
        let seen: Vec<(Digest, u64)> =
            self.shelf().blobs.iter().map(|(digest, blob)| (*digest, blob.puts)).collect();
        let chosen: Vec<_> = seen.into_iter().filter(|(digest, _)| !keep(digest)).collect();
        let mut shelf = self.shelf();
        let mut freed = 0;
        for (digest, puts) in chosen {
            if shelf.blobs.get(&digest).is_some_and(|blob| blob.puts == puts) {
                freed += shelf.blobs.remove(&digest).map_or(0, |blob| blob.bytes.len() as u64);
            }
        }
        Ok(freed)
    }
}

#[async_trait]
impl Snapshots for MemoryStore {
    async fn save(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let mut shelf = self.shelf();
        let later =
            shelf.snapshots.get(stream).is_some_and(|kept| kept.revision > snapshot.revision);
        if !later {
            shelf.snapshots.insert(stream.clone(), snapshot);
        }
        Ok(())
    }

    async fn load(&self, stream: &StreamId) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.shelf().snapshots.get(stream).cloned())
    }

    async fn forget(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.shelf().snapshots.remove(stream);
        Ok(())
    }
}

#[async_trait]
impl Projections for MemoryStore {
    async fn checkpoint(&self, name: &str) -> Result<Option<(Position, u32)>, StoreError> {
        Ok(self.shelf().views.get(name).map(|view| (view.position, view.version)))
    }

    async fn advance(
        &self,
        name: &str,
        version: u32,
        from: Position,
        to: Position,
        changes: Vec<Change>,
    ) -> Result<bool, StoreError> {
        let mut shelf = self.shelf();
        let at = shelf
            .views
            .get(name)
            .map_or((Position(0), version), |view| (view.position, view.version));
        if at != (from, version) {
            return Ok(false);
        }
        let view = shelf.views.entry(name.to_owned()).or_default();
        (view.position, view.version) = (to, version);
        for Change { key, value } in changes {
            match value {
                Some(value) => view.rows.insert(key, value),
                None => view.rows.remove(&key),
            };
        }
        Ok(true)
    }

    async fn row(&self, name: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.shelf().views.get(name).and_then(|view| view.rows.get(key).cloned()))
    }

    async fn rows(
        &self,
        name: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let shelf = self.shelf();
        let Some(view) = shelf.views.get(name) else { return Ok(Vec::new()) };
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            Some(_) | None => Bound::Included(prefix),
        };
        let rows = view.rows.range::<str, _>((from, Bound::Unbounded));
        let rows = rows.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(rows.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn drop_view(&self, name: &str) -> Result<(), StoreError> {
        self.shelf().views.remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bottega_types::{Seeded, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn every_promise_is_kept() {
        let suite = conformance::all(MemoryStore::new);
        tokio::time::timeout(Duration::from_secs(60), suite)
            .await
            .expect("no promise waits for ever");
    }

    #[tokio::test]
    async fn clones_share_one_store() {
        let store = MemoryStore::new();
        let id = CommandId::new(Timestamp::from_millis(1), &Seeded::new(1));
        let append = conformance::append(id, &[("a", crate::Expected::Any, 1)]);
        store.clone().append(append).await.unwrap();
        assert_eq!(store.head().await.unwrap().position, Position(1));
    }

    proptest! {
        /// Whatever is done in whatever order, the store and a few lines of model agree.
        #[test]
        fn the_store_agrees_with_the_model(steps in proptest::collection::vec(any::<u64>(), 0..80)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(conformance::agrees_with_the_model(&MemoryStore::new(), &steps));
        }
    }
}
