//! One question of an agent that has no conversation of its own: asked whole, answered whole, within what is left to it.

use std::sync::Arc;

use bottega_llm::{ChatRequest, Message, ModelError, Part, Usage};
use bottega_policy::Spent;
use bottega_types::{CallId, Money, SessionId, Tokens};

use crate::{Call, Gateway, RouteError};

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The agent that asks, by its name: its purse pays.
    pub agent: String,
    /// A route, a model (`PROVIDER/NAME`), or nothing for the default.
    pub route: String,
    /// What the model is told about its part.
    pub instructions: String,
    /// What it is asked.
    pub prompt: String,
    /// The longest answer.
    pub longest: Tokens,
    /// The most that question and answer may cost together.
    pub within: Tokens,
}

/// What a model said to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its words.
    pub text: String,
    /// What question and answer cost in tokens.
    pub usage: Usage,
    /// What they cost in money, as far as prices are known.
    pub cost: Money,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Nobody can be asked that way.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The question alone may cost more than what is left.
    #[error("the question may cost {asks} tokens, and {within} are left for it and its answer")]
    TooLong {
        /// What the question may cost, at the worst.
        asks: Tokens,
        /// [`Question::within`].
        within: Tokens,
    },
    /// No model answered.
    #[error("{}", .0.message)]
    Failed(ModelError),
}

impl Gateway {
    /// Asks one question, and waits for the whole answer. The answer is cut where what is left ends. Dropping the future
    /// closes the connection.
    ///
    /// # Errors
    /// When the route is none, what is left is too little for the question, or no model answered.
    pub async fn answer(&self, question: Question) -> Result<Told, Unanswered> {
        let Question { agent, route, instructions, prompt, longest, within } = question;
        let mut request = ChatRequest::new("", vec![Arc::new(Message::user(prompt))]);
        request.system = instructions.into();
        request.max_output = Some(0);
        let asks = self.worst(&route, &request)?.tokens;
        let left = within.get().saturating_sub(asks.get());
        if left == 0 {
            return Err(Unanswered::TooLong { asks, within });
        }
        let most = longest.get().min(left);
        request.max_output = Some(u32::try_from(most).unwrap_or(u32::MAX));
        let worst: Spent = self.worst(&route, &request)?;
        let (now, entropy) = self.now_and_entropy();
        let call = Call {
            call: CallId::new(now, entropy),
            session: SessionId::new(now, entropy),
            agent,
            route,
            request: Arc::new(request),
            worst,
            broken_off: Vec::new(),
        };
        let answered = self.ask(call, &|_| ()).await;
        let answered = answered.map_err(|failed| Unanswered::Failed(failed.error))?;
        let (answer, cost) = (answered.answer, answered.cost);
        let said = answer.message.parts.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            Part::Reasoning { .. } | Part::ToolCall(_) | Part::ToolResult(_) | Part::Media(_) => {
                None
            }
        });
        Ok(Told { text: said.collect(), usage: answer.usage, cost })
    }
}
