//! How an append becomes records: the one place where positions, revisions and digests are given.

use std::collections::HashSet;

use bottega_event::{Position, Record, Revision, StreamId, link};
use bottega_types::Digest;

use crate::{Append, AppendError, Appended, Expected, Head};

impl Head {
    /// The end of a journal without records.
    pub const EMPTY: Self = Self { position: Position(0), digest: Digest::ZERO };
}

/// An append that was checked against the journal and is ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequenced {
    /// What to store, in order.
    pub records: Vec<Record>,
    /// What to answer once it is stored.
    pub answer: Appended,
    /// The end of the journal after it.
    pub head: Head,
}

impl Sequenced {
    /// Checks `append` against the end of the journal and the present revisions of its streams, and gives
    /// its events their places in the chain. `revisions` has one entry per batch, in order.
    ///
    /// Pure: whether the command was stored before is the caller's question, to be asked first.
    pub fn new(append: &Append, head: Head, revisions: &[Revision]) -> Result<Self, AppendError> {
        check_shape(append)?;
        let mut sequenced = Self {
            records: Vec::with_capacity(
                append.batches.iter().map(|batch| batch.events.len()).sum(),
            ),
            answer: Appended {
                position: head.position,
                revisions: Vec::with_capacity(append.batches.len()),
                repeated: false,
            },
            head,
        };
        for (batch, actual) in append.batches.iter().zip(revisions) {
            match batch.expected {
                Expected::At(expected) if expected != *actual => {
                    let (stream, actual) = (batch.stream.clone(), *actual);
                    return Err(AppendError::Moved { stream, expected, actual });
                }
                Expected::At(_) | Expected::Any => {}
            }
            sequenced.extend(append, &batch.stream, *actual, batch);
        }
        sequenced.answer.position = sequenced.head.position;
        Ok(sequenced)
    }

    fn extend(&mut self, append: &Append, stream: &StreamId, from: Revision, batch: &crate::Batch) {
        let mut revision = from;
        for event in &batch.events {
            revision = Revision(revision.0 + 1);
            let mut record = Record {
                position: Position(self.head.position.0 + 1),
                stream: stream.clone(),
                revision,
                event: event.clone(),
                at: append.at,
                command: append.command,
                previous: self.head.digest,
                digest: Digest::ZERO,
            };
            record.digest = link(&self.head.digest, &record);
            self.head = Head { position: record.position, digest: record.digest };
            self.records.push(record);
        }
        self.answer.revisions.push(revision);
    }
}

fn check_shape(append: &Append) -> Result<(), AppendError> {
    if append.batches.is_empty() || append.batches.iter().any(|batch| batch.events.is_empty()) {
        return Err(AppendError::Malformed("must hold an event in each of its batches"));
    }
    let mut seen = HashSet::with_capacity(append.batches.len());
    if !append.batches.iter().all(|batch| seen.insert(&batch.stream)) {
        return Err(AppendError::Malformed("must not name a stream twice"));
    }
    Ok(())
}
