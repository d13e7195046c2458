//! Who may do what, and for how much.
//!
//! What it is: what a call needs ([`Need`]), what was granted ([`Grant`]), the pure [`judge`], the
//! budgets that are checked before money is spent, and the port through which a person is asked.
//! What it is not: it enforces nothing by itself; `bottega-toolhost` calls [`judge`] before every tool
//! and `bottega-gateway` calls [`Budget::allowance`] before every model call. Whoever opens connections for an
//! agent asks [`egress`] before each.
//!
//! One tool call: [`Request`] → [`judge`] → [`Verdict`] → (a person, through [`Approver`]) → run.
//!
//! Invariants
//! * The default of every capability is *no*: a need that no rule, mode or grant covers is not allowed.
//! * A deny rule beats every mode and every grant. What holds back (deny, ask) sees a command behind the programs
//!   that run it; what opens (allow, grants) is read to the letter.
//! * Protected places need a person in every mode, `full` included.
//! * What was read from an untrusted origin does not leave the machine without a person's word, unless the settings
//!   say so.

mod approval;
mod budget;
mod command;
pub mod egress;
mod grant;
mod judge;
mod mode;
mod need;
mod origin;
mod path_pattern;
mod question;

pub use approval::{Approval, ApprovalRequest, Approver};
pub use budget::{Allowance, Budget, Exhausted, Resource, Spent};
pub use command::{NamedPath, named_paths, simple_commands};
pub use grant::{Grant, GrantScope};
pub use judge::{Outflow, Request, Rule, Rules, Verdict, judge};
pub use mode::{AccessMode, NotAnAccessMode};
pub use need::{Need, Place};
pub use origin::{Origin, fetched_hosts, untrusted};
pub use path_pattern::PathPattern;
pub use question::{Question, Reply};
