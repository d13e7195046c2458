//! Requests, as the servers want them.

use std::borrow::Cow;

use bottega_llm::{
    ChatRequest, Effort, Media, Message, ModelError, OutputFormat, Part, Role, ToolChoice,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{DETAILS, FIELD};
use crate::dialect::{Elements, Head, Setting, marked, some, unsupported};
use crate::media::{self, Sorted, data_url};
use crate::responses::cache_key;
use crate::responses::models::{Reasoning, reasoning};
use crate::schema::is_strict;

/// Everything but the conversation.
pub(super) fn head(request: &ChatRequest, setting: Setting) -> Head {
    let mut fields = Map::new();
    fields.insert("model".into(), json!(request.model));
    fields.insert("stream".into(), json!(true));
    fields.insert("stream_options".into(), json!({ "include_usage": true }));
    if let Some(most) = request.max_output {
        let name = if setting.at_openai { "max_completion_tokens" } else { "max_tokens" };
        fields.insert(name.into(), json!(most));
    }
    if setting.at_openai
        && let Some(key) = cache_key(request)
    {
        fields.insert("prompt_cache_key".into(), json!(key));
    }
    sample(request, setting, &mut fields);
    if !request.stop.is_empty() {
        fields.insert("stop".into(), json!(request.stop));
    }
    match &request.output {
        OutputFormat::Text => {}
        OutputFormat::JsonObject => {
            fields.insert("response_format".into(), json!({ "type": "json_object" }));
        }
        OutputFormat::JsonSchema { name, schema } => {
            // Only OpenAI refuses a schema that its strictness can't hold.
            let strict = !setting.at_openai || is_strict(schema);
            let format = json!({ "name": name, "schema": schema, "strict": strict });
            let format = json!({ "type": "json_schema", "json_schema": format });
            fields.insert("response_format".into(), format);
        }
    }
    tools(request, &mut fields);
    let first = some(&request.system).map(|text| json!({ "role": "system", "content": text }));
    Head { fields, list: "messages", first }
}

fn sample(request: &ChatRequest, setting: Setting, fields: &mut Map<String, Value>) {
    let sampling = &request.sampling;
    let known = reasoning(&request.model);
    if let Some(effort) = request.effort {
        let word = known.word(effort).unwrap_or(match effort {
            Effort::Minimal | Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
        });
        fields.insert("reasoning_effort".into(), json!(word));
    }
    // OpenAI's reasoning models refuse to be sampled otherwise than they are.
    if !(setting.at_openai && known != Reasoning::Never) {
        if let Some(temperature) = sampling.temperature {
            fields.insert("temperature".into(), json!(temperature));
        }
        if let Some(top_p) = sampling.top_p {
            fields.insert("top_p".into(), json!(top_p));
        }
    }
    if let Some(seed) = sampling.seed {
        fields.insert("seed".into(), json!(seed));
    }
    if let Some(top_k) = sampling.top_k
        && !setting.at_openai
    {
        fields.insert("top_k".into(), json!(top_k));
    }
}

fn tools(request: &ChatRequest, fields: &mut Map<String, Value>) {
    if request.tools.is_empty() {
        return;
    }
    let tools = request.tools.iter().map(|tool| {
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
    let choice = match &request.tool_choice {
        ToolChoice::Auto => return,
        ToolChoice::Required => json!("required"),
        ToolChoice::None => json!("none"),
        ToolChoice::Named(name) => json!({ "type": "function", "function": { "name": name } }),
    };
    fields.insert("tool_choice".into(), choice);
}

#[derive(Serialize)]
struct Spoken<'m> {
    role: &'static str,
    /// Plain text where there is only text, since many chat templates know no other.
    content: Option<Content<'m>>,
    #[serde(flatten)]
    reasoning: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'m str>,
}

impl<'m> Spoken<'m> {
    fn new(role: &'static str, content: Option<Content<'m>>) -> Self {
        let (reasoning, tool_calls) = (Map::new(), Vec::new());
        Self { role, content, reasoning, tool_calls, tool_call_id: None }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'m> {
    Text(Cow<'m, str>),
    Pieces(Vec<Piece<'m>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'m> {
    Text { text: Cow<'m, str> },
    ImageUrl { image_url: ImageUrl<'m> },
    File { file: File },
}

#[derive(Serialize)]
struct ImageUrl<'m> {
    url: Cow<'m, str>,
}

#[derive(Serialize)]
struct File {
    filename: String,
    file_data: String,
}

#[derive(Serialize)]
struct Call<'m> {
    id: &'m str,
    r#type: &'static str,
    function: Function<'m>,
}

#[derive(Serialize)]
struct Function<'m> {
    name: &'m str,
    arguments: &'m str,
}

/// One message. Each tool result is an element of its own; what it shows follows them all.
pub(super) fn message(message: &Message, out: &mut Elements) -> Result<(), ModelError> {
    match message.role {
        Role::Assistant => assistant(message, out),
        Role::User | Role::Tool => given(message, out),
    }
}

fn assistant(message: &Message, out: &mut Elements) -> Result<(), ModelError> {
    let text = message.text();
    let content = (!text.is_empty()).then_some(Content::Text(Cow::Owned(text)));
    let mut spoken = Spoken::new("assistant", content);
    spoken.tool_calls = message
        .tool_calls()
        .map(|call| {
            let arguments = some(call.arguments.trim()).unwrap_or("{}");
            let function = Function { name: &call.name, arguments };
            Call { id: &call.id, r#type: "function", function }
        })
        .collect();
    for part in &message.parts {
        if let Part::Reasoning { text, signature: Some(proof) } = part {
            if let Some(details) = proof.strip_prefix(DETAILS) {
                let details = serde_json::from_str(details).unwrap_or_default();
                spoken.reasoning.insert("reasoning_details".to_owned(), details);
            } else if let Some(field) = proof.strip_prefix(FIELD)
                // Reasoning matters while its calls are being answered; else servers drop it.
                && !spoken.tool_calls.is_empty()
            {
                let kept = spoken.reasoning.get(field).and_then(Value::as_str).unwrap_or_default();
                let kept = format!("{kept}{text}");
                spoken.reasoning.insert(field.to_owned(), Value::String(kept));
            }
        }
    }
    if spoken.content.is_none() && spoken.tool_calls.is_empty() {
        return Ok(());
    }
    out.push(&spoken)
}

fn given(message: &Message, out: &mut Elements) -> Result<(), ModelError> {
    let mut pieces = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text { text } => {
                if let Some(text) = some(text) {
                    pieces.push(Piece::Text { text: Cow::Borrowed(text) });
                }
            }
            Part::Media(media) => pieces.push(attached(media)?),
            Part::ToolResult(result) => {
                let content = Some(Content::Text(marked(result)));
                let tool_call_id = Some(result.call_id.as_str());
                out.push(&Spoken { tool_call_id, ..Spoken::new("tool", content) })?;
                if !result.media.is_empty() {
                    let text = format!("Shown by the tool {}:", result.name);
                    pieces.push(Piece::Text { text: Cow::Owned(text) });
                }
                for media in &result.media {
                    pieces.push(attached(media)?);
                }
            }
            Part::ToolCall(_) | Part::Reasoning { .. } => {}
        }
    }
    if pieces.is_empty() {
        return Ok(());
    }
    let texts: Option<Vec<&str>> = pieces.iter().map(Piece::text).collect();
    let content = match texts {
        Some(texts) => Content::Text(Cow::Owned(texts.join("\n\n"))),
        None => Content::Pieces(pieces),
    };
    out.push(&Spoken::new("user", Some(content)))
}

impl Piece<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Piece::Text { text } => Some(text),
            Piece::ImageUrl { .. } | Piece::File { .. } => None,
        }
    }
}

fn attached(media: &Media) -> Result<Piece<'_>, ModelError> {
    Ok(match media::sort(media)? {
        Sorted::Image(data) => {
            let url = Cow::Owned(data_url(&media.media_type, data));
            Piece::ImageUrl { image_url: ImageUrl { url } }
        }
        Sorted::ImageAt(url) => Piece::ImageUrl { image_url: ImageUrl { url: Cow::Borrowed(url) } },
        Sorted::Pdf(data) => Piece::File {
            file: File {
                filename: media::name(media),
                file_data: data_url(&media.media_type, data),
            },
        },
        Sorted::Text(text) => Piece::Text { text: Cow::Owned(media::inline(media, &text)) },
        Sorted::DocumentAt(_) => {
            return Err(unsupported(
                "Chat Completions takes no document by its address; attach it",
            ));
        }
        Sorted::Other => {
            let media_type = &media.media_type;
            return Err(unsupported(format!("{media_type} is neither image, PDF nor text")));
        }
    })
}
