//! The office of one agent.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::{Aid, Message};
use bottega_behaviour::{Office, Unsent};
use bottega_types::Timestamp;

use crate::desk::Desk;
use crate::mailroom::Mailroom;

/// Speaks in the name of one agent.
pub(crate) struct AgentOffice {
    pub(crate) me: Aid,
    pub(crate) desk: Arc<Desk>,
    pub(crate) mailroom: Arc<Mailroom>,
}

#[async_trait]
impl Office for AgentOffice {
    fn me(&self) -> &Aid {
        &self.me
    }

    fn now(&self) -> Timestamp {
        self.desk.clock.now()
    }

    async fn send(&self, message: Message) -> Result<(), Unsent> {
        self.desk.send(message.from(self.me.clone()), None, None).await.map(|_| ())
    }

    async fn taken_back(&self, message: &Message) {
        self.mailroom.cancels.of(message).await;
    }
}
