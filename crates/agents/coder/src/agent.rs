//! The coding agent's definition.

use std::sync::Arc;

use bottega_agent::{Definition, LlmAgent};
use bottega_llm::{Effort, Sampling, ToolDeclaration};
use bottega_tool::Effect;
use serde_json::Value;

use crate::tools::SMALL;
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

/// Parameters whose names tell a large model what they are. The first request is small because of it; a small model
/// is told of each.
const SELF_EXPLAINING: &[&str] = &[
    "choices",
    "command",
    "content",
    "context",
    "count",
    "create",
    "depth",
    "filter",
    "globs",
    "ignore_case",
    "line_count",
    "message",
    "name",
    "new_text",
    "old_text",
    "path",
    "paths",
    "pattern",
    "question",
    "replace_all",
    "start_line",
    "stop",
    "url",
];

/// A tool as a large model is told about it.
fn terse(tool: &ToolDeclaration) -> ToolDeclaration {
    let mut tool = tool.clone();
    let properties = tool.input_schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, about) in properties.into_iter().flatten() {
        if SELF_EXPLAINING.contains(&name.as_str())
            && let Some(about) = about.as_object_mut()
        {
            about.shift_remove("description");
        }
    }
    tool
}

/// Whether a small model is told about a tool: it works well with few, and what a person added was meant for it.
fn for_small(name: &str) -> bool {
    SMALL.contains(&name) || BUILT_IN.iter().all(|tool| tool.name() != name)
}

/// The coding agent, with the tools as the tool host declares them.
#[must_use]
pub fn coder(tools: &[ToolDeclaration], options: Options) -> LlmAgent {
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
        planner: declared("todo"),
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
        answer_about: "One or two sentences: what was wrong and what you changed.".into(),
        tools_small: tools.iter().filter(|tool| for_small(&tool.name)).cloned().collect(),
        tools: tools.iter().map(terse).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_tool::Tool;
    use serde_json::json;

    /// The tools as the tool host declares them.
    fn declared() -> Arc<[ToolDeclaration]> {
        let declare = |tool: &&dyn Tool| {
            let mut input_schema = tool.schema();
            let description = input_schema.as_object_mut().unwrap().remove("description").unwrap();
            let description = description.as_str().unwrap().to_owned();
            ToolDeclaration { name: tool.name().to_owned(), description, input_schema }
        };
        BUILT_IN.iter().map(declare).collect()
    }

    fn on_the_wire(tools: &[ToolDeclaration]) -> Vec<Value> {
        let function = |tool: &ToolDeclaration| json!({ "name": tool.name, "description": tool.description, "parameters": tool.input_schema });
        tools.iter().map(|tool| json!({ "type": "function", "function": function(tool) })).collect()
    }

    #[test]
    fn a_small_models_prompt_with_its_tools_stays_short() {
        let agent = coder(&declared(), Options::default());
        let definition = agent.definition();
        let names: Vec<&str> =
            definition.tools_small.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, SMALL);
        let tools: Vec<ToolDeclaration> =
            definition.tools_small.iter().cloned().chain([definition.finish(None)]).collect();
        // Four bytes a token is what Qwen's tokenizer makes of English and JSON (measured: 4.1); the promise
        // is 1,500 tokens.
        let bytes = prompt::SYSTEM_SMALL.len() + json!(on_the_wire(&tools)).to_string().len();
        assert!(bytes <= 1_500 * 4, "{bytes} bytes");
    }

    #[test]
    fn a_large_models_first_request_stays_below_eight_kilobytes() {
        let agent = coder(&declared(), Options::default());
        let definition = agent.definition();
        // The map of a project of thirty files, its surroundings, and a task of two lines.
        let map: String = (0..30).map(|n| format!("src/part_{n}.rs\n")).collect();
        let first = format!("<map>\n{map}</map>\n{}\n{}", "x".repeat(100), "y".repeat(160));
        let request = json!({
            "model": "some-large-model-2026-10-01",
            "messages": [
                { "role": "system", "content": &*definition.system },
                { "role": "user", "content": first },
            ],
            "tools": on_the_wire(&definition.tools),
            "tool_choice": "auto",
            "max_tokens": 8192,
            "stream": true,
            "stream_options": { "include_usage": true },
            "prompt_cache_key": "ses_01jd0000000000000000000000",
        });
        let bytes = request.to_string().len();
        assert!(bytes <= 8_192, "{bytes} bytes");
    }

    #[test]
    fn what_may_be_repeated_only_looks() {
        let agent = coder(&[], Options::default());
        for name in ["write_file", "apply_patch", "delete_file", "shell", "run_tests", "git_commit"]
        {
            assert!(!agent.definition().may_repeat(name), "{name}");
        }
        for name in ["read_file", "git_diff", "todo", "ask_user"] {
            assert!(agent.definition().may_repeat(name), "{name}");
        }
    }
}
