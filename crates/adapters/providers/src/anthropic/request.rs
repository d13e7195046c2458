//! Requests, as the provider wants them.

use std::borrow::Cow;

use bottega_llm::{
    CacheHint, ChatRequest, Effort, ErrorKind, Media, Message, ModelError, OutputFormat, Part,
    Role, ToolChoice, ToolResult,
};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::models::{Manner, Thinking, manner};
use super::{REDACTED, SIGNED};
use crate::dialect::{Elements, Head, Setting, arguments, some, unsupported};
use crate::media::{self, Sorted};
use crate::schema::closed;

/// The least budget the provider takes for thinking.
const LEAST_BUDGET: u32 = 1024;

/// Everything but the messages.
///
/// Breakpoints of the prompt cache never stand inside a message, whose bytes would change with the
/// next turn: one ends the instructions (or the tools), and the automatic one, which the provider
/// moves with the conversation, is asked for at the top.
pub(super) fn head(request: &ChatRequest, setting: Setting) -> Result<Head, ModelError> {
    let manner = manner(&request.model);
    let keeps = request.cache == CacheHint::Prefix;
    let most = setting.capabilities.max_output.get();
    let max_tokens = request.max_output.unwrap_or(u32::try_from(most).unwrap_or(u32::MAX));
    let mut fields = Map::new();
    fields.insert("model".into(), json!(request.model));
    fields.insert("max_tokens".into(), json!(max_tokens));
    fields.insert("stream".into(), json!(true));
    if keeps {
        fields.insert("cache_control".into(), kept());
    }
    let thinks = think(request, manner, max_tokens, &mut fields)?;
    sample(request, manner, thinks, &mut fields);
    if !request.stop.is_empty() {
        fields.insert("stop_sequences".into(), json!(request.stop));
    }
    tools(request, keeps, &mut fields);
    system(request, keeps, &mut fields);
    Ok(Head { fields, list: "messages", first: None })
}

fn kept() -> Value {
    json!({ "type": "ephemeral" })
}

fn system(request: &ChatRequest, keeps: bool, fields: &mut Map<String, Value>) {
    let mut blocks = Vec::new();
    if let Some(text) = some(&request.system) {
        blocks.push(json!({ "type": "text", "text": text }));
    }
    if request.output == OutputFormat::JsonObject {
        let words = "Answer with one JSON object and nothing around it.";
        blocks.push(json!({ "type": "text", "text": words }));
    }
    if let Some(last) = blocks.last_mut() {
        if keeps {
            last["cache_control"] = kept();
        }
        fields.insert("system".into(), Value::Array(blocks));
    }
}

fn tools(request: &ChatRequest, keeps: bool, fields: &mut Map<String, Value>) {
    if request.tools.is_empty() {
        return;
    }
    let mut tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name,
                "description": tool.description,
                "input_schema": tool.input_schema,
            })
        })
        .collect();
    // Tools come before the instructions, so the breakpoint after those holds them too.
    if keeps
        && request.system.is_empty()
        && let Some(last) = tools.last_mut()
    {
        last["cache_control"] = kept();
    }
    fields.insert("tools".into(), Value::Array(tools));
    let choice = match &request.tool_choice {
        ToolChoice::Auto => return,
        ToolChoice::Required => json!({ "type": "any" }),
        ToolChoice::None => json!({ "type": "none" }),
        ToolChoice::Named(name) => json!({ "type": "tool", "name": name }),
    };
    fields.insert("tool_choice".into(), choice);
}

/// Writes what the request says about thinking and the form of the answer. Gives whether the model
/// will think.
fn think(
    request: &ChatRequest,
    manner: Manner,
    max_tokens: u32,
    fields: &mut Map<String, Value>,
) -> Result<bool, ModelError> {
    let forced = match &request.tool_choice {
        ToolChoice::Required | ToolChoice::Named(_) => !request.tools.is_empty(),
        ToolChoice::Auto | ToolChoice::None => false,
    };
    let mut output = Map::new();
    let adapts = match manner.thinking {
        Thinking::Never | Thinking::Budget => false,
        Thinking::Adaptive => request.effort.is_some(),
        Thinking::ByDefault | Thinking::Always => true,
    };
    let mut thinks = false;
    if forced && manner.thinking == Thinking::Always {
        let model = &request.model;
        return Err(unsupported(format!("{model} can't be forced to call a tool; let it choose")));
    } else if forced && manner.thinking == Thinking::ByDefault {
        fields.insert("thinking".into(), json!({ "type": "disabled" }));
    } else if adapts && !forced {
        // Without a display the text between tool calls would arrive empty.
        fields.insert("thinking".into(), json!({ "type": "adaptive", "display": "summarized" }));
        thinks = true;
    } else if manner.thinking == Thinking::Budget && !forced {
        let wanted = request.effort.and_then(budget).unwrap_or(0);
        // The budget counts as output and must leave room for the answer.
        let budget = wanted.min(max_tokens / 2);
        if budget >= LEAST_BUDGET {
            fields.insert("thinking".into(), json!({ "type": "enabled", "budget_tokens": budget }));
            thinks = true;
        }
    }
    if adapts && let Some(effort) = request.effort {
        output.insert("effort".into(), json!(word(effort)));
    }
    if let OutputFormat::JsonSchema { schema, .. } = &request.output {
        if !manner.schema {
            let model = &request.model;
            return Err(unsupported(format!("{model} does not enforce an output schema")));
        }
        output.insert("format".into(), json!({ "type": "json_schema", "schema": closed(schema) }));
    }
    if !output.is_empty() {
        fields.insert("output_config".into(), Value::Object(output));
    }
    Ok(thinks)
}

const fn budget(effort: Effort) -> Option<u32> {
    match effort {
        Effort::Minimal => None,
        Effort::Low => Some(4_096),
        Effort::Medium => Some(10_240),
        Effort::High => Some(24_576),
    }
}

const fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

fn sample(request: &ChatRequest, manner: Manner, thinks: bool, fields: &mut Map<String, Value>) {
    if thinks || !manner.sampling {
        return;
    }
    let sampling = &request.sampling;
    match (sampling.temperature, sampling.top_p) {
        (Some(temperature), _) => {
            fields.insert("temperature".into(), json!(temperature.min(1.0)));
        }
        (None, Some(top_p)) => {
            fields.insert("top_p".into(), json!(top_p));
        }
        (None, None) => {}
    }
    if let Some(top_k) = sampling.top_k {
        fields.insert("top_k".into(), json!(top_k));
    }
}

#[derive(Serialize)]
struct Spoken<'m> {
    role: &'static str,
    content: Vec<Block<'m>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'m> {
    Text {
        text: &'m str,
    },
    Image {
        source: Source<'m>,
    },
    Document {
        source: Source<'m>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'m str>,
    },
    Thinking {
        thinking: &'m str,
        signature: &'m str,
    },
    RedactedThinking {
        data: &'m str,
    },
    ToolUse {
        id: Cow<'m, str>,
        name: &'m str,
        input: Cow<'m, RawValue>,
    },
    ToolResult {
        tool_use_id: Cow<'m, str>,
        content: Vec<Self>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'m> {
    Base64 { media_type: &'m str, data: &'m str },
    Url { url: &'m str },
    Text { media_type: &'static str, data: String },
}

/// One message. Roles may repeat: the provider joins neighbours.
pub(super) fn message(
    message: &Message,
    model: &str,
    out: &mut Elements,
) -> Result<(), ModelError> {
    let role = match message.role {
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    let mut content = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        if let Some(block) = block(part, model)? {
            content.push(block);
        }
    }
    if content.is_empty() {
        return Ok(());
    }
    out.push(&Spoken { role, content })
}

/// `None` for what must not be sent: empty text, and reasoning that was not signed for this model.
fn block<'m>(part: &'m Part, model: &str) -> Result<Option<Block<'m>>, ModelError> {
    Ok(match part {
        Part::Text { text } => some(text).map(|text| Block::Text { text }),
        Part::Media(media) => Some(attached(media)?),
        Part::ToolCall(call) => Some(Block::ToolUse {
            id: call_id(&call.id),
            name: &call.name,
            input: arguments(&call.arguments)?,
        }),
        Part::ToolResult(result) => Some(returned(result)?),
        Part::Reasoning { text, signature } => {
            let signature = signature.as_deref().unwrap_or_default();
            let proof = |mark| signature.strip_prefix(mark)?.strip_prefix(model)?.strip_prefix('|');
            match (proof(SIGNED), proof(REDACTED)) {
                (Some(signature), _) => Some(Block::Thinking { thinking: text, signature }),
                (None, Some(data)) => Some(Block::RedactedThinking { data }),
                (None, None) => None,
            }
        }
    })
}

fn returned(result: &ToolResult) -> Result<Block<'_>, ModelError> {
    let mut content = Vec::new();
    if let Some(text) = some(&result.text) {
        content.push(Block::Text { text });
    }
    for media in &result.media {
        content.push(attached(media)?);
    }
    let is_error = result.is_error;
    Ok(Block::ToolResult { tool_use_id: call_id(&result.call_id), content, is_error })
}

fn attached(media: &Media) -> Result<Block<'_>, ModelError> {
    let title = media.name.as_deref();
    let media_type = media.media_type.as_str();
    Ok(match media::sort(media)? {
        Sorted::Image(data) => Block::Image { source: Source::Base64 { media_type, data } },
        Sorted::ImageAt(url) => Block::Image { source: Source::Url { url } },
        Sorted::Pdf(data) => Block::Document { source: Source::Base64 { media_type, data }, title },
        Sorted::Text(data) => {
            Block::Document { source: Source::Text { media_type: "text/plain", data }, title }
        }
        Sorted::DocumentAt(url) => Block::Document { source: Source::Url { url }, title },
        Sorted::Other => {
            let message = format!("{media_type} is neither image, PDF nor text");
            return Err(ModelError::new(ErrorKind::Unsupported, message));
        }
    })
}

/// Names of calls that came from elsewhere may have characters that this provider refuses.
fn call_id(id: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.chars().all(fits) && !id.is_empty() {
        return Cow::Borrowed(id);
    }
    let id: String = id.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    Cow::Owned(if id.is_empty() { "_".to_owned() } else { id })
}
