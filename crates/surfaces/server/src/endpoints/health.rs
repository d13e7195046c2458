//! Health: whether the server lives, and whether it can work.

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Access, Endpoint, Gives, Group, Patience, Verb, schema};
use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::principal::Needs;
use crate::readiness::{NotReadyView, not_ready};

/// That the server lives.
#[derive(Debug, Serialize, JsonSchema)]
struct LiveView {
    /// Always true.
    live: bool,
}

/// Whether the server can work.
#[derive(Debug, Serialize, JsonSchema)]
struct ReadyView {
    /// Whether it can.
    ready: bool,
    /// What can't.
    not_ready: Vec<NotReadyView>,
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        verb: Verb::Get,
        path: "/health/live",
        name: "isLive",
        group: Group::Server,
        summary: "Whether the server lives",
        access: Access::Open,
        needs: Needs::Nothing,
        patience: Patience::Usual,
        parameters: &[],
        takes: None,
        gives: Gives::json(StatusCode::OK, "It does.", schema::<LiveView>),
        refuses: &[],
        otherwise: None,
        run: |_| Box::pin(async { Reply::json(StatusCode::OK, &LiveView { live: true }) }),
    },
    Endpoint {
        verb: Verb::Get,
        path: "/health/ready",
        name: "isReady",
        group: Group::Server,
        summary: "Whether the server can work, and if not, what can't",
        access: Access::Open,
        needs: Needs::Nothing,
        patience: Patience::Usual,
        parameters: &[],
        takes: None,
        gives: Gives::json(StatusCode::OK, "It can.", schema::<ReadyView>),
        refuses: &[],
        otherwise: Some(Gives::json(
            StatusCode::SERVICE_UNAVAILABLE,
            "It can't.",
            schema::<ReadyView>,
        )),
        run: |call| Box::pin(ready(call)),
    },
];

async fn ready(call: Call) -> Result<Reply, Fault> {
    let not_ready = not_ready(&call.desk).await;
    let ready = not_ready.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Reply::json(status, &ReadyView { ready, not_ready })
}
