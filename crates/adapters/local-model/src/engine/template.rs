//! The chat template of a model: a conversation in, the model's own prompt text out.
//!
//! Templates are Jinja programs that ship inside the model's file. They differ in what they
//! support, so each is tried once on a small conversation when the model is loaded: whether it
//! takes a system message, and whether it knows tools in the form `<tool_call>{"name": …,
//! "arguments": …}</tool_call>`. Where it doesn't, tools are described in the instructions, and
//! calls and results travel as plain messages in the same form.

mod environment;

use std::sync::Arc;

use bottega_llm::{ChatRequest, Message, Part, Role, ToolCall, ToolDeclaration};
use minijinja::{Environment, Value};

use super::untrusted::Spellings;

/// What stands before a call.
pub(crate) const CALL_OPENS: &str = "<tool_call>";
/// What stands after a call.
pub(crate) const CALL_CLOSES: &str = "</tool_call>";

/// The template for models that bring none: ChatML, which most small models have seen.
const CHATML: &str = "{%- for message in messages -%}\
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}\
{%- endfor -%}\
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

/// One message as a template sees it, before it becomes a Jinja value.
#[derive(Clone, Debug, PartialEq)]
struct Turn {
    role: &'static str,
    content: String,
    calls: Vec<ToolCall>,
    /// Name and call id of a tool's result.
    answers: Option<(String, String)>,
}

impl Turn {
    fn plain(role: &'static str, content: String) -> Self {
        Self { role, content, calls: Vec::new(), answers: None }
    }
}

/// A model's chat template, and what is known about it.
#[derive(Debug)]
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    spellings: Spellings,
    takes_system: bool,
    takes_tools: bool,
}

impl ChatTemplate {
    /// Prepares `source`, or ChatML when it is absent or can't be used.
    pub(crate) fn new(
        source: Option<&str>,
        begin: &str,
        end: &str,
        today: &str,
        spellings: Spellings,
    ) -> Result<Self, String> {
        let source = source.unwrap_or(CHATML);
        match Self::prepare(source, begin, end, today) {
            Ok(environment) => {
                let mut template =
                    Self { environment, spellings, takes_system: true, takes_tools: false };
                match template.learn(source) {
                    Ok(()) => return Ok(template),
                    Err(why) => {
                        tracing::warn!("the model's chat template fails ({why}); using ChatML");
                    }
                }
                template.environment = Self::prepare(CHATML, begin, end, today)?;
                template.takes_system = true;
                template.takes_tools = false;
                Ok(template)
            }
            Err(why) => {
                tracing::warn!("the model's chat template can't be read ({why}); using ChatML");
                let environment = Self::prepare(CHATML, begin, end, today)?;
                Ok(Self { environment, spellings, takes_system: true, takes_tools: false })
            }
        }
    }

    fn prepare(
        source: &str,
        begin: &str,
        end: &str,
        today: &str,
    ) -> Result<Environment<'static>, String> {
        environment::prepare(source, begin, end, today).map_err(|error| error.to_string())
    }

    /// Finds out what the template supports.
    fn learn(&mut self, source: &str) -> Result<(), String> {
        let user = || Turn::plain("user", "question-7f3".to_owned());
        let system = Turn::plain("system", "rules-19c".to_owned());
        self.render(&[user()], &[])?;
        let with_system = self.render(&[system.clone(), user()], &[]);
        self.takes_system = with_system.is_ok_and(|text| text.contains("rules-19c"));
        if source.contains(CALL_OPENS) && source.contains("tools") {
            self.takes_tools = self.shows_calls(&[system, user()]).unwrap_or(false);
        }
        Ok(())
    }

    fn shows_calls(&self, opening: &[Turn]) -> Result<bool, String> {
        let call = ToolCall {
            id: "call_1_0".to_owned(),
            name: "tool-5ad".to_owned(),
            arguments: "{\"key\": \"value-e21\"}".to_owned(),
        };
        let tool = ToolDeclaration {
            name: "tool-5ad".to_owned(),
            description: "describes-880".to_owned(),
            input_schema: serde_json::json!({"type": "object"}),
        };
        let mut turns = opening.to_vec();
        turns.push(Turn { calls: vec![call], ..Turn::plain("assistant", String::new()) });
        let answers = Some(("tool-5ad".to_owned(), "call_1_0".to_owned()));
        turns.push(Turn { answers, ..Turn::plain("tool", "result-4b6".to_owned()) });
        let text = self.render(&turns, &[tool])?;
        let call = format!(
            "{CALL_OPENS}\n{{\"name\": \"tool-5ad\", \"arguments\": {{\"key\": \"value-e21\"}}}}\n{CALL_CLOSES}"
        );
        Ok(["describes-880", "result-4b6", call.as_str()].iter().all(|part| text.contains(part)))
    }

    /// The prompt of `request`, up to where the model's answer begins. Marks of
    /// [`untrusted`](super::untrusted) divide what must not join to a control token.
    pub(crate) fn prompt(&self, request: &ChatRequest) -> Result<String, String> {
        // All tools, whichever may be called now: the prompt's beginning must not change.
        let tools: &[ToolDeclaration] = &request.tools;
        let mut turns = Vec::with_capacity(request.messages.len() + 1);
        let mut system = self.spellings.disarm(&request.system);
        if !tools.is_empty() && !self.takes_tools {
            system.push_str(&self.describe(tools));
        }
        for message in &request.messages {
            self.push_message(message, &mut turns)?;
        }
        if !system.is_empty() {
            if self.takes_system {
                turns.insert(0, Turn::plain("system", system));
            } else if let Some(first) = turns.iter_mut().find(|turn| turn.role == "user") {
                first.content = format!("{system}\n\n{}", first.content);
            } else {
                turns.insert(0, Turn::plain("user", system));
            }
        }
        let declared = if self.takes_tools { tools } else { &[] };
        self.render(&turns, declared)
    }

    fn push_message(&self, message: &Message, turns: &mut Vec<Turn>) -> Result<(), String> {
        let mut text = String::new();
        let mut calls = Vec::new();
        let mut results = Vec::new();
        for part in &message.parts {
            match part {
                Part::Text { text: more } => text.push_str(&self.spellings.disarm(more)),
                Part::Media(media) => {
                    let what = media.name.as_deref().unwrap_or(&media.media_type);
                    return Err(format!("this model reads text only; `{what}` is no text"));
                }
                Part::ToolCall(call) => calls.push(call),
                Part::ToolResult(result) => results.push(result),
                // A model's own reasoning is not shown to it again, as its makers advise.
                Part::Reasoning { .. } => {}
            }
        }
        if !results.is_empty() {
            for result in results {
                let content = self.spellings.disarm(&result.text);
                if self.takes_tools {
                    let answers = Some((result.name.clone(), result.call_id.clone()));
                    turns.push(Turn { answers, ..Turn::plain("tool", content) });
                } else {
                    let content = format!("<tool_response>\n{content}\n</tool_response>");
                    join(turns, Turn::plain("user", content));
                }
            }
            return Ok(());
        }
        let role = match message.role {
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        if self.takes_tools {
            let disarmed = calls.into_iter().map(|call| ToolCall {
                id: call.id.clone(),
                name: self.spellings.disarm(&call.name),
                arguments: self.spellings.disarm(&call.arguments),
            });
            turns.push(Turn { calls: disarmed.collect(), ..Turn::plain(role, text) });
        } else {
            for call in calls {
                if !text.is_empty() {
                    text.push('\n');
                }
                let name = self.spellings.disarm(&call.name);
                let arguments = self.spellings.disarm(&call.arguments);
                text.push_str(&format!(
                    "{CALL_OPENS}\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n{CALL_CLOSES}"
                ));
            }
            join(turns, Turn::plain(role, text));
        }
        Ok(())
    }

    /// Tells a model whose template knows no tools about them.
    fn describe(&self, tools: &[ToolDeclaration]) -> String {
        let mut text = String::from(
            "\n\n# Tools\n\nYou can call these tools, described by JSON Schema:\n<tools>",
        );
        for tool in tools {
            let shown = environment::to_json(&environment::declaration(tool));
            text.push('\n');
            text.push_str(&self.spellings.disarm(&shown));
        }
        text.push_str(&format!(
            "\n</tools>\n\nTo call one, write a JSON object inside tags:\n{CALL_OPENS}\n\
             {{\"name\": NAME, \"arguments\": ARGUMENTS}}\n{CALL_CLOSES}"
        ));
        text
    }

    fn render(&self, turns: &[Turn], tools: &[ToolDeclaration]) -> Result<String, String> {
        let messages: Vec<Value> = turns.iter().map(message_value).collect();
        let mut context =
            vec![("messages", Value::from(messages)), ("add_generation_prompt", Value::from(true))];
        if !tools.is_empty() {
            let tools = tools.iter().map(|tool| {
                let tool = ToolDeclaration {
                    description: self.spellings.disarm(&tool.description),
                    ..tool.clone()
                };
                environment::declaration(&tool)
            });
            context.push(("tools", tools.collect()));
        }
        let template =
            self.environment.get_template(environment::NAME).map_err(|error| error.to_string())?;
        template.render(Value::from_pairs(context)).map_err(|error| error.to_string())
    }
}

/// Appends `turn`, or joins it to the last one of the same role: many templates insist that roles alternate.
fn join(turns: &mut Vec<Turn>, turn: Turn) {
    match turns.last_mut() {
        Some(last) if last.role == turn.role => {
            last.content.push('\n');
            last.content.push_str(&turn.content);
        }
        _ => turns.push(turn),
    }
}

fn message_value(turn: &Turn) -> Value {
    let mut fields =
        vec![("role", Value::from(turn.role)), ("content", Value::from(turn.content.as_str()))];
    if !turn.calls.is_empty() {
        let calls = turn.calls.iter().map(|call| {
            let function = Value::from_pairs([
                ("name", Value::from(call.name.as_str())),
                (
                    "arguments",
                    Value::from_dyn_object(Arc::new(environment::Arguments::new(&call.arguments))),
                ),
            ]);
            Value::from_pairs([
                ("type", Value::from("function")),
                ("id", Value::from(call.id.as_str())),
                ("function", function),
            ])
        });
        fields.push(("tool_calls", calls.collect()));
    }
    if let Some((name, id)) = &turn.answers {
        fields.push(("name", Value::from(name.as_str())));
        fields.push(("tool_call_id", Value::from(id.as_str())));
    }
    Value::from_pairs(fields)
}

#[cfg(test)]
mod tests;
