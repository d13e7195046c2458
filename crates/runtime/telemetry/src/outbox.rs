//! What is told to a collector: OTLP over HTTP, as Protobuf.
//!
//! Work never waits for a collector: what there is to tell goes into a bounded queue, or is counted as dropped. One task
//! empties the queue, tries each batch a few times and then drops it. The first trouble is one warning in the log.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bottega_types::{Entropy, Secret, SystemEntropy, with_causes};
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_sdk::Resource;
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::meters::{Figure, Meters};
use crate::span::{Dial, Span};
use crate::wire;

/// What may wait for the collector: the default of OpenTelemetry's batch processor.
const QUEUE: usize = 2_048;
/// Steps that are sent together, by the same default.
const TOGETHER: usize = 512;
/// How often a batch is tried.
const ATTEMPTS: u32 = 5;
/// The longest rest between two attempts, whatever the collector asks for.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long the end of the process waits for steps of tasks that were cancelled.
const ENDING: Duration = Duration::from_millis(500);
/// Bytes of a collector's answer that are read.
const ANSWER: usize = 64 << 10;

/// Where telemetry is sent, and in whose name.
#[derive(Clone, Debug)]
pub struct Collector {
    /// The address that traces are posted to, as `http://127.0.0.1:4318/v1/traces`. Without one none are sent.
    pub traces: Option<String>,
    /// The address that metrics are posted to.
    pub metrics: Option<String>,
    /// Headers of each request.
    pub headers: Vec<(String, Secret<String>)>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Between two reports of metrics.
    pub interval: Duration,
    /// How long the first step of a batch waits for others.
    pub gathering: Duration,
    /// The rest after a first attempt that failed; it doubles with each.
    pub rest: Duration,
    /// Attributes of whoever sends (`service.name` and others).
    pub resource: Vec<(String, String)>,
}

/// Why nothing can be sent to a collector.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// The address is none.
    #[error("`{0}` is no address of a collector; one looks like http://127.0.0.1:4318")]
    Address(String),
    /// The header is none. Its value may be a secret.
    #[error(
        "the header `{0}` for the collector can't be sent: a name or a value has characters that headers don't"
    )]
    Header(String),
    /// No client could be made.
    #[error("no HTTPS client: {0}")]
    Client(String),
}

/// What there is to tell.
pub(crate) enum Told {
    Ended(Box<Span>),
    /// The body of a report of metrics.
    Measured(Vec<u8>),
    Flush(oneshot::Sender<()>),
}

/// Takes what there is to tell a collector. Cheap to clone.
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    told: mpsc::Sender<Told>,
    traces: bool,
    meters: Option<Meters>,
    dial: Dial,
    dropped: Arc<AtomicU64>,
    warned: Arc<AtomicBool>,
    closing: watch::Sender<bool>,
    /// Steps that go on.
    open: watch::Sender<usize>,
}

/// A step that goes on. It is over when this is dropped, after it was told.
#[derive(Debug)]
pub(crate) struct Open(Outbox);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.send_modify(|open| *open -= 1);
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

impl Outbox {
    /// An outbox, and the work that empties it, to be run as a task.
    ///
    /// # Errors
    /// When an address of the collector or a header of its is none.
    pub fn new(
        collector: Collector,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), CollectorError> {
        let (told, waiting) = mpsc::channel(QUEUE);
        let (closing, closes) = watch::channel(false);
        let (dropped, warned): (Arc<AtomicU64>, Arc<AtomicBool>) = Default::default();
        let interval = collector.interval;
        let courier = Courier::new(collector, Arc::clone(&dropped), Arc::clone(&warned), closes)?;
        let meters = courier.metrics.is_some().then(|| {
            let told = told.clone();
            let tell = move |report| {
                // Sums go on: what is not sent now is in the next report.
                let _ = told.try_send(report);
            };
            Meters::new(courier.resource.clone(), interval, Arc::clone(&dropped), Box::new(tell))
        });
        let traces = courier.traces.is_some();
        let (open, _) = watch::channel(0);
        let dial = Dial::new();
        let inner = Inner { told, traces, meters, dial, dropped, warned, closing, open };
        Ok((Self(Arc::new(inner)), courier.work(waiting)))
    }

    /// Steps that did not reach the collector.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Whether metrics are sent: then it is worth looking figures up.
    #[must_use]
    pub fn measures(&self) -> bool {
        self.0.meters.is_some()
    }

    /// Figures were looked up; they hold until the next time.
    pub fn observed(&self, figures: Vec<Figure>) {
        if let Some(meters) = &self.0.meters {
            meters.observed(figures);
        }
    }

    /// Waits until all that was told before this was sent or dropped, what was measured as well.
    pub async fn flush(&self) {
        if let Some(meters) = &self.0.meters {
            meters.write();
        }
        let (answer, flushed) = oneshot::channel();
        if self.0.told.send(Told::Flush(answer)).await.is_ok() {
            // The task may have gone with its runtime.
            let _ = flushed.await;
        }
    }

    /// The same at the end, for `span` at most: nobody waits for a collector that is away, and nothing is tried again.
    /// Steps of tasks that were cancelled a moment ago are waited for.
    pub async fn close(&self, span: Duration) {
        self.0.closing.send_replace(true);
        let mut open = self.0.open.subscribe();
        // What still goes on then has no end that could be told.
        let _ = timeout(span.min(ENDING), open.wait_for(|open| *open == 0)).await;
        let in_time = timeout(span, self.flush()).await.is_ok();
        let dropped = self.dropped();
        if self.0.warned.load(Ordering::Relaxed) {
            tracing::debug!(dropped, in_time, "not all spans reached the collector");
        } else if !in_time || dropped > 0 {
            tracing::warn!(dropped, in_time, "not all spans reached the collector");
        }
    }

    /// A step goes on.
    pub(crate) fn open(&self) -> Open {
        self.0.open.send_modify(|open| *open += 1);
        Open(self.clone())
    }

    /// A step ended. Never waits.
    pub(crate) fn tell(&self, span: Span) {
        let inner = &*self.0;
        if let Some(meters) = &inner.meters {
            meters.ended(&span);
        }
        // Whoever asked decides whether its trace is recorded.
        if !inner.traces || !span.context.sampled {
            return;
        }
        let span = Span { ended: inner.dial.now(), ..span };
        if inner.told.try_send(Told::Ended(Box::new(span))).is_err() {
            inner.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Empties the outbox.
struct Courier {
    client: Client,
    traces: Option<Url>,
    metrics: Option<Url>,
    headers: HeaderMap,
    timeout: Duration,
    gathering: Duration,
    rest: Duration,
    resource: Resource,
    dropped: Arc<AtomicU64>,
    warned: Arc<AtomicBool>,
    closing: watch::Receiver<bool>,
}

/// What became of an attempt.
enum Attempt {
    Done(Vec<u8>),
    /// It may be tried again, after a rest that the collector may have asked for.
    Again(String, Option<Duration>),
    Refused(String),
}

impl Courier {
    fn new(
        collector: Collector,
        dropped: Arc<AtomicU64>,
        warned: Arc<AtomicBool>,
        closing: watch::Receiver<bool>,
    ) -> Result<Self, CollectorError> {
        let Collector { traces, metrics, headers: given, timeout, gathering, rest, .. } = collector;
        let traces = traces.map(address).transpose()?;
        let metrics = metrics.map(address).transpose()?;
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let header = HeaderName::try_from(&name).ok();
            let value = HeaderValue::try_from(value.expose()).ok();
            let (Some(header), Some(mut value)) = (header, value) else {
                return Err(CollectorError::Header(name));
            };
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        // Another room may have installed a provider first; either will do.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("bottega/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            // A redirect would carry the headers to an address that nobody named.
            .redirect(Policy::none());
        let encrypted = traces.iter().chain(&metrics).any(|url| url.scheme() == "https");
        // No certificates are read where none are looked at.
        let builder = if encrypted { builder } else { builder.tls_certs_only([]) };
        let client =
            builder.build().map_err(|error| CollectorError::Client(with_causes(&error)))?;
        let attributes =
            collector.resource.into_iter().map(|(name, value)| KeyValue::new(name, value));
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        let timeout = timeout.min(LONGEST_REST);
        Ok(Self {
            client,
            traces,
            metrics,
            headers,
            timeout,
            gathering,
            rest,
            resource,
            dropped,
            warned,
            closing,
        })
    }

    /// Works until nobody can tell it anything any more.
    async fn work(self, mut waiting: mpsc::Receiver<Told>) {
        let mut batch = Vec::new();
        while let Some(first) = waiting.recv().await {
            let until = Instant::now() + self.gathering;
            let (mut next, mut report, mut flushed) = (Some(first), None, None);
            while let Some(told) = next.take() {
                match told {
                    Told::Ended(span) => batch.push(*span),
                    Told::Measured(body) => report = Some(body),
                    // Whoever flushes waits for nobody else.
                    Told::Flush(answer) => {
                        flushed = Some(answer);
                        break;
                    }
                }
                if batch.len() < TOGETHER {
                    next = timeout_at(until, waiting.recv()).await.ok().flatten();
                }
            }
            self.send(&mut batch, report).await;
            if let Some(answer) = flushed {
                // Whoever waited may have given up.
                let _ = answer.send(());
            }
        }
    }

    async fn send(&self, batch: &mut Vec<Span>, report: Option<Vec<u8>>) {
        if let (Some(url), false) = (&self.traces, batch.is_empty()) {
            let spans = std::mem::take(batch);
            let count = spans.len() as u64;
            let lost = match self.post(url, wire::traces(spans, &self.resource)).await {
                None => count,
                Some(answer) => rejected(&answer).min(count),
            };
            self.dropped.fetch_add(lost, Ordering::Relaxed);
        }
        if let (Some(url), Some(report)) = (&self.metrics, report) {
            // Sums go on: what did not arrive is in the next report.
            let _ = self.post(url, report).await;
        }
    }

    /// What the collector answered; nothing when it did not take it.
    async fn post(&self, url: &Url, body: Vec<u8>) -> Option<Vec<u8>> {
        let mut attempt = 1;
        let why = loop {
            let (why, asked) = match self.attempt(url, body.clone()).await {
                Attempt::Done(answer) => return Some(answer),
                Attempt::Refused(why) => break why,
                Attempt::Again(why, asked) => (why, asked),
            };
            if attempt == ATTEMPTS || !self.rested(rest(self.rest, attempt, asked)).await {
                break why;
            }
            attempt += 1;
        };
        if !self.warned.swap(true, Ordering::Relaxed) {
            let host = url.host_str().unwrap_or_default();
            tracing::warn!(
                host,
                why,
                "the collector does not take telemetry; what it does not take is dropped, without another word"
            );
        }
        None
    }

    /// Rests before the next attempt; false when it ends meanwhile, and there is none.
    async fn rested(&self, span: Duration) -> bool {
        let mut closing = self.closing.clone();
        let closed = async {
            // Whoever could close it may be gone; then it works on what is left.
            if closing.wait_for(|closing| *closing).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = closed => false,
            () = sleep(span) => true,
        }
    }

    async fn attempt(&self, url: &Url, body: Vec<u8>) -> Attempt {
        let request = self.client.post(url.clone()).headers(self.headers.clone()).body(body);
        match request.timeout(self.timeout).send().await {
            Ok(response) if response.status().is_success() => Attempt::Done(answer(response).await),
            // The statuses that may be tried again (OTLP specification, "Retryable Response Codes").
            Ok(response) => match response.status() {
                status @ (StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT) => {
                    let told = response.headers().get(RETRY_AFTER);
                    let asked = told.and_then(|it| asked(it.to_str().ok()?, wall()));
                    Attempt::Again(status.to_string(), asked)
                }
                status => Attempt::Refused(status.to_string()),
            },
            Err(error) => Attempt::Again(with_causes(&error.without_url()), None),
        }
    }
}

fn address(text: String) -> Result<Url, CollectorError> {
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(Url::has_host).ok_or(CollectorError::Address(text))
}

/// What a collector answered, as far as it is read.
async fn answer(mut response: Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        if bytes.len() + piece.len() > ANSWER {
            return Vec::new();
        }
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// Spans that a collector did not take of those that it took (OTLP specification, "Partial Success").
fn rejected(answer: &[u8]) -> u64 {
    let read = ExportTraceServiceResponse::decode(answer).ok();
    let partly = read.and_then(|read| read.partial_success);
    partly.map_or(0, |partly| u64::try_from(partly.rejected_spans).unwrap_or(0))
}

fn wall() -> SystemTime {
    Dial::new().now()
}

/// How long a collector asks to be left alone: seconds or a date (RFC 9110, section 10.2.3).
fn asked(told: &str, now: SystemTime) -> Option<Duration> {
    match told.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(told).ok()?.duration_since(now).ok(),
    }
}

/// The rest after an attempt of this number: what was asked for, or twice as long after each, half of it by chance so that
/// many who wait for one collector do not come back together.
fn rest(first: Duration, attempt: u32, asked: Option<Duration>) -> Duration {
    let usual = first.saturating_mul(2_u32.saturating_pow(attempt - 1));
    let chance = SystemEntropy.bits() % 1_000;
    let half = usual / 2;
    let spread = half + half.mul_f64(f64::from(u32::try_from(chance).unwrap_or(0)) / 1_000.0);
    asked.map_or(spread, |asked| asked.max(spread)).min(LONGEST_REST)
}

#[cfg(test)]
mod tests;
