//! A question that an agent has for the person.

use serde::{Deserialize, Serialize};

/// A question that an agent has for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub text: String,
    /// Answers to choose from. The person may say something else; without any they say it in their own words.
    pub choices: Vec<String>,
}

/// What the person said to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The choice as it was offered, or words of their own.
    Said {
        /// The words.
        words: String,
    },
    /// They would not answer.
    Declined,
    /// Nobody could be asked (no terminal).
    Unavailable,
}
