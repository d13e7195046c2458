//! Messages and their parts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Who speaks. Instructions to the model stand apart, in [`ChatRequest::system`](crate::ChatRequest).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person, or whoever gives the task.
    User,
    /// The model.
    Assistant,
    /// The tools: results of the calls in the assistant message before.
    Tool,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A user's message of plain text.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, parts: vec![Part::text(text)] }
    }

    /// A model's message of plain text.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, parts: vec![Part::text(text)] }
    }

    /// The results of the calls in the message before.
    #[must_use]
    pub fn results(results: Vec<ToolResult>) -> Self {
        Self { role: Role::Tool, parts: results.into_iter().map(Part::ToolResult).collect() }
    }

    /// The text parts, joined.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Text { text } => Some(text.as_str()),
                Part::Media(_)
                | Part::ToolCall(_)
                | Part::ToolResult(_)
                | Part::Reasoning { .. } => None,
            })
            .collect()
    }

    /// The tool calls, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            Part::Text { .. } | Part::Media(_) | Part::ToolResult(_) | Part::Reasoning { .. } => {
                None
            }
        })
    }
}

/// One piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// An image or a document.
    Media(Media),
    /// The model asks for a tool.
    ToolCall(ToolCall),
    /// What the tool gave.
    ToolResult(ToolResult),
    /// The model's own reasoning, kept since some providers want it back unchanged.
    Reasoning {
        /// Readable reasoning; may be empty when the provider hides it.
        text: String,
        /// The provider's opaque proof (signature or encrypted content), sent back as it came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// An image (`image/*`) or a document (`application/pdf`, `text/*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// IANA media type, as in `image/png`.
    pub media_type: String,
    /// A name to show, usually the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the bytes are.
    pub source: MediaSource,
}

impl Media {
    /// Whether it is an image; everything else is a document.
    #[must_use]
    pub fn is_image(&self) -> bool {
        self.media_type.starts_with("image/")
    }
}

/// Where the bytes of a [`Media`] are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Here, in Base64 with padding (RFC 4648 section 4). Shared, so that a request is cheap to clone.
    Base64(Arc<str>),
    /// At an address that the provider fetches.
    Url(String),
}

/// The model asks for one call of one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's name for this call; the result refers to it.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as the model wrote them: JSON text, kept to the byte, perhaps malformed.
    pub arguments: String,
}

/// What one tool call gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The [`ToolCall::id`] that this answers.
    pub call_id: String,
    /// The tool's name; some providers want it beside the id.
    pub name: String,
    /// What the model reads.
    pub text: String,
    /// Images or documents that the tool returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// Whether the tool failed, was refused, or was interrupted.
    #[serde(default)]
    pub is_error: bool,
}
