//! Conversations between two agents, as machines without hands.
//!
//! One machine serves every protocol and both sides; [`rules`] is what differs. A step is a function of the machine, the
//! present moment and one [`Input`]; it gives the next machine and what is to be done. Every input gets at least one
//! output: nothing is dropped silently.

mod cancel;
mod rules;
mod step;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use bottega_types::{ConversationId, Digest, MessageId, Timestamp};

use crate::{
    AgentName, Aid, Content, ConversationRef, Message, MessageRef, Performative, Protocol,
    ProtocolName,
};

use cancel::Cancel;
pub use rules::{Rule, rules};

/// Which of the two an agent is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// It opened the conversation.
    Initiator,
    /// It was addressed.
    Participant,
}

impl Side {
    /// The one across.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Participant,
            Self::Participant => Self::Initiator,
        }
    }
}

/// How far a conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Nothing was said.
    Fresh,
    /// It was opened, and waits for the participant's first word.
    Asked,
    /// The participant agreed and owes results.
    Agreed,
    /// The participant made a proposal, and waits.
    Proposed,
    /// The proposal was accepted; the participant owes results.
    Awarded,
    /// It is over.
    Ended(Ending),
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// With the result.
    Done,
    /// The participant would not.
    Refused,
    /// The participant could not.
    Failed,
    /// The initiator did not take the proposal.
    Rejected,
    /// One side did not understand the other.
    Misunderstood,
    /// The initiator cancelled, and the participant stopped.
    Cancelled,
    /// A word that was owed did not come in time.
    Silent,
    /// The other side can't be reached.
    Unreached,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fresh => "fresh",
            Self::Asked => "asked",
            Self::Agreed => "agreed",
            Self::Proposed => "proposed",
            Self::Awarded => "awarded",
            Self::Ended(ending) => ending.as_str(),
        })
    }
}

impl Ending {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Misunderstood => "misunderstood",
            Self::Cancelled => "cancelled",
            Self::Silent => "silent",
            Self::Unreached => "unreached",
        }
    }
}

/// How long a side waits for the other. `None` waits until it is cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// For an answer to what was asked or proposed, unless the message itself says `reply-by`; and for the answer to a
    /// cancel.
    pub answer: Option<Duration>,
    /// For the result after the participant agreed, or was accepted. A subscription waits without end for the next news.
    pub result: Option<Duration>,
}

/// A deadline that was armed. Only the last one that a machine armed counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timer(pub u32);

/// What happens to a machine. `D` are the decisions that its owner may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<D = Decision> {
    /// A message came.
    Received(Message),
    /// The owner decided.
    Decided(D),
    /// An armed deadline passed.
    Passed(Timer),
    /// What this machine sent could not be delivered, and nothing more will be.
    Undelivered {
        /// To whom.
        to: AgentName,
    },
}

/// What the owner of one side may decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Say this. A draft: the machine sets sender, receiver, conversation, protocol and the names of messages; act, content
    /// with its tags, `reply-by` and user-defined parameters are the owner's.
    Say(Message),
    /// Have the participant stop. Of the initiator, at any time between opening and end.
    Cancel,
    /// The participant stopped, as it was asked.
    Stopped,
    /// The participant can't stop any more.
    CannotStop {
        /// Why not.
        why: String,
    },
}

impl Decision {
    /// Say an act with a content.
    #[must_use]
    pub fn say(act: Performative, content: impl Into<Content>) -> Self {
        Self::Say(Message::new(act).about(content))
    }
}

/// What a machine wants done. `R` is what it reports to its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<R = Report> {
    /// Send this message.
    Send(Message),
    /// Give [`Input::Passed`] with this timer at that moment.
    Arm {
        /// The deadline's name.
        timer: Timer,
        /// When it passes.
        at: Timestamp,
    },
    /// Tell the owner.
    Report(R),
    /// The owner's decision is not possible now; nothing changed.
    Impossible {
        /// Why.
        why: String,
    },
    /// The input changes nothing and asks for no answer.
    Disregarded {
        /// Why.
        why: String,
    },
}

/// What the owner of one side learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The other side said this, and the conversation goes on.
    Heard(Message),
    /// The initiator wants it stopped: decide [`Decision::Stopped`] or [`Decision::CannotStop`].
    CancelAsked(Message),
    /// The participant did not stop, and goes on.
    CancelFailed(Message),
    /// It is over: how, and the other side's last word if it was that which ended it.
    Ended(Ending, Option<Message>),
}

/// One side of a conversation between two agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialogue {
    protocol: Protocol,
    side: Side,
    stage: Stage,
    me: Aid,
    peer: Aid,
    thread: Option<ConversationRef>,
    /// Names what is said, of a conversation without a name too.
    key: ConversationId,
    /// How many messages were named.
    said: u64,
    /// The name of our last word in the conversation itself.
    last_said: Option<MessageRef>,
    /// The other side's last message, as far as answers need it.
    heard: Option<Box<Message>>,
    cancel: Cancel,
    patience: Patience,
    armed: Option<Timer>,
    timers: u32,
}

/// A message that opens no conversation here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unopened {
    /// Why not.
    pub why: String,
    /// What its sender is told, unless it told of an error or named no sender.
    pub answer: Option<Box<Message>>,
}

impl Dialogue {
    /// The side that will open a conversation with `peer`: its first decision is to say the opening act.
    #[must_use]
    pub fn initiator(
        protocol: Protocol,
        me: Aid,
        peer: Aid,
        conversation: impl Into<ConversationRef>,
        patience: Patience,
    ) -> Self {
        let thread = conversation.into();
        let key = thread.key();
        Self::fresh(protocol, Side::Initiator, [me, peer], (Some(thread), key), patience)
    }

    /// The side that is addressed by `opening`. The message is not yet taken in: give it as the first input.
    ///
    /// The protocol is the one that it names, or, without a name, the first that its act opens.
    ///
    /// # Errors
    /// [`Unopened`] when it has no sender, names a protocol that has no machine here, or does not open the one it names.
    pub fn participant(me: Aid, opening: &Message, patience: Patience) -> Result<Self, Unopened> {
        let refuse = |why: String| {
            let answer = opening.not_understood(&me, &why).map(Box::new);
            Unopened { why, answer }
        };
        let act = opening.performative;
        let protocol = match &opening.protocol {
            Some(ProtocolName::Known(protocol)) => *protocol,
            Some(ProtocolName::Other(name)) => {
                return Err(refuse(format!("the protocol `{name}` is not spoken here")));
            }
            None => Protocol::opened_with(act)
                .ok_or_else(|| refuse(format!("{act} opens no conversation")))?,
        };
        if !protocol.is_opened_by(act) {
            return Err(refuse(format!(
                "{act} does not open {protocol}, and no conversation of it is under way"
            )));
        }
        let Some(peer) = opening.sender.clone() else {
            return Err(refuse("the message names no sender".to_owned()));
        };
        let key = opening.conversation.as_ref().map_or_else(
            || {
                let name = opening.reply_with.as_ref().map(ToString::to_string).unwrap_or_default();
                key_of(&[peer.name().as_str(), &name])
            },
            ConversationRef::key,
        );
        let thread = (opening.conversation.clone(), key);
        Ok(Self::fresh(protocol, Side::Participant, [me, peer], thread, patience))
    }

    fn fresh(
        protocol: Protocol,
        side: Side,
        [me, peer]: [Aid; 2],
        (thread, key): (Option<ConversationRef>, ConversationId),
        patience: Patience,
    ) -> Self {
        Self {
            protocol,
            side,
            stage: Stage::Fresh,
            me,
            peer,
            thread,
            key,
            said: 0,
            last_said: None,
            heard: None,
            cancel: Cancel::None,
            patience,
            armed: None,
            timers: 0,
        }
    }

    /// The rules it follows.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Which side it is.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// How far it has come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Whose side it is.
    #[must_use]
    pub const fn me(&self) -> &Aid {
        &self.me
    }

    /// Who is across.
    #[must_use]
    pub const fn peer(&self) -> &Aid {
        &self.peer
    }

    /// The conversation's name; none where the opening message gave none.
    #[must_use]
    pub const fn conversation(&self) -> Option<&ConversationRef> {
        self.thread.as_ref()
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended(_))
    }

    /// The name of the next message that is said.
    fn next_name(&mut self) -> MessageRef {
        self.said += 1;
        let speaker = format!("{} {}", self.me.name(), self.peer.name());
        MessageId::nth(self.key, &speaker, self.said).into()
    }
}

/// The identifier that stands for what bears no identifier of ours.
pub(crate) fn key_of(parts: &[&str]) -> ConversationId {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let mut low = [0; 16];
    low.copy_from_slice(&Digest::of_parts(&parts).as_bytes()[..16]);
    ConversationId::from_bits(u128::from_le_bytes(low))
}

impl ConversationRef {
    /// An identifier that stands for the conversation: its own, or one derived from the name that others gave it. For
    /// tables of conversations; it is not what messages say.
    #[must_use]
    pub fn key(&self) -> ConversationId {
        self.id().unwrap_or_else(|| key_of(&[&self.to_string()]))
    }
}
