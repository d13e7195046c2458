//! Requests, as the provider wants them.

use std::borrow::Cow;

use bottega_llm::{
    CacheHint, ChatRequest, Media, Message, ModelError, OutputFormat, Part, Role, ToolChoice,
    ToolResult,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::ENCRYPTED;
use super::models::{Reasoning, reasoning};
use crate::dialect::{Elements, Head, marked, some, unsupported};
use crate::media::{self, Sorted, data_url};
use crate::schema::is_strict;

/// The longest cache key the provider takes.
const LONGEST_KEY: usize = 64;

/// Everything but the conversation.
pub(super) fn head(request: &ChatRequest) -> Result<Head, ModelError> {
    if !request.stop.is_empty() {
        return Err(unsupported("the Responses protocol has no stop texts; leave them out"));
    }
    let reasoning = reasoning(&request.model);
    let mut fields = Map::new();
    fields.insert("model".into(), json!(request.model));
    fields.insert("stream".into(), json!(true));
    fields.insert("store".into(), json!(false));
    if let Some(key) = cache_key(request) {
        fields.insert("prompt_cache_key".into(), json!(key));
    }
    if let Some(most) = request.max_output {
        fields.insert("max_output_tokens".into(), json!(most));
    }
    if reasoning == Reasoning::Never {
        if let Some(temperature) = request.sampling.temperature {
            fields.insert("temperature".into(), json!(temperature));
        }
        if let Some(top_p) = request.sampling.top_p {
            fields.insert("top_p".into(), json!(top_p));
        }
    } else {
        fields.insert("include".into(), json!(["reasoning.encrypted_content"]));
    }
    if let Some(word) = request.effort.and_then(|effort| reasoning.word(effort)) {
        fields.insert("reasoning".into(), json!({ "effort": word }));
    }
    match &request.output {
        OutputFormat::Text => {}
        OutputFormat::JsonObject => {
            fields.insert("text".into(), json!({ "format": { "type": "json_object" } }));
        }
        OutputFormat::JsonSchema { name, schema } => {
            let strict = is_strict(schema);
            let format =
                json!({ "type": "json_schema", "name": name, "schema": schema, "strict": strict });
            fields.insert("text".into(), json!({ "format": format }));
        }
    }
    tools(request, &mut fields);
    if let Some(system) = some(&request.system) {
        fields.insert("instructions".into(), json!(system));
    }
    Ok(Head { fields, list: "input", first: None })
}

fn tools(request: &ChatRequest, fields: &mut Map<String, Value>) {
    if request.tools.is_empty() {
        return;
    }
    let tools = request.tools.iter().map(|tool| {
        json!({
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.input_schema,
            "strict": is_strict(&tool.input_schema),
        })
    });
    fields.insert("tools".into(), tools.collect());
    let choice = match &request.tool_choice {
        ToolChoice::Auto => return,
        ToolChoice::Required => json!("required"),
        ToolChoice::None => json!("none"),
        ToolChoice::Named(name) => json!({ "type": "function", "name": name }),
    };
    fields.insert("tool_choice".into(), choice);
}

/// The conversation's name, where a prefix may be kept under it.
pub(crate) fn cache_key(request: &ChatRequest) -> Option<&str> {
    let name = some(&request.conversation).filter(|_| request.cache == CacheHint::Prefix)?;
    let end = (0..=LONGEST_KEY.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    name.get(..end?)
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'m> {
    Spoken { role: &'static str, content: Content<'m> },
    Typed(Typed<'m>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'m> {
    Text(Cow<'m, str>),
    Pieces(Vec<Piece<'m>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Typed<'m> {
    Reasoning { summary: Vec<Piece<'m>>, encrypted_content: &'m str },
    FunctionCall { call_id: &'m str, name: &'m str, arguments: &'m str },
    FunctionCallOutput { call_id: &'m str, output: Content<'m> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'m> {
    InputText {
        text: Cow<'m, str>,
    },
    SummaryText {
        text: &'m str,
    },
    InputImage {
        image_url: Cow<'m, str>,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'m str>,
    },
}

/// One message: an item for each call, result and proof, and one for what is said between them.
pub(super) fn message(message: &Message, out: &mut Elements) -> Result<(), ModelError> {
    let mut said = Vec::new();
    for part in &message.parts {
        let item = match part {
            Part::Text { text } => {
                if let Some(text) = some(text) {
                    said.push(Piece::InputText { text: Cow::Borrowed(text) });
                }
                continue;
            }
            Part::Media(media) => {
                said.push(attached(media)?);
                continue;
            }
            Part::ToolCall(call) => Typed::FunctionCall {
                call_id: &call.id,
                name: &call.name,
                arguments: some(call.arguments.trim()).unwrap_or("{}"),
            },
            Part::ToolResult(result) => {
                Typed::FunctionCallOutput { call_id: &result.call_id, output: output(result)? }
            }
            Part::Reasoning { text, signature } => {
                let signature =
                    signature.as_deref().and_then(|proof| proof.strip_prefix(ENCRYPTED));
                let Some(encrypted_content) = signature else { continue };
                let summary = some(text).map(|text| Piece::SummaryText { text });
                Typed::Reasoning { summary: summary.into_iter().collect(), encrypted_content }
            }
        };
        say(message.role, &mut said, out)?;
        out.push(&Item::Typed(item))?;
    }
    say(message.role, &mut said, out)
}

fn say(role: Role, said: &mut Vec<Piece<'_>>, out: &mut Elements) -> Result<(), ModelError> {
    if said.is_empty() {
        return Ok(());
    }
    let pieces = std::mem::take(said);
    let role = match role {
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    // What the model said goes back as plain text: typed pieces would need the ids they were
    // stored under, and nothing is stored.
    let content = if role == "assistant" {
        Content::Text(Cow::Owned(pieces.iter().filter_map(Piece::text).collect()))
    } else {
        Content::Pieces(pieces)
    };
    out.push(&Item::Spoken { role, content })
}

impl Piece<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Piece::InputText { text } => Some(text),
            Piece::SummaryText { .. } | Piece::InputImage { .. } | Piece::InputFile { .. } => None,
        }
    }
}

fn output(result: &ToolResult) -> Result<Content<'_>, ModelError> {
    let text = marked(result);
    if result.media.is_empty() {
        return Ok(Content::Text(text));
    }
    let mut pieces = Vec::new();
    if !text.is_empty() {
        pieces.push(Piece::InputText { text });
    }
    for media in &result.media {
        pieces.push(attached(media)?);
    }
    Ok(Content::Pieces(pieces))
}

fn attached(media: &Media) -> Result<Piece<'_>, ModelError> {
    Ok(match media::sort(media)? {
        Sorted::Image(data) => {
            Piece::InputImage { image_url: Cow::Owned(data_url(&media.media_type, data)) }
        }
        Sorted::ImageAt(url) => Piece::InputImage { image_url: Cow::Borrowed(url) },
        Sorted::Pdf(data) => Piece::InputFile {
            filename: Some(media::name(media)),
            file_data: Some(data_url(&media.media_type, data)),
            file_url: None,
        },
        Sorted::DocumentAt(url) => {
            Piece::InputFile { filename: None, file_data: None, file_url: Some(url) }
        }
        Sorted::Text(text) => Piece::InputText { text: Cow::Owned(media::inline(media, &text)) },
        Sorted::Other => {
            let media_type = &media.media_type;
            return Err(unsupported(format!("{media_type} is neither image, PDF nor text")));
        }
    })
}
