//! Metrics, for Prometheus.

use super::{Access, Endpoint, Gives, Group, Patience, Verb};
use crate::call::{Call, Reply};
use crate::counts::MEDIA_TYPE;
use crate::fault::Fault;

pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    verb: Verb::Get,
    path: "/metrics",
    name: "readMetrics",
    group: Group::Server,
    summary: "Agents and requests in figures, in the text format of Prometheus",
    access: Access::Token,
    patience: Patience::Usual,
    parameters: &[],
    takes: None,
    gives: Gives::text("text/plain", "The metrics."),
    refuses: &[],
    otherwise: None,
    run: |call| Box::pin(metrics(call)),
}];

async fn metrics(call: Call) -> Result<Reply, Fault> {
    let agents = call.agents().list().await.ok();
    let uptime = call.desk.since.elapsed().as_secs();
    Ok(Reply::text(MEDIA_TYPE, call.desk.counts.text(agents.as_deref(), uptime)))
}
