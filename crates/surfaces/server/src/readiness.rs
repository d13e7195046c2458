//! Whether the server can work, as every surface tells it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::server::Desk;
use crate::tls::Tls;

/// A part of the server that can't work now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NotReadyView {
    /// The part: `server`, `connections`, `certificate`, `agents`.
    what: &'static str,
    /// Why, without what only the holder of the token may know.
    why: String,
}

/// What can't work now. Nothing when all can.
pub(crate) async fn not_ready(desk: &Desk) -> Vec<NotReadyView> {
    let mut not_ready = Vec::new();
    if desk.is_stopping() {
        not_ready.push(NotReadyView { what: "server", why: "it is being stopped".to_owned() });
    }
    let (open, most) = (desk.door.open(), desk.door.most());
    if open >= most {
        let why = format!("{open} connections are open, and no more may be");
        not_ready.push(NotReadyView { what: "connections", why });
    }
    if let Some(until) = desk.tls.as_ref().map(Tls::until).filter(|until| *until < desk.clock.now())
    {
        let why = format!("it has expired: it held until {until}");
        not_ready.push(NotReadyView { what: "certificate", why });
    }
    if let Err(error) = desk.agents.list().await {
        // The message may name files; whoever has the token reads it at `/v1/agents`.
        not_ready.push(NotReadyView { what: "agents", why: error.code });
    }
    not_ready
}
