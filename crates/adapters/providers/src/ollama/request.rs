//! Requests, as the server wants them.

use std::borrow::Cow;

use bottega_llm::{
    ChatRequest, Effort, Media, Message, ModelError, OutputFormat, Part, Role, ToolChoice,
};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::dialect::{Elements, Head, Setting, arguments, marked, some, unsupported};
use crate::media::{self, Sorted};

/// Everything but the messages.
pub(super) fn head(request: &ChatRequest, setting: Setting) -> Result<Head, ModelError> {
    let mut fields = Map::new();
    fields.insert("model".into(), json!(request.model));
    fields.insert("stream".into(), json!(true));
    match &request.output {
        OutputFormat::Text => {}
        OutputFormat::JsonObject => {
            fields.insert("format".into(), json!("json"));
        }
        OutputFormat::JsonSchema { schema, .. } => {
            fields.insert("format".into(), Value::clone(schema));
        }
    }
    if let Some(effort) = request.effort {
        fields.insert("think".into(), think(&request.model, effort));
    }
    // The server knows no choice. A model that may call none is shown none, one that must call a certain tool is shown
    // that alone; one that speaks instead is told so by whoever asked.
    let offered = request.tools.iter().filter(|tool| match &request.tool_choice {
        ToolChoice::Auto | ToolChoice::Required => true,
        ToolChoice::None => false,
        ToolChoice::Named(name) => tool.name == *name,
    });
    let mut offered = offered.peekable();
    if offered.peek().is_some() {
        let tools = offered.map(|tool| {
            json!({
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.input_schema,
                },
            })
        });
        fields.insert("tools".into(), tools.collect());
    }
    fields.insert("options".into(), Value::Object(options(request, setting)));
    let first = some(&request.system).map(|text| json!({ "role": "system", "content": text }));
    Ok(Head { fields, list: "messages", first })
}

fn options(request: &ChatRequest, setting: Setting) -> Map<String, Value> {
    let sampling = &request.sampling;
    let mut options = Map::new();
    options.insert("num_ctx".into(), json!(setting.capabilities.context_window.get()));
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            options.insert(name.to_owned(), value);
        }
    };
    set("num_predict", request.max_output.map(|it| json!(it)));
    set("temperature", sampling.temperature.map(|it| json!(it)));
    set("top_p", sampling.top_p.map(|it| json!(it)));
    set("top_k", sampling.top_k.map(|it| json!(it)));
    set("seed", sampling.seed.map(|seed| json!(seed & 0x7fff_ffff)));
    set("stop", (!request.stop.is_empty()).then(|| json!(request.stop)));
    options
}

/// Most models think or don't; one family has levels and can't be stopped.
fn think(model: &str, effort: Effort) -> Value {
    let has_levels = model.rsplit('/').next().is_some_and(|name| name.starts_with("gpt-oss"));
    match (has_levels, effort) {
        (true, Effort::Minimal | Effort::Low) => json!("low"),
        (true, Effort::Medium) => json!("medium"),
        (true, Effort::High) => json!("high"),
        (false, Effort::Minimal) => json!(false),
        (false, Effort::Low | Effort::Medium | Effort::High) => json!(true),
    }
}

#[derive(Serialize)]
struct Spoken<'m> {
    role: &'static str,
    content: Cow<'m, str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    thinking: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<&'m str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'m str>,
}

impl<'m> Spoken<'m> {
    fn new(role: &'static str, content: Cow<'m, str>) -> Self {
        Self {
            role,
            content,
            thinking: String::new(),
            images: Vec::new(),
            tool_calls: Vec::new(),
            tool_name: None,
            tool_call_id: None,
        }
    }
}

#[derive(Serialize)]
struct Call<'m> {
    id: &'m str,
    function: Function<'m>,
}

#[derive(Serialize)]
struct Function<'m> {
    name: &'m str,
    arguments: Cow<'m, RawValue>,
}

/// One message. Each tool result is an element of its own.
pub(super) fn message(message: &Message, out: &mut Elements) -> Result<(), ModelError> {
    let role = match message.role {
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    let mut texts: Vec<Cow<'_, str>> = Vec::new();
    let mut spoken = Spoken::new(role, Cow::Borrowed(""));
    for part in &message.parts {
        match part {
            Part::Text { text } => texts.extend(some(text).map(Cow::Borrowed)),
            Part::Media(media) => attached(media, &mut texts, &mut spoken.images)?,
            Part::ToolCall(call) => spoken.tool_calls.push(Call {
                id: &call.id,
                function: Function { name: &call.name, arguments: arguments(&call.arguments)? },
            }),
            Part::ToolResult(result) => {
                let mut returned = Spoken::new("tool", marked(result));
                returned.tool_name = some(&result.name);
                returned.tool_call_id = some(&result.call_id);
                let mut shown = Vec::new();
                for media in &result.media {
                    attached(media, &mut shown, &mut returned.images)?;
                }
                if !shown.is_empty() {
                    shown.insert(0, returned.content);
                    returned.content = Cow::Owned(shown.join("\n\n"));
                }
                out.push(&returned)?;
            }
            // Signed reasoning is another provider's.
            Part::Reasoning { text, signature: None } => spoken.thinking.push_str(text),
            Part::Reasoning { signature: Some(_), .. } => {}
        }
    }
    if texts.is_empty() && spoken.images.is_empty() && spoken.tool_calls.is_empty() {
        return Ok(());
    }
    let between = if role == "assistant" { "" } else { "\n\n" };
    spoken.content = Cow::Owned(texts.join(between));
    out.push(&spoken)
}

fn attached<'m>(
    media: &'m Media,
    texts: &mut Vec<Cow<'m, str>>,
    images: &mut Vec<&'m str>,
) -> Result<(), ModelError> {
    match media::sort(media)? {
        Sorted::Image(data) => images.push(data),
        Sorted::Text(text) => texts.push(Cow::Owned(media::inline(media, &text))),
        Sorted::ImageAt(_) | Sorted::DocumentAt(_) => {
            return Err(unsupported("Ollama fetches nothing by its address; attach the file"));
        }
        Sorted::Pdf(_) | Sorted::Other => {
            let media_type = &media.media_type;
            return Err(unsupported(format!("Ollama takes images and text, not {media_type}")));
        }
    }
    Ok(())
}
