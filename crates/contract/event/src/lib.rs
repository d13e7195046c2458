//! Everything that is ever stored, with its version and its place in the chain.
//!
//! What it is: the envelope ([`Record`]), the hash chain ([`link`], [`ChainVerifier`]), the catalogue of event kinds with
//! their upcasters ([`CATALOGUE`]), and the events themselves ([`SessionEvent`], [`BudgetEvent`]).
//! What it is not: it stores nothing; see `bottega-store` for the ports.
//!
//! One event: [`SessionEvent`] → [`NewEvent`] → (a journal appends) → [`Record`] → [`SessionEvent::decode`] → fold.
//!
//! Invariants
//! * A stored form never changes. A new form is a new version with an upcaster from the one before.
//! * The digest of a record covers every other field of it and the digest of the record before.
//! * No event holds a secret: text is redacted before it becomes an event.

mod agent;
mod board;
mod budget;
mod catalogue;
mod chain;
mod directory;
mod grant;
mod keep;
mod mail;
mod record;
mod session;
mod tender;
mod topic;

pub use agent::{
    AgentCrashed, AgentDeployed, AgentEvent, AgentGaveUp, AgentHosted, AgentLogged, AgentReached,
    AgentRemoved, AgentStarted, AgentStopped, AgentUpgraded, AgentWebhookFailed,
    AgentWebhookRecovered,
};
pub use board::{BoardChanged, BoardEvent, BoardRefused};
pub use budget::{BudgetEvent, Reserved, Settled};
pub use catalogue::{CATALOGUE, EventKind, Undecodable, Upcaster};
pub use chain::{Break, ChainVerifier, link};
pub use directory::{DirectoryChanged, DirectoryEvent};
pub use grant::{GrantEvent, GrantGiven, GrantRevoked};
pub use keep::{KeepEvent, KeepSet};
pub use mail::{
    Death, HandledStep, Letter, MailAccepted, MailDied, MailEvent, MailHandled, MailResent,
};
pub use record::{NewEvent, NotAStreamId, Position, Record, Revision, StreamId};
pub use session::{
    Approved, Attachment, Compaction, EndKind, Ended, Fork, Limits, ModelAnswered, ModelAsked,
    ModelFacts, ModelFailed, ModelTiming, Nudged, Purpose, Removed, Rerouted, Rewound,
    SessionEvent, Started, Stepped, Survey, Tasked, ToolOutcome, ToolReport, ToolStarted, Undone,
};
pub use tender::{
    TenderAwarded, TenderBidden, TenderBidder, TenderChoice, TenderClosing, TenderDecided,
    TenderEnded, TenderEvent, TenderHeard, TenderLearned, TenderLost, TenderOpened, TenderOut,
    TenderPassed, TenderRound, TenderTerms, TenderTold,
};
pub use topic::{TopicEvent, TopicSubscribed, TopicUnsubscribed};
