//! The coding agent's definition.

use std::sync::Arc;

use bottega_agent::{Definition, LlmAgent};
use bottega_llm::{Effort, Sampling, ToolDeclaration};
use bottega_tool::Effect;

use crate::{BUILT_IN, prompt};

/// The agent's name.
pub const CODER: &str = "coder";

/// What can be set of the coding agent.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How often the same call may give the same result before the work ends.
    pub repeats: usize,
    /// How long a reasoning model may think; its provider's own default when absent.
    pub effort: Option<Effort>,
}

impl Default for Options {
    fn default() -> Self {
        Self { repeats: 5, effort: None }
    }
}

/// The coding agent, with the tools as the tool host declares them.
#[must_use]
pub fn coder(tools: Arc<[ToolDeclaration]>, options: Options) -> LlmAgent {
    // A tool that the settings took away plays no part.
    let declared = |name: &str| -> Option<Arc<str>> {
        tools.iter().any(|tool| tool.name == name).then(|| name.into())
    };
    LlmAgent::new(Definition {
        name: CODER.into(),
        system: prompt::SYSTEM.into(),
        system_small: prompt::SYSTEM_SMALL.into(),
        repeatable: BUILT_IN
            .iter()
            .filter(|tool| tool.effect() == Effect::ReadOnly)
            .map(|tool| tool.name().to_owned())
            .collect(),
        check: declared("run_tests"),
        reader: declared("read_file"),
        editor: declared("edit_file"),
        repeats: options.repeats,
        effort: options.effort,
        sampling: Sampling::default(),
        // Low, so that a small model stays on its path; not zero, so that another seed is another try.
        sampling_small: Sampling {
            temperature: Some(0.3),
            top_p: Some(0.9),
            top_k: Some(40),
            seed: None,
        },
        answer_tokens: 8_192,
        answer_tokens_small: 1_024,
        tools,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_models_prompt_with_all_tools_stays_short() {
        // Four bytes a token is what Qwen's tokenizer makes of English and JSON (measured: 4.1); the promise
        // is 1,500 tokens.
        let tools: usize = BUILT_IN.iter().map(|tool| tool.schema().to_string().len() + 40).sum();
        let bytes = prompt::SYSTEM_SMALL.len() + tools;
        assert!(bytes < 1_500 * 4, "{bytes} bytes");
    }

    #[test]
    fn what_may_be_repeated_only_looks() {
        let agent = coder(Arc::new([]), Options::default());
        for name in ["write_file", "edit_file", "shell", "run_tests"] {
            assert!(!agent.definition().may_repeat(name), "{name}");
        }
        assert!(agent.definition().may_repeat("read_file"));
    }
}
