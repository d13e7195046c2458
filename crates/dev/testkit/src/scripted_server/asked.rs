//! What a script sees of a request.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use serde_json::Value;

/// What a request speaks, known by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WireProtocol {
    /// Anthropic Messages: `/v1/messages`.
    Anthropic,
    /// OpenAI Responses: `/v1/responses`.
    Responses,
    /// Chat Completions: `/v1/chat/completions`.
    ChatCompletions,
    /// Gemini: `/v1beta/models/NAME:streamGenerateContent`.
    Gemini,
    /// Ollama's own: `/api/chat`.
    Ollama,
}

impl WireProtocol {
    /// Every protocol.
    pub const ALL: [Self; 5] =
        [Self::Anthropic, Self::Responses, Self::ChatCompletions, Self::Gemini, Self::Ollama];

    pub(super) fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            path if path.ends_with("/chat/completions") => Self::ChatCompletions,
            path if path.ends_with("/responses") => Self::Responses,
            path if path.ends_with("/messages") => Self::Anthropic,
            path if path.ends_with(":streamGenerateContent") => Self::Gemini,
            path if path.ends_with("/api/chat") => Self::Ollama,
            _ => return None,
        })
    }

    /// The header that carries the key.
    #[must_use]
    pub const fn key_header(self) -> &'static str {
        match self {
            Self::Anthropic => "x-api-key",
            Self::Gemini => "x-goog-api-key",
            Self::Responses | Self::ChatCompletions | Self::Ollama => "authorization",
        }
    }

    /// The field of the body that holds the conversation.
    const fn list(self) -> &'static str {
        match self {
            Self::Responses => "input",
            Self::Gemini => "contents",
            Self::Anthropic | Self::ChatCompletions | Self::Ollama => "messages",
        }
    }
}

/// A question as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which of the server's questions it is, from 0.
    pub number: usize,
    /// When its head had arrived.
    pub arrived: Instant,
    /// What it speaks.
    pub protocol: WireProtocol,
    /// Path and query.
    pub target: String,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub raw: Bytes,
    /// The body as JSON; null when it is none.
    pub body: Value,
    /// Answers of the model that the conversation holds: the turn that is asked for, from 0.
    pub turn: usize,
}

impl Asked {
    pub(super) fn read(
        number: usize,
        arrived: Instant,
        protocol: WireProtocol,
        uri: &Uri,
        headers: &HeaderMap,
        raw: &Bytes,
    ) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let body = serde_json::from_slice(raw).unwrap_or_default();
        let mut asked = Self {
            number,
            arrived,
            protocol,
            target: uri.to_string(),
            headers,
            raw: raw.clone(),
            body,
            turn: 0,
        };
        asked.turn = asked.turns();
        asked
    }

    /// The elements of the conversation.
    #[must_use]
    pub fn conversation(&self) -> &[Value] {
        self.body.get(self.protocol.list()).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The bytes of the conversation's elements as they came, without the closing bracket: what a longer
    /// conversation begins with, when nothing in it was rewritten.
    #[must_use]
    pub fn conversation_bytes(&self) -> &[u8] {
        let opening = format!("\"{}\":[", self.protocol.list());
        let found = self.raw.windows(opening.len()).position(|window| window == opening.as_bytes());
        let Some(start) = found.map(|at| at + opening.len()) else { return &[] };
        let mut values =
            serde_json::Deserializer::from_slice(&self.raw[start - 1..]).into_iter::<Value>();
        // A list that was parsed ends with its bracket.
        match values.next() {
            Some(Ok(_)) => &self.raw[start..start - 1 + values.byte_offset() - 1],
            Some(Err(_)) | None => &[],
        }
    }

    /// The last thing that a person, not a tool, said; empty when nobody did.
    #[must_use]
    pub fn said(&self) -> String {
        self.conversation().iter().rev().filter_map(said).next().unwrap_or_default()
    }

    /// Whether the request declares tools.
    #[must_use]
    pub fn has_tools(&self) -> bool {
        self.body.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty())
    }

    /// Whether the protocol's key header is there.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.headers.contains_key(self.protocol.key_header())
    }

    /// Whether the key is this one, in the protocol's own header.
    #[must_use]
    pub fn has_key_of(&self, key: &str) -> bool {
        let value = self.headers.get(self.protocol.key_header()).map(String::as_str);
        value.is_some_and(|value| value.strip_prefix("Bearer ").unwrap_or(value) == key)
    }

    /// Several elements in a row may make up one answer.
    fn turns(&self) -> usize {
        let by_model: Vec<bool> = self.conversation().iter().map(is_by_model).collect();
        let begins = |at: &usize| by_model[*at] && (*at == 0 || !by_model[*at - 1]);
        (0..by_model.len()).filter(begins).count()
    }
}

fn is_by_model(element: &Value) -> bool {
    let word = |key: &str| element.get(key).and_then(Value::as_str).unwrap_or_default();
    matches!(word("role"), "assistant" | "model")
        || matches!(word("type"), "function_call" | "reasoning")
}

/// The text of an element in which a person speaks.
fn said(element: &Value) -> Option<String> {
    if element.get("role").and_then(Value::as_str) != Some("user") {
        return None;
    }
    let content = element.get("content").or_else(|| element.get("parts"))?;
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(pieces) => {
            let texts: Vec<&str> =
                pieces.iter().filter_map(|piece| piece.get("text")?.as_str()).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}
