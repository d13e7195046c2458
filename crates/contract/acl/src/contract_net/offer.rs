//! What a contract net talks about: announcement, bid, award, delivery.

use std::time::Duration;

use bottega_types::{Money, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Content, Message, Performative};

/// The ontology that the contents of a contract net are written in.
pub const ONTOLOGY: &str = "bottega-contract-net";

/// What a call for proposals asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// What is to be done, in words.
    pub task: String,
    /// The skill that it takes; reputations are kept per skill.
    pub skill: String,
    /// What whoever does it must have: tools, files, access. In words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The most that will be paid, in billionths of a dollar on the wire. Dearer bids are rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Money>,
    /// When it must be done, in milliseconds since the epoch on the wire. Bids that take longer are rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_by: Option<Timestamp>,
    /// The price of the best bid so far, in later rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_beat: Option<Money>,
}

/// What one agent offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bid {
    /// What it asks for, in billionths of a dollar on the wire.
    pub price: Money,
    /// How long it will take; whole milliseconds on the wire.
    #[serde(rename = "takes_ms", with = "millis")]
    pub takes: Duration,
    /// How sure it is to succeed.
    pub confidence: Confidence,
}

/// How sure somebody is, in thousandths: 0 is not at all, 1000 is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Confidence(u16);

impl Confidence {
    /// Certain.
    pub const CERTAIN: Self = Self(1000);

    /// This many thousandths; `None` above a thousand.
    #[must_use]
    pub const fn from_permille(permille: u16) -> Option<Self> {
        if permille <= 1000 { Some(Self(permille)) } else { None }
    }

    /// In thousandths.
    #[must_use]
    pub const fn permille(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Confidence {
    type Error = String;

    fn try_from(permille: u16) -> Result<Self, String> {
        Self::from_permille(permille)
            .ok_or_else(|| format!("a confidence is 0 to 1000 thousandths, not {permille}"))
    }
}

impl From<Confidence> for u16 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

/// What the winner is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// What is to be done, once more: whoever bids need not keep each call. Empty from platforms that do not say it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub task: String,
    /// What it will be paid; by some rules more than it asked for.
    pub pay: Money,
    /// When its time is over and the task goes to another.
    pub finish_by: Timestamp,
}

/// What the winner brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The result, in words or as a reference.
    pub result: String,
    /// What the work cost, as far as the winner says so; it shows how good its estimate was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Money>,
}

/// Content that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content of {act} is no {kind}: {problem}; write {example}")]
pub struct NotAnOffer {
    act: Performative,
    kind: &'static str,
    problem: String,
    example: &'static str,
}

fn write(value: &impl Serialize) -> Content {
    // Plain structs of texts and numbers always have a JSON form.
    serde_json::to_string(value).unwrap_or_default().into()
}

fn read<T: DeserializeOwned>(
    message: &Message,
    kind: &'static str,
    example: &'static str,
) -> Result<T, NotAnOffer> {
    let refuse = |problem: String| NotAnOffer { act: message.performative, kind, problem, example };
    let content = message.content.as_ref().ok_or_else(|| refuse("there is none".to_owned()))?;
    serde_json::from_slice(content.as_bytes()).map_err(|error| refuse(error.to_string()))
}

fn draft(act: Performative, content: Content) -> Message {
    Message::new(act).about(content).with_language("json").with_ontology(ONTOLOGY)
}

impl Announcement {
    /// The draft of a call for proposals.
    #[must_use]
    pub fn say(&self, bids_by: Timestamp) -> Message {
        draft(Performative::Cfp, write(self)).wanted_by(bids_by)
    }

    /// Reads a call for proposals.
    ///
    /// # Errors
    /// [`NotAnOffer`] when the content has another form.
    pub fn read(message: &Message) -> Result<Self, NotAnOffer> {
        read(message, "announcement", r#"{"task":"mend the test","skill":"rust"}"#)
    }
}

impl Bid {
    /// The draft of a proposal.
    #[must_use]
    pub fn say(&self) -> Message {
        draft(Performative::Propose, write(self))
    }

    /// Reads a proposal.
    ///
    /// # Errors
    /// [`NotAnOffer`] when the content has another form.
    pub fn read(message: &Message) -> Result<Self, NotAnOffer> {
        read(message, "bid", r#"{"price":250000000,"takes_ms":60000,"confidence":900}"#)
    }
}

impl Award {
    /// The draft of an acceptance.
    #[must_use]
    pub fn say(&self) -> Message {
        draft(Performative::AcceptProposal, write(self))
    }

    /// Reads an acceptance.
    ///
    /// # Errors
    /// [`NotAnOffer`] when the content has another form.
    pub fn read(message: &Message) -> Result<Self, NotAnOffer> {
        read(message, "award", r#"{"pay":250000000,"finish_by":1763648799001}"#)
    }
}

impl Delivery {
    /// The draft of an inform with the result.
    #[must_use]
    pub fn say(&self) -> Message {
        draft(Performative::Inform, write(self))
    }

    /// Reads a result. Other content than ours is a result as it stands, for other platforms deliver too.
    #[must_use]
    pub fn read(message: &Message) -> Self {
        read(message, "delivery", "").unwrap_or_else(|_| Self {
            result: message.content.as_ref().map(ToString::to_string).unwrap_or_default(),
            spent: None,
        })
    }
}

mod millis {
    use super::{Deserialize, Duration};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
