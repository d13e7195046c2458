//! What the known models can do behind whatever server answers.

use bottega_llm::Capabilities;

use crate::capabilities::{Family, Sight, family, names_a_small_size};
use crate::{anthropic, gemini, responses};

const fn row(prefix: &'static str, window: u64, output: u64, sight: Sight) -> Family<()> {
    Family { prefix, window, output, sight, manner: () }
}

/// The known families of open weights. Servers often run them with less than the whole window: the
/// settings can say so.
#[rustfmt::skip]
pub(crate) const FAMILIES: &[Family<()>] = &[
    row("deepseek-",       128_000,  8_192, Sight::Text),
    row("devstral",        128_000, 32_768, Sight::Text),
    row("glm-4",           128_000, 32_768, Sight::Text),
    row("glm-5",           200_000, 32_768, Sight::Text),
    row("grok-4",          256_000, 32_768, Sight::Images),
    row("kimi-k2",         256_000, 32_768, Sight::Text),
    row("mistral-large",   128_000, 32_768, Sight::Images),
    row("mistral-medium",  128_000, 32_768, Sight::Images),
    row("codestral",       128_000, 32_768, Sight::Text),
    row("qwen3-coder",     262_144, 65_536, Sight::Text),
];

/// What is believed of a name that no row knows: a common server with a common model.
const UNKNOWN: Family<()> = row("", 32_768, 4_096, Sight::Text);

/// What the named model can do. No schema is trusted to be enforced: few servers do it, and those
/// that don't say nothing.
pub(crate) fn capabilities(model: &str) -> Capabilities {
    if let Some(family) = family(responses::models::FAMILIES, model) {
        let oss = family.prefix == "gpt-oss";
        return Capabilities { documents: false, ..family.capabilities(!oss) };
    }
    if let Some(family) = family(anthropic::models::FAMILIES, model) {
        return Capabilities { documents: false, ..family.capabilities(false) };
    }
    if let Some(family) = family(gemini::models::FAMILIES, model) {
        return Capabilities { documents: false, ..family.capabilities(false) };
    }
    let believed = family(FAMILIES, model).unwrap_or(&UNKNOWN).capabilities(false);
    Capabilities { small: names_a_small_size(model), ..believed }
}
