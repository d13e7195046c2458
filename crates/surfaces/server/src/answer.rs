//! The way of one request, from its first header to its answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use bottega_actor::{contained, within};
use bottega_api::{ApiError, codes};
use futures::StreamExt as _;
use tracing::Instrument as _;

use crate::call::{Call, IDEMPOTENCY_KEY, Reply};
use crate::connection::Spare;
use crate::endpoints::{Endpoint, Group, Size, Verb};
use crate::fault::Fault;
use crate::guard::Access;
use crate::principal::Needs;
use crate::request_name;
use crate::server::Desk;
use crate::trace_headers;

/// What a request asked for, by the table of endpoints.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    Endpoint(&'static Endpoint),
    /// No endpoint has that path.
    NoPath,
    /// There is the path, but not with that method.
    NoMethod(&'static str),
}

/// Answers a request.
pub(crate) async fn answer(
    desk: Arc<Desk>,
    asked: Asked,
    names: Vec<(String, String)>,
    request: Request<Body>,
) -> Response<Body> {
    let name = request_name::of(request.headers(), desk.entropy.as_ref());
    let (method, path) = match asked {
        Asked::Endpoint(endpoint) => (endpoint.verb.as_str(), endpoint.path),
        Asked::NoPath => ("other", "unknown"),
        Asked::NoMethod(path) => ("other", path),
    };
    let span = tracing::info_span!("http", request = %name, method, route = path);
    // As the semantic conventions for HTTP spans write it.
    let verb = match asked {
        Asked::Endpoint(endpoint) => endpoint.verb.as_str().to_ascii_uppercase(),
        Asked::NoPath | Asked::NoMethod(_) => "_OTHER".to_owned(),
    };
    let of = format!("{verb} {path}");
    let mut step = trace_headers::step(request.headers(), &name, desk.entropy.as_ref(), of);
    step.note("http.request.method", verb);
    step.note("http.route", path);
    step.note("url.scheme", desk.url.split(':').next().unwrap_or_default());
    let way = async {
        let came = contained(carry_out(&desk, asked, names, request)).await;
        let (response, code) = match came {
            Ok(Ok(reply)) => (reply.into_response(), None),
            Ok(Err(fault)) => {
                let code = fault.error.code.clone();
                (fault.into_response(&name), Some(code))
            }
            Err(panic) => (
                panicked(&panic, &name).into_response(&name),
                Some(codes::INTERNAL.name.to_owned()),
            ),
        };
        let status = response.status().as_u16();
        desk.counts.add(method, path, status);
        match code {
            Some(code) => tracing::info!(status, code, "refused"),
            None => tracing::debug!(status, "answered"),
        }
        response
    };
    let mut response = step.around(way.instrument(span)).await;
    let status = response.status();
    step.note("http.response.status_code", u64::from(status.as_u16()));
    if status.is_server_error() {
        step.failed(status.as_str());
    }
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(request_name::HEADER, name);
    }
    trace_headers::tell(&step, headers);
    response
}

/// What is answered to a request that panicked.
pub(crate) fn panicked(panic: &str, name: &str) -> Fault {
    tracing::error!(panic, "a request panicked");
    let step = format!("look for `{name}` in its log, and report it if it repeats");
    ApiError::new(codes::INTERNAL, "the server failed at this request").step(step).into()
}

/// What is answered to a request for which there is no room.
pub(crate) fn no_room() -> Fault {
    let error = ApiError::new(codes::BUSY, "too much is under way on the server");
    Fault::busy(error)
}

/// What is answered over a connection for which there is no room.
pub(crate) fn no_connection() -> Fault {
    let error = ApiError::new(codes::BUSY, "as many connections are open as may be");
    Fault::busy(error.step("try again in a moment, or serve with a larger `server.connections`"))
}

async fn carry_out(
    desk: &Arc<Desk>,
    asked: Asked,
    names: Vec<(String, String)>,
    request: Request<Body>,
) -> Result<Reply, Fault> {
    let (parts, body) = request.into_parts();
    desk.guard.is_no_stranger(&parts.headers, parts.uri.authority().map(|it| it.as_str()))?;
    let (access, needs) = match asked {
        Asked::Endpoint(endpoint) => (endpoint.access, endpoint.needs),
        Asked::NoPath | Asked::NoMethod(_) => (Access::Token, Needs::Look),
    };
    desk.guard.admit(access, needs, &parts.headers)?;
    let endpoint = match asked {
        Asked::Endpoint(endpoint) => endpoint,
        Asked::NoPath => {
            let error = ApiError::new(codes::USAGE, format!("there is no `{}`", parts.uri.path()));
            let error = error.step("read `/docs` or `/openapi.json`: they list what there is");
            return Err(Fault::under(StatusCode::NOT_FOUND, error));
        }
        Asked::NoMethod(path) => {
            let error = ApiError::new(
                codes::USAGE,
                format!("{} is nothing that `{path}` takes", parts.method),
            );
            let error = error.step("read `/docs` or `/openapi.json`: they list what there is");
            return Err(Fault::under(StatusCode::METHOD_NOT_ALLOWED, error));
        }
    };
    // How the server is can be asked however many connections are open.
    if parts.extensions.get::<Spare>().is_some() && endpoint.group != Group::Server {
        desk.counts.add_turned_away();
        return Err(no_connection());
    }
    // Health is answered however much is under way.
    let _place = match access {
        Access::Open => None,
        Access::Token | Access::Person => {
            let large = endpoint.takes.as_ref().is_some_and(|takes| takes.largest == Size::Module);
            let room = if large { &desk.modules_at_once } else { &desk.at_once };
            Some(room.try_acquire().map_err(|_| no_room())?)
        }
    };
    takes_key(endpoint, &parts.headers)?;
    let patience = desk.limits.patience(endpoint.patience);
    let work = async {
        let body = match &endpoint.takes {
            Some(takes) => {
                is_json(&parts.headers)?;
                read(body, &parts.headers, desk.limits.bytes(takes.largest)).await?
            }
            None => Vec::new(),
        };
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let headers = parts.headers;
        (endpoint.run)(Call { desk: Arc::clone(desk), names, path, query, headers, body }).await
    };
    let stopped = desk.nearly_over();
    tokio::select! {
        done = within(patience, work) => done.unwrap_or_else(|| Err(too_long(patience))),
        () = stopped => Err(cut_off()),
    }
}

/// Whoever names a request counts on it that it is done once: where that does not hold, it is said.
fn takes_key(endpoint: &Endpoint, headers: &HeaderMap) -> Result<(), Fault> {
    let takes = endpoint.parameters.iter().any(|parameter| parameter.name == IDEMPOTENCY_KEY);
    if endpoint.verb != Verb::Post || takes || !headers.contains_key(IDEMPOTENCY_KEY) {
        return Ok(());
    }
    let why = format!(
        "`Idempotency-Key` means nothing to `{}`: sent again, it is done again",
        endpoint.path
    );
    Err(ApiError::new(codes::MALFORMED, why).step("leave the header out").into())
}

/// What is answered to a request that is still under way when the server ends.
pub(crate) fn cut_off() -> Fault {
    let error = ApiError::new(codes::NO_SERVER, "the server ends before this is done");
    Fault::busy(error.step("look whether it was done all the same, once the server is there again"))
}

pub(crate) fn too_long(patience: Duration) -> Fault {
    let why = format!("it took longer than {} s", patience.as_secs());
    let error = ApiError::new(codes::NO_SERVER, why);
    Fault::busy(error.step("look whether it was done all the same, then try again"))
}

fn is_json(headers: &HeaderMap) -> Result<(), Fault> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let why = format!(
        "a body of `{}` is not understood",
        if media.is_empty() { "no type" } else { media }
    );
    let error =
        ApiError::new(codes::MALFORMED, why).step("send JSON, as `Content-Type: application/json`");
    Err(Fault::under(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
}

/// The whole body, unless it is larger than `most`: then no more of it is read.
pub(crate) async fn read(body: Body, headers: &HeaderMap, most: usize) -> Result<Vec<u8>, Fault> {
    let too_large = || {
        let why = format!("the body is larger than {most} bytes");
        let error = ApiError::new(codes::LIMIT, why).step("send less at once");
        Fault::under(StatusCode::PAYLOAD_TOO_LARGE, error)
    };
    let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if told.is_some_and(|told: usize| told > most) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(told.unwrap_or(0).min(most));
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| {
            let why = format!("the body ended early: {error}");
            Fault::under(StatusCode::BAD_REQUEST, ApiError::new(codes::MALFORMED, why))
        })?;
        if bytes.len() + piece.len() > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
