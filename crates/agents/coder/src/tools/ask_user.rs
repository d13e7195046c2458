//! `ask_user`.

use async_trait::async_trait;
use bottega_policy::{Need, Question, Reply};
use bottega_tool::{
    Effect, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Choices of a question at most.
const MOST: usize = 9;

/// Asks the user, when the task leaves open what matters and you can't find out.
#[derive(Debug, Deserialize, JsonSchema)]
struct AskUserInput {
    /// The question.
    question: String,
    /// Short answers to choose from.
    #[serde(default)]
    choices: Vec<String>,
}

/// Asks the person.
#[derive(Debug)]
pub(super) struct AskUser;

#[async_trait]
impl Tool for AskUser {
    fn name(&self) -> &'static str {
        "ask_user"
    }

    /// A question whose answer was lost may be asked again.
    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<AskUserInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        _: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let AskUserInput { question, choices } = parse_arguments(arguments)?;
        let line = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let choices: Vec<String> =
            choices.iter().map(line).filter(|choice| !choice.is_empty()).collect();
        if question.trim().is_empty() {
            return Err(ToolError::BadArguments { why: "question is empty".to_owned() });
        }
        if choices.len() > MOST {
            return Err(ToolError::BadArguments { why: format!("choices has more than {MOST}") });
        }
        let text = question.trim().to_owned();
        Ok(Box::new(Asking { question: Question { text, choices } }))
    }
}

struct Asking {
    question: Question,
}

#[async_trait]
impl Prepared for Asking {
    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    fn summary(&self) -> String {
        format!("ask: {}", self.question.text)
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.question.text.clone()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let refuse = |why: &str| Err(ToolError::Refused(why.to_owned()));
        match context.person.answer(&self.question).await {
            Reply::Said { words } if !words.trim().is_empty() => {
                Ok(ToolOutput::text(format!("the user says: {}", words.trim())))
            }
            Reply::Said { .. } | Reply::Declined => refuse(
                "The user gave no answer. Decide yourself, choose what is easy to change later, and say at the end \
                 what you assumed.",
            ),
            Reply::Unavailable => refuse(
                "There is nobody to ask: no terminal takes questions. Decide yourself, choose what is easy to change \
                 later, and say at the end what you assumed.",
            ),
        }
    }
}
