//! Whether the blobs that events refer to are what was kept.

use std::collections::{BTreeMap, BTreeSet};

use bottega_event::{AgentEvent, Position, SessionEvent, Started, StreamId, Undecodable};
use bottega_store::{Blobs, Journal, StoreError};
use bottega_types::Digest;

use crate::{PlatformError, undo};

/// Records that are read at a time.
const PAGE: usize = 1_000;

/// What the blobs of a journal are found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlobAudit {
    /// Blobs whose bytes have the digest they are named by.
    pub verified: u64,
    /// Those whose bytes have not, or can't be read.
    pub damaged: Vec<Digest>,
    /// Those that a session refers to and that are not there. A disk that was full when they were to be kept leaves
    /// such ones too.
    pub missing: u64,
    /// Those that are not there and that removed sessions only referred to: they were forgotten.
    pub forgotten: u64,
}

impl BlobAudit {
    pub(crate) async fn make(
        journal: &dyn Journal,
        blobs: &dyn Blobs,
    ) -> Result<Self, PlatformError> {
        let named = NamedBlobs::read(journal).await?;
        let mut audit = Self::default();
        for digest in named.all {
            match blobs.get(digest).await {
                Ok(Some(_)) => audit.verified += 1,
                Ok(None) if named.needed.contains(&digest) => audit.missing += 1,
                Ok(None) => audit.forgotten += 1,
                Err(StoreError::DamagedBlob(_) | StoreError::Damaged(_)) => {
                    audit.damaged.push(digest);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(audit)
    }
}

/// The blobs that the events of sessions and agents refer to.
#[derive(Default)]
pub(crate) struct NamedBlobs {
    pub(crate) all: BTreeSet<Digest>,
    /// Those of sessions that were not removed, or that others were forked from.
    pub(crate) needed: BTreeSet<Digest>,
    /// Why an event could not be read: it may name more.
    pub(crate) unread: Option<Undecodable>,
}

impl NamedBlobs {
    pub(crate) async fn read(journal: &dyn Journal) -> Result<Self, StoreError> {
        let mut named = Self::default();
        let mut by_session = BTreeMap::<String, Vec<Digest>>::new();
        // A fork lives on its parent's history, so the parent's blobs stay.
        let mut forked = BTreeSet::new();
        let mut after = Position(0);
        loop {
            let records = journal.read_all(after, PAGE).await?;
            let Some(last) = records.last() else { break };
            after = last.position;
            for record in records.iter().filter(|record| record.stream.is_of_agent()) {
                let blobs = by_session.entry(record.stream.to_string()).or_default();
                match AgentEvent::decode(&record.event) {
                    // Every module that was deployed stays, for the way back, until its agent is removed.
                    Ok(AgentEvent::Deployed(deployed)) => {
                        named.all.insert(deployed.module);
                        blobs.push(deployed.module);
                    }
                    Ok(AgentEvent::Removed(_)) => blobs.clear(),
                    Ok(_) => {}
                    Err(error) => named.unread = Some(error),
                }
            }
            for record in records.iter().filter(|record| record.stream.as_session().is_some()) {
                let event = match SessionEvent::decode(&record.event) {
                    Ok(event) => event,
                    Err(error) => {
                        named.unread = Some(error);
                        continue;
                    }
                };
                let blobs = by_session.entry(record.stream.to_string()).or_default();
                if matches!(event, SessionEvent::Removed(_)) && !forked.contains(&record.stream) {
                    blobs.clear();
                }
                if let SessionEvent::Started(Started { forked_from: Some(fork), .. }) = &event {
                    forked.insert(StreamId::session(fork.session));
                }
                let refers = undo::blobs_of(&event);
                named.all.extend(&refers);
                blobs.extend(refers);
            }
        }
        named.needed = by_session.into_values().flatten().collect();
        Ok(named)
    }
}
