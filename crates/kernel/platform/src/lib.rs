//! Hosts agents: stores what they decide, carries out what they want, folds what people see.
//!
//! What it is: the actor of a session ([`Platform::begin`], [`Platform::reopen`]), undo, fork, and the
//! views of sessions and costs.
//! What it is not: it decides nothing about an agent's work (its [`Mind`](bottega_behaviour::Mind) does),
//! and it names no model vendor, no database and no tool.
//!
//! One step: an [`Input`](bottega_behaviour::Input) in the mailbox → `Mind::decide` → events → the journal
//! → `Mind::evolve` → what is outstanding → tasks → their results are the next inputs.
//!
//! Invariants
//! * An effect is carried out only after the event that asks for it was stored.
//! * Live work and recovery are the same loop: whatever is outstanding and not under way is started.
//! * A session is driven by one process at a time: an append at the wrong revision stops the other.

mod attachments;
mod blob_audit;
mod cost_view;
mod effect;
mod error;
mod history;
mod minds;
mod platform;
mod session;
mod session_view;
mod undo;

pub use blob_audit::BlobAudit;
pub use bottega_toolhost::{GrantBook, GrantError, HeldGrant};
pub use cost_view::{CostRow, CostView};
pub use effect::Ground;
pub use error::PlatformError;
pub use history::{Happened, read_history, read_since};
pub use minds::{MindMaker, Minds};
pub use platform::Platform;
pub use session::{SessionHandle, Update};
pub use session_view::{SessionRow, SessionView, WorkState};
pub use undo::{Restore, UndoOutcome, carry_out, plan_undo};
