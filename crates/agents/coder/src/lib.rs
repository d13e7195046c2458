//! The coding agent: its definition, its instructions, its tools.
//!
//! What it is: the built-in tools ([`BUILT_IN`]), one file each, whose input types are their manuals.
//! What it is not: tools reach files and commands only through the ports they are given; whether a call
//! may happen is decided in `bottega-toolhost`.
//!
//! One call: arguments → an input type → needs → (judged elsewhere) → a pure piece of work over a text,
//! a listing or an output → [`ToolOutput`](bottega_tool::ToolOutput).
//!
//! Invariants
//! * An edit that could be read in two ways changes nothing and shows what the file has.
//! * A file that changed since it was read is never overwritten, nor deleted.
//! * A patch changes all of its files or none.
//! * Of what a repository's settings name, the git tools run nothing but filters, in the cage.
//! * What is read in the web becomes text in memory that its own size bounds.
//! * An error tells the model what to do next.

mod agent;
mod checker;
mod command;
mod diff;
mod elision;
mod failing_place;
mod git;
mod git_look;
mod hired;
mod html;
mod looking;
mod numbered;
mod outline;
mod patch;
mod project;
mod prompt;
mod replacement;
mod survey;
mod target;
mod test_digest;
mod test_runner;
mod tools;
mod web_page;

pub use agent::{CODER, Options, coder};
pub use hired::{NoSuchTool, hired};
pub use survey::WorkspaceSurveyor;
pub use tools::BUILT_IN;
