//! What the known models can do.
//!
//! Source: the provider's model overview and migration guides, read on 2026-11-20.

use bottega_llm::Capabilities;

use crate::capabilities::{Family, Sight, family};

/// How a family thinks, and what its requests may say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// How it thinks.
    pub(crate) thinking: Thinking,
    /// Whether it takes sampling parameters.
    pub(crate) sampling: bool,
    /// Whether it enforces an output schema.
    pub(crate) schema: bool,
}

/// How a family thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// Not at all.
    Never,
    /// When given a budget of tokens.
    Budget,
    /// As much as it sees fit, when told to.
    Adaptive,
    /// As much as it sees fit, unless told not to.
    ByDefault,
    /// Always; a tool can't be forced on it.
    Always,
}

const fn row(
    prefix: &'static str,
    window: u64,
    output: u64,
    thinking: Thinking,
    sampling: bool,
    schema: bool,
) -> Family<Manner> {
    let manner = Manner { thinking, sampling, schema };
    Family { prefix, window, output, sight: Sight::Documents, manner }
}

/// The known families.
#[rustfmt::skip]
pub(crate) const FAMILIES: &[Family<Manner>] = &[
    row("claude-fable-",    1_000_000, 128_000, Thinking::Always,    false, true),
    row("claude-mythos-",   1_000_000, 128_000, Thinking::Always,    false, true),
    row("claude-opus-5-5",  1_000_000, 128_000, Thinking::Always,    false, true),
    row("claude-opus-5",    1_000_000, 128_000, Thinking::ByDefault, false, true),
    row("claude-sonnet-5",  1_000_000, 128_000, Thinking::ByDefault, false, true),
    row("claude-haiku-5",   1_000_000, 128_000, Thinking::ByDefault, false, true),
    row("claude-opus-4-8",  1_000_000, 128_000, Thinking::Adaptive,  false, true),
    row("claude-opus-4-7",  1_000_000, 128_000, Thinking::Adaptive,  false, true),
    row("claude-opus-4-6",  1_000_000, 128_000, Thinking::Adaptive,  true,  true),
    row("claude-sonnet-4-6",1_000_000, 128_000, Thinking::Adaptive,  true,  true),
    row("claude-opus-4-5",    200_000,  64_000, Thinking::Budget,    true,  true),
    row("claude-sonnet-4-5",  200_000,  64_000, Thinking::Budget,    true,  true),
    row("claude-haiku-4-5",   200_000,  64_000, Thinking::Budget,    true,  true),
    row("claude-opus-4-1",    200_000,  32_000, Thinking::Budget,    true,  true),
    row("claude-opus-4",      200_000,  32_000, Thinking::Budget,    true,  false),
    row("claude-sonnet-4",    200_000,  64_000, Thinking::Budget,    true,  false),
    row("claude-3-7-sonnet",  200_000,  64_000, Thinking::Budget,    true,  false),
    row("claude-3-5-",        200_000,   8_192, Thinking::Never,     true,  false),
    row("claude-3-",          200_000,   4_096, Thinking::Never,     true,  false),
];

/// What is believed of a name that no row knows: little is asked of it, and little forbidden.
const UNKNOWN: Family<Manner> = row("", 200_000, 8_192, Thinking::Never, true, false);

/// The manner of a model.
pub(crate) fn manner(model: &str) -> Manner {
    family(FAMILIES, model).unwrap_or(&UNKNOWN).manner
}

/// What the named model can do.
pub(crate) fn capabilities(model: &str) -> Capabilities {
    let family = family(FAMILIES, model).unwrap_or(&UNKNOWN);
    family.capabilities(family.manner.schema)
}
