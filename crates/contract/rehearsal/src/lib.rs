//! Rehearsing a guest: what it hears, what stands behind its capabilities, and what it is expected to do.
//!
//! What it is: the [`Script`] that a person writes in TOML; the [`Stage`], which is host, clock and source of random numbers
//! to the guest and notes each [`Call`]; the [`Record`] of what happened; the [`Difference`]s between the two.
//! What it is not: it runs no guest and reads no file. `bottega-sandbox-wasm` lets a guest play, the surfaces show what came.
//!
//! One rehearsal: text → [`Script::parse`] → [`Stage::open`] → the guest plays its steps → [`Record`] →
//! [`Script::compare`], or [`written`] to put into the script what happened.
//!
//! Invariants
//! * A script and a guest that does the same give the same record: time moves by the script alone, chance by its seed.
//! * Nothing reaches the world. What the script has no answer for is refused.
//! * An unknown key is refused, never passed over: a misspelled expectation would expect nothing.

mod call;
mod difference;
mod form;
mod moment;
mod record;
mod script;
mod stage;
mod written;

pub use call::Call;
pub use difference::{Difference, Row};
pub use record::{Ending, Happened, Record};
pub use script::{Answer, Asked, Script, Step};
pub use stage::Stage;
pub use written::{NotWritten, written};
