//! What was taken back: a `cancel` is known before its turn comes, so that nobody goes on with work that nobody wants.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bottega_acl::{AgentName, ConversationRef, Message, Performative};
use tokio::sync::Notify;

/// The most that are remembered of one agent.
const MOST: usize = 256;

/// What was taken back of an agent, and not heard by it yet.
#[derive(Default)]
pub(crate) struct Cancels {
    come: Notify,
    /// By whom, and of which conversation.
    said: Mutex<VecDeque<(AgentName, ConversationRef)>>,
}

impl fmt::Debug for Cancels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancels").finish_non_exhaustive()
    }
}

/// Whose word it is, and in which conversation; nothing where one of the two is missing.
fn talk(message: &Message) -> Option<(&AgentName, &ConversationRef)> {
    Some((message.sender.as_ref()?.name(), message.conversation.as_ref()?))
}

impl Cancels {
    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn said(&self) -> MutexGuard<'_, VecDeque<(AgentName, ConversationRef)>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message is on its way to the agent.
    pub(crate) fn note(&self, message: &Message) {
        if message.performative != Performative::Cancel {
            return;
        }
        let Some((by, conversation)) = talk(message) else { return };
        let mut said = self.said();
        if said.len() == MOST {
            said.pop_front();
        }
        said.push_back((by.clone(), conversation.clone()));
        drop(said);
        self.come.notify_waiters();
    }

    /// All that is stored is about to be noted anew.
    pub(crate) fn reset(&self) {
        self.said().clear();
    }

    /// The agent hears a message: a `cancel` has had its turn then.
    pub(crate) fn heard(&self, message: &Message) {
        if message.performative != Performative::Cancel {
            return;
        }
        let Some((by, conversation)) = talk(message) else { return };
        let mut said = self.said();
        if let Some(at) = said.iter().position(|it| it.0 == *by && it.1 == *conversation) {
            said.remove(at);
        }
    }

    /// Waits until a message is taken back by who said it, in the same conversation.
    pub(crate) async fn of(&self, message: &Message) {
        let Some((by, conversation)) = talk(message) else {
            return std::future::pending().await;
        };
        loop {
            // Listened for before the look, so that none is missed between the two.
            let mut come = std::pin::pin!(self.come.notified());
            come.as_mut().enable();
            if self.said().iter().any(|it| it.0 == *by && it.1 == *conversation) {
                return;
            }
            come.await;
        }
    }
}
