//! A question that waits for one answer: a name under which one message can come, and no agent behind it.

use std::sync::{Mutex, PoisonError};

use bottega_acl::{AgentName, Message};
use bottega_types::Entropy;
use tokio::sync::oneshot;

use crate::routes::{Route, Routes};

/// What the names of questions begin with.
const PREFIX: &str = "asker-";

/// Whether a local name could be a question's: no agent gets it.
pub(crate) fn is_question(local: &str) -> bool {
    local.starts_with(PREFIX)
}

/// Where the answer goes.
#[derive(Debug)]
pub(crate) struct Question(Mutex<Option<oneshot::Sender<Message>>>);

impl Question {
    /// The first answer is heard; what comes after it has come too late, and nobody is to blame.
    pub(crate) fn answer(&self, message: Message) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            // Whoever asked may have given up.
            let _ = waiting.send(message);
        }
    }
}

/// A name for the time of one question. It is free again when this is dropped, as it is when whoever asked goes away.
#[derive(Debug)]
pub(crate) struct Asker<'r> {
    pub(crate) name: AgentName,
    routes: &'r Routes,
    answer: oneshot::Receiver<Message>,
}

impl<'r> Asker<'r> {
    /// Takes a name that nobody can guess, so that nobody answers in another's place. `None` when the platform's own
    /// name can't stand in an address.
    pub(crate) fn new(routes: &'r Routes, platform: &str, entropy: &dyn Entropy) -> Option<Self> {
        let number = entropy.bits();
        let name: AgentName = format!("{PREFIX}{number:016x}@{platform}").parse().ok()?;
        let (waiting, answer) = oneshot::channel();
        let question = Question(Mutex::new(Some(waiting)));
        routes.put(name.clone(), Route::Question(question));
        Some(Self { name, routes, answer })
    }

    /// The answer.
    pub(crate) async fn answer(&mut self) -> Option<Message> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Asker<'_> {
    fn drop(&mut self) {
        self.routes.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use bottega_acl::Performative;
    use bottega_types::Seeded;

    use super::*;

    fn answer(routes: &Routes, name: &AgentName, words: &str) -> bool {
        let message = Message::new(Performative::Inform).about(words);
        let told = routes.with(name, |route| match route {
            Route::Question(question) => question.answer(message),
            Route::Agent(_) => panic!("an agent is called {name}"),
        });
        told.is_some()
    }

    #[tokio::test]
    async fn the_first_answer_is_heard_and_the_name_is_free_again() {
        let routes = Routes::default();
        let mut asker = Asker::new(&routes, "here", &Seeded::new(1)).unwrap();
        let name = asker.name.clone();
        assert!(is_question(name.local()));
        assert!(answer(&routes, &name, "one") && answer(&routes, &name, "two"));
        let heard = asker.answer().await.unwrap();
        assert_eq!(heard.content.unwrap().as_text(), Some("one"));
        // As when whoever asked goes away.
        drop(asker);
        assert!(!answer(&routes, &name, "three"));
    }
}
