//! What an agent is: a fold over events, a decision about each input, and a list of what is outstanding.
//!
//! What it is: the trait [`Behaviour`] with its [`Input`]s and [`Effect`]s, of agents whose work is a record of events,
//! alike again as a [`Mind`], a behaviour with its state; and the trait [`Resident`], of agents that talk to each other
//! through an [`Office`] of their own.
//! What it is not: a place where anything happens. The host (`bottega-platform`) stores the events and
//! carries out the effects.
//!
//! One step: [`Input`] → [`Behaviour::decide`] → events → (stored) → [`Behaviour::evolve`] →
//! [`Behaviour::outstanding`] → [`Effect`]s → (carried out) → the next [`Input`].
//!
//! Invariants
//! * Deciding and evolving are pure: the same state and input give the same events, byte for byte. They
//!   never wait, read a clock or draw a random number.
//! * What is outstanding follows from the state alone. So live work and recovery after a crash are the same
//!   code: the host starts whatever is outstanding and not yet under way.

mod behaviour;
mod effect;
mod guest;
mod input;
mod mind;
mod resident;
mod surveyor;

pub use behaviour::{Behaviour, Refusal, call_id};
pub use effect::{Effect, EffectId};
pub use guest::{DefinitionLoader, Guest, GuestLoader};
pub use input::Input;
pub use mind::{Mind, embody};
pub use resident::{ATTEMPT, Letter, MESSAGE_ID, Office, Resident, Trouble, Undelivered, Unsent};
pub use surveyor::Surveyor;
