//! What happened to the blackboard.

use bottega_acl::blackboard::{BoardChange, Entry};
use serde::{Deserialize, Serialize};

use crate::catalogue::events;

events! {
    /// An event of the stream `blackboard`.
    BoardEvent {
        /// An entry was written, taken, or its time was over.
        Changed(BoardChanged) = "board.changed", 1;
        /// A wish that was stored before its answer could not be carried out.
        Refused(BoardRefused) = "board.refused", 1;
    }
}

/// An entry was written, taken, or its time was over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardChanged {
    /// How.
    pub change: BoardChange,
    /// What stood there, for whoever took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub had: Option<Box<Entry>>,
}

/// A wish that was stored before its answer could not be carried out. Whoever repeats it hears the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardRefused {
    /// Why, in words.
    pub why: String,
}
