//! What stands on a board, what may be done to it, and what became of it.

use bottega_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::AgentName;
use crate::topic::TopicName;

/// What stands under one name. As JSON an object of the fields' names; another field is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The value: any JSON, text as a string.
    pub value: Value,
    /// Who wrote it.
    pub author: AgentName,
    /// Which of all the board's writes this was, from 1: a version never comes again, not under another name and not after
    /// the entry was taken.
    pub version: u64,
    /// When it was written.
    pub at: Timestamp,
    /// From when on it is as good as gone; stays when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Entry {
    /// Whether it still stands.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// A wish to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Under which name; what stands there is replaced.
    pub name: TopicName,
    /// What.
    pub value: Value,
    /// Who.
    pub author: AgentName,
    /// From when on it shall be as good as gone.
    pub expires: Option<Timestamp>,
    /// The version that must stand there for it, 0 for none; whatever stands when absent.
    pub expected_version: Option<u64>,
}

/// A wish to take an entry away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// Which.
    pub name: TopicName,
    /// Who.
    pub by: AgentName,
    /// The version that must stand there for it; whatever stands when absent.
    pub expected_version: Option<u64>,
}

/// What happened to a board. Stored; its JSON form is a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BoardChange {
    /// An entry was written, in the place of what stood under its name.
    Written {
        /// Its name.
        name: TopicName,
        /// What stands there now.
        entry: Entry,
    },
    /// Somebody took an entry: it has it, and nobody else will.
    Taken {
        /// Its name.
        name: TopicName,
        /// The version that was taken.
        version: u64,
        /// Who took it.
        by: AgentName,
    },
    /// An entry's time was over.
    Expired {
        /// Its name.
        name: TopicName,
        /// The version that stood there.
        version: u64,
    },
}

impl BoardChange {
    /// The name of the entry that it is about.
    #[must_use]
    pub const fn name(&self) -> &TopicName {
        match self {
            Self::Written { name, .. } | Self::Taken { name, .. } | Self::Expired { name, .. } => {
                name
            }
        }
    }
}

/// Why a board stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardRefusal {
    /// Somebody else was there first. Read again, and decide anew.
    #[error("`{name}` has version {present}, not {expected} (0 is none)")]
    Conflict {
        /// The entry.
        name: TopicName,
        /// What was expected.
        expected: u64,
        /// What stands there; 0 for nothing.
        present: u64,
    },
    /// There is nothing to take: it never was, somebody took it, or its time is over.
    #[error("there is no `{name}`")]
    Absent {
        /// The entry.
        name: TopicName,
    },
    /// It would never be read.
    #[error("`{name}` expires at {expires}, and it is {now}")]
    Over {
        /// The entry.
        name: TopicName,
        /// When its time ends.
        expires: Timestamp,
        /// When the board was asked.
        now: Timestamp,
    },
    /// More than [`BoardLimits::bytes_of_an_entry`](super::BoardLimits::bytes_of_an_entry).
    #[error("{bytes} bytes are too many for `{name}`; a value has {most} at most, as JSON")]
    TooLarge {
        /// The entry.
        name: TopicName,
        /// How many.
        bytes: usize,
        /// How many there may be.
        most: usize,
    },
    /// [`BoardLimits::entries`](super::BoardLimits::entries) are there.
    #[error("the board is full: it holds {most} entries")]
    Full {
        /// How many there may be.
        most: usize,
    },
    /// The values together would exceed [`BoardLimits::bytes_of_all`](super::BoardLimits::bytes_of_all).
    #[error("the board is full: {bytes} bytes more, and its values exceed {most}, as JSON")]
    NoRoom {
        /// How many there would be more.
        bytes: usize,
        /// How many there may be.
        most: usize,
    },
}
