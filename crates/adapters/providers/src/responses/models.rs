//! What the known models can do.
//!
//! Source: the provider's model pages and reasoning guide, read on 2026-11-20.

use bottega_llm::{Capabilities, Effort};

use crate::capabilities::{Family, Sight, family};

/// How a family reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reasoning {
    /// Not at all.
    Never,
    /// Always; `low` is the least.
    FromLow,
    /// Always; `minimal` is the least.
    FromMinimal,
    /// As told; `none` is the least.
    FromNone,
}

impl Reasoning {
    /// The provider's word for an effort; none for models that don't reason.
    pub(crate) const fn word(self, effort: Effort) -> Option<&'static str> {
        Some(match (self, effort) {
            (Self::Never, _) => return None,
            (Self::FromNone, Effort::Minimal) => "none",
            (Self::FromMinimal, Effort::Minimal) => "minimal",
            (Self::FromLow, Effort::Minimal) | (_, Effort::Low) => "low",
            (_, Effort::Medium) => "medium",
            (_, Effort::High) => "high",
        })
    }
}

const fn row(
    prefix: &'static str,
    window: u64,
    output: u64,
    sight: Sight,
    manner: Reasoning,
) -> Family<Reasoning> {
    Family { prefix, window, output, sight, manner }
}

/// The known families.
#[rustfmt::skip]
pub(crate) const FAMILIES: &[Family<Reasoning>] = &[
    row("gpt-5.6",      1_050_000, 128_000, Sight::Documents, Reasoning::FromNone),
    row("gpt-5.5",      1_050_000, 128_000, Sight::Documents, Reasoning::FromNone),
    row("gpt-5.4",      1_050_000, 128_000, Sight::Documents, Reasoning::FromNone),
    row("gpt-5.4-mini",   400_000, 128_000, Sight::Documents, Reasoning::FromNone),
    row("gpt-5.4-nano",   400_000, 128_000, Sight::Documents, Reasoning::FromNone),
    row("gpt-5.3",        400_000, 128_000, Sight::Documents, Reasoning::FromLow),
    row("gpt-5.2",        400_000, 128_000, Sight::Documents, Reasoning::FromNone),
    row("gpt-5.1",        400_000, 128_000, Sight::Documents, Reasoning::FromNone),
    row("gpt-5.1-codex",  400_000, 128_000, Sight::Documents, Reasoning::FromLow),
    row("gpt-5-codex",    400_000, 128_000, Sight::Documents, Reasoning::FromLow),
    row("gpt-5",          400_000, 128_000, Sight::Documents, Reasoning::FromMinimal),
    row("gpt-4.1",      1_047_576,  32_768, Sight::Documents, Reasoning::Never),
    row("gpt-4o",         128_000,  16_384, Sight::Documents, Reasoning::Never),
    row("gpt-4-turbo",    128_000,   4_096, Sight::Images,    Reasoning::Never),
    row("gpt-4",            8_192,   4_096, Sight::Text,      Reasoning::Never),
    row("gpt-oss",        131_072, 131_072, Sight::Text,      Reasoning::FromLow),
    row("codex-mini",     200_000, 100_000, Sight::Images,    Reasoning::FromLow),
    row("o4-mini",        200_000, 100_000, Sight::Documents, Reasoning::FromLow),
    row("o3",             200_000, 100_000, Sight::Documents, Reasoning::FromLow),
    row("o3-mini",        200_000, 100_000, Sight::Text,      Reasoning::FromLow),
    row("o1",             200_000, 100_000, Sight::Documents, Reasoning::FromLow),
];

/// What is believed of a name that no row knows.
const UNKNOWN: Family<Reasoning> = row("", 128_000, 16_384, Sight::Images, Reasoning::Never);

/// How a model reasons.
pub(crate) fn reasoning(model: &str) -> Reasoning {
    family(FAMILIES, model).unwrap_or(&UNKNOWN).manner
}

/// What the named model can do.
pub(crate) fn capabilities(model: &str) -> Capabilities {
    let believed = family(FAMILIES, model).unwrap_or(&UNKNOWN).capabilities(true);
    let name = model.rsplit('/').next().unwrap_or(model);
    // Enforced schemas came with gpt-4o.
    let before = name == "gpt-4" || name.starts_with("gpt-4-") || name.starts_with("gpt-3");
    Capabilities { native_schema: !before, ..believed }
}
