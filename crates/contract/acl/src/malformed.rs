//! What is wrong with bytes that are no message.

use crate::message::misunderstanding;
use crate::{Aid, ConversationRef, Message, MessageRef, Performative, ProtocolName};

/// The most bytes that a message may have in either encoding.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// The deepest that lists and agent identifiers may lie in each other.
pub const DEEPEST: usize = 32;

/// The most parameters that a message, or an agent identifier, may have, user-defined ones included.
pub const MOST_PARAMETERS: usize = 128;

/// Bytes that are no message: where they stop being one, why, and what they said until then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}, line {line}: {problem}")]
pub struct Malformed {
    /// Where, in bytes from the start.
    pub offset: usize,
    /// Where, in lines from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub problem: String,
    salvage: Box<Salvage>,
}

/// What could be read before the fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Salvage {
    pub(crate) performative: Option<Performative>,
    pub(crate) sender: Option<Aid>,
    pub(crate) reply_to: Vec<Aid>,
    pub(crate) conversation: Option<ConversationRef>,
    pub(crate) reply_with: Option<MessageRef>,
    pub(crate) protocol: Option<ProtocolName>,
}

impl Malformed {
    pub(crate) fn new(bytes: &[u8], offset: usize, problem: String) -> Self {
        let before = &bytes[..offset.min(bytes.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Self { offset, line, problem, salvage: Box::default() }
    }

    pub(crate) fn with(mut self, salvage: Salvage) -> Self {
        *self.salvage = salvage;
        self
    }

    /// The `not-understood` that tells the sender, by `me`.
    ///
    /// `None` when no sender could be read (then whoever brought the bytes is to be told, by its own means), or when
    /// they were an error message.
    #[must_use]
    pub fn answer(&self, me: &Aid) -> Option<Message> {
        let Salvage { performative, sender, reply_to, conversation, reply_with, protocol } =
            (*self.salvage).clone();
        let act = performative.map_or("unknown", Performative::as_str);
        // Any act that may be answered stands for one that could not be read.
        let mut heard = Message::new(performative.unwrap_or(Performative::Inform));
        heard.sender = sender;
        heard.conversation = conversation;
        heard.reply_with = reply_with;
        heard.protocol = protocol;
        let answer = heard.with_reply_to(reply_to).not_understood(me, "")?;
        Some(answer.about(misunderstanding(act, &self.to_string())))
    }
}
