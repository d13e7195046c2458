//! What the known models can do.
//!
//! Source: the provider's model pages and thinking guide, read on 2026-11-20.

use bottega_llm::Capabilities;

use crate::capabilities::{Family, Sight, family};

/// How a family thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// Not at all.
    Never,
    /// Within a budget of tokens.
    Budget,
    /// At a level, and it wants its proofs back with every call.
    Level,
}

const fn row(prefix: &'static str, window: u64, output: u64, manner: Thinking) -> Family<Thinking> {
    Family { prefix, window, output, sight: Sight::Documents, manner }
}

/// The known families.
#[rustfmt::skip]
pub(crate) const FAMILIES: &[Family<Thinking>] = &[
    row("gemini-4",     1_048_576, 65_536, Thinking::Level),
    row("gemini-3",     1_048_576, 65_536, Thinking::Level),
    row("gemini-2.5",   1_048_576, 65_536, Thinking::Budget),
    row("gemini-2.0",   1_048_576,  8_192, Thinking::Never),
    row("gemini-1.5",   1_048_576,  8_192, Thinking::Never),
    row("gemini-flash", 1_048_576, 65_536, Thinking::Level),
    row("gemini-pro",   1_048_576, 65_536, Thinking::Level),
    row("gemma-3",        131_072,  8_192, Thinking::Never),
];

/// What is believed of a name that no row knows.
const UNKNOWN: Family<Thinking> = row("", 1_048_576, 8_192, Thinking::Never);

/// How a model thinks.
pub(crate) fn thinking(model: &str) -> Thinking {
    family(FAMILIES, model).unwrap_or(&UNKNOWN).manner
}

/// What the named model can do.
pub(crate) fn capabilities(model: &str) -> Capabilities {
    family(FAMILIES, model).unwrap_or(&UNKNOWN).capabilities(true)
}
