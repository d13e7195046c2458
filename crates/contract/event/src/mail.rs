//! What became of the durable messages to one agent.

use std::fmt;
use std::sync::Arc;

use bottega_acl::{Malformed, Message, json};
use bottega_types::{MessageId, SpanId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::catalogue::events;

events! {
    /// An event of a `mail/AGENT` stream.
    MailEvent {
        /// A message was taken in. From now on it is delivered at least once, or kept as a dead letter.
        Accepted(MailAccepted) = "mail.accepted", 1;
        /// The agent has handled these messages; they are not delivered again.
        Handled(MailHandled) = "mail.handled", 1;
        /// A message is not delivered any more; it is kept with the reason.
        Died(MailDied) = "mail.died", 1;
        /// A dead letter is to be delivered again.
        Resent(MailResent) = "mail.resent", 1;
    }
}

/// A message was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailAccepted {
    /// Its name, by which receivers know a repeat.
    pub id: MessageId,
    /// The message.
    pub letter: Letter,
    /// What caused it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// The agent has handled these messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailHandled {
    /// Which.
    pub ids: Vec<MessageId>,
    /// The steps of handling those that belong to a trace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<HandledStep>,
}

/// The step of a trace in which a message was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandledStep {
    /// The message.
    pub id: MessageId,
    /// The step: what it caused names it.
    pub span: SpanId,
    /// When it began.
    pub began: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// A message is not delivered any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailDied {
    /// Which.
    pub id: MessageId,
    /// Why.
    pub cause: Death,
    /// What a person reads about it.
    pub words: String,
}

/// A dead letter is to be delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailResent {
    /// Which.
    pub id: MessageId,
}

/// Why a message is not delivered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// The receiver is not known here.
    Unknown,
    /// Its `reply-by` had passed before it could be delivered.
    Expired,
    /// The agent crashed over it as often as its deliveries are allowed to.
    Poison,
    /// The agent was removed.
    Removed,
}

/// A message in its stored form: the JSON encoding of `bottega-acl`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Letter(Arc<RawValue>);

impl Letter {
    /// The message, folded.
    #[must_use]
    pub fn seal(message: &Message) -> Self {
        let text = json::encode(message);
        let raw =
            RawValue::from_string(text).expect("the JSON encoding of a message is one JSON object");
        Self(raw.into())
    }

    /// The message again.
    ///
    /// # Errors
    /// Where and why it can't be read, which means that it was written by something else.
    pub fn open(&self) -> Result<Message, Malformed> {
        json::decode(self.0.get().as_bytes())
    }

    /// Its JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Letter {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Letter {}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use bottega_acl::{Aid, Performative};
    use bottega_types::Seeded;

    use super::*;

    #[test]
    fn a_letter_comes_back_as_it_was() {
        let (me, you): (Aid, Aid) = ("me@here".parse().unwrap(), "you@here".parse().unwrap());
        let message = Message::new(Performative::Request).from(me).to(you).about("say \"hello\"\n");
        let trace = Some(TraceContext::fresh(&Seeded::new(1)).of_request("req_1"));
        let (id, letter) = (MessageId::from_bits(7), Letter::seal(&message));
        let accepted = MailAccepted { id, letter, trace };
        let stored = MailEvent::from(accepted.clone()).encode();
        assert_eq!(MailEvent::decode(&stored), Ok(MailEvent::Accepted(accepted.clone())));
        assert_eq!(accepted.letter.open().unwrap(), message);
        assert!(stored.data.contains(r#""performative":"request""#), "{}", stored.data);
    }

    #[test]
    fn what_was_handled_before_steps_were_stored_is_read() {
        let id = MessageId::from_bits(7);
        let old = format!(r#"{{"ids":["{id}"]}}"#);
        let read: MailHandled = serde_json::from_str(&old).unwrap();
        assert_eq!(read, MailHandled { ids: vec![id], steps: Vec::new() });
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        let began = Timestamp::from_millis(9);
        let step = HandledStep { id, span: SpanId::new(&Seeded::new(1)), began, took_ms: 2 };
        let handled = MailHandled { ids: vec![id], steps: vec![step] };
        let stored = MailEvent::from(handled.clone()).encode();
        assert_eq!(MailEvent::decode(&stored), Ok(MailEvent::Handled(handled)));
    }

    #[test]
    fn what_was_stored_before_traces_is_read() {
        let id = MessageId::from_bits(7);
        let old = format!(r#"{{"id":"{id}","letter":{{"performative":"inform"}}}}"#);
        let read: MailAccepted = serde_json::from_str(&old).unwrap();
        assert_eq!((read.id, read.trace.as_ref()), (id, None));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
    }
}
