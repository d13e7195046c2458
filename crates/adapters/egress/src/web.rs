//! The port: one address, asked for once.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bottega_manifest::{HttpRequest, HttpResponse, Refusal};
use bottega_policy::egress::{HostRule, Screen, Target, WebUrl};
use bottega_tool::{Web, WebAnswer, WebError};
use bottega_types::with_causes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use tokio::time::timeout;

use crate::content::Coding;
use crate::reach::{Unreachable, addresses};
use crate::resolver::{Resolver, SystemResolver};

/// Statuses that say where else to look (RFC 9110, section 15.4).
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// Methods that guests may use (RFC 9110, section 9.3; RFC 5789): none that opens a tunnel or sends a request back.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Fields that say how a message is carried (RFC 9110, section 7.6.1, and RFC 9112): two who read them differently read two
/// requests.
const CARRIED: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Bounds of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebLimits {
    /// Bytes of a body that are read at most, and as many of what they unpack to.
    pub bytes: usize,
    /// How long a name may take to be resolved, and a connection to be made.
    pub connect: Duration,
    /// How long all of it may take.
    pub whole: Duration,
}

impl Default for WebLimits {
    fn default() -> Self {
        Self { bytes: 8 << 20, connect: Duration::from_secs(15), whole: Duration::from_secs(45) }
    }
}

/// What can be set of the client.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// Bounds of one page.
    pub limits: WebLimits,
    /// Which addresses count as public.
    pub screen: Screen,
    /// Who knows the addresses of names.
    pub resolver: Arc<dyn Resolver>,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            limits: WebLimits::default(),
            screen: Screen::default(),
            resolver: Arc::new(SystemResolver),
        }
    }
}

/// The way to pages. Holds no connection and no state between them.
#[derive(Clone, Debug, Default)]
pub struct WebClient {
    options: WebOptions,
}

impl WebClient {
    /// A client with these options. Touches nothing yet.
    #[must_use]
    pub const fn new(options: WebOptions) -> Self {
        Self { options }
    }

    /// A client that reaches the addresses of this target alone, of those that may be reached.
    async fn reach(&self, url: &WebUrl) -> Result<Client, WebError> {
        let WebOptions { limits, screen, resolver } = &self.options;
        let target = url.target();
        let own = [HostRule::of(target)];
        let found = addresses(screen, &**resolver, limits.connect, &own, target);
        let found = found.await.map_err(|why| match why {
            Unreachable::Refused(refusal) => WebError::Refused(refusal),
            Unreachable::Unknown(error) => {
                WebError::NotFound { target: target.clone(), why: error.to_string() }
            }
            Unreachable::Late => WebError::Late { target: target.clone(), after: limits.connect },
        })?;
        client(url, found, limits.connect)
    }

    async fn ask(&self, url: &WebUrl) -> Result<WebAnswer, WebError> {
        let target = url.target();
        let request = self
            .reach(url)
            .await?
            .get(url.as_str())
            .header(ACCEPT, "text/markdown, text/html;q=0.9, */*;q=0.8")
            .header(ACCEPT_ENCODING, "gzip");
        let response = request.send().await.map_err(|error| failed(target, error))?;
        self.read(url, response).await
    }

    async fn read(&self, url: &WebUrl, mut response: Response) -> Result<WebAnswer, WebError> {
        let (target, most) = (url.target(), self.options.limits.bytes);
        let status = response.status().as_u16();
        let named = |name: HeaderName| {
            let value = response.headers().get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (content_type, location) = (named(CONTENT_TYPE), named(LOCATION));
        let coding = named(CONTENT_ENCODING).unwrap_or_default();
        let mut answer = WebAnswer {
            url: url.clone(),
            status,
            content_type,
            redirect: location.filter(|_| REDIRECTS.contains(&status)),
            body: Vec::new(),
            announced: response.content_length(),
            cut: false,
        };
        if answer.redirect.is_some() {
            return Ok(answer);
        }
        let broken = |why: String| WebError::Failed { target: target.clone(), why };
        let coding = Coding::named(&coding)
            .ok_or_else(|| broken(format!("it is packed as `{}`", coding.escape_default())))?;
        let (mut packed, mut cut) = (Vec::new(), false);
        while let Some(piece) = response.chunk().await.map_err(|error| failed(target, error))? {
            let room = most - packed.len();
            packed.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() > room {
                cut = true;
                break;
            }
        }
        if coding != Coding::Plain {
            answer.announced = None;
        }
        (answer.body, answer.cut) = coding
            .unpack(packed, cut, most)
            .map_err(|error| broken(format!("it can't be unpacked: {error}")))?;
        Ok(answer)
    }
}

#[async_trait]
impl Web for WebClient {
    async fn get(&self, url: &WebUrl) -> Result<WebAnswer, WebError> {
        let after = self.options.limits.whole;
        let late = |_| WebError::Late { target: url.target().clone(), after };
        timeout(after, self.ask(url)).await.map_err(late)?
    }
}

impl WebClient {
    /// Sends one request as it is, to the public addresses of its host alone, and gives back what comes: redirects are
    /// answers. Fields that say how a message is carried are the client's own to write.
    ///
    /// # Errors
    /// Malformed when a method or a field is none, denied when the address may not be reached, exhausted when the body is
    /// larger than the limit, unavailable when nothing came back.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        self.timely(self.answer(request)).await
    }

    /// The same without what comes after the head of the answer.
    pub(crate) async fn head(&self, request: HttpRequest) -> Result<Response, Refusal> {
        self.timely(self.begin(request)).await
    }

    async fn timely<T>(
        &self,
        sent: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let after = self.options.limits.whole;
        let late = |_| Refusal::Unavailable(format!("nothing came within {} s", after.as_secs()));
        timeout(after, sent).await.map_err(late)?
    }

    async fn begin(&self, request: HttpRequest) -> Result<Response, Refusal> {
        let HttpRequest { method, url, headers, body } = request;
        let malformed = |what: String| Refusal::Malformed(format!("{what} can't be sent"));
        let method = Method::from_bytes(method.as_bytes())
            .ok()
            .filter(|known| METHODS.contains(&known.as_str()))
            .ok_or_else(|| malformed(format!("the method `{}`", method.escape_default())))?;
        let mut sent = self.reach(&url).await.map_err(refused)?.request(method, url.as_str());
        for (name, value) in headers {
            let field = HeaderName::from_bytes(name.as_bytes()).ok();
            let field = field.filter(|field| !CARRIED.contains(&field.as_str()));
            let field =
                field.ok_or_else(|| malformed(format!("the field `{}`", name.escape_default())))?;
            let value = HeaderValue::from_str(&value)
                .map_err(|_| malformed(format!("what the field `{field}` says")))?;
            sent = sent.header(field, value);
        }
        let response = sent.body(body).send().await;
        response.map_err(|error| refused(failed(url.target(), error)))
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        let url = request.url.clone();
        let mut response = self.begin(request).await?;
        let headers = response.headers().iter().map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let (mut body, most) = (Vec::new(), self.options.limits.bytes);
        loop {
            let piece = response.chunk().await;
            let piece = piece.map_err(|error| refused(failed(url.target(), error)))?;
            let Some(piece) = piece else { return Ok(HttpResponse { status, headers, body }) };
            if body.len() + piece.len() > most {
                return Err(Refusal::Exhausted(format!("the answer has more than {most} bytes")));
            }
            body.extend_from_slice(&piece);
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
fn refused(error: WebError) -> Refusal {
    let why = error.to_string();
    match &error {
        WebError::Refused(_) | WebError::NotAskedFor { .. } => Refusal::Denied(why),
        WebError::NotFound { .. }
        | WebError::Late { .. }
        | WebError::Failed { .. }
        | WebError::Elsewhere { .. }
        | WebError::Nowhere { .. }
        | WebError::Circles { .. } => Refusal::Unavailable(why),
    }
}

/// Knows these addresses, whatever name is asked for. A name that is bound anew meanwhile is not looked at again.
#[derive(Debug)]
struct Pinned(Vec<SocketAddr>);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// A client for one request: what it knows of the network is where this target was found.
fn client(url: &WebUrl, found: Vec<IpAddr>, connect: Duration) -> Result<Client, WebError> {
    // Another room may have installed a provider first; either will do.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    let target = url.target();
    let pinned = found.into_iter().map(|address| SocketAddr::new(address, target.port)).collect();
    let builder = Client::builder()
        .user_agent(concat!("bottega/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(Pinned(pinned)))
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .http1_only()
        .pool_max_idle_per_host(0)
        .connect_timeout(connect);
    // Reading the system's certificates costs milliseconds and fails where there are none.
    let builder = if url.is_secure() { builder } else { builder.tls_certs_only([]) };
    builder.build().map_err(|error| WebError::Failed {
        target: target.clone(),
        why: format!(
            "there is no HTTPS client, {}; install the system's CA certificates",
            chain(error)
        ),
    })
}

fn failed(target: &Target, error: reqwest::Error) -> WebError {
    let (target, late) = (target.clone(), error.is_timeout());
    match chain(error) {
        why if late => WebError::Failed { target, why: format!("it took too long, {why}") },
        why => WebError::Failed { target, why },
    }
}

/// A transport error with its causes, without the address it was about.
fn chain(error: reqwest::Error) -> String {
    with_causes(&error.without_url())
}
