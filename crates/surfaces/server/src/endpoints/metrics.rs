//! Metrics, for Prometheus.

use super::{Access, Endpoint, Gives, Group, Patience, Verb};
use crate::call::{Call, Reply};
use crate::counts::{Connections, MEDIA_TYPE};
use crate::fault::Fault;
use crate::principal::Needs;

pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    verb: Verb::Get,
    path: "/metrics",
    name: "readMetrics",
    group: Group::Server,
    summary: "Agents and requests in figures, in the text format of Prometheus",
    access: Access::Token,
    needs: Needs::Look,
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
    let connections = Connections { open: call.desk.door.open(), most: call.desk.door.most() };
    let text = call.desk.counts.text(agents.as_deref(), connections, uptime);
    Ok(Reply::text(MEDIA_TYPE, text))
}
