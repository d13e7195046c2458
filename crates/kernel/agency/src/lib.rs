//! The agent platform: who lives here, and how messages reach them.
//!
//! What it is: [`Agency`], which hosts agents under supervisors (agent management, SC00023), and carries what they say to
//! each other (message transport, SC00067) in two delivery classes; and [`MailView`], what is under way and what was given
//! up, folded from the journal.
//! What it is not: it knows no kind of agent (each is a [`Resident`](bottega_behaviour::Resident)), no wire and no
//! database, and it decides nothing about a conversation (`bottega-acl` does).
//!
//! One message: [`Office::send`](bottega_behaviour::Office::send) → `admit` (can it be sent at all?) → `routes` (who is
//! that?) → transient: into the mailbox; durable: `mailroom` → the journal → the mailbox → `Resident::hear` → handled, which
//! the `clerk` stores for many agents at once.
//!
//! Invariants
//! * A durable message is acknowledged only after it was stored. From then on it is handed over at least once, in the order
//!   of its sender, or it is a dead letter with a reason.
//! * A transient message is in the mailbox when it is acknowledged, and is never stored.
//! * An agent speaks in its own name alone.
//! * The crash of an agent touches no other; what waits in its mailbox survives it.
//! * Every mailbox and every backlog is bounded; a full one is told to the sender.

mod admit;
mod agency;
mod archive;
mod beyond;
mod blueprint;
mod broken;
mod cancels;
mod chronicle;
mod clerk;
mod conversation_view;
mod deployment;
mod desk;
mod error;
mod facilitator;
mod guest_host;
mod inhabitant;
mod keep;
mod lodging;
mod mail_view;
mod mailroom;
mod management;
mod office;
mod outside;
mod parcel;
mod question;
mod request;
mod routes;
mod trace_view;
mod webhook;

pub use agency::{Agency, AgentRow, AgentState, Options};
pub use beyond::{Beyond, Brought, Burden, Nothing};
pub use blueprint::{Delivery, HostSpec, Maker};
pub use conversation_view::{ConversationView, Said};
pub use deployment::{Deployment, DeploymentView, Deployments, NotBegun, Shelf};
pub use desk::{Receipt, Repeat};
pub use error::AgencyError;
pub use facilitator::Facilitator;
pub use keep::KeepView;
pub use mail_view::{DeadLetter, MailRow, MailView};
pub use outside::{Counter, Waiting};
pub use request::{requested, say};
pub use trace_view::{MailEnd, TraceRow, TraceView};
