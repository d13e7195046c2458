//! What people allowed for more than one call, kept in the journal.
//!
//! Every process reads the same stream, so a grant that is revoked in one holds no longer in the next judgement of
//! any other.

use std::sync::Arc;

use bottega_event::{
    GrantEvent, GrantGiven, GrantRevoked, NewEvent, Revision, StreamId, Undecodable,
};
use bottega_policy::{Grant, GrantScope};
use bottega_store::{Append, AppendError, Batch, Expected, Journal, StoreError};
use bottega_types::{Clock, CommandId, Entropy, GrantId, SessionId, Timestamp};

/// How many records are read at once.
const PAGE: usize = 512;

/// A grant that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldGrant {
    /// What was given, where and by which name.
    pub given: GrantGiven,
    /// When.
    pub at: Timestamp,
}

/// Why the book could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The journal could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The stream holds what this build can't read.
    #[error("the stored grants can't be read: {0}")]
    Undecodable(#[from] Undecodable),
}

/// The book of grants.
pub struct GrantBook {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    known: tokio::sync::Mutex<Known>,
}

impl std::fmt::Debug for GrantBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrantBook").finish_non_exhaustive()
    }
}

/// The stream as far as it was read.
#[derive(Default)]
struct Known {
    revision: Revision,
    held: Vec<HeldGrant>,
}

impl GrantBook {
    /// The book that is kept in this journal.
    #[must_use]
    pub fn new(
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { journal, clock, entropy, known: tokio::sync::Mutex::default() }
    }

    /// Every grant that holds, oldest first.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn all(&self) -> Result<Vec<HeldGrant>, GrantError> {
        let mut known = self.known.lock().await;
        loop {
            let records =
                self.journal.read_stream(&StreamId::grants(), known.revision, PAGE).await?;
            for record in &records {
                match GrantEvent::decode(&record.event)? {
                    GrantEvent::Given(given) => {
                        known.held.push(HeldGrant { given, at: record.at });
                    }
                    GrantEvent::Revoked(GrantRevoked { id }) => {
                        known.held.retain(|held| held.given.id != id);
                    }
                }
                known.revision = record.revision;
            }
            if records.len() < PAGE {
                return Ok(known.held.clone());
            }
        }
    }

    /// The grants that hold in a session of a project.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn holding(
        &self,
        session: SessionId,
        project: &str,
    ) -> Result<Vec<Grant>, GrantError> {
        let holds = |held: &HeldGrant| match held.given.grant.scope {
            GrantScope::Once => false,
            GrantScope::Session => held.given.session == session,
            GrantScope::Project => held.given.project == project,
        };
        Ok(self.all().await?.into_iter().filter(holds).map(|held| held.given.grant).collect())
    }

    /// Stores grants. All of them are stored when this returns, or none.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn give(
        &self,
        session: SessionId,
        project: &str,
        grants: Vec<Grant>,
    ) -> Result<(), GrantError> {
        let now = self.clock.now();
        let events = grants.into_iter().map(|grant| {
            let id = GrantId::new(now, &*self.entropy);
            let project = project.to_owned();
            GrantEvent::Given(GrantGiven { id, grant, session, project }).encode()
        });
        self.append(events.collect()).await
    }

    /// Ends grants. Returns those of `ids` that held.
    ///
    /// # Errors
    /// When the journal can't be read or written.
    pub async fn revoke(&self, ids: &[GrantId]) -> Result<Vec<HeldGrant>, GrantError> {
        let mut held = self.all().await?;
        held.retain(|held| ids.contains(&held.given.id));
        let events = held
            .iter()
            .map(|held| GrantEvent::Revoked(GrantRevoked { id: held.given.id }).encode());
        self.append(events.collect()).await?;
        Ok(held)
    }

    async fn append(&self, events: Vec<NewEvent>) -> Result<(), GrantError> {
        if events.is_empty() {
            return Ok(());
        }
        let at = self.clock.now();
        let command = CommandId::new(at, &*self.entropy);
        let batch = Batch { stream: StreamId::grants(), expected: Expected::Any, events };
        self.journal.append(Append { command, at, batches: vec![batch] }).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bottega_policy::Need;
    use bottega_store::MemoryStore;
    use bottega_types::{ManualClock, Seeded};

    use super::*;

    fn book(store: &Arc<MemoryStore>) -> GrantBook {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(5)));
        GrantBook::new(store.clone(), clock, Arc::new(Seeded::new(7)))
    }

    fn session(seed: u64) -> SessionId {
        SessionId::new(Timestamp::from_millis(1), &Seeded::new(seed))
    }

    fn host(host: &str, scope: GrantScope) -> Grant {
        Grant { need: Need::Network { host: host.to_owned() }, scope }
    }

    #[tokio::test]
    async fn a_grant_holds_in_its_scope_until_it_is_revoked_by_anybody() {
        let store = Arc::new(MemoryStore::new());
        let (ours, theirs) = (book(&store), book(&store));
        let (one, two) = (session(1), session(2));
        let grants = vec![host("s", GrantScope::Session), host("p", GrantScope::Project)];
        ours.give(one, "/a", grants.clone()).await.unwrap();
        assert_eq!(theirs.holding(one, "/a").await.unwrap(), grants);
        assert_eq!(theirs.holding(two, "/a").await.unwrap(), grants[1..]);
        assert_eq!(theirs.holding(one, "/b").await.unwrap(), grants[..1]);
        assert_eq!(theirs.holding(two, "/b").await.unwrap(), []);
        let ids: Vec<GrantId> =
            ours.all().await.unwrap().iter().map(|held| held.given.id).collect();
        assert_eq!(theirs.revoke(&ids[1..]).await.unwrap().len(), 1);
        assert_eq!(theirs.revoke(&ids[1..]).await.unwrap(), []);
        assert_eq!(ours.holding(two, "/a").await.unwrap(), []);
        assert_eq!(book(&store).holding(one, "/a").await.unwrap(), grants[..1]);
    }
}
