//! One file for each promise that Bottega makes to people and scripts.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where its world does")]

mod beyond;
mod binary;
mod home;
mod hooked;
mod live;
mod person;
mod processes;
mod provider;

mod added_tools;
mod agents_killed;
mod attachments;
mod budgets;
mod cage;
mod called;
mod correlated;
mod costs;
mod doctor;
mod egress;
mod encrypted;
mod endings;
mod excerpts;
mod fallback;
mod hangups;
mod interrupts;
mod journal;
mod json_events;
mod kill;
mod one_at_a_time;
mod otlp;
mod output;
mod output_schema;
mod pages;
mod played;
mod protocols;
mod requests;
mod resumed;
mod secrets;
mod served;
mod sessions;
mod settings;
mod shown;
mod standard_input;
mod stopping;
mod tools;
mod top;
mod troubles;
mod undone;
mod undone_folders;
mod usage;
mod web;
