//! What a scripted provider answers.

use bottega_llm::Usage;
use bottega_types::Tokens;

/// An answer: text, tool calls, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// Its text; may be empty.
    pub text: String,
    /// Its tool calls: name and arguments as text. Arguments that are no JSON are sent as they are, where the
    /// protocol lets them be.
    pub calls: Vec<(String, String)>,
    /// What it cost.
    pub usage: Usage,
}

impl Saying {
    /// Plain text that ends the work, for 100 prompt tokens and 10 of the answer.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let usage = Usage { input: Tokens::new(100), output: Tokens::new(10), ..Usage::default() };
        Self { text: text.into(), calls: Vec::new(), usage }
    }

    /// A call of a tool, for the same tokens.
    #[must_use]
    pub fn call(tool: &str, arguments: impl Into<String>) -> Self {
        Self::text("").and_call(tool, arguments)
    }

    /// The same with one more call.
    #[must_use]
    pub fn and_call(mut self, tool: &str, arguments: impl Into<String>) -> Self {
        self.calls.push((tool.to_owned(), arguments.into()));
        self
    }

    /// The same for so many prompt and answer tokens.
    #[must_use]
    pub fn costing(mut self, input: u64, output: u64) -> Self {
        self.usage.input = Tokens::new(input);
        self.usage.output = Tokens::new(output);
        self
    }
}
