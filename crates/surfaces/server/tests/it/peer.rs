//! A client of gRPC, with types that were made of the same descriptions and are its own.

use bottega_api::ApiError;
use bottega_server::Limits;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::world::{Site, TOKEN, served};

/// What the build made of `proto/` for clients.
#[allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::redundant_clone,
    clippy::semicolon_if_nothing_returned,
    clippy::uninlined_format_args,
    clippy::use_self,
    clippy::wildcard_enum_match_arm,
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "it is generated"
)]
pub(crate) mod wire {
    include!(concat!(env!("OUT_DIR"), "/client/bottega.v1.rs"));
}

use wire::agent_service_client::AgentServiceClient;
use wire::group_service_client::GroupServiceClient;
use wire::message_service_client::MessageServiceClient;
use wire::tender_service_client::TenderServiceClient;
use wire::tree_service_client::TreeServiceClient;

/// Says who calls.
#[derive(Clone)]
pub(crate) struct Caller(pub Option<String>);

impl tonic::service::Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.parse().unwrap());
        }
        Ok(request)
    }
}

pub(crate) type Line = InterceptedService<Channel, Caller>;

/// A connection to a server; it is made when it is needed.
pub(crate) fn channel(site: &Site) -> Channel {
    Endpoint::from_shared(format!("http://{}", site.address)).unwrap().connect_lazy()
}

/// One that says in `authorization` what is given.
pub(crate) fn line(site: &Site, authorization: Option<&str>) -> Line {
    InterceptedService::new(channel(site), Caller(authorization.map(str::to_owned)))
}

/// Every service of ours, called with the token.
pub(crate) struct Peer {
    pub line: Line,
    pub agents: AgentServiceClient<Line>,
    pub groups: GroupServiceClient<Line>,
    pub messages: MessageServiceClient<Line>,
    pub tenders: TenderServiceClient<Line>,
    pub tree: TreeServiceClient<Line>,
}

impl Peer {
    pub(crate) fn of(site: &Site) -> Self {
        let line = line(site, Some(&format!("Bearer {TOKEN}")));
        Self {
            agents: AgentServiceClient::new(line.clone()),
            groups: GroupServiceClient::new(line.clone()),
            messages: MessageServiceClient::new(line.clone()),
            tenders: TenderServiceClient::new(line.clone()),
            tree: TreeServiceClient::new(line.clone()),
            line,
        }
    }
}

/// Serves while `visit` lasts, and looks for news all the time.
pub(crate) fn called<T>(limits: Limits, visit: impl AsyncFnOnce(&Site, Peer) -> T) -> T {
    let limits = Limits { look: std::time::Duration::from_millis(1), ..limits };
    served(limits, async |site| visit(site, Peer::of(site)).await)
}

/// What a status tells: its code, our code, and its sentence. It must be whole.
#[track_caller]
pub(crate) fn told(status: &Status) -> (Code, String, String) {
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.domain, "bottega");
    assert!(!info.metadata["title"].is_empty() && !info.metadata["next_step"].is_empty());
    let link = &details.help().unwrap().links[0].url;
    assert!(link.starts_with("http://127.0.0.1:"), "{link}");
    assert!(link.ends_with(&format!("/docs/errors/{}", info.reason)), "{link}");
    (status.code(), info.reason.clone(), status.message().to_owned())
}

/// The error that a status was made of.
#[track_caller]
pub(crate) fn error(status: &Status) -> ApiError {
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    ApiError {
        code: info.reason.clone(),
        message: status.message().to_owned(),
        next_step: info.metadata["next_step"].clone(),
        exit: info.metadata["exit"].parse().unwrap(),
    }
}
