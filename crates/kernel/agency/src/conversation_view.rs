//! Which stored messages belong to which conversation.

use bottega_acl::ConversationRef;
use bottega_event::{Letter, MailEvent, Record, Revision, StreamId};
use bottega_store::{Change, Projection, Rows};
use bottega_types::{MessageId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

/// A stored message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its name.
    pub id: MessageId,
    /// When it was taken in.
    pub at: Timestamp,
    /// The message.
    pub letter: Letter,
    /// What caused it, where that is known.
    pub trace: Option<TraceContext>,
}

/// Where a message of a conversation stands: a row of [`ConversationView`], under `CONVERSATION POSITION`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) stream: StreamId,
    pub(crate) revision: Revision,
}

/// Where the stored messages of each conversation stand.
#[derive(Clone, Copy, Debug)]
pub struct ConversationView;

impl ConversationView {
    /// Its name.
    pub(crate) const NAME: &'static str = "conversations";

    /// What the keys of a conversation's rows begin with.
    pub(crate) fn prefix(conversation: &ConversationRef) -> String {
        format!("{} ", conversation.key())
    }
}

impl Projection for ConversationView {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, _: &Record) -> Vec<String> {
        // A row is written once and never looked at again.
        Vec::new()
    }

    fn apply(&self, record: &Record, _: &Rows) -> Vec<Change> {
        if &*record.event.kind != "mail.accepted" {
            return Vec::new();
        }
        let Ok(MailEvent::Accepted(accepted)) = MailEvent::decode(&record.event) else {
            return Vec::new();
        };
        let conversation = accepted.letter.open().ok().and_then(|message| message.conversation);
        let Some(conversation) = conversation else { return Vec::new() };
        let place = Place { stream: record.stream.clone(), revision: record.revision };
        let key = format!("{}{:020}", Self::prefix(&conversation), record.position.0);
        vec![Change { key, value: serde_json::to_vec(&place).ok() }]
    }
}
