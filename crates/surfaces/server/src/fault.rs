//! What stops a request, as it is answered.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bottega_api::{ApiError, Code, Problem, codes};

/// An error with its HTTP status.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) error: ApiError,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// The status of every error code, where the request itself was understood.
pub(crate) const STATUSES: &[(Code, StatusCode)] = &[
    (codes::USAGE, StatusCode::BAD_REQUEST),
    (codes::SETTINGS, StatusCode::INTERNAL_SERVER_ERROR),
    (codes::NO_MODEL, StatusCode::CONFLICT),
    (codes::NO_SESSION, StatusCode::NOT_FOUND),
    (codes::SESSION_STATE, StatusCode::CONFLICT),
    (codes::SESSION_BUSY, StatusCode::CONFLICT),
    (codes::LIMIT, StatusCode::TOO_MANY_REQUESTS),
    (codes::REFUSED, StatusCode::FORBIDDEN),
    (codes::PROVIDER, StatusCode::SERVICE_UNAVAILABLE),
    (codes::STORE, StatusCode::INTERNAL_SERVER_ERROR),
    (codes::DAMAGED, StatusCode::INTERNAL_SERVER_ERROR),
    (codes::LIBRARY, StatusCode::SERVICE_UNAVAILABLE),
    (codes::SECRET, StatusCode::INTERNAL_SERVER_ERROR),
    (codes::STUCK, StatusCode::CONFLICT),
    (codes::FILE, StatusCode::UNPROCESSABLE_ENTITY),
    (codes::INTERNAL, StatusCode::INTERNAL_SERVER_ERROR),
    (codes::INTERRUPTED, StatusCode::SERVICE_UNAVAILABLE),
    (codes::NO_AGENT, StatusCode::NOT_FOUND),
    (codes::AGENT_STATE, StatusCode::CONFLICT),
    (codes::MALFORMED, StatusCode::UNPROCESSABLE_ENTITY),
    (codes::UNDELIVERED, StatusCode::SERVICE_UNAVAILABLE),
    (codes::NO_SERVER, StatusCode::SERVICE_UNAVAILABLE),
    (codes::NO_TENDER, StatusCode::NOT_FOUND),
    (codes::NO_ENTRY, StatusCode::NOT_FOUND),
    (codes::OTHER_VERSION, StatusCode::CONFLICT),
    (codes::NO_TOOL, StatusCode::NOT_FOUND),
    (codes::NOT_LET_IN, StatusCode::UNAUTHORIZED),
    (codes::BUSY, StatusCode::SERVICE_UNAVAILABLE),
    (codes::OUTPUT, StatusCode::INTERNAL_SERVER_ERROR),
];

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        let row = STATUSES.iter().find(|(code, _)| code.name == error.code);
        let status = row.map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, status)| *status);
        Self { status, error, header: None }
    }
}

impl Fault {
    /// An error under another status than its code's.
    pub(crate) fn under(status: StatusCode, error: ApiError) -> Self {
        Self { status, error, header: None }
    }

    pub(crate) fn unauthorized(error: ApiError, challenge: &'static str) -> Self {
        let header = (WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        Self { status: StatusCode::UNAUTHORIZED, error, header: Some(Box::new(header)) }
    }

    /// There is room again after `wait`.
    pub(crate) fn too_many(error: ApiError, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let header = (RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        Self { status: StatusCode::TOO_MANY_REQUESTS, error, header: Some(Box::new(header)) }
    }

    /// There is no room now, and soon may be.
    pub(crate) fn busy(error: ApiError) -> Self {
        let header = (RETRY_AFTER, HeaderValue::from(1));
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error, header: Some(Box::new(header)) }
    }

    /// After what span the same may be asked again, where that is known.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let (name, value) = self.header.as_deref()?;
        if name != RETRY_AFTER {
            return None;
        }
        value.to_str().ok()?.parse().ok().map(Duration::from_secs)
    }

    pub(crate) fn into_response(self, request: &str) -> Response<Body> {
        let mut problem = Problem::new(&self.error, self.status.as_u16());
        problem.request_id = Some(request.to_owned());
        let text = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status;
        let media = HeaderValue::from_static(Problem::MEDIA_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, media);
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_api::CODES;

    #[test]
    fn every_code_has_a_status() {
        let rows: Vec<&str> = STATUSES.iter().map(|(code, _)| code.name).collect();
        let codes: Vec<&str> = CODES.iter().map(|code| code.name).collect();
        assert_eq!(rows, codes);
        assert!(
            STATUSES.iter().all(|(_, status)| status.is_client_error() || status.is_server_error())
        );
        let unknown = ApiError { code: "BTG9999".into(), ..ApiError::new(codes::STORE, "x") };
        assert_eq!(Fault::from(unknown).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
