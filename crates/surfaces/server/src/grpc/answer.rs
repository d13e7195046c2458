//! The way of one call, from its first header to its answer, or to the beginning of the answers that go on.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version};
use bottega_actor::{contained, within};
use bottega_api::{ApiError, codes};
use futures::StreamExt as _;
use futures::stream::unfold;
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tonic::codegen::Service as _;
use tonic::{Code, Status};
use tracing::Instrument as _;

use super::method::{self, Method, Way};
use super::{QUESTION, status};
use crate::answer::{cut_off, no_connection, no_room, panicked, read, too_long};
use crate::connection::Spare;
use crate::counts;
use crate::endpoints::Size;
use crate::fault::Fault;
use crate::guard::Access;
use crate::principal::Needs;
use crate::request_name;
use crate::server::Desk;
use crate::trace_headers;

/// Whether a request is a call: by its content type, which nothing else has.
pub(crate) fn is_call(request: &Request<Body>) -> bool {
    let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|media| media.split(';').next()).unwrap_or_default().trim();
    ["application/grpc", "application/grpc+proto"].iter().any(|own| own.eq_ignore_ascii_case(media))
}

/// Answers a call.
pub(crate) async fn answer(
    desk: Arc<Desk>,
    calls: Router,
    request: Request<Body>,
) -> Response<Body> {
    let name = request_name::of(request.headers(), desk.entropy.as_ref());
    let method = method::find(request.uri().path());
    let path = method.map_or("unknown", |method| method.path);
    let span = tracing::info_span!("grpc", request = %name, method = path);
    let of = path.trim_start_matches('/').to_owned();
    let mut step = trace_headers::step(request.headers(), &name, desk.entropy.as_ref(), of);
    step.note("rpc.system.name", "grpc");
    step.note("rpc.method", path.trim_start_matches('/'));
    let way = async {
        let came = contained(carry_out(&desk, method, calls, request)).await;
        let fault = match came {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(fault)) => Err(fault),
            Err(panic) => Err(panicked(&panic, &name)),
        };
        let response = fault.unwrap_or_else(|fault| {
            tracing::info!(code = fault.error.code, "refused");
            status::of(&fault, &desk.url).into_http()
        });
        let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |it| it.code());
        desk.counts.add_call(path, code);
        tracing::debug!(?code, "answered");
        response
    };
    let mut response = step.around(way.instrument(span)).await;
    let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |it| it.code());
    step.note("rpc.response.status_code", counts::name(code));
    if matches!(code, Code::Internal | Code::Unknown | Code::Unavailable | Code::DataLoss) {
        step.failed(counts::name(code));
    }
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(request_name::HEADER, name);
    }
    trace_headers::tell(&step, response.headers_mut());
    response
}

async fn carry_out(
    desk: &Arc<Desk>,
    method: Option<&'static Method>,
    mut calls: Router,
    request: Request<Body>,
) -> Result<Response<Body>, Fault> {
    let authority = request.uri().authority().map(|it| it.as_str());
    desk.guard.is_no_stranger(request.headers(), authority)?;
    let (access, needs) =
        method.map_or((Access::Token, Needs::Look), |method| (method.access, method.needs));
    desk.guard.admit(access, needs, request.headers())?;
    if request.version() != Version::HTTP_2 {
        let error = ApiError::new(codes::USAGE, "gRPC is spoken over HTTP/2 alone");
        return Err(error
            .step(
                "use a client that speaks HTTP/2, without TLS where the address begins with `http`",
            )
            .into());
    }
    let Some(method) = method else {
        let error = ApiError::new(codes::USAGE, format!("there is no `{}`", request.uri().path()));
        let error = error.step("ask server reflection: it lists what there is");
        // Which gRPC calls `UNIMPLEMENTED`.
        return Err(Fault::under(StatusCode::METHOD_NOT_ALLOWED, error));
    };
    if request.extensions().get::<Spare>().is_some() && method.access != Access::Open {
        desk.counts.add_turned_away();
        return Err(no_connection());
    }
    match method.way {
        Way::Once { patience, largest } => {
            // Health is answered however much is under way.
            let _place = match (method.access, largest) {
                (Access::Open, _) => None,
                (Access::Token | Access::Person, size) => {
                    let room = match size {
                        Size::Module => &desk.modules_at_once,
                        Size::Usual => &desk.at_once,
                    };
                    Some(room.try_acquire().map_err(|_| no_room())?)
                }
            };
            let patience = desk.limits.patience(patience);
            let work = async {
                let request = whole(request, most(desk, method, largest)).await?;
                Ok(called(&mut calls, request).await)
            };
            tokio::select! {
                done = within(patience, work) => done.unwrap_or_else(|| Err(late(patience))),
                () = desk.nearly_over() => Err(cut_off()),
            }
        }
        Way::Follow | Way::Talk => {
            let room = match method.access {
                Access::Open => &desk.watches_at_once,
                Access::Token | Access::Person => &desk.streams_at_once,
            };
            let place = Arc::clone(room).try_acquire_owned().map_err(|_| no_room())?;
            let begin = async {
                let request = match method.way {
                    Way::Once { .. } | Way::Follow => {
                        whole(request, most(desk, method, Size::Usual)).await?
                    }
                    Way::Talk => finished_in_time(request, desk),
                };
                Ok(called(&mut calls, request).await)
            };
            let patience = desk.limits.usual;
            let begun = within(patience, begin).await.unwrap_or_else(|| Err(late(patience)))?;
            Ok(begun.map(|body| held(body, place)))
        }
    }
}

async fn called(calls: &mut Router, request: Request<Body>) -> Response<Body> {
    match calls.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Bytes of a question at most. Anybody may ask for health, so there is little room for that.
fn most(desk: &Desk, method: &Method, size: Size) -> usize {
    let most = desk.limits.bytes(size);
    match method.access {
        Access::Open => most.min(QUESTION),
        Access::Token | Access::Person => most,
    }
}

/// The request with its whole body, of which no more is read than it may have.
async fn whole(request: Request<Body>, most: usize) -> Result<Request<Body>, Fault> {
    let (parts, body) = request.into_parts();
    let bytes = read(body, &parts.headers, most).await?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// The request, whose body is over when its next part does not come in time, or the server is to stop: whoever goes
/// without a word keeps no place, and holds up no end.
fn finished_in_time(request: Request<Body>, desk: &Arc<Desk>) -> Request<Body> {
    let desk = Arc::clone(desk);
    request.map(|body| {
        let parts = unfold((body.into_data_stream(), desk), |(mut parts, desk)| async move {
            let part = tokio::select! {
                part = within(desk.limits.question, parts.next()) => part.flatten(),
                () = desk.stopped() => None,
            };
            part.map(|part| (part, (parts, desk)))
        });
        Body::from_stream(parts)
    })
}

/// What may have been done all the same is not told as if the server were not there.
fn late(patience: std::time::Duration) -> Fault {
    let mut fault = too_long(patience);
    fault.status = StatusCode::GATEWAY_TIMEOUT;
    fault
}

/// A body that keeps its place until its end, or until nobody wants it any more.
fn held(body: Body, place: OwnedSemaphorePermit) -> Body {
    Body::new(body.map_frame(move |frame| {
        let _kept = &place;
        frame
    }))
}
