//! What stands on the blackboard, folded from its stream.

use bottega_acl::blackboard::BoardChange;
use bottega_event::{BoardChanged, BoardEvent, Record, Revision, StreamId};
use bottega_store::{Change, Projection, Rows};
use serde::{Deserialize, Serialize};

/// Every entry that stands, under its name, and the latest write and change of all. Those whose time is over stand until
/// that was stored.
#[derive(Clone, Copy, Debug)]
pub struct BoardView;

impl BoardView {
    /// Its name.
    pub(crate) const NAME: &'static str = "blackboard";
    /// The key of the latest change. No entry is called so: names hold no space.
    pub(crate) const LATEST: &'static str = " latest";
    /// The key of the latest write, which has the highest version.
    pub(crate) const WRITTEN: &'static str = " written";
}

/// A change, with its place in the stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) revision: Revision,
    pub(crate) change: BoardChange,
}

impl Projection for BoardView {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, _: &Record) -> Vec<String> {
        // The last word counts, whatever was there before.
        Vec::new()
    }

    fn apply(&self, record: &Record, _: &Rows) -> Vec<Change> {
        if record.stream != StreamId::blackboard() {
            return Vec::new();
        }
        let Ok(BoardEvent::Changed(BoardChanged { change, .. })) =
            BoardEvent::decode(&record.event)
        else {
            return Vec::new();
        };
        let key = change.name().as_str().to_owned();
        let placed = Placed { revision: record.revision, change };
        let row = serde_json::to_vec(&placed).ok();
        let latest = Change { key: Self::LATEST.to_owned(), value: row.clone() };
        match placed.change {
            BoardChange::Written { .. } => {
                let written = Change { key: Self::WRITTEN.to_owned(), value: row.clone() };
                vec![latest, written, Change { key, value: row }]
            }
            BoardChange::Taken { .. } | BoardChange::Expired { .. } => {
                vec![latest, Change { key, value: None }]
            }
        }
    }
}
