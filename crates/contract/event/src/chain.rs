//! The chain of digests over all records of a journal.
//!
//! Each record's digest is the SHA-256 over its fields, each preceded by its length (see
//! [`Digest::of_parts`]), the previous record's digest first. Anyone with a SHA-256 and the exported
//! JSONL can verify it: numbers are little-endian (position, revision, time: 8 bytes; version: 2 bytes;
//! command: 16 bytes), texts are UTF-8.

use std::fmt;

use bottega_types::Digest;

use crate::{Position, Record};

/// The digest that `record` must have after a record with the digest `previous`.
#[must_use]
pub fn link(previous: &Digest, record: &Record) -> Digest {
    Digest::of_parts(&[
        previous.as_bytes(),
        &record.position.0.to_le_bytes(),
        record.stream.as_str().as_bytes(),
        &record.revision.0.to_le_bytes(),
        record.event.kind.as_bytes(),
        &record.event.version.to_le_bytes(),
        record.event.data.as_bytes(),
        &record.at.as_millis().to_le_bytes(),
        &record.command.bits().to_le_bytes(),
    ])
}

/// The first place where a journal is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// A record is missing or out of place.
    #[error("a record is missing: position {expected} was expected, {found} found", expected = .expected.0, found = .found.0)]
    Gap {
        /// The position that should come next.
        expected: Position,
        /// The position that came.
        found: Position,
    },
    /// A record does not point at the one before it.
    #[error("record {} does not follow the record before it: it names {names}, the one before has {actual}", .position.0)]
    Unlinked {
        /// The record.
        position: Position,
        /// The digest it names.
        names: Digest,
        /// The digest that the record before has.
        actual: Digest,
    },
    /// A record's own fields are not what they were when it was stored.
    #[error("record {} ({kind} in {stream}) was changed after it was stored", .position.0)]
    Altered {
        /// The record.
        position: Position,
        /// Its stream.
        stream: String,
        /// Its kind.
        kind: String,
    },
    /// A record can't be read at all.
    #[error("record {} can't be read: {why}", .position.0)]
    Unreadable {
        /// The record.
        position: Position,
        /// Why not.
        why: String,
    },
}

impl Break {
    /// Where the journal is broken.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::Gap { expected, .. } => *expected,
            Self::Unlinked { position, .. }
            | Self::Altered { position, .. }
            | Self::Unreadable { position, .. } => *position,
        }
    }
}

/// Walks records in order and stops at the first that is not what it was.
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    head: (Position, Digest),
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self { head: (Position(0), Digest::ZERO) }
    }
}

impl ChainVerifier {
    /// Goes on behind a record that is taken as it is.
    #[must_use]
    pub const fn after(position: Position, digest: Digest) -> Self {
        Self { head: (position, digest) }
    }

    /// Takes the next record.
    pub fn push(&mut self, record: &Record) -> Result<(), Break> {
        let (before, digest) = self.head;
        let expected = Position(before.0 + 1);
        if record.position != expected {
            return Err(Break::Gap { expected, found: record.position });
        }
        // Its own fields first: an altered `previous` would otherwise pass for a missing record.
        if link(&record.previous, record) != record.digest {
            return Err(Break::Altered {
                position: record.position,
                stream: record.stream.to_string(),
                kind: record.event.kind.to_string(),
            });
        }
        if record.previous != digest {
            return Err(Break::Unlinked {
                position: record.position,
                names: record.previous,
                actual: digest,
            });
        }
        self.head = (record.position, record.digest);
        Ok(())
    }

    /// The last good record: its position and digest.
    #[must_use]
    pub const fn head(&self) -> (Position, Digest) {
        self.head
    }
}

impl fmt::Display for ChainVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records, head {}", self.head.0.0, self.head.1)
    }
}

#[cfg(test)]
mod tests {
    use bottega_types::{CommandId, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::{NewEvent, Revision, StreamId};

    fn journal(length: u64) -> Vec<Record> {
        let mut previous = Digest::ZERO;
        (1..=length)
            .map(|position| {
                let mut record = Record {
                    position: Position(position),
                    stream: StreamId::new("a/b").unwrap(),
                    revision: Revision(position),
                    event: NewEvent {
                        kind: "k".into(),
                        version: 1,
                        data: format!("{{\"n\":{position}}}").into(),
                    },
                    at: Timestamp::from_millis(position),
                    command: CommandId::from_bits(position.into()),
                    previous,
                    digest: Digest::ZERO,
                };
                record.digest = link(&previous, &record);
                previous = record.digest;
                record
            })
            .collect()
    }

    fn verify(records: &[Record]) -> Result<(), Break> {
        let mut verifier = ChainVerifier::default();
        records.iter().try_for_each(|record| verifier.push(record))
    }

    #[test]
    fn an_untouched_journal_verifies() {
        assert_eq!(verify(&journal(20)), Ok(()));
    }

    #[test]
    fn a_chain_is_verified_from_any_record_on() {
        let records = journal(20);
        let known = &records[9];
        let mut verifier = ChainVerifier::after(known.position, known.digest);
        assert_eq!(records[10..].iter().try_for_each(|record| verifier.push(record)), Ok(()));
        assert_eq!(verifier.head(), (Position(20), records[19].digest));
        let mut other = ChainVerifier::after(known.position, Digest::ZERO);
        assert!(matches!(other.push(&records[10]), Err(Break::Unlinked { .. })));
    }

    proptest! {
        /// Whatever field of whatever record is changed, the first broken record is named.
        #[test]
        fn a_change_is_found_where_it_is(victim in 0_usize..20, field in 0_u8..8) {
            let mut records = journal(20);
            let record = &mut records[victim];
            match field {
                0 => record.stream = StreamId::new("a/c").unwrap(),
                1 => record.revision.0 += 1,
                2 => record.event.kind = "j".into(),
                3 => record.event.version += 1,
                4 => record.event.data = "{}".into(),
                5 => record.at = record.at.plus(std::time::Duration::from_millis(1)),
                6 => record.command = CommandId::from_bits(0),
                _ => record.previous = Digest::of(b"x"),
            }
            let found = verify(&records).unwrap_err();
            prop_assert_eq!(found.position(), Position(victim as u64 + 1));
        }

        #[test]
        fn a_record_taken_out_is_missed(victim in 0_usize..19) {
            let mut records = journal(20);
            records.remove(victim);
            let found = verify(&records).unwrap_err();
            prop_assert_eq!(found.position(), Position(victim as u64 + 1));
        }
    }
}
