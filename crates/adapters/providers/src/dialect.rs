//! What the five protocols have in common: how a request becomes a body, and a frame events.

use std::borrow::Cow;

use bottega_llm::{
    Capabilities, ChatRequest, ErrorKind, Message, ModelError, StreamEvent, ToolResult,
};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::framing::Framing;
use crate::transcript::Transcripts;

/// What the settings and the address say about one call, beside the request itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// What the asked model can do.
    pub(crate) capabilities: Capabilities,
    /// Whether the address is OpenAI's own, which is stricter than those who offer its protocol.
    pub(crate) at_openai: bool,
}

/// Everything of a body but the conversation.
#[derive(Debug)]
pub(crate) struct Head {
    /// The fields before the conversation.
    pub(crate) fields: Map<String, Value>,
    /// The name of the conversation's field; it is written last, so that the body only grows.
    pub(crate) list: &'static str,
    /// What stands in the conversation before its messages.
    pub(crate) first: Option<Value>,
}

/// One wire protocol.
pub(crate) trait Dialect: Send + Sync {
    /// The path of a call, and its query.
    fn path(&self, model: &str) -> (String, Option<(&'static str, &'static str)>);

    /// Headers that every call carries.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The path that lists models, and its query.
    fn list_path(&self) -> (&'static str, Option<(&'static str, &'static str)>);

    /// How the answer is cut into frames.
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// Everything of the body but the conversation. `Err` when the protocol lacks what is asked.
    fn head(&self, request: &ChatRequest, setting: Setting) -> Result<Head, ModelError>;

    /// Writes one message: any number of list elements. Must depend on the message and the model's
    /// name alone, since it is called once per message.
    fn message(&self, message: &Message, model: &str, out: &mut Elements)
    -> Result<(), ModelError>;

    /// A decoder for one answer of the model that was `asked`. `nonce` makes the names of calls
    /// unique where the provider gives them none.
    fn decoder(&self, asked: &str, nonce: u64) -> Box<dyn Decoder>;

    /// What the named model can do, as far as is known.
    fn capabilities(&self, model: &str) -> Capabilities;
}

/// Reads the frames of one answer.
pub(crate) trait Decoder: Send {
    /// Takes one frame. `Err` ends the answer.
    fn frame(&mut self, data: &str, out: &mut Vec<StreamEvent>) -> Result<(), ModelError>;

    /// The connection ended in good order. Emits `Ended` where only now the answer is known to be
    /// complete.
    fn close(&mut self, _out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        Ok(())
    }
}

/// The body of a request.
pub(crate) fn body(
    dialect: &dyn Dialect,
    transcripts: &Transcripts,
    request: &ChatRequest,
    setting: Setting,
) -> Result<Vec<u8>, ModelError> {
    let head = dialect.head(request, setting)?;
    let mut body = serde_json::to_vec(&head.fields).map_err(|error| unwritable(&error))?;
    body.pop();
    if !head.fields.is_empty() {
        body.push(b',');
    }
    body.push(b'"');
    body.extend_from_slice(head.list.as_bytes());
    body.extend_from_slice(b"\":[");
    let before = body.len();
    if let Some(first) = head.first {
        serde_json::to_writer(&mut body, &first).map_err(|error| unwritable(&error))?;
    }
    transcripts.append(dialect, request, before, &mut body)?;
    body.extend_from_slice(b"]}");
    Ok(body)
}

/// Elements of a JSON list, separated by commas.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    bytes: Vec<u8>,
}

impl Elements {
    /// Appends one element.
    pub(crate) fn push(&mut self, element: &impl Serialize) -> Result<(), ModelError> {
        if !self.bytes.is_empty() {
            self.bytes.push(b',');
        }
        serde_json::to_writer(&mut self.bytes, element).map_err(|error| unwritable(&error))
    }

    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn unwritable(error: &serde_json::Error) -> ModelError {
    ModelError::new(ErrorKind::Internal, format!("the request can't be written as JSON: {error}"))
}

/// What a provider can't do, as an error that says so.
pub(crate) fn unsupported(what: impl Into<String>) -> ModelError {
    ModelError::new(ErrorKind::Unsupported, what)
}

/// A frame that does not follow the protocol.
pub(crate) fn garbled(error: &serde_json::Error, data: &str) -> ModelError {
    let shown: String = data.chars().take(120).collect();
    ModelError::new(ErrorKind::Garbled, format!("{error} in `{shown}`"))
}

/// Arguments as a JSON object, to the byte where they are one. A provider that wants an object is
/// given the text of malformed arguments inside one, so that the model sees what it wrote.
pub(crate) fn arguments(text: &str) -> Result<Cow<'_, RawValue>, ModelError> {
    let text = text.trim();
    if text.starts_with('{')
        && let Ok(raw) = serde_json::from_str::<&RawValue>(text)
    {
        return Ok(Cow::Borrowed(raw));
    }
    let object = match text {
        "" | "null" => "{}".to_owned(),
        _ => serde_json::json!({ "malformed_arguments": text }).to_string(),
    };
    RawValue::from_string(object).map(Cow::Owned).map_err(|error| unwritable(&error))
}

/// A result's text for a provider that has no mark for failures.
pub(crate) fn marked(result: &ToolResult) -> Cow<'_, str> {
    if result.is_error {
        Cow::Owned(format!("error: {}", result.text))
    } else {
        Cow::Borrowed(&result.text)
    }
}

/// `text` as the value of a field, or nothing when it is empty.
pub(crate) fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_kept_to_the_byte_or_wrapped() {
        for (text, expected) in [
            ("{\"a\": 1.50,\n\"b\":1e400}", "{\"a\": 1.50,\n\"b\":1e400}"),
            ("", "{}"),
            ("null", "{}"),
            ("{\"a\":", r#"{"malformed_arguments":"{\"a\":"}"#),
            ("[1]", r#"{"malformed_arguments":"[1]"}"#),
        ] {
            assert_eq!(arguments(text).unwrap().get(), expected);
        }
    }
}
