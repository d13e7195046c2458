//! The most that a guest may use.

use std::num::{NonZeroU32, NonZeroU64};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Period, Size};

/// The most that a guest may use. What is counted per message is counted per call for a tool.
///
/// Going over one ends the instance and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Limits {
    /// Linear memory of an instance. The engine has a bound of its own, which is not exceeded.
    pub memory: Size,
    /// Instructions per message, about one unit each: the limit that is the same on every machine.
    pub fuel: NonZeroU64,
    /// Time per message in which the guest itself computes. Waiting for the host does not count.
    pub compute: Period,
    /// Time from a message to the end of its handling, waiting included.
    pub deadline: Period,
    /// Bytes that leave the guest at once: an answer, a message, a saved state, a line, a file.
    pub output: Size,
    /// Calls of the host per message.
    pub calls: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: Size::mebibytes(64),
            fuel: above_zero_u64(10_000_000_000),
            compute: Period::seconds(5),
            deadline: Period::seconds(120),
            output: Size::mebibytes(1),
            calls: NonZeroU32::MIN.saturating_add(999),
        }
    }
}

const fn above_zero_u64(number: u64) -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(number - 1)
}
