//! The API over gRPC: the services of `proto/bottega/v1`, health and reflection, at the same address as REST.
//!
//! A call is told apart from other requests by its content type, and goes the same way: held against its `:authority`, let
//! in by the token (as metadata, `authorization: Bearer TOKEN`), within the same bounds. What stops it is the same
//! [`Fault`](crate::fault::Fault), told as a status with details. The calls stand in one table, [`method::METHODS`].

mod acl;
mod agents;
mod answer;
mod groups;
mod health;
mod json;
mod messages;
mod method;
mod status;
mod tenders;
mod time;
mod tree;

use std::sync::Arc;

use axum::Router;
use bottega_api::{ApiError, codes};
use bottega_client::Agents;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use tonic::service::Routes;
use tonic::{Response, Status};
use tonic_health::pb::health_server::HealthServer;
use tonic_reflection::server::Builder;

pub(crate) use answer::{answer, is_call};

use crate::fault::Fault;
use crate::server::Desk;
use wire::agent_service_server::AgentServiceServer;
use wire::group_service_server::GroupServiceServer;
use wire::message_service_server::MessageServiceServer;
use wire::tender_service_server::TenderServiceServer;
use wire::tree_service_server::TreeServiceServer;

/// What the build made of `proto/`.
#[allow(
    clippy::all,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::wildcard_enum_match_arm,
    clippy::redundant_clone,
    clippy::semicolon_if_nothing_returned,
    clippy::too_many_lines,
    clippy::uninlined_format_args,
    clippy::use_self,
    reason = "it is generated"
)]
mod wire {
    include!(concat!(env!("OUT_DIR"), "/server/bottega.v1.rs"));
}

/// The services, as reflection tells of them.
const DESCRIBED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bottega.v1.bin"));

/// Bytes of a question about health and to reflection at most.
const QUESTION: usize = 64 << 10;

type Answer<V> = Result<Response<V>, Status>;
type Answers<V> = BoxStream<'static, Result<V, Status>>;

/// Every service of ours.
#[derive(Clone)]
struct Service(Arc<Desk>);

impl Service {
    fn agents(&self) -> &dyn Agents {
        self.0.agents.as_ref()
    }

    /// An answer, or why there is none.
    fn give<V>(&self, result: Result<V, impl Into<Fault>>) -> Answer<V> {
        result.map(Response::new).map_err(|error| self.refused(error))
    }

    fn refused(&self, error: impl Into<Fault>) -> Status {
        let fault = error.into();
        tracing::info!(code = fault.error.code, "refused");
        status::of(&fault, &self.0.url)
    }
}

impl Service {
    /// A stream in the form that its call gives.
    fn follow<T: 'static, V: 'static>(
        &self,
        stream: impl Stream<Item = Result<T, ApiError>> + Send + 'static,
        mut show: impl FnMut(T) -> V + Send + 'static,
    ) -> Answers<V> {
        let service = self.clone();
        let shown = move |item: Result<T, ApiError>| {
            item.map(&mut show).map_err(|error| service.refused(error))
        };
        stream.map(shown).boxed()
    }
}

/// A text that was said: Protobuf has an empty one where none was.
fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// All that is served.
///
/// # Errors
/// When a description is not whole, which the build would have to have made so.
pub(crate) fn routes(desk: &Arc<Desk>) -> Result<Router, ApiError> {
    let service = Service(Arc::clone(desk));
    let broken = |error: tonic_reflection::server::Error| {
        ApiError::new(codes::INTERNAL, format!("the services are not described: {error}"))
    };
    let described = || {
        // Each form of reflection would tell of itself alone.
        Builder::configure()
            .include_reflection_service(false)
            .register_encoded_file_descriptor_set(DESCRIBED)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(
                tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
            )
    };
    let reflection = described().build_v1().map_err(broken)?;
    let older = described().build_v1alpha().map_err(broken)?;
    let largest = desk.limits.module_body;
    // How much is read of each is bounded before it comes here.
    let routes = Routes::default()
        .add_service(AgentServiceServer::new(service.clone()).max_decoding_message_size(largest))
        .add_service(GroupServiceServer::new(service.clone()).max_decoding_message_size(largest))
        .add_service(MessageServiceServer::new(service.clone()).max_decoding_message_size(largest))
        .add_service(TenderServiceServer::new(service.clone()).max_decoding_message_size(largest))
        .add_service(TreeServiceServer::new(service.clone()).max_decoding_message_size(largest))
        .add_service(HealthServer::new(service).max_decoding_message_size(QUESTION))
        .add_service(reflection.max_decoding_message_size(QUESTION))
        .add_service(older.max_decoding_message_size(QUESTION));
    Ok(routes.into_axum_router())
}
