//! What lies in an agent's mailbox.

use bottega_acl::Message;
use bottega_telemetry::Trail;
use bottega_types::MessageId;

/// One thing in a mailbox.
#[derive(Clone, Debug)]
pub(crate) enum Parcel {
    /// A message that is nowhere but here. `keep` as the agent declares: whether it is begun again after a crash.
    Transient { message: Message, keep: bool, trail: Option<Trail> },
    /// A message that is stored. `before` is how often it was begun in earlier processes.
    Durable { id: MessageId, message: Message, before: u32, trail: Option<Trail> },
    /// The agent ends as it is and begins as its blueprint is now.
    Renew,
}

impl Parcel {
    /// The name of a durable message.
    pub(crate) const fn id(&self) -> Option<MessageId> {
        match self {
            Self::Durable { id, .. } => Some(*id),
            Self::Transient { .. } | Self::Renew => None,
        }
    }

    /// The message, unless it is none.
    pub(crate) const fn message(&self) -> Option<&Message> {
        match self {
            Self::Transient { message, .. } | Self::Durable { message, .. } => Some(message),
            Self::Renew => None,
        }
    }

    /// The same, taken out.
    pub(crate) fn into_message(self) -> Option<Message> {
        match self {
            Self::Transient { message, .. } | Self::Durable { message, .. } => Some(message),
            Self::Renew => None,
        }
    }

    /// What is delivered again if the agent crashes over it.
    pub(crate) fn kept(&self) -> Option<Self> {
        match self {
            Self::Transient { keep: false, .. } | Self::Renew => None,
            Self::Transient { keep: true, .. } | Self::Durable { .. } => Some(self.clone()),
        }
    }
}
