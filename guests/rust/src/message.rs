//! Messages between agents.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One FIPA-ACL message. What this crate has no name for is kept as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What it does: `request`, `inform`, `refuse`, …
    pub performative: String,
    /// What it is about.
    #[serde(default)]
    pub content: Value,
    /// All else: sender, receivers, conversation, …
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What the winner of a tender is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// What is to be done.
    pub task: String,
    /// What it is paid, in billionths of a dollar.
    pub pay: u64,
    /// When its time is over, in milliseconds since the Unix epoch.
    pub finish_by: u64,
}

impl Message {
    /// A message that does `performative` with `content`.
    pub fn new(performative: &str, content: impl Into<Value>) -> Self {
        Self { performative: performative.into(), content: content.into(), rest: Map::new() }
    }

    /// The name of a durable message. One that comes again, after a crash, has the same: whoever must not do its work
    /// twice keeps the names of what it did. `None` for a transient message, which comes once at most.
    pub fn id(&self) -> Option<&str> {
        self.rest.get("X-message-id")?.as_str()
    }

    /// How often it was begun, this time included.
    pub fn attempt(&self) -> u32 {
        let attempt = self.rest.get("X-attempt").and_then(Value::as_str);
        attempt.and_then(|attempt| attempt.parse().ok()).unwrap_or(1)
    }

    /// An answer to this one: to its sender, in its conversation.
    pub fn reply(&self, performative: &str, content: impl Into<Value>) -> Self {
        let mut answer = Self::new(performative, content);
        let kept = [
            ("sender", "receiver"),
            ("conversation-id", "conversation-id"),
            ("protocol", "protocol"),
            ("reply-with", "in-reply-to"),
        ];
        for (from, to) in kept {
            let Some(value) = self.rest.get(from) else { continue };
            let value = if to == "receiver" { vec![value.clone()].into() } else { value.clone() };
            answer.rest.insert(to.into(), value);
        }
        answer
    }

    /// What was awarded, when this accepts a proposal of ours.
    pub fn awarded(&self) -> Result<Award, String> {
        let content = self.content.as_str().ok_or("the content is no award")?;
        serde_json::from_str(content).map_err(|error| format!("the content is no award: {error}"))
    }

    /// Its JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl FromStr for Message {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("this is no message: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_back_to_its_sender_in_its_conversation() {
        let text = r#"{"performative":"request","content":"hi","sender":"smith","reply-with":"1","language":"en"}"#;
        let asked: Message = text.parse().unwrap();
        assert_eq!(asked.to_json().parse(), Ok(asked.clone()));
        let answer = asked.reply("inform", "hello");
        assert_eq!(
            answer.to_json(),
            r#"{"performative":"inform","content":"hello","in-reply-to":"1","receiver":["smith"]}"#
        );
    }

    #[test]
    fn a_durable_message_has_a_name_and_counts_its_attempts() {
        let check = |text: &str, name: Option<&str>, attempt: u32| {
            let told: Message = text.parse().unwrap();
            assert_eq!((told.id(), told.attempt()), (name, attempt));
        };
        let named = r#"{"performative":"inform","X-message-id":"msg_1","X-attempt":"2"}"#;
        check(named, Some("msg_1"), 2);
        check(r#"{"performative":"inform"}"#, None, 1);
    }
}
