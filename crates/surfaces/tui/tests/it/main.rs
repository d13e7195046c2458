//! The view as a person sees it: what two looks and some keys make of a screen.

#![expect(clippy::unwrap_used, reason = "a test fails where its world does")]

mod drawn;
mod ordered;
mod watched;
mod world;
