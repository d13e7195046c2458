//! What makes one model-driven agent differ from another.

use std::sync::Arc;

use bottega_llm::{Effort, Sampling, ToolDeclaration};
use serde_json::{Value, json};

/// The tool with which an agent ends its work and hands over its answer. It belongs to the loop, not to
/// the tool host: calling it runs nothing.
pub const FINISH: &str = "finish";

/// One kind of model-driven agent.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name.
    pub name: Arc<str>,
    /// Instructions for a large model.
    pub system: Arc<str>,
    /// Instructions for a small model: shorter, one step at a time.
    pub system_small: Arc<str>,
    /// The tools of the tool host, in the order the model is told about them.
    pub tools: Arc<[ToolDeclaration]>,
    /// Those of them that a small model is told about: few, since each takes of its attention.
    pub tools_small: Arc<[ToolDeclaration]>,
    /// Names of tools that only look: their calls may be repeated after a crash.
    pub repeatable: Arc<[String]>,
    /// The tool that checks the work. A small model that changed something must have called it with
    /// success before its `finish` is believed.
    pub check: Option<Arc<str>>,
    /// The tool that shows a file, called with `{"path": …}`.
    pub reader: Option<Arc<str>>,
    /// The tool that changes a part of a file.
    pub editor: Option<Arc<str>>,
    /// The tool that keeps the model's list of steps. Its last result outlives every compaction.
    pub planner: Option<Arc<str>>,
    /// How often the same call may give the same result before the work ends.
    pub repeats: usize,
    /// How long a reasoning model may think.
    pub effort: Option<Effort>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// How a small model's tokens are drawn.
    pub sampling_small: Sampling,
    /// Tokens of one answer at most.
    pub answer_tokens: u32,
    /// Tokens of one answer of a small model at most.
    pub answer_tokens_small: u32,
    /// What a model is told of the answer that it hands over with [`FINISH`].
    pub answer_about: Arc<str>,
}

impl Definition {
    /// The declaration of [`FINISH`], whose answer follows `schema` where there is one.
    #[must_use]
    pub fn finish(&self, schema: Option<&Value>) -> ToolDeclaration {
        let answer = match schema {
            Some(schema) => schema.clone(),
            None => json!({
                "type": "string",
                "description": &*self.answer_about
            }),
        };
        ToolDeclaration {
            name: FINISH.to_owned(),
            description: "Ends the work. Call it only when the task is done and checked."
                .to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": { "answer": answer },
                "required": ["answer"],
                "additionalProperties": false
            }),
        }
    }

    /// Whether a call of that tool may be repeated after a crash.
    #[must_use]
    pub fn may_repeat(&self, tool: &str) -> bool {
        self.repeatable.iter().any(|name| name == tool)
    }
}
