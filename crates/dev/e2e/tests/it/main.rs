//! One file for each promise that Bottega makes to people and scripts.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where its world does")]

mod binary;
mod home;
mod live;
mod processes;
mod provider;

mod attachments;
mod budgets;
mod endings;
mod excerpts;
mod fallback;
mod interrupts;
mod journal;
mod json_events;
mod kill;
mod one_at_a_time;
mod output_schema;
mod protocols;
mod requests;
mod secrets;
mod sessions;
mod standard_input;
mod troubles;
mod undone_folders;
mod usage;
