//! What a guest asked its host for.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// One call of the host, with what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum Call {
    /// A message; the sender is filled in.
    Send {
        /// By its parameters; the bare text when it is no message.
        message: Value,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// A search of the directory.
    Search {
        /// The query.
        query: String,
        /// The agents that were found.
        found: Vec<String>,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// A look under a key.
    Get {
        /// The key.
        key: String,
        /// What was there; bytes that are no text are told by their number.
        value: Option<String>,
    },
    /// A value kept.
    Set {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// A key forgotten.
    Delete {
        /// The key.
        key: String,
    },
    /// A line for people.
    Log {
        /// `debug`, `info`, `warn` or `error`.
        level: &'static str,
        /// The line.
        text: String,
    },
    /// The time.
    Clock {
        /// What it was told.
        now: String,
    },
    /// Random bits.
    Random {
        /// What it was given, in hexadecimal.
        bits: String,
    },
    /// A request.
    Http {
        /// The method.
        method: String,
        /// The address.
        url: String,
        /// The body.
        body: String,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// A question to a model.
    Model {
        /// What the model was told about its part.
        instructions: String,
        /// What it was asked.
        prompt: String,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// A call of a tool.
    Tool {
        /// The tool.
        tool: String,
        /// Its arguments.
        arguments: String,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
}

/// Bytes as text, or their number.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("({} bytes)", bytes.len()),
    }
}

/// One line, as `logs` and `asks` of a script have it.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { message, refused: _ } => write!(f, "send {message}"),
            Self::Search { query, .. } => write!(f, "search {query}"),
            Self::Get { key, .. } => write!(f, "get {key}"),
            Self::Set { key, value } => write!(f, "set {key} = {value}"),
            Self::Delete { key } => write!(f, "delete {key}"),
            Self::Log { level, text } => write!(f, "{level}: {text}"),
            Self::Clock { .. } => f.write_str("clock"),
            Self::Random { .. } => f.write_str("random"),
            Self::Http { method, url, .. } => write!(f, "http {method} {url}"),
            Self::Model { prompt, .. } => write!(f, "model {prompt}"),
            Self::Tool { tool, arguments, .. } => write!(f, "tool {tool} {arguments}"),
        }
    }
}
