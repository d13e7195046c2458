//! Agents that talk: what they are to their host, and what they may do.

use std::borrow::Cow;

use async_trait::async_trait;
use bottega_acl::{Aid, Message, UserName};
use bottega_types::{MessageId, Timestamp};

/// A message as an agent is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its name, if it is durable. A receiver that must not do its work twice keeps the names of what it did.
    pub id: Option<MessageId>,
    /// How often it was begun, this time included. Above one the agent crashed over it, or its process ended.
    pub attempt: u32,
    /// What was said.
    pub message: Message,
}

/// The parameter in which an agent that is told messages as text finds the name of a durable one ([`Letter::id`]).
pub const MESSAGE_ID: &str = "X-message-id";
/// The parameter in which it finds how often a durable one was begun ([`Letter::attempt`]).
pub const ATTEMPT: &str = "X-attempt";

impl Letter {
    /// The message with its name and its attempt in user-defined parameters (SC00061), for agents that see nothing but
    /// messages. Whatever its sender wrote there is taken out, so that nobody passes a new message off as an old one.
    #[must_use]
    pub fn marked(&self) -> Cow<'_, Message> {
        let forged = [MESSAGE_ID, ATTEMPT];
        let forged = forged.map(|name| self.message.user_parameter(name).is_some());
        if self.id.is_none() && forged == [false, false] {
            return Cow::Borrowed(&self.message);
        }
        let message = self.message.clone();
        let mut message = message.without_user(MESSAGE_ID).without_user(ATTEMPT);
        let said = [
            (MESSAGE_ID, self.id.map(|id| id.to_string())),
            (ATTEMPT, self.id.map(|_| self.attempt.to_string())),
        ];
        for (name, value) in said {
            if let (Ok(name), Some(value)) = (name.parse::<UserName>(), value) {
                message = message.with_user(name, value.as_str().into());
            }
        }
        Cow::Owned(message)
    }
}

/// Why an agent could not go on, in words. Its supervisor decides what follows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// An agent that is told messages, one at a time. Native, language-model, WASM and outside agents look alike behind it.
///
/// An `Err` and a panic are the same to the host: this incarnation ends, and what follows is its supervisor's to say.
#[async_trait]
pub trait Resident: Send + 'static {
    /// Prepares a new incarnation, before its first message.
    async fn begin(&mut self, office: &dyn Office) -> Result<(), Trouble> {
        let _ = office;
        Ok(())
    }

    /// Deals with one message. Dropped at an await point when the agent is killed.
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble>;

    /// Tidies up at an orderly end.
    async fn end(&mut self, office: &dyn Office) -> Result<(), Trouble> {
        let _ = office;
        Ok(())
    }

    /// All that it knows, in a form that a later version of it can read; asked before an upgrade. Must change nothing.
    async fn save(&mut self) -> Result<Vec<u8>, Trouble> {
        Ok(Vec::new())
    }

    /// Whether it can deal with nothing more: whatever it is told fails from now on.
    fn is_over(&self) -> bool {
        false
    }

    /// Takes over what another incarnation saved, after [`begin`](Self::begin).
    async fn restore(&mut self, saved: &[u8]) -> Result<(), Trouble> {
        let _ = saved;
        Ok(())
    }
}

/// What an agent may do beside thinking. Each agent has an office of its own, which speaks in its name alone.
#[async_trait]
pub trait Office: Send + Sync {
    /// Who it is.
    fn me(&self) -> &Aid;

    /// The time.
    fn now(&self) -> Timestamp;

    /// Says something to whom the message names. Its sender is filled in. `Ok` means that each receiver's mailbox has
    /// it, or that it is stored, as the receiver's delivery class says.
    async fn send(&self, message: Message) -> Result<(), Unsent>;

    /// Waits until a message is taken back: whoever said it has sent a `cancel` in its conversation, which waits for its turn
    /// now (SC00026, cancel meta-protocol). Never ends where that does not happen, nor where nobody can know.
    async fn taken_back(&self, _message: &Message) {
        std::future::pending::<()>().await;
    }
}

/// Why a message, or a part of what it was to reach, was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It can't be sent to anybody.
    #[error("the message can't be sent: {0}")]
    Inadmissible(String),
    /// Some receivers did not get it; the others did.
    #[error("not delivered to {}", failures(.0))]
    Undelivered(Vec<(Aid, Undelivered)>),
}

fn failures(list: &[(Aid, Undelivered)]) -> String {
    let each: Vec<String> = list.iter().map(|(who, why)| format!("{who}: {why}")).collect();
    each.join("; ")
}

/// Why one receiver did not get a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Nobody of that name lives here.
    #[error("no agent of this name is known here")]
    Unknown,
    /// It takes no messages now.
    #[error("the agent is stopped")]
    Stopped,
    /// Its mailbox, or its backlog, has no room. Sending again later may help.
    #[error("the agent's mailbox is full; send again later")]
    Full,
    /// The moment by which an answer was wanted has passed.
    #[error("its reply-by has passed")]
    Expired,
    /// It could not be stored.
    #[error("it could not be stored: {0}")]
    Store(String),
}

#[cfg(test)]
mod tests {
    use bottega_acl::{Performative, json};

    use super::*;

    #[test]
    fn a_durable_message_is_told_with_its_name_and_a_transient_one_as_it_came() {
        fn check(id: Option<&str>, attempt: u32, came: &str, told: &str) {
            let id = id.map(|id| id.parse().unwrap());
            let message = json::decode(came.as_bytes()).unwrap();
            assert_eq!(json::encode(&Letter { id, attempt, message }.marked()), told);
        }
        let id = "msg_01arz3ndektsv4rrffq69g5fav";
        let plain = r#"{"performative":"inform","content":"news","X-urgent":"yes"}"#;
        check(None, 1, plain, plain);
        let told = format!(
            r#"{{"performative":"inform","content":"news","X-urgent":"yes","X-message-id":"{id}","X-attempt":"2"}}"#
        );
        check(Some(id), 2, plain, &told);
        // What a sender wrote there is nobody's name.
        let forged = r#"{"performative":"inform","content":"news","x-MESSAGE-id":"msg_1","X-attempt":"9","X-urgent":"yes"}"#;
        check(None, 1, forged, plain);
        check(Some(id), 2, forged, &told);
        let bare = Letter { id: None, attempt: 1, message: Message::new(Performative::Inform) };
        assert!(matches!(bare.marked(), Cow::Borrowed(_)));
    }
}
