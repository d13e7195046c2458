//! Topics and the blackboard over a real agency.

#![expect(clippy::unwrap_used, reason = "a test ends there")]

mod publishing;
mod world;
mod writing;
