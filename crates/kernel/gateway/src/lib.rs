//! The one way to language models: routes, retries, limits, prices and budgets.
//!
//! What it is: it finds the models behind a route, waits for the provider's limits, asks, asks again or
//! elsewhere when that helps, checks the answer's form, and keeps the books. Shared budgets live in the journal,
//! so that several processes keep them together.
//! What it is not: it speaks no provider's protocol (see `bottega-providers`), and does not decide what to do
//! about an answer that may have been paid for and is lost; the agent does.
//!
//! One question: [`Call`] → chain of models, without those that failed lately (`circuits`) → promise (budgets) → gate (concurrency, rate) → attempt (stream,
//! deadlines) → step (again, next, give up) → form (JSON) → settle →
//! [`ModelAnswered`](bottega_event::ModelAnswered) or [`ModelFailed`](bottega_event::ModelFailed).
//!
//! Invariants
//! * The attempts of one call together never cost more than was promised for it, as long as a provider keeps to
//!   the limit it was given; one that streams past it is cut off.
//! * An attempt that broke after it began counts at its worst case, since it may have to be paid.
//! * With shared budgets nothing is sent before its worst case is stored as promised; a promise counts as spent
//!   until it is settled. Without them the journal is not touched.
//! * A price that is not known is never taken for zero where a budget in money depends on it.
//! * Dropping the future of a call closes its connection.
//! * What to do is decided by pure machines (`step`, `pace`, `account`, `spending`, `price`); time passes only in
//!   `gate`, `attempt` and `run`.

mod account;
mod ask;
mod attempt;
mod bound;
mod circuits;
mod form;
mod gate;
mod gateway;
mod options;
mod pace;
mod price;
mod question;
mod route;
mod run;
mod spending;
mod step;
mod treasury;

pub use ask::{Call, GatewayEvent, WaitReason};
pub use attempt::Patience;
pub use gateway::Gateway;
pub use options::{Options, Provider};
pub use price::{Above, BadPrice, Price, PriceTable, Rates};
pub use question::{Question, Told, Unanswered};
pub use route::{Route, RouteError};
pub use spending::Budgets;
pub use step::Retries;
