//! Durable messages that are under way, and those that were given up.

use bottega_event::{Death, Letter, MailEvent, Record};
use bottega_store::{Change, Projection, Rows};
use bottega_types::{MessageId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

/// One durable message that was not handled: a row of [`MailView`], under `STREAM MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailRow {
    /// Its name.
    pub id: MessageId,
    /// Its place in its agent's stream; resending gives it a new one. Messages are handed over in this order.
    pub revision: u64,
    /// When it was taken in.
    pub at: Timestamp,
    /// Why it is not handed over any more; nothing while it is under way.
    pub dead: Option<DeadLetter>,
    /// The message.
    pub letter: Letter,
    /// What caused it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// Why a message is not handed over any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Why.
    pub cause: Death,
    /// What a person reads about it.
    pub words: String,
    /// Since when.
    pub at: Timestamp,
}

/// Durable messages that were not handled.
#[derive(Clone, Copy, Debug)]
pub struct MailView;

impl MailView {
    /// The key of a row.
    pub(crate) fn key(stream: &str, id: MessageId) -> String {
        format!("{stream} {id}")
    }
}

fn read(record: &Record) -> Option<MailEvent> {
    record.stream.as_str().starts_with("mail/").then(|| MailEvent::decode(&record.event).ok())?
}

impl Projection for MailView {
    fn name(&self) -> &'static str {
        "mail"
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        let key = |id| Self::key(record.stream.as_str(), id);
        match read(record) {
            Some(MailEvent::Accepted(accepted)) => vec![key(accepted.id)],
            Some(MailEvent::Handled(handled)) => handled.ids.into_iter().map(key).collect(),
            Some(MailEvent::Died(died)) => vec![key(died.id)],
            Some(MailEvent::Resent(resent)) => vec![key(resent.id)],
            None => Vec::new(),
        }
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let key = |id| Self::key(record.stream.as_str(), id);
        let row = |id| -> Option<MailRow> {
            rows.get(&key(id)).and_then(|bytes| serde_json::from_slice(bytes).ok())
        };
        let changed = |row: MailRow| {
            let value = serde_json::to_vec(&row).ok();
            vec![Change { key: key(row.id), value }]
        };
        match read(record) {
            Some(MailEvent::Accepted(accepted)) => changed(MailRow {
                id: accepted.id,
                revision: record.revision.0,
                at: record.at,
                dead: None,
                letter: accepted.letter,
                trace: accepted.trace,
            }),
            Some(MailEvent::Handled(handled)) => {
                handled.ids.into_iter().map(|id| Change { key: key(id), value: None }).collect()
            }
            Some(MailEvent::Died(died)) => row(died.id).map_or_else(Vec::new, |row| {
                let dead = DeadLetter { cause: died.cause, words: died.words, at: record.at };
                changed(MailRow { dead: Some(dead), ..row })
            }),
            Some(MailEvent::Resent(resent)) => row(resent.id).map_or_else(Vec::new, |row| {
                changed(MailRow { dead: None, revision: record.revision.0, ..row })
            }),
            None => Vec::new(),
        }
    }
}
