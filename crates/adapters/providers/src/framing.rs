//! From bytes to frames, as machines without hands.

mod ndjson;
mod sse;

use bottega_llm::{ErrorKind, ModelError};

pub(crate) use ndjson::Ndjson;
pub(crate) use sse::Sse;

/// The longest line or event that is taken. A provider never comes near it; an address that serves
/// something else may.
const LONGEST: usize = 16 * 1024 * 1024;

/// How a protocol cuts its stream into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events (WHATWG HTML, section 9.2).
    Events,
    /// One JSON value per line.
    Lines,
}

impl Framing {
    /// A decoder at its beginning.
    pub(crate) fn decoder(self) -> Frames {
        match self {
            Self::Events => Frames::Events(Sse::default()),
            Self::Lines => Frames::Lines(Ndjson::default()),
        }
    }
}

/// A decoder somewhere in a stream.
#[derive(Debug)]
pub(crate) enum Frames {
    /// In server-sent events.
    Events(Sse),
    /// In lines.
    Lines(Ndjson),
}

impl Frames {
    /// Takes more bytes and appends the data of every frame they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<String>) -> Result<(), ModelError> {
        match self {
            Self::Events(sse) => sse.push(bytes, out),
            Self::Lines(lines) => lines.push(bytes, out),
        }
    }

    /// The last frame of a stream that ended without closing it, where the framing allows that.
    pub(crate) fn finish(&mut self) -> Option<String> {
        match self {
            // An event without its empty line is incomplete by the standard, and may be half of one.
            Self::Events(_) => None,
            Self::Lines(lines) => lines.finish(),
        }
    }
}

fn too_long() -> ModelError {
    ModelError::new(ErrorKind::Garbled, format!("one event of more than {LONGEST} bytes"))
}

fn not_text() -> ModelError {
    ModelError::new(ErrorKind::Garbled, "bytes that are not UTF-8 text")
}
