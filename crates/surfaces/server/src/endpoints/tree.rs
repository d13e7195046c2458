//! The tree: everything that lives here, and what it takes.

use axum::http::StatusCode;
use bottega_api::TreeView;

use super::{Access, Endpoint, Gives, Group, Patience, Verb, schema};
use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::principal::Needs;

pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    verb: Verb::Get,
    path: "/v1/tree",
    name: "showTree",
    group: Group::Server,
    summary: "Everything that lives here under its supervisors, and what the server takes",
    access: Access::Token,
    needs: Needs::Look,
    patience: Patience::Usual,
    parameters: &[],
    takes: None,
    gives: Gives::json(StatusCode::OK, "The tree, as it is now.", schema::<TreeView>),
    refuses: &[],
    otherwise: None,
    run: |call| Box::pin(tree(call)),
}];

async fn tree(call: Call) -> Result<Reply, Fault> {
    Reply::json(StatusCode::OK, &call.agents().tree().await?)
}
