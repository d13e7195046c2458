//! Requests, as the provider wants them.

use std::borrow::Cow;

use bottega_llm::{
    ChatRequest, Effort, Media, MediaSource, Message, ModelError, OutputFormat, Part, Role,
    ToolCall, ToolChoice, ToolResult,
};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::models::{Thinking, thinking};
use super::{MADE_UP, SIGNED};
use crate::dialect::{Elements, Head, arguments, some, unsupported};
use crate::media::{self, Sorted};

/// What the provider takes in place of the proof for a call that it did not make itself.
const NO_PROOF: &str = "skip_thought_signature_validator";

/// Everything but the conversation.
pub(super) fn head(request: &ChatRequest) -> Result<Head, ModelError> {
    let thinking = thinking(&request.model);
    let json_form = request.output != OutputFormat::Text;
    if json_form && !request.tools.is_empty() && thinking != Thinking::Level {
        let model = &request.model;
        return Err(unsupported(format!("{model} takes no output form together with tools")));
    }
    let mut fields = Map::new();
    let config = config(request, thinking);
    if !config.is_empty() {
        fields.insert("generationConfig".into(), Value::Object(config));
    }
    tools(request, &mut fields);
    if let Some(text) = some(&request.system) {
        fields.insert("systemInstruction".into(), json!({ "parts": [{ "text": text }] }));
    }
    Ok(Head { fields, list: "contents", first: None })
}

fn config(request: &ChatRequest, thinking: Thinking) -> Map<String, Value> {
    let sampling = &request.sampling;
    let mut config = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    set("temperature", sampling.temperature.map(|it| json!(it)));
    set("topP", sampling.top_p.map(|it| json!(it)));
    set("topK", sampling.top_k.map(|it| json!(it)));
    // The provider's seed has 32 bits, one of them for the sign.
    set("seed", sampling.seed.map(|seed| json!(seed & 0x7fff_ffff)));
    set("maxOutputTokens", request.max_output.map(|it| json!(it)));
    set("stopSequences", (!request.stop.is_empty()).then(|| json!(request.stop)));
    match &request.output {
        OutputFormat::Text => {}
        OutputFormat::JsonObject => set("responseMimeType", Some(json!("application/json"))),
        OutputFormat::JsonSchema { schema, .. } => {
            set("responseMimeType", Some(json!("application/json")));
            set("responseJsonSchema", Some(Value::clone(schema)));
        }
    }
    let thoughts = match (thinking, request.effort) {
        (Thinking::Never, _) => None,
        (Thinking::Budget | Thinking::Level, None) => Some(json!({ "includeThoughts": true })),
        (Thinking::Budget, Some(effort)) => {
            Some(json!({ "includeThoughts": true, "thinkingBudget": budget(effort) }))
        }
        (Thinking::Level, Some(effort)) => {
            Some(json!({ "includeThoughts": true, "thinkingLevel": level(effort) }))
        }
    };
    set("thinkingConfig", thoughts);
    config
}

const fn budget(effort: Effort) -> u32 {
    match effort {
        Effort::Minimal => 512,
        Effort::Low => 2_048,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
    }
}

/// `minimal` is refused by most of the newer models, so `low` is the least.
const fn level(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

fn tools(request: &ChatRequest, fields: &mut Map<String, Value>) {
    if request.tools.is_empty() {
        return;
    }
    let tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name,
                "description": tool.description,
                "parametersJsonSchema": tool.input_schema,
            })
        })
        .collect();
    fields.insert("tools".into(), json!([{ "functionDeclarations": tools }]));
    let config = match &request.tool_choice {
        ToolChoice::Auto => return,
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Named(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    };
    fields.insert("toolConfig".into(), json!({ "functionCallingConfig": config }));
}

#[derive(Serialize)]
struct Content<'m> {
    role: &'static str,
    parts: Vec<Sent<'m>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'m> {
    #[serde(flatten)]
    data: Data<'m>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'m str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Data<'m> {
    Text(Cow<'m, str>),
    #[serde(rename = "inlineData", rename_all = "camelCase")]
    Inline {
        mime_type: &'m str,
        data: &'m str,
    },
    #[serde(rename = "fileData", rename_all = "camelCase")]
    File {
        mime_type: &'m str,
        file_uri: &'m str,
    },
    FunctionCall(Call<'m>),
    FunctionResponse {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'m str>,
        name: &'m str,
        response: Response<'m>,
    },
}

#[derive(Serialize)]
struct Call<'m> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'m str>,
    name: &'m str,
    args: Cow<'m, RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Response<'m> {
    Output(&'m str),
    Error(&'m str),
}

impl<'m> From<Data<'m>> for Sent<'m> {
    fn from(data: Data<'m>) -> Self {
        Self { data, thought_signature: None }
    }
}

/// One message. Roles may repeat.
pub(super) fn message(
    message: &Message,
    model: &str,
    out: &mut Elements,
) -> Result<(), ModelError> {
    let role = match message.role {
        Role::User | Role::Tool => "user",
        Role::Assistant => "model",
    };
    let mut parts = Vec::with_capacity(message.parts.len());
    let mut proof = None;
    let mut proven = thinking(model) != Thinking::Level;
    for part in &message.parts {
        match part {
            Part::Text { text } => {
                if let Some(text) = some(text) {
                    let data = Data::Text(Cow::Borrowed(text));
                    parts.push(Sent { data, thought_signature: proof.take() });
                }
            }
            Part::Media(media) => parts.push(attached(media)?.into()),
            Part::ToolCall(asked) => {
                // The first call of a message has to carry a proof; of the others, those that came
                // with one.
                let missing = (!proven).then_some(NO_PROOF);
                proven = true;
                let thought_signature = proof.take().or(missing);
                parts.push(Sent { data: Data::FunctionCall(call(asked)?), thought_signature });
            }
            Part::ToolResult(result) => {
                parts.push(returned(result).into());
                for media in &result.media {
                    parts.push(attached(media)?.into());
                }
            }
            Part::Reasoning { signature, .. } => {
                proof = signature.as_deref().and_then(|proof| proof.strip_prefix(SIGNED)).or(proof);
            }
        }
    }
    // A proof may come last, on an empty text.
    if proof.is_some() {
        parts.push(Sent { data: Data::Text(Cow::Borrowed("")), thought_signature: proof });
    }
    if parts.is_empty() {
        return Ok(());
    }
    out.push(&Content { role, parts })
}

fn call(asked: &ToolCall) -> Result<Call<'_>, ModelError> {
    let args = arguments(&asked.arguments)?;
    Ok(Call { id: given_name(&asked.id), name: &asked.name, args })
}

fn returned(result: &ToolResult) -> Data<'_> {
    let text = result.text.as_str();
    let response = if result.is_error { Response::Error(text) } else { Response::Output(text) };
    Data::FunctionResponse { id: given_name(&result.call_id), name: &result.name, response }
}

/// The name of a call, unless it was made up here.
fn given_name(id: &str) -> Option<&str> {
    some(id).filter(|id| !id.starts_with(MADE_UP))
}

fn attached(media: &Media) -> Result<Data<'_>, ModelError> {
    let mime_type = media.media_type.as_str();
    Ok(match media::sort(media)? {
        Sorted::Image(data) | Sorted::Pdf(data) => Data::Inline { mime_type, data },
        Sorted::ImageAt(file_uri) | Sorted::DocumentAt(file_uri) => {
            Data::File { mime_type, file_uri }
        }
        Sorted::Text(text) => Data::Text(Cow::Owned(media::inline(media, &text))),
        Sorted::Other => match &media.source {
            MediaSource::Base64(data) => Data::Inline { mime_type, data },
            MediaSource::Url(file_uri) => Data::File { mime_type, file_uri },
        },
    })
}
