//! A collector of OpenTelemetry, over real HTTP, that remembers what it was told.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message as _;
use tokio::sync::oneshot;

/// How the collector takes a request.
#[derive(Clone, Debug)]
pub enum Reception {
    /// It takes it.
    Takes,
    /// It takes it, but for this many spans.
    Rejects(i64),
    /// It answers this status, and says when to come again, if it does.
    Status(u16, Option<&'static str>),
    /// It never answers.
    Silent,
}

/// A span that it was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenSpan {
    /// Its trace, in hexadecimal digits.
    pub trace: String,
    /// Its own name within the trace.
    pub span: String,
    /// Its parent, if it has one.
    pub parent: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its kind, as the protocol writes it after `SPAN_KIND_`.
    pub kind: String,
    /// What tracing systems passed on.
    pub state: String,
    /// Whether its status is an error.
    pub failed: bool,
    /// When it began, in nanoseconds after the epoch.
    pub begun: u64,
    /// When it ended.
    pub ended: u64,
    /// What is said of it, as text.
    pub attributes: BTreeMap<String, String>,
}

/// A metric as it was told last.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenMetric {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// For each combination of attributes how often something was measured, and the sum of it or where it stands.
    pub points: Vec<(BTreeMap<String, String>, u64, f64)>,
}

/// What it was told.
#[derive(Debug, Default)]
pub struct Seen {
    /// Requests, those that it did not take as well.
    pub requests: usize,
    /// Spans that it took.
    pub spans: Vec<SeenSpan>,
    /// Metrics that it took, by name.
    pub metrics: BTreeMap<String, SeenMetric>,
    resource: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    /// Every body, whatever came of it.
    bodies: Vec<Bytes>,
}

type Script = dyn Fn(usize) -> Reception + Send + Sync;

#[derive(Default)]
struct Shelf {
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl Shelf {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A collector of OpenTelemetry, over real HTTP. It stops when it is dropped.
pub struct FakeCollector {
    address: SocketAddr,
    shelf: Arc<Shelf>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for FakeCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCollector").field("address", &self.address).finish_non_exhaustive()
    }
}

impl FakeCollector {
    /// Starts one that takes each request as `script` says for its number, from 0.
    ///
    /// # Errors
    ///
    /// When no port or thread is to be had.
    pub fn start(script: impl Fn(usize) -> Reception + Send + Sync + 'static) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shelf = Arc::new(Shelf::default());
        let script: Arc<Script> = Arc::new(script);
        let ways = Router::new()
            .fallback(take)
            .layer(DefaultBodyLimit::disable())
            .with_state((script, Arc::clone(&shelf)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let work = async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            tokio::select! {
                _ = axum::serve(listener, ways) => {}
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new().name("fake-collector".to_owned());
        let thread = thread.spawn(move || runtime.block_on(work))?;
        Ok(Self { address, shelf, stop: Some(stop), thread: Some(thread) })
    }

    /// Its address, as `http://127.0.0.1:4318`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shelf.seen().requests
    }

    /// The spans so far.
    #[must_use]
    pub fn spans(&self) -> Vec<SeenSpan> {
        self.shelf.seen().spans.clone()
    }

    /// A metric, if it was told of it.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<SeenMetric> {
        self.shelf.seen().metrics.get(name).cloned()
    }

    /// An attribute of whoever told it something last.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<String> {
        self.shelf.seen().resource.get(name).cloned()
    }

    /// A header of the last request.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.shelf.seen().headers.get(name).cloned()
    }

    /// Whether any body that it was sent has this text in it.
    #[must_use]
    pub fn was_told(&self, text: &str) -> bool {
        let holds = |body: &Bytes| body.windows(text.len()).any(|part| part == text.as_bytes());
        self.shelf.seen().bodies.iter().any(holds)
    }

    /// Waits until `enough`, for `patience` at most; whether it was.
    pub fn wait_for(&self, patience: Duration, enough: impl Fn(&Seen) -> bool) -> bool {
        let seen = self.shelf.seen();
        let waited = self.shelf.changed.wait_timeout_while(seen, patience, |seen| !enough(seen));
        let (_seen, late) = waited.unwrap_or_else(PoisonError::into_inner);
        !late.timed_out()
    }
}

impl Drop for FakeCollector {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn take(
    State((script, shelf)): State<(Arc<Script>, Arc<Shelf>)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reception = {
        let mut seen = shelf.seen();
        let reception = script(seen.requests);
        seen.requests += 1;
        let text = |value: &header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        seen.headers =
            headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        seen.bodies.push(body.clone());
        if matches!(reception, Reception::Takes) && !seen.take(uri.path(), body) {
            return StatusCode::BAD_REQUEST.into_response();
        }
        reception
    };
    shelf.changed.notify_all();
    match reception {
        Reception::Takes => StatusCode::OK.into_response(),
        Reception::Rejects(rejected_spans) => {
            let partial_success =
                Some(ExportTracePartialSuccess { rejected_spans, ..Default::default() });
            ExportTraceServiceResponse { partial_success }.encode_to_vec().into_response()
        }
        Reception::Status(status, again) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
            let again = again.map(|again| [(header::RETRY_AFTER, again)]);
            match again {
                Some(again) => (status, again).into_response(),
                None => status.into_response(),
            }
        }
        Reception::Silent => std::future::pending().await,
    }
}

impl Seen {
    /// Whether the body is what belongs to the path.
    fn take(&mut self, path: &str, body: Bytes) -> bool {
        match path {
            "/v1/traces" => {
                let Ok(told) = ExportTraceServiceRequest::decode(body) else { return false };
                for of in told.resource_spans {
                    self.from(of.resource);
                    let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
                    self.spans.extend(spans.map(span));
                }
            }
            "/v1/metrics" => {
                let Ok(told) = ExportMetricsServiceRequest::decode(body) else { return false };
                for of in told.resource_metrics {
                    self.from(of.resource);
                    for metric in of.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                        self.metrics.insert(metric.name.clone(), seen(metric));
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn from(&mut self, resource: Option<Resource>) {
        self.resource = attributes(resource.map(|it| it.attributes).unwrap_or_default());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn span(span: Span) -> SeenSpan {
    let kind = span.kind().as_str_name().trim_start_matches("SPAN_KIND_").to_owned();
    let failed = span.status.is_some_and(|status| status.code == SpanStatus::Error as i32);
    SeenSpan {
        trace: hex(&span.trace_id),
        span: hex(&span.span_id),
        parent: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id)),
        name: span.name,
        kind,
        state: span.trace_state,
        failed,
        begun: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
    }
}

fn seen(metric: Metric) -> SeenMetric {
    let points = match metric.data {
        Some(Data::Histogram(histogram)) => {
            let points = histogram.data_points.into_iter();
            points
                .map(|it| (attributes(it.attributes), it.count, it.sum.unwrap_or_default()))
                .collect()
        }
        Some(Data::Sum(sum)) => sum.data_points.into_iter().map(number).collect(),
        Some(Data::Gauge(gauge)) => gauge.data_points.into_iter().map(number).collect(),
        Some(Data::ExponentialHistogram(_) | Data::Summary(_)) | None => Vec::new(),
    };
    SeenMetric { name: metric.name, unit: metric.unit, points }
}

fn number(point: NumberDataPoint) -> (BTreeMap<String, String>, u64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "tests measure little")]
    let value = match point.value {
        Some(Number::AsDouble(value)) => value,
        Some(Number::AsInt(value)) => value as f64,
        None => f64::NAN,
    };
    (attributes(point.attributes), 1, value)
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(yes)) => yes.to_string(),
        other => format!("{other:?}"),
    }
}
