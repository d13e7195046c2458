//! The one adapter: it writes a request in its protocol's dialect, sends it, and hands back the
//! stream that reads the answer.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bottega_llm::{Capabilities, ChatModel, ChatRequest, ErrorKind, EventStream, ModelError};
use bottega_types::{Clock as _, Entropy as _, Redactor, SystemClock, SystemEntropy};
use futures::StreamExt as _;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, Url};

use crate::capabilities::CapabilityOverride;
use crate::client::{chain, client};
use crate::dialect::{Dialect, Setting, body};
use crate::endpoint::Endpoint;
use crate::failure::Complaint;
use crate::provider::Auth;
use crate::retry_after::retry_after;
use crate::stream::answer;
use crate::transcript::Transcripts;
use crate::{BuildError, Options, Protocol};

/// The most of a failed call's body that is read.
const LONGEST_COMPLAINT: usize = 64 * 1024;

/// Builds the adapter for one address. Nothing is sent and no certificate is read until the first
/// call.
///
/// # Errors
/// When the address, a header or the key can't be used.
pub fn build(options: &Options) -> Result<Arc<dyn ChatModel>, BuildError> {
    let protocol = options.protocol;
    let line = Line::new(options)?;
    let fallback = protocol == Protocol::Responses && !line.endpoint.is_at("openai.com");
    let adapter = Adapter::new(protocol, line.clone(), options);
    if fallback {
        let chat = Adapter::new(Protocol::ChatCompletions, line, options);
        return Ok(Arc::new(Either { responses: adapter, chat, settled: AtomicBool::new(false) }));
    }
    Ok(Arc::new(adapter))
}

/// How to reach one address: everything about a call that is not the conversation.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) endpoint: Endpoint,
    headers: HeaderMap,
    redactor: Redactor,
    connect_timeout: Duration,
    idle_timeout: Duration,
}

impl Line {
    pub(crate) fn new(options: &Options) -> Result<Self, BuildError> {
        let endpoint = Endpoint::parse(options.protocol, &options.base_url)?;
        let mut headers = HeaderMap::new();
        for (name, value) in options.protocol.dialect().headers() {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let key = options.key.as_ref().map(|key| key.expose().trim()).filter(|key| !key.is_empty());
        if let Some(key) = key {
            let (name, text) = match options.protocol.auth() {
                Auth::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
                Auth::Header(name) => (HeaderName::from_static(name), key.to_owned()),
            };
            let mut value = HeaderValue::from_str(&text).map_err(|_| BuildError::Key)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        for (name, value) in &options.headers {
            let refuse = || BuildError::Header { name: name.clone() };
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse())?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| refuse())?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        let secrets = options.key.iter().chain(options.headers.iter().map(|(_, value)| value));
        Ok(Self {
            endpoint,
            headers,
            redactor: Redactor::new(secrets),
            connect_timeout: options.connect_timeout,
            idle_timeout: options.idle_timeout,
        })
    }

    /// Sends one request and waits for the head of its answer. `Err` unless it is a success.
    pub(crate) async fn send(
        &self,
        url: Url,
        accept: &'static str,
        body: Option<Vec<u8>>,
    ) -> Result<Response, ModelError> {
        let client = client(self.endpoint.road(), self.connect_timeout)?;
        let request = match body {
            Some(body) => client
                .post(url)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body),
            None => client.get(url),
        };
        let request = request.header(ACCEPT, HeaderValue::from_static(accept));
        let sent = request.headers(self.headers.clone()).send();
        let response = self.within_idle(sent).await?.map_err(|error| self.unsent(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    /// Waits for `arriving` as long as nothing may arrive.
    pub(crate) async fn within_idle<F: Future>(
        &self,
        arriving: F,
    ) -> Result<F::Output, ModelError> {
        tokio::time::timeout(self.idle_timeout, arriving).await.map_err(|_| {
            let wait = self.idle_timeout;
            let origin = self.endpoint.origin();
            ModelError::new(ErrorKind::Timeout, format!("{origin} sent nothing for {wait:?}"))
        })
    }

    /// `error` without secrets.
    pub(crate) fn clean(&self, mut error: ModelError) -> ModelError {
        error.message = self.redactor.clean(&error.message).into_owned();
        error
    }

    fn unsent(&self, error: reqwest::Error) -> ModelError {
        let origin = self.endpoint.origin();
        self.clean(ModelError::new(
            ErrorKind::Network,
            format!("could not ask {origin}: {}", chain(error)),
        ))
    }

    async fn refused(&self, response: Response) -> ModelError {
        let status = response.status();
        if status.is_redirection() {
            let target = response.headers().get("location").and_then(|to| to.to_str().ok());
            let target = target.and_then(|to| response.url().join(to).ok());
            let target = target.map_or_else(
                || "another address".to_owned(),
                |to| to.origin().ascii_serialization(),
            );
            let message = format!(
                "{} redirects to {target}; set the base URL to where the API really is",
                self.endpoint.origin()
            );
            let error = ModelError::new(ErrorKind::NotFound, message);
            return self.clean(ModelError { status: Some(status.as_u16()), ..error });
        }
        let wait = retry_after(response.headers(), SystemClock.now());
        let body = self.complaint(response).await;
        let mut error = Complaint::of_body(&body).into_error(Some(status.as_u16()));
        error.retry_after = wait.or(error.retry_after);
        self.clean(error)
    }

    /// The body of a failed call, as much of it as came in time. The status says the rest.
    async fn complaint(&self, response: Response) -> Vec<u8> {
        let mut bytes = response.bytes_stream();
        let mut body = Vec::new();
        while body.len() < LONGEST_COMPLAINT {
            match self.within_idle(bytes.next()).await {
                Ok(Some(Ok(more))) => body.extend_from_slice(&more),
                Ok(Some(Err(_)) | None) | Err(_) => break,
            }
        }
        body.truncate(LONGEST_COMPLAINT);
        body
    }
}

/// One protocol at one address.
struct Adapter {
    dialect: &'static dyn Dialect,
    line: Line,
    known: std::collections::BTreeMap<String, CapabilityOverride>,
    transcripts: Transcripts,
}

impl Adapter {
    fn new(protocol: Protocol, line: Line, options: &Options) -> Self {
        Self {
            dialect: protocol.dialect(),
            line,
            known: options.capabilities.clone(),
            transcripts: Transcripts::default(),
        }
    }
}

#[async_trait]
impl ChatModel for Adapter {
    fn capabilities(&self, model: &str) -> Capabilities {
        let believed = self.dialect.capabilities(model);
        let known = self.known.get(model).or_else(|| self.known.get("*"));
        known.map_or(believed, |known| known.apply(believed))
    }

    async fn stream(&self, request: Arc<ChatRequest>) -> Result<EventStream, ModelError> {
        let setting = Setting {
            capabilities: self.capabilities(&request.model),
            at_openai: self.line.endpoint.is_at("openai.com"),
        };
        let body = body(self.dialect, &self.transcripts, &request, setting)
            .map_err(|error| self.line.clean(error))?;
        let (path, query) = self.dialect.path(&request.model);
        let url = self.line.endpoint.url(&path, query);
        let accept = match self.dialect.framing() {
            crate::framing::Framing::Events => "text/event-stream",
            crate::framing::Framing::Lines => "application/x-ndjson",
        };
        let response = self.line.send(url, accept, Some(body)).await?;
        let decoder = self.dialect.decoder(&request.model, SystemEntropy.bits());
        Ok(answer(response, self.dialect.framing(), decoder, self.line.clone()))
    }
}

/// An address that is said to speak Responses but may only know Chat Completions, as many servers
/// do that people put behind the official client.
struct Either {
    responses: Adapter,
    chat: Adapter,
    /// Whether the address turned out to know only Chat Completions.
    settled: AtomicBool,
}

#[async_trait]
impl ChatModel for Either {
    fn capabilities(&self, model: &str) -> Capabilities {
        self.responses.capabilities(model)
    }

    async fn stream(&self, request: Arc<ChatRequest>) -> Result<EventStream, ModelError> {
        if self.settled.load(Ordering::Relaxed) {
            return self.chat.stream(request).await;
        }
        match self.responses.stream(Arc::clone(&request)).await {
            // Nothing was generated: the path, or the model, is unknown there.
            Err(error) if error.kind == ErrorKind::NotFound && error.status >= Some(400) => {
                let stream = self.chat.stream(request).await?;
                self.settled.store(true, Ordering::Relaxed);
                Ok(stream)
            }
            outcome => outcome,
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("endpoint", &self.endpoint.origin()).finish_non_exhaustive()
    }
}
