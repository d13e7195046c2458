//! What a broker is asked to do.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Message, Performative, Protocol, ProtocolName, json};

/// What a broker is asked to do: the content of a `proxy` (SC00037, proxy), as a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What the agents must be able to do, in words that the directory understands.
    pub seek: String,
    /// How many of them shall be asked.
    pub reach: Reach,
    /// What is said to them: act, content with its tags, `reply-by` and user-defined parameters. The rest is the broker's.
    pub message: Message,
}

/// How many of the agents that fit are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// All of them.
    #[default]
    All,
    /// One after the other, until one brings a result.
    One,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    seek: String,
    #[serde(default)]
    reach: Reach,
    message: Box<RawValue>,
}

/// Content that is no errand for a broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnErrand {
    /// It has another form.
    #[error(
        "the content of proxy is no errand: {0}; write {{\"seek\":\"weather\",\"reach\":\"all\",\"message\":{{…}}}}"
    )]
    Form(String),
    /// Its message can't be brokered.
    #[error(
        "{0} is not brokered here; request, request-when, query-if, query-ref and subscribe are, and acts that tell something"
    )]
    Act(Performative),
}

impl Errand {
    /// The draft of a proxy.
    #[must_use]
    pub fn say(&self) -> Message {
        let message = RawValue::from_string(json::encode(&self.message)).unwrap_or_default();
        let wire = Wire { seek: self.seek.clone(), reach: self.reach, message };
        // A struct of texts always has a JSON form.
        let content = serde_json::to_string(&wire).unwrap_or_default();
        Message::new(Performative::Proxy).about(content).with_language("json")
    }

    /// Reads a proxy.
    ///
    /// # Errors
    /// [`NotAnErrand`] when the content has another form, or asks for a conversation in which the initiator would have to
    /// speak again: the broker would have to decide for it.
    pub fn read(proxy: &Message) -> Result<Self, NotAnErrand> {
        let content = proxy.content.as_ref().map_or(&[][..], |content| content.as_bytes());
        let wire: Wire = serde_json::from_slice(content)
            .map_err(|problem| NotAnErrand::Form(problem.to_string()))?;
        let message = json::decode(wire.message.get().as_bytes())
            .map_err(|problem| NotAnErrand::Form(format!("its message, {problem}")))?;
        let errand = Self { seek: wire.seek, reach: wire.reach, message };
        match (errand.protocol(), errand.message.performative) {
            (
                Some(
                    Protocol::Request
                    | Protocol::RequestWhen
                    | Protocol::Query
                    | Protocol::Subscribe,
                ),
                _,
            )
            | (None, Performative::Inform | Performative::Confirm | Performative::Disconfirm) => {
                Ok(errand)
            }
            (_, act) => Err(NotAnErrand::Act(act)),
        }
    }

    /// The conversation that the message opens; none when it only tells something.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        let act = self.message.performative;
        match &self.message.protocol {
            Some(ProtocolName::Known(named)) => {
                Some(*named).filter(|named| named.is_opened_by(act))
            }
            Some(ProtocolName::Other(_)) => None,
            None => Protocol::opened_with(act),
        }
    }
}
