//! How a request is served.

use super::Saying;

/// How a request is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serving {
    /// With a whole answer.
    Answer(Saying),
    /// With a failure of this status, in the protocol's own words.
    Status {
        /// The HTTP status.
        status: u16,
        /// More headers, such as `retry-after`.
        headers: Vec<(&'static str, String)>,
    },
    /// With the protocol's own complaint that the conversation is longer than the model's window.
    Overflow,
    /// With an answer whose connection breaks after so many bytes.
    Cut {
        /// What would have been answered.
        answer: Saying,
        /// Bytes that arrive.
        after: usize,
    },
    /// With an answer that falls silent after so many bytes; the connection stays open.
    Stall {
        /// What would have been answered.
        answer: Saying,
        /// Bytes that arrive.
        after: usize,
    },
    /// With these bytes, as a stream that ends well.
    Garbage(Vec<u8>),
}

impl Serving {
    /// A failure of this status, without more headers.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Status { status, headers: Vec::new() }
    }

    /// A refusal for now, with the seconds until the next attempt is welcome.
    #[must_use]
    pub fn busy(retry_after: u64) -> Self {
        Self::Status { status: 429, headers: vec![("retry-after", retry_after.to_string())] }
    }

    /// An answer of which no byte ever comes.
    #[must_use]
    pub fn silence() -> Self {
        Self::Stall { answer: Saying::text(""), after: 0 }
    }
}

impl From<Saying> for Serving {
    fn from(saying: Saying) -> Self {
        Self::Answer(saying)
    }
}
