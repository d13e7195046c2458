//! The request that follows from a state, and what it weighs.

use std::sync::Arc;

use bottega_event::Purpose;
use bottega_llm::{
    CacheHint, ChatRequest, Media, MediaSource, Message, OutputFormat, Part, ToolChoice,
    ToolDeclaration,
};
use bottega_types::Tokens;

use crate::state::Weighed;
use crate::{Definition, State};
use crate::{compaction, guide};

/// Bytes around each message that a chat template adds, at most.
const FRAME: u64 = 24;
/// Tokens that an image costs at most, and what most cost. A document of unknown length may fill the window.
const IMAGE_TOKENS: u64 = 8_000;
const USUAL_IMAGE_TOKENS: u64 = 1_600;
/// Bytes of a document's file for a token, and the tokens of a document at least, as a guess: a megabyte is about
/// thirty pages, and a page two to three thousand tokens (text and picture).
const DOCUMENT_BYTES: u64 = 12;
const LEAST_DOCUMENT_TOKENS: u64 = 3_000;

/// How a prompt is weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// No model makes more tokens of it.
    Bound,
    /// What it usually is.
    Guess,
}

impl Definition {
    /// The instructions for this state's model.
    pub(crate) fn instructions(&self, state: &State) -> Arc<str> {
        if small(state) { self.system_small.clone() } else { self.system.clone() }
    }

    /// The tools as this state's model is told about them: the same for every turn of a task.
    pub(crate) fn declared(&self, state: &State) -> Arc<[ToolDeclaration]> {
        let schema = state.work.as_ref().and_then(|work| work.schema.as_deref());
        let tools = if small(state) { &self.tools_small } else { &self.tools };
        if !self.must_finish(state) {
            return tools.clone();
        }
        tools.iter().cloned().chain([self.finish(schema)]).collect()
    }

    /// Whether words alone are no end, but only a call of `finish`: where the answer has a schema, and with a small model
    /// that has tools, whose words between two calls would else be taken for its answer.
    pub(crate) fn must_finish(&self, state: &State) -> bool {
        let has_schema = state.work.as_ref().is_some_and(|work| work.schema.is_some());
        has_schema || small(state) && !self.tools_small.is_empty()
    }

    /// Tokens of one answer at most, for this state's model.
    pub(crate) fn answer_limit(&self, state: &State) -> u32 {
        let Some(started) = &state.started else { return 0 };
        let wanted =
            if started.model.small { self.answer_tokens_small } else { self.answer_tokens };
        let window = started.model.context_window.get() / 4;
        let most = started.model.max_output.get().min(window);
        wanted.min(u32::try_from(most).unwrap_or(u32::MAX)).max(1)
    }

    /// The request that is waiting for its answer.
    pub(crate) fn request(&self, state: &State, purpose: Purpose, max_output: u32) -> ChatRequest {
        let (session, seed) = match &state.started {
            Some(started) => (started.session.to_string(), started.seed),
            None => (String::new(), None),
        };
        let mut sampling = if small(state) { self.sampling_small } else { self.sampling };
        // Another draw for each question, or a model that went wrong would go wrong again.
        sampling.seed = seed.map(|seed| seed.wrapping_add(state.calls));
        let circles = state.work.as_ref().map_or(0, |work| {
            if guide::leads(state) { work.trial.widening() } else { work.breaker.circles() }
        });
        if small(state) && circles > 0 {
            // A small model that repeats itself draws from a wider field, or it will do so again.
            // Its favourite often has nine tenths of the weight, so the tail is no longer cut off either.
            let cool = sampling.temperature.unwrap_or(0.0);
            sampling.temperature = Some((cool + 0.4 + 0.1 * f64::from(circles)).min(1.3));
            sampling.top_p = Some(1.0);
        }
        let mut messages = state.messages.clone();
        let mut tool_choice = ToolChoice::Auto;
        let mut narrowed = None;
        match purpose {
            Purpose::Turn if small(state) && self.must_finish(state) => {
                tool_choice = guide::tool_choice(state, self);
                narrowed = guide::narrowed(state, self).map(Arc::new);
            }
            Purpose::Turn => {}
            Purpose::Compaction => {
                tool_choice = ToolChoice::None;
                messages.push(Arc::new(Message::user(compaction::INSTRUCTION)));
            }
        }
        ChatRequest {
            model: String::new(),
            system: self.instructions(state),
            messages,
            tools: self.declared(state),
            tool_choice,
            narrowed,
            output: OutputFormat::Text,
            sampling,
            stop: Vec::new(),
            max_output: Some(max_output),
            effort: self.effort,
            cache: CacheHint::Prefix,
            conversation: session.into(),
        }
    }

    /// An upper bound of the prompt's tokens: what the provider counted, and a token for every byte since. Where
    /// another model may stand in, nothing counts but bytes: it may make more tokens of the same text.
    pub(crate) fn prompt_bound(&self, state: &State) -> Tokens {
        let fallbacks = state.started.as_ref().is_some_and(|started| started.model.fallbacks);
        let counted = if fallbacks { None } else { state.weighed };
        self.weigh(state, counted, Weight::Bound)
    }

    /// A fair guess of the prompt's tokens, for deciding when to compact.
    pub(crate) fn prompt_estimate(&self, state: &State) -> Tokens {
        self.weigh(state, state.weighed, Weight::Guess)
    }

    fn weigh(&self, state: &State, counted: Option<Weighed>, weight: Weight) -> Tokens {
        let bytes_per_token = if weight == Weight::Bound { 1 } else { 3 };
        let (known, since) = match counted {
            Some(weighed) => (weighed.tokens, weighed.messages),
            None => (Tokens::new(self.overhead(state).div_ceil(bytes_per_token)), 0),
        };
        let window = state.started.as_ref().map_or(0, |started| started.model.context_window.get());
        let rest = state.messages.iter().skip(since).map(|message| {
            let size = Size::of(message);
            let media = match weight {
                Weight::Bound => size.images * IMAGE_TOKENS + size.documents * window,
                Weight::Guess => {
                    let documents = size.document_bytes / DOCUMENT_BYTES;
                    size.images * USUAL_IMAGE_TOKENS
                        + documents.max(size.documents * LEAST_DOCUMENT_TOKENS)
                }
            };
            (size.bytes + FRAME).div_ceil(bytes_per_token) + media
        });
        known + Tokens::new(rest.sum())
    }

    fn overhead(&self, state: &State) -> u64 {
        let tools: usize = self
            .declared(state)
            .iter()
            .map(|tool| {
                tool.name.len() + tool.description.len() + tool.input_schema.to_string().len() + 64
            })
            .sum();
        (self.instructions(state).len() + tools) as u64 + 512
    }
}

pub(crate) fn small(state: &State) -> bool {
    state.started.as_ref().is_some_and(|started| started.model.small)
}

/// What a message weighs.
#[derive(Default)]
struct Size {
    bytes: u64,
    images: u64,
    documents: u64,
    /// Of the documents' files.
    document_bytes: u64,
}

impl Size {
    fn of(message: &Message) -> Self {
        let mut size = Self::default();
        for part in &message.parts {
            size.bytes += match part {
                Part::Text { text } => text.len(),
                Part::Reasoning { text, signature } => {
                    text.len() + signature.as_ref().map_or(0, String::len)
                }
                Part::ToolCall(call) => call.name.len() + call.arguments.len() + 48,
                Part::ToolResult(result) => {
                    result.media.iter().for_each(|media| size.see(media));
                    result.text.len() + 48
                }
                Part::Media(media) => {
                    size.see(media);
                    0
                }
            } as u64;
        }
        size
    }

    fn see(&mut self, media: &Media) {
        if media.is_image() {
            self.images += 1;
        } else {
            self.documents += 1;
            if let MediaSource::Base64(text) = &media.source {
                self.document_bytes += text.len() as u64 / 4 * 3;
            }
        }
    }
}
