//! The messages that were written before.
//!
//! A conversation grows at its end, so the bytes of its older messages are kept and copied instead
//! of written again. Messages are compared by address: the cache holds them, so an address can't
//! come to mean another message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bottega_llm::{ChatRequest, Message, ModelError};

use crate::dialect::{Dialect, Elements};

/// Conversations kept at once; the one used longest ago goes first.
const CONVERSATIONS: usize = 16;

/// Bytes kept at once, all conversations together.
const BYTES: usize = 64 * 1024 * 1024;

/// The conversations of one adapter, the one used last at the end.
#[derive(Debug, Default)]
pub(crate) struct Transcripts {
    kept: Mutex<Vec<Transcript>>,
    written: AtomicU64,
}

#[derive(Debug)]
struct Transcript {
    conversation: Arc<str>,
    model: String,
    /// Each message, and where its elements end in `bytes`.
    messages: Vec<(Arc<Message>, usize)>,
    bytes: Vec<u8>,
}

impl Transcripts {
    /// Appends the messages of `request` to `body`, whose list begins at `start`.
    pub(crate) fn append(
        &self,
        dialect: &dyn Dialect,
        request: &ChatRequest,
        start: usize,
        body: &mut Vec<u8>,
    ) -> Result<(), ModelError> {
        let mut transcript = self.take(request);
        let common = transcript
            .messages
            .iter()
            .zip(&request.messages)
            .take_while(|((kept, _), asked)| Arc::ptr_eq(kept, asked))
            .count();
        transcript.messages.truncate(common);
        transcript.bytes.truncate(transcript.messages.last().map_or(0, |(_, end)| *end));
        for message in &request.messages[common..] {
            let mut elements = Elements::default();
            dialect.message(message, &request.model, &mut elements)?;
            self.written.fetch_add(1, Ordering::Relaxed);
            let elements = elements.into_bytes();
            if !elements.is_empty() && !transcript.bytes.is_empty() {
                transcript.bytes.push(b',');
            }
            transcript.bytes.extend_from_slice(&elements);
            transcript.messages.push((Arc::clone(message), transcript.bytes.len()));
        }
        if body.len() > start && !transcript.bytes.is_empty() {
            body.push(b',');
        }
        body.extend_from_slice(&transcript.bytes);
        self.keep(transcript);
        Ok(())
    }

    /// How many messages were written since the start.
    #[cfg(test)]
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn take(&self, request: &ChatRequest) -> Transcript {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|transcript| {
            transcript.conversation == request.conversation && transcript.model == request.model
        });
        match place {
            Some(place) => kept.remove(place),
            None => Transcript {
                conversation: Arc::clone(&request.conversation),
                model: request.model.clone(),
                messages: Vec::new(),
                bytes: Vec::new(),
            },
        }
    }

    /// A request without a conversation's name stands alone and is not kept.
    fn keep(&self, transcript: Transcript) {
        if transcript.conversation.is_empty() || transcript.bytes.len() > BYTES {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(transcript);
        let mut bytes: usize = kept.iter().map(|transcript| transcript.bytes.len()).sum();
        while kept.len() > CONVERSATIONS || bytes > BYTES {
            bytes -= kept.remove(0).bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;
    use crate::dialect::{Setting, body};

    fn turn(transcripts: &Transcripts, protocol: Protocol, request: &ChatRequest) -> String {
        let dialect = protocol.dialect();
        let setting =
            Setting { capabilities: dialect.capabilities(&request.model), at_openai: false };
        String::from_utf8(body(dialect, transcripts, request, setting).unwrap()).unwrap()
    }

    fn conversation(messages: &[Arc<Message>]) -> ChatRequest {
        let mut request = ChatRequest::new("m", messages.to_vec());
        request.conversation = "c1".into();
        request.system = "be brief".into();
        request
    }

    #[test]
    fn the_next_request_starts_with_the_bytes_of_the_last_and_writes_only_what_is_new() {
        let messages: Vec<_> = ["one", "two", "three", "four", "five"]
            .iter()
            .enumerate()
            .map(|(at, text)| {
                Arc::new(if at % 2 == 0 { Message::user(*text) } else { Message::assistant(*text) })
            })
            .collect();
        for protocol in Protocol::ALL {
            let transcripts = Transcripts::default();
            let first = turn(&transcripts, protocol, &conversation(&messages[..3]));
            assert_eq!(transcripts.written(), 3, "{protocol}");
            let second = turn(&transcripts, protocol, &conversation(&messages));
            assert_eq!(transcripts.written(), 5, "{protocol}");
            let grown = first.strip_suffix("]}").unwrap();
            assert!(second.starts_with(grown), "{protocol}\n{first}\n{second}");
            let _valid: serde_json::Value = serde_json::from_str(&second).unwrap();
            assert_eq!(second, turn(&Transcripts::default(), protocol, &conversation(&messages)));
        }
    }

    #[test]
    fn a_rewritten_conversation_is_written_from_where_it_differs() {
        let transcripts = Transcripts::default();
        let (a, b) = (Arc::new(Message::user("a")), Arc::new(Message::user("b")));
        let chat = Protocol::ChatCompletions;
        turn(&transcripts, chat, &conversation(&[Arc::clone(&a), Arc::clone(&b)]));
        let other = Arc::new(Message::user("other"));
        let body = turn(&transcripts, chat, &conversation(&[a, other]));
        assert_eq!(transcripts.written(), 3);
        assert!(body.contains("other") && !body.contains("\"b\""), "{body}");
    }

    #[test]
    fn another_model_or_no_name_shares_nothing() {
        let transcripts = Transcripts::default();
        let mut request = conversation(&[Arc::new(Message::user("a"))]);
        turn(&transcripts, Protocol::Gemini, &request);
        request.model = "other".into();
        turn(&transcripts, Protocol::Gemini, &request);
        request.conversation = "".into();
        turn(&transcripts, Protocol::Gemini, &request);
        turn(&transcripts, Protocol::Gemini, &request);
        assert_eq!(transcripts.written(), 4);
    }

    #[test]
    fn old_conversations_are_forgotten() {
        let transcripts = Transcripts::default();
        for name in 0..CONVERSATIONS + 5 {
            let mut request = conversation(&[Arc::new(Message::user("a"))]);
            request.conversation = format!("c{name}").into();
            turn(&transcripts, Protocol::Ollama, &request);
        }
        assert_eq!(transcripts.kept.lock().unwrap().len(), CONVERSATIONS);
    }
}
