//! One request as an endpoint sees it, and what the endpoint gives back.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bottega_api::{ApiError, codes};
use bottega_client::Agents;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Fault;
use crate::server::Desk;

/// A request that was let in, with its whole body.
pub(crate) struct Call {
    pub(crate) desk: Arc<Desk>,
    /// The parts of the path that the endpoint names.
    pub(crate) names: Vec<(String, String)>,
    /// As it was asked for.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn agents(&self) -> &dyn Agents {
        self.desk.agents.as_ref()
    }

    /// The part of the path that the endpoint calls `name`.
    pub(crate) fn part(&self, name: &str) -> &str {
        let found = self.names.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body. What is no JSON is a bad request; what is JSON of another shape can't be processed.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let refuse = |status, why: String| {
            let why = format!("the body is not what it should be: {why}");
            Fault::under(status, ApiError::new(codes::MALFORMED, why))
        };
        // A list of the fields' values would be taken as well, and mean another thing after a field was added.
        let is_list = self.body.trim_ascii_start().starts_with(b"[");
        let no_list = || {
            let why = "an object is wanted, not a list".to_owned();
            refuse(StatusCode::UNPROCESSABLE_ENTITY, why)
        };
        match serde_json::from_slice(&self.body) {
            Ok(_) if is_list => Err(no_list()),
            Ok(value) => Ok(value),
            Err(error) => Err(match error.classify() {
                serde_json::error::Category::Data if is_list => no_list(),
                serde_json::error::Category::Data => {
                    refuse(StatusCode::UNPROCESSABLE_ENTITY, without_types(&error.to_string()))
                }
                serde_json::error::Category::Io
                | serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof => {
                    refuse(StatusCode::BAD_REQUEST, error.to_string())
                }
            }),
        }
    }

    /// What the query says. Names that are in neither list can't stand in it, and where a number stands it is one.
    pub(crate) fn query(
        &self,
        words: &[&'static str],
        numbers: &[&'static str],
    ) -> Result<Query, Fault> {
        let mut query = Query::default();
        for (name, value) in url::form_urlencoded::parse(self.query.as_bytes()) {
            let word = words.iter().find(|word| **word == name);
            let number = numbers.iter().find(|number| **number == name);
            match (word, number.zip(value.parse().ok())) {
                (Some(word), _) => drop(query.words.insert(word, value.into_owned())),
                (None, Some((name, number))) => drop(query.numbers.insert(name, number)),
                (None, None) => {
                    let words = words.iter().map(|name| format!("`{name}=TEXT`"));
                    let numbers = numbers.iter().map(|name| format!("`{name}=NUMBER`"));
                    let step = words.chain(numbers).collect::<Vec<_>>().join(", ");
                    let why = format!("`{name}={value}` can't stand in the query");
                    return Err(ApiError::new(codes::USAGE, why)
                        .step(format!("write {step}"))
                        .into());
                }
            }
        }
        Ok(query)
    }

    /// The address of this request, but for one part of its query.
    pub(crate) fn next_page(&self, name: &str, value: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (own, said) in url::form_urlencoded::parse(self.query.as_bytes()) {
            if own != name {
                query.append_pair(&own, &said);
            }
        }
        format!("{}?{}", self.path, query.append_pair(name, value).finish())
    }

    /// The number that the query gives for `name`, which is all that it may say.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<usize>, Fault> {
        Ok(self.query(&[], &[name])?.number(name))
    }

    /// The key of a request that is carried out once: its header's or its body's.
    pub(crate) fn key(&self, of_body: Option<String>) -> Result<Option<String>, Fault> {
        match (self.idempotency_key()?, of_body) {
            (Some(header), Some(body)) if header != body => {
                let why = "the header `Idempotency-Key` and the body name it differently";
                let error = ApiError::new(codes::MALFORMED, why).step("say it in one of them");
                Err(error.into())
            }
            (None, Some(body)) if !(1..=LONGEST_KEY).contains(&body.len()) => {
                let why = format!("an idempotency key has 1 to {LONGEST_KEY} characters");
                Err(ApiError::new(codes::MALFORMED, why).into())
            }
            (Some(key), _) | (None, Some(key)) => Ok(Some(key)),
            (None, None) => Ok(None),
        }
    }

    /// What the client says in the header `Idempotency-Key`, bare or in quotes.
    fn idempotency_key(&self) -> Result<Option<String>, Fault> {
        let Some(value) = self.headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim();
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        if bare.is_empty() || bare.len() > LONGEST_KEY {
            let why =
                format!("the header `Idempotency-Key` has 1 to {LONGEST_KEY} ASCII characters");
            return Err(Fault::under(
                StatusCode::BAD_REQUEST,
                ApiError::new(codes::MALFORMED, why),
            ));
        }
        Ok(Some(bare.to_owned()))
    }
}

/// What a query says.
#[derive(Debug, Default)]
pub(crate) struct Query {
    words: BTreeMap<&'static str, String>,
    numbers: BTreeMap<&'static str, usize>,
}

impl Query {
    pub(crate) fn word(&self, name: &str) -> Option<&str> {
        self.words.get(name).map(String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }
}

/// The header that names a message, so that it is stored once.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Characters of an idempotency key at most.
pub(crate) const LONGEST_KEY: usize = 256;

const HTML: &str = "text/html; charset=utf-8";

/// A page runs nothing, loads nothing, sends nothing and stands in no other page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// What an endpoint gives back.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    media: &'static str,
    body: Content,
    location: Option<String>,
    /// Where the next page of a list is.
    next: Option<String>,
}

/// What stands in an answer.
enum Content {
    Whole(String),
    /// It comes piece by piece.
    GoingOn(BoxStream<'static, Bytes>),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(text) => text.fmt(f),
            Self::GoingOn(_) => f.write_str("going on"),
        }
    }
}

impl Reply {
    /// A view, as JSON.
    pub(crate) fn json<V: Serialize>(status: StatusCode, view: &V) -> Result<Self, Fault> {
        let body = serde_json::to_string(view)
            .map_err(|error| ApiError::new(codes::INTERNAL, error.to_string()))?;
        Ok(Self {
            status,
            media: "application/json",
            body: Content::Whole(body),
            location: None,
            next: None,
        })
    }

    pub(crate) const fn text(media: &'static str, body: String) -> Self {
        Self {
            status: StatusCode::OK,
            media,
            body: Content::Whole(body),
            location: None,
            next: None,
        }
    }

    /// An answer that comes piece by piece.
    pub(crate) const fn going_on(media: &'static str, pieces: BoxStream<'static, Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            media,
            body: Content::GoingOn(pieces),
            location: None,
            next: None,
        }
    }

    /// A page to read: HTML that needs nothing from anywhere, and is held to that.
    pub(crate) const fn page(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            media: HTML,
            body: Content::Whole(body),
            location: None,
            next: None,
        }
    }

    pub(crate) const fn nothing() -> Self {
        let body = Content::Whole(String::new());
        Self { status: StatusCode::NO_CONTENT, media: "", body, location: None, next: None }
    }

    /// With the address of the page that follows.
    pub(crate) fn before(mut self, next: String) -> Self {
        self.next = Some(next);
        self
    }

    /// With the address of what was made.
    pub(crate) fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = match self.body {
            Content::Whole(text) => Body::from(text),
            Content::GoingOn(pieces) => Body::from_stream(pieces.map(Ok::<_, Infallible>)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if !self.media.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media));
        }
        if self.media == HTML {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        }
        // A name that can't stand in a header is left out: the body has it.
        let link = self.next.map(|next| HeaderValue::try_from(format!("<{next}>; rel=\"next\"")));
        if let Some(Ok(link)) = link {
            headers.insert(LINK, link);
        }
        if let Some(Ok(location)) = self.location.map(HeaderValue::try_from) {
            headers.insert(LOCATION, location);
        }
        response
    }
}

/// What a decoder says, without the names that types have here.
fn without_types(said: &str) -> String {
    let Some((before, after)) = said.split_once("expected struct ") else { return said.to_owned() };
    let rest = after.find(" at line").map_or("", |at| &after[at..]);
    format!("{before}expected an object{rest}")
}
