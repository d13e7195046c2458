//! What an answer cost in tokens.

use std::ops::{Add, AddAssign};

use bottega_types::Tokens;
use serde::{Deserialize, Serialize};

/// Token counts of one answer, in one meaning for every provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All prompt tokens: fresh, read from a cache, and written to one.
    pub input: Tokens,
    /// Of `input`, those read from the provider's cache.
    #[serde(default)]
    pub cached: Tokens,
    /// Of `input`, those written to the provider's cache.
    #[serde(default)]
    pub cache_write: Tokens,
    /// All answer tokens, reasoning included.
    pub output: Tokens,
    /// Of `output`, those spent on reasoning.
    #[serde(default)]
    pub reasoning: Tokens,
}

impl Usage {
    /// Prompt tokens that no cache had a part in.
    #[must_use]
    pub const fn fresh(&self) -> Tokens {
        self.input.saturating_sub(self.cached).saturating_sub(self.cache_write)
    }

    /// Everything that counts against a token budget.
    #[must_use]
    pub fn total(&self) -> Tokens {
        self.input + self.output
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            cached: self.cached + other.cached,
            cache_write: self.cache_write + other.cache_write,
            output: self.output + other.output,
            reasoning: self.reasoning + other.reasoning,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
