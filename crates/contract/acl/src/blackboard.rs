//! The blackboard: named entries that agents write and read, so that they work together without knowing each other.
//!
//! (After Hearsay-II: Erman, Hayes-Roth, Lesser, Reddy, Computing Surveys 12, 1980. Versions as in etcd.)
//!
//! Names are dotted words, as those of topics: each change is published under its name to whoever subscribed to it. A
//! write may name the version that it replaces, and is refused when another one stands there. What was taken is gone, so
//! that a piece of work is picked once.
//!
//! Deciding and changing are apart: [`write`](Board::write), [`take`](Board::take) and [`expire`](Board::expire) look at the
//! board and give a [`BoardChange`] or a [`BoardRefusal`]; [`evolve`](Board::evolve) folds a change in, when it happens and
//! when it is replayed. Between a decision and its folding nothing else may be folded.
//!
//! ```
//! use bottega_acl::blackboard::{Board, BoardRefusal, Take, Write};
//! use bottega_types::Timestamp;
//!
//! let now = Timestamp::from_millis(0);
//! let mut board = Board::default();
//!
//! let wish = Write {
//!     name: "work.hinge".parse()?,
//!     value: "forge a hinge".into(),
//!     author: "ann@hall".parse()?,
//!     expires: None,
//!     expected_version: Some(0),
//! };
//! let change = board.write(wish, now)?;
//! board.evolve(&change);
//!
//! let wish = Take { name: "work.hinge".parse()?, by: "bob@hall".parse()?, expected_version: None };
//! let (entry, change) = board.take(wish.clone(), now)?;
//! board.evolve(&change);
//! assert_eq!(entry.value, "forge a hinge");
//! assert!(matches!(board.take(wish, now), Err(BoardRefusal::Absent { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod entry;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bottega_types::Timestamp;
use serde_json::Value;

pub use entry::{BoardChange, BoardRefusal, Entry, Take, Write};

use crate::topic::TopicName;

/// How much may stand on a board. Entries whose time is over count until they are expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardLimits {
    /// The most entries.
    pub entries: usize,
    /// The most bytes of one value, as JSON.
    pub bytes_of_an_entry: usize,
    /// The most bytes of all values together, as JSON.
    pub bytes_of_all: usize,
}

/// 10,000 entries of 64 KiB, together 64 MiB.
impl Default for BoardLimits {
    fn default() -> Self {
        Self { entries: 10_000, bytes_of_an_entry: 64 << 10, bytes_of_all: 64 << 20 }
    }
}

/// Named entries.
#[derive(Clone, Debug, Default)]
pub struct Board {
    limits: BoardLimits,
    entries: BTreeMap<TopicName, Entry>,
    expiries: BTreeSet<(Timestamp, TopicName)>,
    version: u64,
    bytes: usize,
}

impl Board {
    /// An empty one that holds no more than `limits`.
    #[must_use]
    pub fn new(limits: BoardLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Decides on a wish to write.
    ///
    /// # Errors
    /// Another version than the expected one, which the refusal tells; an entry whose time is over or that exceeds the
    /// limits.
    pub fn write(&self, wish: Write, now: Timestamp) -> Result<BoardChange, BoardRefusal> {
        let Write { name, value, author, expires, expected_version } = wish;
        self.expect(&name, expected_version, now)?;
        if let Some(expires) = expires.filter(|expires| *expires <= now) {
            return Err(BoardRefusal::Over { name, expires, now });
        }
        let bytes = bytes_of(&value);
        let most = self.limits.bytes_of_an_entry;
        if bytes > most {
            return Err(BoardRefusal::TooLarge { name, bytes, most });
        }
        let replaced = self.entries.get(&name).map(|entry| bytes_of(&entry.value));
        if replaced.is_none() && self.entries.len() >= self.limits.entries {
            return Err(BoardRefusal::Full { most: self.limits.entries });
        }
        let (more, most) = (bytes.saturating_sub(replaced.unwrap_or(0)), self.limits.bytes_of_all);
        if more > most.saturating_sub(self.bytes) {
            return Err(BoardRefusal::NoRoom { bytes: more, most });
        }
        let entry = Entry { value, author, version: self.version + 1, at: now, expires };
        Ok(BoardChange::Written { name, entry })
    }

    /// Decides on a wish to take an entry, and gives what would be had: the taker has it once the change is stored.
    ///
    /// # Errors
    /// Nothing is there, or another version than the expected one.
    pub fn take(&self, wish: Take, now: Timestamp) -> Result<(Entry, BoardChange), BoardRefusal> {
        let Take { name, by, expected_version } = wish;
        let Some(entry) = self.read(&name, now) else { return Err(BoardRefusal::Absent { name }) };
        self.expect(&name, expected_version, now)?;
        Ok((entry.clone(), BoardChange::Taken { name, version: entry.version, by }))
    }

    /// The entries whose time is over, in the order in which it ended. The board stays as it is until they are folded in.
    #[must_use]
    pub fn expire(&self, now: Timestamp) -> Vec<BoardChange> {
        let over = self.expiries.iter().take_while(|(expires, _)| *expires <= now);
        over.map(|(_, name)| BoardChange::Expired {
            name: name.clone(),
            version: self.entries[name].version,
        })
        .collect()
    }

    /// Folds a change in.
    pub fn evolve(&mut self, change: &BoardChange) {
        self.remove(change.name());
        match change {
            BoardChange::Written { name, entry } => {
                self.version = self.version.max(entry.version);
                self.bytes += bytes_of(&entry.value);
                if let Some(expires) = entry.expires {
                    self.expiries.insert((expires, name.clone()));
                }
                self.entries.insert(name.clone(), entry.clone());
            }
            BoardChange::Taken { .. } | BoardChange::Expired { .. } => {}
        }
    }

    /// Remembers the version of a write whose entry may not stand any more: later ones are above it.
    pub fn replay_version(&mut self, change: &BoardChange) {
        match change {
            BoardChange::Written { entry, .. } => self.version = self.version.max(entry.version),
            BoardChange::Taken { .. } | BoardChange::Expired { .. } => {}
        }
    }

    /// What stands under a name.
    #[must_use]
    pub fn read(&self, name: &TopicName, now: Timestamp) -> Option<&Entry> {
        self.entries.get(name).filter(|entry| entry.holds(now))
    }

    /// What stands under a name and the names that go on after it with more words, in the order of names, at most `limit`.
    /// The empty text is before every name; one that is no whole name finds nothing.
    #[must_use]
    pub fn list(&self, prefix: &str, limit: usize, now: Timestamp) -> Vec<(&TopicName, &Entry)> {
        let whole = self.entries.get_key_value(prefix);
        // `/` follows `.`, so these are the names that begin with the prefix and a dot.
        let (from, to) = (format!("{prefix}."), format!("{prefix}/"));
        let bounds: (Bound<&str>, Bound<&str>) = if prefix.is_empty() {
            (Bound::Unbounded, Bound::Unbounded)
        } else {
            (Bound::Included(&from), Bound::Excluded(&to))
        };
        let below = self.entries.range::<str, _>(bounds);
        let standing = whole.into_iter().chain(below).filter(|(_, entry)| entry.holds(now));
        standing.take(limit).collect()
    }

    /// When the next entry's time is over; nothing where all stay.
    #[must_use]
    pub fn first_expiry(&self) -> Option<Timestamp> {
        self.expiries.first().map(|(expires, _)| *expires)
    }

    /// How many entries there are, those whose time is over included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing stands on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn expect(
        &self,
        name: &TopicName,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), BoardRefusal> {
        let present = self.read(name, now).map_or(0, |entry| entry.version);
        match expected {
            Some(expected) if expected != present => {
                Err(BoardRefusal::Conflict { name: name.clone(), expected, present })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn remove(&mut self, name: &TopicName) {
        let Some(entry) = self.entries.remove(name) else { return };
        self.bytes -= bytes_of(&entry.value);
        if let Some(expires) = entry.expires {
            self.expiries.remove(&(expires, name.clone()));
        }
    }
}

fn bytes_of(value: &Value) -> usize {
    value.to_string().len()
}
