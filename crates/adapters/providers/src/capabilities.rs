//! What models can do: the shape of each protocol's table, and corrections from the settings.

use bottega_llm::Capabilities;
use bottega_types::Tokens;

/// Corrections to what this crate believes of a model. What is absent stays as it is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapabilityOverride {
    /// Tokens of prompt and answer together.
    pub context_window: Option<Tokens>,
    /// Tokens of one answer at most.
    pub max_output: Option<Tokens>,
    /// Whether the provider itself enforces an output schema.
    pub native_schema: Option<bool>,
    /// Whether it takes tool declarations.
    pub tools: Option<bool>,
    /// Whether it sees images.
    pub images: Option<bool>,
    /// Whether it reads documents.
    pub documents: Option<bool>,
    /// Whether it is small.
    pub small: Option<bool>,
}

impl CapabilityOverride {
    /// `believed` with these corrections.
    #[must_use]
    pub fn apply(&self, believed: Capabilities) -> Capabilities {
        Capabilities {
            context_window: self.context_window.unwrap_or(believed.context_window),
            max_output: self.max_output.unwrap_or(believed.max_output),
            native_schema: self.native_schema.unwrap_or(believed.native_schema),
            tools: self.tools.unwrap_or(believed.tools),
            images: self.images.unwrap_or(believed.images),
            documents: self.documents.unwrap_or(believed.documents),
            small: self.small.unwrap_or(believed.small),
        }
    }
}

/// A family of models: those whose name begins in one way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family<T: 'static> {
    /// How the names begin, in lower case.
    pub(crate) prefix: &'static str,
    /// Tokens of prompt and answer together.
    pub(crate) window: u64,
    /// Tokens of one answer at most.
    pub(crate) output: u64,
    /// Whether they see images.
    pub(crate) sight: Sight,
    /// What else the protocol needs to know of them.
    pub(crate) manner: T,
}

/// What a model takes beside text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Nothing.
    Text,
    /// Images.
    Images,
    /// Images and documents.
    Documents,
}

impl<T> Family<T> {
    /// What models of this family can do. `native_schema` is the protocol's to say.
    pub(crate) const fn capabilities(&self, native_schema: bool) -> Capabilities {
        Capabilities {
            context_window: Tokens::new(self.window),
            max_output: Tokens::new(self.output),
            native_schema,
            tools: true,
            images: !matches!(self.sight, Sight::Text),
            documents: matches!(self.sight, Sight::Documents),
            small: false,
        }
    }
}

/// The family with the longest prefix of this name. A publisher before the name (`vendor/name`) is
/// passed over, and dots count as dashes, since resellers write one for the other.
pub(crate) fn family<'t, T>(table: &'t [Family<T>], model: &str) -> Option<&'t Family<T>> {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    let dashed = |text: &str| text.replace('.', "-");
    let name = dashed(&name);
    table
        .iter()
        .filter(|family| name.starts_with(&dashed(family.prefix)))
        .max_by_key(|family| family.prefix.len())
}

/// Whether the name gives a size below ten billion weights, as in `qwen2.5-coder:1.5b`.
pub(crate) fn names_a_small_size(model: &str) -> bool {
    model
        .to_ascii_lowercase()
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
        .filter_map(|word| match (word.strip_suffix('b'), word.strip_suffix('m')) {
            (Some(billions), _) => billions.parse::<f64>().ok(),
            (None, Some(millions)) => millions.parse::<f64>().ok().map(|size| size / 1000.0),
            (None, None) => None,
        })
        .any(|billions| billions < 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_names() {
        for name in ["qwen2.5-coder:1.5b", "smollm2-135m", "llama-3.1-8B-instruct"] {
            assert!(names_a_small_size(name), "{name}");
        }
        for name in ["gpt-oss:20b", "qwen3-coder-480b-a35b", "gemini-2.5-pro", "b", "llama3.3:70b"]
        {
            assert!(!names_a_small_size(name), "{name}");
        }
    }

    #[test]
    fn the_longest_prefix_wins_and_publishers_are_passed_over() {
        const fn row(prefix: &'static str, window: u64) -> Family<()> {
            Family { prefix, window, output: 1, sight: Sight::Text, manner: () }
        }
        let table = [row("a-", 1), row("a-2.5", 2)];
        let window = |name: &str| family(&table, name).map(|family| family.window);
        assert_eq!(window("a-1"), Some(1));
        assert_eq!(window("vendor/A-2-5-mini"), Some(2));
        assert_eq!(window("b"), None);
    }

    #[test]
    fn corrections_touch_only_what_they_name() {
        let believed =
            Family { prefix: "", window: 10, output: 5, sight: Sight::Images, manner: () }
                .capabilities(true);
        let known = CapabilityOverride { max_output: Some(Tokens::new(7)), ..Default::default() };
        assert_eq!(known.apply(believed), Capabilities { max_output: Tokens::new(7), ..believed });
    }
}
