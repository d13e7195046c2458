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
        place.turn().await;
        let show = |text: &str| {
            // Nothing drew it on a terminal: a lone carriage return would take away what stands before it.
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            let text = visible(&self.redactor.clean(&plain(&lines)));
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bottega_policy::{Approval, ApprovalRequest};
    use bottega_types::Secret;

    use super::*;

    /// Chooses the first choice, as it was shown.
    #[derive(Default)]
    struct Chooser(Mutex<Vec<Question>>);

    #[async_trait]
    impl Approver for Chooser {
        async fn ask(&self, _: &ApprovalRequest) -> Approval {
            Approval::Unavailable
        }

        async fn answer(&self, question: &Question) -> Reply {
            self.0.lock().unwrap().push(question.clone());
            question
                .choices
                .first()
                .map_or(Reply::Declined, |first| Reply::Said { words: first.clone() })
        }
    }

    /// Keeps what those who show no questions have.
    struct Mute;

    #[async_trait]
    impl Approver for Mute {
        async fn ask(&self, _: &ApprovalRequest) -> Approval {
            Approval::Unavailable
        }
    }

    fn questions(approver: Arc<dyn Approver>) -> Questions {
        let redactor = Arc::new(Redactor::new([&Secret::new("sk-canary-0123456789".to_owned())]));
        Questions { approver, line: Line::default(), redactor, limit: 100 }
    }

    #[tokio::test]
    async fn a_question_shows_what_is_hidden_and_no_secret() {
        let chooser = Arc::new(Chooser::default());
        let asked = Question {
            text: "use sk-canary-0123456789?\u{1b}[2K".to_owned(),
            choices: vec!["y\u{200b}es".to_owned(), "x".repeat(500)],
        };
        let reply = questions(chooser.clone()).answer(&asked).await;
        // The model gets back its own words.
        assert_eq!(reply, Reply::Said { words: asked.choices[0].clone() });
        let shown = chooser.0.lock().unwrap().pop().unwrap();
        assert!(!shown.text.contains("canary") && !shown.text.contains('\u{1b}'), "{}", shown.text);
        assert_eq!(shown.choices[0], "y{U+200B}es");
        assert!(shown.choices[1].len() <= 100);
    }

    #[tokio::test]
    async fn who_shows_no_questions_answers_none() {
        let asked = Question { text: "?".to_owned(), choices: Vec::new() };
        assert_eq!(questions(Arc::new(Mute)).answer(&asked).await, Reply::Unavailable);
    }
}
