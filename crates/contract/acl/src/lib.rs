//! Talking agents: messages, their encodings, conversations, and the rules of each kind of conversation.
//!
//! What it is: the vocabulary of FIPA-ACL ([`Message`], SC00061; [`Performative`], SC00037), its encodings ([`string`],
//! SC00070; [`json`], ours), and its interaction protocols as pure machines for either side ([`Protocol`] lists them with
//! their documents).
//! What it is not: it sends nothing and waits for nothing. It has no clock, no randomness and no tasks; `bottega-platform`
//! delivers.
//!
//! One message: bytes → [`string::decode`] or [`json::decode`] → [`Message`] → its conversation's machine → [`Output`]s →
//! [`Output::Send`] → bytes.
//!
//! Three machines, each with `step(self, now, input) -> (Self, outputs)`:
//! * [`Dialogue`]: one side of a conversation between two, in any protocol. The owner of a machine decides; the machine knows
//!   what may be said ([`rules`]).
//! * [`contract_net::Tender`]: the initiator of a contract net, among many; a dialogue with each bidder.
//! * [`brokering::Broker`]: between one initiator and those it asks for it.
//!
//! Three tables that agents share, as data and pure rules; whoever keeps one drives it:
//! * [`directory::Directory`]: who offers which services (SC00023).
//! * [`topic::Topics`]: who gets what is published, alone or in turn with its queue group.
//! * [`blackboard::Board`]: named entries that many write, read and take.
//!
//! Invariants
//! * What either encoding writes, it reads back as the same message; no bytes make it panic.
//! * Every input of a machine has an output. A message that has no place in its conversation is answered with
//!   `not-understood` and the reason; bytes that are no message become a [`Malformed`], whose
//!   [`answer`](Malformed::answer) tells the sender.
//! * `not-understood` and `failure` are never answered with `not-understood`: nobody talks in circles.
//! * A machine that has ended stays so. A conversation never changes its protocol.
//! * The directory and the blackboard change by the changes that they decided, and the same changes give the same table.
//! * The same inputs give the same outputs, names of messages included, so that a replay says what was said.
//!
//! ```
//! use bottega_acl::{Aid, ConversationRef, Decision, Dialogue, Input, Output, Patience, Performative, Protocol};
//! use bottega_types::Timestamp;
//!
//! let [ann, bob]: [Aid; 2] = ["ann@hall".parse()?, "bob@hall".parse()?];
//! let (now, patience) = (Timestamp::from_millis(0), Patience::default());
//! let ask = Dialogue::initiator(Protocol::Request, ann, bob.clone(), ConversationRef::new("c1"), patience);
//! let (ask, outputs) = ask.step(now, Input::Decided(Decision::say(Performative::Request, "open the gate")));
//! let Some(Output::Send(request)) = outputs.first() else { panic!("nothing was sent") };
//!
//! let answer = Dialogue::participant(bob, request, patience)?;
//! let (answer, _) = answer.step(now, Input::Received(request.clone()));
//! let (_, outputs) = answer.step(now, Input::Decided(Decision::say(Performative::Inform, "it is open")));
//! let Some(Output::Send(inform)) = outputs.first() else { panic!("nothing was sent") };
//!
//! assert!(ask.step(now, Input::Received(inform.clone())).0.is_ended());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod agent;
pub mod blackboard;
pub mod brokering;
mod content;
pub mod contract_net;
mod dialogue;
pub mod directory;
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
pub mod topic;

pub use agent::{AgentName, Aid, NotAnAgentName};
pub use content::Content;
pub use dialogue::{
    Decision, Dialogue, Ending, Input, Output, Patience, Report, Rule, Side, Stage, Timer,
    Unopened, rules,
};
pub use expression::{Expression, NotAUserName, UserName};
pub use malformed::{DEEPEST, LARGEST, MOST_PARAMETERS, Malformed};
pub use message::{Message, Receivers};
pub use performative::{
    Category, NotAPerformative, PERFORMATIVES, Performative, PerformativeRow, Turn,
};
pub use protocol::{PROTOCOLS, Protocol, ProtocolName, ProtocolRow};
pub use reference::{ConversationRef, MessageRef, Named, Reference};
pub use reply_by::{NotReplyBy, ReplyBy};
pub use reputation::{Kept, Outcome, Reputation, Standing, TrackRecord};
