//! What a message is about.

use std::fmt;
use std::sync::Arc;

/// The content of a message: text, or bytes that are no text. One pointer; clones share.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Content(Arc<Body>);

// Behind a thin pointer: a string becomes content without being copied, and a message is 8 bytes smaller.
#[derive(PartialEq, Eq, Hash)]
enum Body {
    Text(Box<str>),
    /// Never valid UTF-8.
    Bytes(Box<[u8]>),
}

impl Content {
    /// Content that is text.
    #[must_use]
    pub fn text(text: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Body::Text(text.into())))
    }

    /// Content from bytes; text when they are UTF-8.
    #[must_use]
    pub fn bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::text(text),
            Err(not_text) => Self(Arc::new(Body::Bytes(not_text.into_bytes().into()))),
        }
    }

    /// The text, when it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &*self.0 {
            Body::Text(text) => Some(text),
            Body::Bytes(_) => None,
        }
    }

    /// The bytes, of text as of others.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &*self.0 {
            Body::Text(text) => text.as_bytes(),
            Body::Bytes(bytes) => bytes,
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// Prints text as it is, bytes as their number.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Body::Text(text) => f.write_str(text),
            Body::Bytes(bytes) => write!(f, "({} bytes)", bytes.len()),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Body::Text(text) => fmt::Debug::fmt(text, f),
            Body::Bytes(bytes) => fmt::Debug::fmt(bytes, f),
        }
    }
}
