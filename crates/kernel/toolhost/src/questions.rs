//! Questions of an agent's own for the person.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_actor::Line;
use bottega_policy::{Approver, Question, Reply};
use bottega_tool::{Respondent, excerpt, plain};
use bottega_types::Redactor;

use crate::visible::visible;

/// Asks the person who also says yes and no, one question at a time.
pub(crate) struct Questions {
    pub(crate) approver: Arc<dyn Approver>,
    /// The line of all who ask in this session.
    pub(crate) line: Line,
    pub(crate) redactor: Arc<Redactor>,
    /// Bytes of a question at most.
    pub(crate) limit: usize,
}

#[async_trait]
impl Respondent for Questions {
    async fn answer(&self, question: &Question) -> Reply {
        let place = self.line.join();
        place.first().await;
        let show = |text: &str| {
            let text = visible(&self.redactor.clean(&plain(text)));
            excerpt(&text, self.limit, "not shown here").unwrap_or(text)
        };
        let shown = Question {
            text: show(&question.text),
            choices: question.choices.iter().map(|choice| show(choice)).collect(),
        };
        match self.approver.answer(&shown).await {
            // Told in the model's own words, which may have been shown otherwise.
            Reply::Said { words } => {
                let chosen = shown.choices.iter().position(|choice| *choice == words);
                let offered = chosen.and_then(|chosen| question.choices.get(chosen).cloned());
                Reply::Said { words: offered.unwrap_or(words) }
            }
            Reply::Declined => Reply::Declined,
            Reply::Unavailable => Reply::Unavailable,
        }
    }
}
