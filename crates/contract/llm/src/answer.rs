//! A complete answer, and how it comes together from a stream.

use bottega_types::Tokens;
use serde::{Deserialize, Serialize};

use crate::{ErrorKind, Message, ModelError, Part, Role, StreamEvent, ToolCall, Usage};

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It had said all it wanted.
    EndTurn,
    /// It waits for tool results.
    ToolCalls,
    /// It reached the most tokens it was allowed.
    MaxOutput,
    /// It wrote one of the stop texts.
    StopText,
    /// It, or a filter of its provider, declined to answer.
    Refused,
    /// The window was full before the answer was done.
    ContextFull,
    /// Another reason, in the provider's word.
    Other(String),
}

/// A complete answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The model that answered, as its provider calls it.
    pub model: String,
    /// The provider's name for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// What it said.
    pub message: Message,
    /// Why it stopped.
    pub stop: Stop,
    /// What it cost in tokens.
    pub usage: Usage,
}

/// Folds [`StreamEvent`]s into an [`Answer`].
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    model: String,
    response_id: Option<String>,
    parts: Vec<Part>,
    /// Where in `parts` the call with this stream index stands.
    calls: Vec<(u32, usize)>,
    usage: Usage,
    stop: Option<Stop>,
}

impl Assembler {
    /// Takes one more event. `Err` when the stream breaks its own rules.
    pub fn push(&mut self, event: StreamEvent) -> Result<(), ModelError> {
        if self.stop.is_some() && !matches!(event, StreamEvent::Usage(_)) {
            return Err(ModelError::new(
                ErrorKind::Garbled,
                "an event after the end of the answer",
            ));
        }
        match event {
            StreamEvent::Started { model, response_id } => {
                self.model = model;
                self.response_id = response_id;
            }
            StreamEvent::PromptProgress { .. } => {}
            StreamEvent::Text(delta) => match self.parts.last_mut() {
                Some(Part::Text { text }) => text.push_str(&delta),
                _ => self.parts.push(Part::Text { text: delta }),
            },
            StreamEvent::Reasoning(delta) => match self.parts.last_mut() {
                Some(Part::Reasoning { text, signature: None }) => text.push_str(&delta),
                _ => self.parts.push(Part::Reasoning { text: delta, signature: None }),
            },
            StreamEvent::ReasoningSignature(proof) => match self.parts.last_mut() {
                Some(Part::Reasoning { signature: signature @ None, .. }) => {
                    *signature = Some(proof);
                }
                _ => {
                    self.parts
                        .push(Part::Reasoning { text: String::new(), signature: Some(proof) });
                }
            },
            StreamEvent::ToolCallStarted { index, id, name } => {
                if self.calls.iter().any(|(known, _)| *known == index) {
                    return Err(ModelError::new(
                        ErrorKind::Garbled,
                        format!("tool call {index} started twice"),
                    ));
                }
                self.calls.push((index, self.parts.len()));
                self.parts.push(Part::ToolCall(ToolCall { id, name, arguments: String::new() }));
            }
            StreamEvent::ToolCallDelta { index, arguments } => {
                let place = self.calls.iter().find(|(known, _)| *known == index);
                match place.and_then(|(_, place)| self.parts.get_mut(*place)) {
                    Some(Part::ToolCall(call)) => call.arguments.push_str(&arguments),
                    _ => {
                        return Err(ModelError::new(
                            ErrorKind::Garbled,
                            format!("arguments for tool call {index}, which never started"),
                        ));
                    }
                }
            }
            StreamEvent::Usage(usage) => self.usage = usage,
            StreamEvent::Ended(stop) => self.stop = Some(stop),
        }
        Ok(())
    }

    /// Usage reported so far; what a cut answer may have cost.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// An upper bound of the output tokens streamed so far: no tokenizer makes more tokens than bytes.
    #[must_use]
    pub fn output_bound(&self) -> Tokens {
        let bytes = self.parts.iter().map(|part| match part {
            Part::Text { text } | Part::Reasoning { text, .. } => text.len(),
            Part::ToolCall(call) => call.name.len() + call.arguments.len(),
            Part::Media(_) | Part::ToolResult(_) => 0,
        });
        Tokens::new(bytes.sum::<usize>() as u64)
    }

    /// The complete answer. `Err` when the stream was cut before its end.
    pub fn finish(self) -> Result<Answer, ModelError> {
        let Some(stop) = self.stop else {
            return Err(ModelError::new(
                ErrorKind::CutOff,
                "the connection ended before the answer did",
            ));
        };
        // Providers differ in what they call the end of an answer that holds calls.
        let stop =
            if stop == Stop::EndTurn && !self.calls.is_empty() { Stop::ToolCalls } else { stop };
        Ok(Answer {
            model: self.model,
            response_id: self.response_id,
            message: Message { role: Role::Assistant, parts: self.parts },
            stop,
            usage: self.usage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assemble(events: Vec<StreamEvent>) -> Result<Answer, ModelError> {
        let mut assembler = Assembler::default();
        for event in events {
            assembler.push(event)?;
        }
        assembler.finish()
    }

    fn started(index: u32, name: &str) -> StreamEvent {
        StreamEvent::ToolCallStarted { index, id: format!("c{index}"), name: name.into() }
    }

    fn delta(index: u32, text: &str) -> StreamEvent {
        StreamEvent::ToolCallDelta { index, arguments: text.into() }
    }

    #[test]
    fn deltas_of_interleaved_calls_find_their_call() {
        let answer = assemble(vec![
            StreamEvent::Text("I ".into()),
            StreamEvent::Text("look".into()),
            started(0, "grep"),
            started(1, "read_file"),
            delta(1, "{\"path\":"),
            delta(0, "{}"),
            delta(1, "\"a\"}"),
            StreamEvent::Ended(Stop::EndTurn),
        ])
        .unwrap();
        let calls: Vec<_> = answer.message.tool_calls().map(|c| c.arguments.as_str()).collect();
        assert_eq!(calls, ["{}", "{\"path\":\"a\"}"]);
        assert_eq!(answer.message.text(), "I look");
        assert_eq!(answer.stop, Stop::ToolCalls);
    }

    #[test]
    fn a_cut_stream_is_no_answer() {
        let error = assemble(vec![started(0, "shell"), delta(0, "{\"command\":\"rm")]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::CutOff);
    }

    #[test]
    fn a_stream_that_breaks_its_rules_is_garbled() {
        for events in [
            vec![delta(3, "{}")],
            vec![started(0, "a"), started(0, "b")],
            vec![StreamEvent::Ended(Stop::EndTurn), StreamEvent::Text("x".into())],
        ] {
            assert_eq!(assemble(events).unwrap_err().kind, ErrorKind::Garbled);
        }
    }

    #[test]
    fn a_signature_closes_its_reasoning() {
        let answer = assemble(vec![
            StreamEvent::Reasoning("hm".into()),
            StreamEvent::ReasoningSignature("s1".into()),
            StreamEvent::Reasoning("again".into()),
            StreamEvent::Ended(Stop::EndTurn),
        ])
        .unwrap();
        assert_eq!(answer.message.parts.len(), 2);
    }
}
