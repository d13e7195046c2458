//! What a WASM guest's capabilities do: in its agent's name, through the same ways as everybody's.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::{AgentName, Aid, json};
use bottega_behaviour::Unsent;
use bottega_event::{AgentEvent, AgentLogged, StreamId};
use bottega_manifest::{Host, Level, Refusal};
use tokio::sync::mpsc;

use crate::chronicle::{Entry, Told};
use crate::desk::Desk;

/// The longest line that is kept, in bytes.
const LONGEST: usize = 4_096;

/// Carries out what one guest was granted. `send` and `log` are offered; the rest is refused until there is somebody
/// behind it.
pub(crate) struct GuestHost {
    pub(crate) name: AgentName,
    pub(crate) desk: Arc<Desk>,
    pub(crate) entries: mpsc::Sender<Told>,
}

#[async_trait]
impl Host for GuestHost {
    async fn send(&self, message: String) -> Result<(), Refusal> {
        let message = json::decode(message.as_bytes())
            .map_err(|malformed| Refusal::Malformed(malformed.to_string()))?;
        let message = message.from(Aid::new(self.name.clone()));
        match self.desk.send(message, None, None).await {
            Ok(_) => Ok(()),
            Err(why @ Unsent::Inadmissible(_)) => Err(Refusal::Malformed(why.to_string())),
            Err(why @ Unsent::Undelivered(_)) => Err(Refusal::Unavailable(why.to_string())),
        }
    }

    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        let text = text[..text.floor_char_boundary(LONGEST)].to_owned();
        tracing::info!(agent = %self.name, level, "{text}");
        let event = AgentEvent::from(AgentLogged { level: level.to_owned(), text }).encode();
        let (stream, at) = (StreamId::agent(&self.name), self.desk.clock.now());
        // A guest that writes without end must not hold anybody up: what does not fit is lost.
        let _ = self.entries.try_send(Told::Happened(Entry { stream, at, event }));
    }
}
