//! Talking agents: messages, their encodings, conversations, and the rules of each kind of conversation.
//!
//! What it is: the vocabulary of FIPA-ACL (SC00061, SC00037) with its encodings in string (SC00070) and JSON.
//! What it is not: it sends nothing and waits for nothing. It has no clock, no randomness and no tasks.
//!
//! One message: bytes → [`string::decode`] or [`json::decode`] → [`Message`] → [`Message::reply`] → bytes.
//!
//! Invariants
//! * What either encoding writes, it reads back as the same message; no bytes make it panic.
//! * Bytes that are no message become a [`Malformed`] that says where and why, and whose
//!   [`answer`](Malformed::answer) tells the sender.
//! * `not-understood` and `failure` are never answered with `not-understood`.

mod agent;
pub mod brokering;
mod content;
pub mod contract_net;
mod dialogue;
mod expression;
pub mod json;
mod malformed;
mod message;
mod performative;
mod protocol;
mod reference;
mod reply_by;
mod reputation;
#[cfg(test)]
mod sample;
pub mod string;

pub use agent::{AgentName, Aid, NotAnAgentName};
pub use content::Content;
pub use contract_net::{Bid, Confidence};
pub use dialogue::{
    Decision, Dialogue, Ending, Input, Output, Patience, Report, Rule, Side, Stage, Timer,
    Unopened, rules,
};
pub use expression::{Expression, NotAUserName, UserName};
pub use malformed::{DEEPEST, LARGEST, MOST_PARAMETERS, Malformed};
pub use message::{Message, Receivers};
pub use performative::{CATALOGUE, Category, NotAPerformative, Performative, Place, Row};
pub use protocol::{PROTOCOLS, Protocol, ProtocolName, ProtocolRow};
pub use reference::{ConversationRef, MessageRef, Named, Reference};
pub use reply_by::{NotReplyBy, ReplyBy};
pub use reputation::{Kept, Outcome, Reputation, Standing};
