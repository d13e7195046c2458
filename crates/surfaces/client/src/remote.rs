//! Agents on a server, over HTTP.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use bottega_api::{
    AgentEventView, AgentView, AnswerView, ApiError, AskRequest, AskStepView, BatchRequest,
    BatchStepView, DeployRequest, EntryView, InboxView, MailView, Problem, PublishRequest,
    PublishedView, ReceiptView, ReputationView, SaidView, SendRequest, SubscribeRequest,
    SubscriptionView, TakeRequest, TenderRequest, TenderView, TraceView, TreeView, WriteRequest,
    codes,
};
use bottega_types::{Secret, with_causes};
use futures::StreamExt as _;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LINK};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::agents::{AskSteps, BatchSteps};
use crate::event_stream::{Event, EventStream};
use crate::{Agents, Groups, Tenders};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a request may take. The server gives up earlier, and says so.
const PATIENCE: Duration = Duration::from_secs(660);
/// How often a server that has no room is asked again, and after what rest: half a minute in all.
const ATTEMPTS: u32 = 60;
const BREATH: Duration = Duration::from_millis(500);
/// Bytes of an answer at most.
const LARGEST: usize = 64 << 20;

/// An answer that goes on, as far as it was read.
struct Reading {
    response: Response,
    stream: EventStream,
    ready: VecDeque<Event>,
}

/// Lines that go on coming, as far as they were read.
struct Lines {
    response: Response,
    read: Vec<u8>,
}

/// The agents of a server at an address.
///
/// Errors come back as the server told them, with code, exit code and next step. Nothing is repeated by itself but
/// what the server had no room to begin with: a message that is to be stored once carries its idempotency key.
#[derive(Clone, Debug)]
pub struct Remote {
    server: Url,
    token: Secret<String>,
    client: Client,
}

impl Remote {
    /// A client of the server at `url`, let in by `token`. Nothing is connected yet.
    ///
    /// # Errors
    /// When `url` is no address of a server, or would carry the token over a network unencrypted.
    pub fn new(url: &str, token: Secret<String>) -> Result<Self, ApiError> {
        Self::believing(url, token, None)
    }

    /// As [`Self::new`], and over TLS these certificates (PEM) are believed in beside those of the system.
    ///
    /// # Errors
    /// As [`Self::new`], and when `certificates` are none.
    pub fn believing(
        url: &str,
        token: Secret<String>,
        certificates: Option<&[u8]>,
    ) -> Result<Self, ApiError> {
        Self::reached(url, token, certificates, None)
    }

    /// As [`Self::believing`], of a server that is reached at `socket`, whatever its name leads to.
    ///
    /// # Errors
    /// As [`Self::believing`].
    pub fn reached(
        url: &str,
        token: Secret<String>,
        certificates: Option<&[u8]>,
        socket: Option<SocketAddr>,
    ) -> Result<Self, ApiError> {
        let server = address(url)?;
        // Another room may have installed a provider first; either will do.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("bottega/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            // A redirect would carry the token to an address that nobody named.
            .redirect(Policy::none());
        let builder = match server.scheme() {
            // This machine is reached without the system's certificates, and past its proxy.
            "http" => builder.no_proxy().tls_certs_only([]),
            _ => match (server.domain(), socket) {
                (Some(name), Some(socket)) => builder.no_proxy().resolve(name, socket),
                _ if is_loopback(&server) => builder.no_proxy(),
                _ => builder,
            },
        };
        let builder = match certificates.filter(|_| server.scheme() == "https") {
            Some(pem) => builder.tls_certs_merge(read(pem)?),
            None => builder,
        };
        let client = builder.build().map_err(|error| {
            let why = format!("no HTTPS client: {}", with_causes(&error));
            ApiError::new(codes::INTERNAL, why).step("install the system's CA certificates")
        })?;
        Ok(Self { server, token, client })
    }

    /// The steps of an answer that goes on, each as it comes.
    async fn steps(&self, request: RequestBuilder) -> Result<AskSteps, ApiError> {
        let remote = self.clone();
        let reading = Reading {
            response: self.answered(request).await?,
            stream: EventStream::default(),
            ready: VecDeque::new(),
        };
        let steps = futures::stream::unfold(Some((remote, reading)), async |left| {
            let (remote, mut reading) = left?;
            match remote.step(&mut reading).await {
                Ok(step @ AskStepView::Answer { .. }) => Some((Ok(step), None)),
                Ok(step) => Some((Ok(step), Some((remote, reading)))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(steps.boxed())
    }

    async fn step(&self, reading: &mut Reading) -> Result<AskStepView, ApiError> {
        loop {
            if let Some(Event { name, data }) = reading.ready.pop_front() {
                if name == "error" {
                    let problem = serde_json::from_str::<Problem>(&data);
                    return Err(
                        problem.map_or_else(|_| self.strange("a broken problem"), Into::into)
                    );
                }
                return serde_json::from_str(&data)
                    .map_err(|error| self.strange(&format!("a step that is none: {error}")));
            }
            let piece = reading.response.chunk().await.map_err(|error| self.unreached(error))?;
            let Some(piece) = piece else {
                return Err(self.strange("half an answer"));
            };
            let events = reading.stream.take(&piece);
            reading.ready.extend(events.map_err(|_| self.strange("a step without an end"))?);
        }
    }

    /// What became of each message of a batch, a line of JSON each, as it comes.
    async fn batch(&self, request: RequestBuilder) -> Result<BatchSteps, ApiError> {
        let remote = self.clone();
        let reading = Lines { response: self.answered(request).await?, read: Vec::new() };
        let steps = futures::stream::unfold(Some((remote, reading)), async |left| {
            let (remote, mut reading) = left?;
            match remote.batch_step(&mut reading).await.transpose()? {
                Ok(step) => Some((Ok(step), Some((remote, reading)))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(steps.boxed())
    }

    /// The next line; nothing behind the last one.
    async fn batch_step(
        &self,
        reading: &mut Lines,
    ) -> Result<Option<Result<ReceiptView, ApiError>>, ApiError> {
        loop {
            if let Some(end) = reading.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = reading.read.drain(..=end).collect();
                let step: BatchStepView = serde_json::from_slice(&line)
                    .map_err(|error| self.strange(&format!("a step that is none: {error}")))?;
                return match (step.receipt, step.problem) {
                    (Some(receipt), None) => Ok(Some(Ok(receipt))),
                    (_, Some(problem)) => Ok(Some(Err(problem.into()))),
                    (None, None) => Err(self.strange("a step that says nothing")),
                };
            }
            if reading.read.len() > LARGEST {
                return Err(self.strange("a line without an end"));
            }
            let piece = reading.response.chunk().await.map_err(|error| self.unreached(error))?;
            let Some(piece) = piece else {
                let whole = reading.read.is_empty();
                return if whole { Ok(None) } else { Err(self.strange("half a line")) };
            };
            reading.read.extend_from_slice(&piece);
        }
    }

    /// The address below the server's with these parts, each of them encoded.
    fn url(&self, parts: &[&str]) -> Result<Url, ApiError> {
        let mut url = self.server.clone();
        // These mean a place in every path, and could name no agent and no message.
        if let Some(part) = parts.iter().find(|part| matches!(**part, "" | "." | "..")) {
            return Err(ApiError::new(codes::NO_AGENT, format!("nothing is named `{part}`")));
        }
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(parts);
        }
        Ok(url)
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.client.request(method, url).header(ACCEPT, "application/json");
        request.bearer_auth(self.token.expose())
    }

    async fn get<V: DeserializeOwned>(&self, parts: &[&str]) -> Result<V, ApiError> {
        self.view(self.request(Method::GET, self.url(parts)?)).await
    }

    async fn post<V: DeserializeOwned>(&self, parts: &[&str]) -> Result<V, ApiError> {
        self.view(self.request(Method::POST, self.url(parts)?)).await
    }

    async fn post_json<V: DeserializeOwned>(
        &self,
        parts: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<V, ApiError> {
        self.view(self.request(Method::POST, self.url(parts)?).json(body)).await
    }

    async fn view<V: DeserializeOwned>(&self, request: RequestBuilder) -> Result<V, ApiError> {
        let bytes = self.body(request).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.strange(&format!("an answer that is not understood: {error}")))
    }

    /// A list, page by page until its end.
    async fn pages<V: DeserializeOwned>(&self, first: Url) -> Result<Vec<V>, ApiError> {
        let (mut all, mut url) = (Vec::new(), first.clone());
        loop {
            let (bytes, cursor) = self.page(self.request(Method::GET, url)).await?;
            let page: Vec<V> = serde_json::from_slice(&bytes).map_err(|error| {
                self.strange(&format!("an answer that is not understood: {error}"))
            })?;
            // A page that shows nothing and has another behind it would never end.
            let more = cursor.filter(|_| !page.is_empty());
            all.extend(page);
            let Some(cursor) = more else { return Ok(all) };
            url = first.clone();
            url.query_pairs_mut().append_pair("cursor", &cursor);
        }
    }

    /// The body of a success.
    async fn body(&self, request: RequestBuilder) -> Result<Vec<u8>, ApiError> {
        Ok(self.page(request).await?.0)
    }

    /// The body of a success, and where its list goes on.
    async fn page(&self, request: RequestBuilder) -> Result<(Vec<u8>, Option<String>), ApiError> {
        let response = self.answered(request).await?;
        let link = response.headers().get(LINK).and_then(|value| value.to_str().ok());
        let cursor = link.and_then(|link| self.cursor(link));
        Ok((self.read(response).await?, cursor))
    }

    /// The head of a success, its body yet to be read. A server that has no room for the request did not begin with it, so
    /// it is asked again for a while.
    async fn answered(&self, mut request: RequestBuilder) -> Result<Response, ApiError> {
        for _ in 0..ATTEMPTS {
            let again = request.try_clone();
            match (self.answered_once(request).await, again) {
                (Err(error), Some(again)) if error.code == codes::BUSY.name => request = again,
                (outcome, _) => return outcome,
            }
            bottega_actor::sleep(BREATH).await;
        }
        self.answered_once(request).await
    }

    async fn answered_once(&self, request: RequestBuilder) -> Result<Response, ApiError> {
        let response = request.send().await.map_err(|error| self.unreached(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_problem = media.is_some_and(|media| media.starts_with(Problem::MEDIA_TYPE));
        let bytes = self.read(response).await?;
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) if is_problem => Err(problem.into()),
            Ok(_) | Err(_) => Err(self.strange(&format!("the status {}", status.as_u16()))),
        }
    }

    /// What a `Link` to the next page (RFC 8288) says of where to go on. Its address is not followed: the token would go
    /// wherever it leads.
    fn cursor(&self, link: &str) -> Option<String> {
        let (place, rest) = link.strip_prefix('<')?.split_once('>')?;
        if !rest.contains("rel=\"next\"") {
            return None;
        }
        let url = self.server.join(place).ok()?;
        let (_, cursor) = url.query_pairs().find(|(name, _)| name == "cursor")?;
        Some(cursor.into_owned())
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, ApiError> {
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreached(error))? {
            if bytes.len() + piece.len() > LARGEST {
                return Err(self.strange("more than 64 MiB"));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    fn unreached(&self, error: reqwest::Error) -> ApiError {
        let server = self.place();
        let why = match (error.is_connect(), error.is_timeout()) {
            (true, _) if is_distrust(&error) => {
                let why = with_causes(&error.without_url());
                let why = format!("{server} is not who it should be: {why}");
                return ApiError::new(codes::NO_SERVER, why).step(
                    "name the certificate that vouches for it by `--ca-cert`, or check the address",
                );
            }
            (true, _) => format!("nobody answers at {server}"),
            (false, true) => format!("{server} took longer than {} s", PATIENCE.as_secs()),
            (false, false) => {
                format!("the connection to {server} failed: {}", with_causes(&error.without_url()))
            }
        };
        ApiError::new(codes::NO_SERVER, why)
    }

    /// Somebody else than a server of ours answered.
    fn strange(&self, what: &str) -> ApiError {
        let server = self.place();
        let why = format!("{server} gave back {what}, which is not what Bottega says");
        ApiError::new(codes::NO_SERVER, why).step("check the address behind `--server`")
    }
}

/// The certificates that a PEM file holds, of which there is one at least.
fn read(pem: &[u8]) -> Result<Vec<Certificate>, ApiError> {
    let certificates = Certificate::from_pem_bundle(pem);
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(ApiError::new(codes::FILE, "what `--ca-cert` names holds no certificate in PEM").step(
            "name a file with the certificate that vouches for the server, there or in `server.ca_cert`",
        )),
    }
}

/// Whether a connection came to nothing over the certificate of the server.
fn is_distrust(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return true;
    }
    // An I/O error holds what it was made of beside its cause.
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    held.is_some_and(|held| is_distrust(held)) || error.source().is_some_and(is_distrust)
}

/// Understands a server's address. Without encryption only this machine is spoken to.
fn address(text: &str) -> Result<Url, ApiError> {
    let refuse = |why: &str| {
        ApiError::new(codes::USAGE, format!("`{text}` {why}"))
            .step("name a server as in `--server http://127.0.0.1:7437`")
    };
    let url: Url = text.parse().map_err(|_| refuse("is no address of a server"))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(refuse("has more in it than an address"));
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(refuse("would carry the token over a network unencrypted: use https")),
        _ => Err(refuse("is no address of a server")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[async_trait]
impl Agents for Remote {
    fn place(&self) -> String {
        self.server.as_str().trim_end_matches('/').to_owned()
    }

    async fn deploy(&self, request: DeployRequest) -> Result<AgentView, ApiError> {
        self.post_json(&["agents"], &request).await
    }

    async fn list(&self) -> Result<Vec<AgentView>, ApiError> {
        self.pages(self.url(&["agents"])?).await
    }

    async fn tree(&self) -> Result<TreeView, ApiError> {
        self.get(&["tree"]).await
    }

    async fn show(&self, name: &str) -> Result<AgentView, ApiError> {
        self.get(&["agents", name]).await
    }

    async fn events(&self, name: &str, limit: usize) -> Result<Vec<AgentEventView>, ApiError> {
        let mut url = self.url(&["agents", name, "events"])?;
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        self.view(self.request(Method::GET, url)).await
    }

    async fn events_after(
        &self,
        name: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AgentEventView>, ApiError> {
        let mut url = self.url(&["agents", name, "events"])?;
        url.query_pairs_mut()
            .append_pair("limit", &limit.to_string())
            .append_pair("after", &after.to_string());
        self.view(self.request(Method::GET, url)).await
    }

    async fn start(&self, name: &str) -> Result<AgentView, ApiError> {
        self.post(&["agents", name, "start"]).await
    }

    async fn stop(&self, name: &str) -> Result<AgentView, ApiError> {
        self.post(&["agents", name, "stop"]).await
    }

    async fn restart(&self, name: &str) -> Result<AgentView, ApiError> {
        self.post(&["agents", name, "restart"]).await
    }

    async fn upgrade(&self, name: &str, request: DeployRequest) -> Result<AgentView, ApiError> {
        self.post_json(&["agents", name, "upgrade"], &request).await
    }

    async fn roll_back(&self, name: &str) -> Result<AgentView, ApiError> {
        self.post(&["agents", name, "rollback"]).await
    }

    async fn remove(&self, name: &str) -> Result<(), ApiError> {
        let url = self.url(&["agents", name])?;
        self.body(self.request(Method::DELETE, url)).await.map(drop)
    }

    async fn send(&self, request: SendRequest) -> Result<ReceiptView, ApiError> {
        self.post_json(&["messages"], &request).await
    }

    async fn send_batch(&self, request: BatchRequest) -> Result<BatchSteps, ApiError> {
        let url = self.url(&["messages", "batch"])?;
        self.batch(self.request(Method::POST, url).json(&request)).await
    }

    async fn ask(&self, request: AskRequest) -> Result<AnswerView, ApiError> {
        self.post_json(&["messages", "ask"], &request).await
    }

    async fn ask_following(&self, request: AskRequest) -> Result<AskSteps, ApiError> {
        let url = self.url(&["messages", "ask", "stream"])?;
        self.steps(self.request(Method::POST, url).json(&request)).await
    }

    async fn mail(&self, name: &str) -> Result<Vec<MailView>, ApiError> {
        self.pages(self.url(&["agents", name, "mail"])?).await
    }

    async fn inbox(&self, name: &str, wait_ms: u64) -> Result<InboxView, ApiError> {
        let mut url = self.url(&["agents", name, "inbox"])?;
        url.query_pairs_mut().append_pair("wait_ms", &wait_ms.to_string());
        self.view(self.request(Method::GET, url)).await
    }

    async fn acknowledge(&self, name: &str, number: u64) -> Result<(), ApiError> {
        let url = self.url(&["agents", name, "inbox", &number.to_string(), "acknowledge"])?;
        self.body(self.request(Method::POST, url)).await.map(drop)
    }

    async fn resend(&self, name: &str, id: &str) -> Result<(), ApiError> {
        let url = self.url(&["agents", name, "mail", id, "resend"])?;
        self.body(self.request(Method::POST, url)).await.map(drop)
    }
}

#[async_trait]
impl Groups for Remote {
    async fn subscribe(&self, request: SubscribeRequest) -> Result<SubscriptionView, ApiError> {
        self.post_json(&["subscriptions"], &request).await
    }

    async fn unsubscribe(&self, request: SubscribeRequest) -> Result<(), ApiError> {
        let url = self.url(&["subscriptions", "end"])?;
        self.body(self.request(Method::POST, url).json(&request)).await.map(drop)
    }

    async fn subscriptions(&self, agent: Option<&str>) -> Result<Vec<SubscriptionView>, ApiError> {
        let mut url = self.url(&["subscriptions"])?;
        if let Some(agent) = agent {
            url.query_pairs_mut().append_pair("agent", agent);
        }
        self.pages(url).await
    }

    async fn publish(
        &self,
        topic: &str,
        request: PublishRequest,
    ) -> Result<PublishedView, ApiError> {
        self.post_json(&["topics", topic, "messages"], &request).await
    }

    async fn entries(&self, prefix: &str, limit: usize) -> Result<Vec<EntryView>, ApiError> {
        let mut url = self.url(&["blackboard"])?;
        url.query_pairs_mut().append_pair("prefix", prefix);
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        self.view(self.request(Method::GET, url)).await
    }

    async fn entry(&self, name: &str) -> Result<EntryView, ApiError> {
        self.get(&["blackboard", name]).await
    }

    async fn write(&self, name: &str, request: WriteRequest) -> Result<EntryView, ApiError> {
        self.post_json(&["blackboard", name], &request).await
    }

    async fn take(&self, name: &str, request: TakeRequest) -> Result<EntryView, ApiError> {
        self.post_json(&["blackboard", name, "take"], &request).await
    }
}

#[async_trait]
impl Tenders for Remote {
    async fn open_tender(&self, request: TenderRequest) -> Result<TenderView, ApiError> {
        self.post_json(&["tenders"], &request).await
    }

    async fn tenders(
        &self,
        limit: usize,
        before: Option<&str>,
    ) -> Result<Vec<TenderView>, ApiError> {
        let mut url = self.url(&["tenders"])?;
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        if let Some(before) = before {
            url.query_pairs_mut().append_pair("cursor", before);
        }
        self.view(self.request(Method::GET, url)).await
    }

    async fn tender(&self, id: &str) -> Result<TenderView, ApiError> {
        self.get(&["tenders", id]).await
    }

    async fn tender_events(&self, id: &str) -> Result<Vec<AgentEventView>, ApiError> {
        self.pages(self.url(&["tenders", id, "events"])?).await
    }

    async fn close_tender(&self, id: &str) -> Result<TenderView, ApiError> {
        self.post(&["tenders", id, "close"]).await
    }

    async fn cancel_tender(&self, id: &str) -> Result<TenderView, ApiError> {
        self.post(&["tenders", id, "cancel"]).await
    }

    async fn reputation(&self) -> Result<Vec<ReputationView>, ApiError> {
        self.get(&["reputation"]).await
    }

    async fn conversation(&self, id: &str) -> Result<Vec<SaidView>, ApiError> {
        self.pages(self.url(&["conversations", id])?).await
    }

    async fn trace(&self, id: &str) -> Result<TraceView, ApiError> {
        self.get(&["traces", id]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<&str, &str>) {
        let came = address(url).map(|url| url.to_string()).map_err(|error| error.message);
        match expected {
            Ok(expected) => assert_eq!(came.as_deref(), Ok(expected)),
            Err(part) => assert!(came.as_ref().is_err_and(|why| why.contains(part)), "{came:?}"),
        }
    }

    #[test]
    fn the_token_travels_encrypted_or_not_at_all() {
        check("http://127.0.0.1:7437", Ok("http://127.0.0.1:7437/"));
        check("http://localhost:7437", Ok("http://localhost:7437/"));
        check("http://[::1]:7437", Ok("http://[::1]:7437/"));
        check("https://agents.example.org/bottega/", Ok("https://agents.example.org/bottega/"));
        check("http://agents.example.org", Err("unencrypted"));
        check("http://127.0.0.1.example.org", Err("unencrypted"));
        check("http://10.0.0.1:7437", Err("unencrypted"));
        check("127.0.0.1:7437", Err("no address"));
        check("localhost:7437", Err("no address"));
        check("ftp://localhost", Err("no address"));
        check("http://me:secret@localhost", Err("more in it"));
        check("http://localhost/?x", Err("more in it"));
    }

    #[test]
    fn a_link_says_where_to_go_on_and_leads_nowhere() {
        let remote = Remote::new("https://example.org/base/", Secret::new("x".into())).unwrap();
        let cursor = |link| remote.cursor(link);
        let next = "</v1/agents?limit=1&cursor=a%40b%20c>; rel=\"next\"";
        assert_eq!(cursor(next).as_deref(), Some("a@b c"));
        // Of another server's address the word alone counts; it is asked for at this one.
        let other = "<https://elsewhere.example/?cursor=x>; rel=\"next\"";
        assert_eq!(cursor(other).as_deref(), Some("x"));
        assert_eq!(cursor("</v1/agents?cursor=x>; rel=\"prev\""), None);
        assert_eq!(cursor("</v1/agents>; rel=\"next\""), None);
        assert_eq!(cursor("cursor=x"), None);
    }

    #[test]
    fn a_name_leads_to_no_other_path() {
        let remote = Remote::new("https://example.org/base/", Secret::new("x".into())).unwrap();
        let path = |name| remote.url(&["agents", name]).map(|url| url.path().to_owned());
        assert_eq!(path("echo@local").unwrap(), "/base/v1/agents/echo@local");
        assert_eq!(path("a/../b?c#d%2e").unwrap(), "/base/v1/agents/a%2F..%2Fb%3Fc%23d%252e");
        for name in ["", ".", ".."] {
            assert_eq!(path(name).unwrap_err().code, codes::NO_AGENT.name);
        }
    }
}
