//! The language-model agent as a behaviour: a fold, a decision, a list of what is outstanding.
//!
//! What it is: the loop that every model-driven agent shares. An agent differs from another by its
//! [`Definition`] alone: prompt, tools, limits of an answer.
//! What it is not: it asks no model and runs no tool; it says what is outstanding, and the host does it.
//!
//! One turn: `Tasked` → `ModelAsked` → (the model) → `ModelAnswered`, `ToolStarted`… → (the tools) →
//! `ToolFinished`… → `ModelAsked` → … → `Ended`.
//!
//! Invariants
//! * The messages of a request only grow, to the byte, until a compaction or a rewind.
//! * A tool call is outstanding only once the answer that holds it was stored whole.
//! * Every way a run can go ends: by the model, a limit, a budget, a breaker or a person.
//! * What a question may cost at most is stored before it is asked, and fits the budget.

mod breaker;
mod compaction;
mod context;
mod decide;
mod definition;
mod finish;
mod guide;
mod place;
mod request;
mod state;
mod trial;

pub use decide::LlmAgent;
pub use definition::{Definition, FINISH};
pub use state::{OpenTool, Phase, State};
