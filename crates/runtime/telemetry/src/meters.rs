//! What is measured, by the names of the semantic conventions where they have one: of steps that ended, and figures that
//! somebody looks up from time to time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use prost::Message as _;

use crate::outbox::Told;
use crate::span::Span;
use crate::step::{StepKind, Value};
use crate::wire::{pair, scope};

/// What is measured of a step that ended.
#[derive(Clone, Copy)]
enum Of {
    /// How long it took, in seconds.
    Took,
    /// What was noted about it, each under a word of its own for another attribute.
    Each(&'static str, &'static [(&'static str, &'static str)]),
    /// The sum of what was noted about it.
    Sum(&'static str),
}

/// A metric of steps: of those of this kind that have this attribute.
struct Row {
    name: &'static str,
    unit: &'static str,
    what: &'static str,
    kind: StepKind,
    mark: &'static str,
    of: Of,
    /// Where its buckets end, as the conventions advise.
    bounds: &'static [f64],
    /// Attributes of the step that are the metric's too: of few values each.
    by: &'static [&'static str],
}

const SECONDS_OF_SERVERS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const SECONDS_OF_MODELS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// Every metric of steps. `docs/observability.md` has the same table.
const STEPS: &[Row] = &[
    Row {
        name: "gen_ai.client.operation.duration",
        unit: "s",
        what: "How long a call of a model took, its retries and fallbacks included.",
        kind: StepKind::Client,
        mark: "gen_ai.operation.name",
        of: Of::Took,
        bounds: SECONDS_OF_MODELS,
        by: &[
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.request.model",
            "gen_ai.response.model",
        ],
    },
    Row {
        name: "gen_ai.client.token.usage",
        unit: "{token}",
        what: "Tokens of a call of a model.",
        kind: StepKind::Client,
        mark: "gen_ai.operation.name",
        of: Of::Each(
            "gen_ai.token.type",
            &[("gen_ai.usage.input_tokens", "input"), ("gen_ai.usage.output_tokens", "output")],
        ),
        bounds: TOKENS,
        by: &[
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.request.model",
            "gen_ai.response.model",
        ],
    },
    Row {
        name: "bottega.model.cost",
        unit: "{nanodollar}",
        what: "What calls of models cost, in billionths of a US dollar.",
        kind: StepKind::Client,
        mark: "gen_ai.operation.name",
        of: Of::Sum("bottega.cost_nanos"),
        bounds: &[],
        by: &["gen_ai.provider.name", "gen_ai.request.model"],
    },
    Row {
        name: "bottega.tool.duration",
        unit: "s",
        what: "How long a call of a tool took, waiting for a person included.",
        kind: StepKind::Internal,
        mark: "gen_ai.tool.name",
        of: Of::Took,
        bounds: SECONDS_OF_MODELS,
        by: &["gen_ai.tool.name", "bottega.tool.outcome"],
    },
    Row {
        name: "http.server.request.duration",
        unit: "s",
        what: "How long a request over HTTP took.",
        kind: StepKind::Server,
        mark: "http.request.method",
        of: Of::Took,
        bounds: SECONDS_OF_SERVERS,
        by: &["http.request.method", "http.route", "http.response.status_code", "url.scheme"],
    },
    Row {
        name: "rpc.server.call.duration",
        unit: "s",
        what: "How long a call of gRPC took; of streams, until they began.",
        kind: StepKind::Server,
        mark: "rpc.method",
        of: Of::Took,
        bounds: SECONDS_OF_SERVERS,
        by: &["rpc.system.name", "rpc.method", "rpc.response.status_code"],
    },
];

/// A figure that is looked up from time to time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its name, one of those that are known here.
    pub name: &'static str,
    /// What it is a figure of: an attribute of few values.
    pub by: Option<(&'static str, String)>,
    /// The figure.
    pub value: u64,
}

/// A figure's description. What counts up is a sum, all else stands where it stands.
struct Known {
    name: &'static str,
    unit: &'static str,
    what: &'static str,
    sum: bool,
}

const fn stands(name: &'static str, unit: &'static str, what: &'static str) -> Known {
    Known { name, unit, what, sum: false }
}

const fn sum(name: &'static str, unit: &'static str, what: &'static str) -> Known {
    Known { name, unit, what, sum: true }
}

/// Every figure that may be looked up. `docs/observability.md` has the same table.
const FIGURES: &[Known] = &[
    stands("bottega.agents", "{agent}", "Agents by where they stand."),
    stands("bottega.agent.mailbox.depth", "{message}", "Messages that wait in the mailbox."),
    stands(
        "bottega.agent.mailbox.capacity",
        "{message}",
        "Messages for which the mailbox has room.",
    ),
    stands("bottega.agent.durable_under_way", "{message}", "Durable messages under way."),
    sum("bottega.agent.handled", "{message}", "Messages dealt with."),
    sum("bottega.agent.restarts", "{restart}", "Times it was begun anew."),
];
/// Counted here.
const DROPPED: Known =
    sum("bottega.telemetry.dropped", "{span}", "Spans that did not reach the collector.");

enum Instrument {
    Histogram(Histogram<f64>),
    Counter(Counter<u64>),
}

/// All metrics of the process.
pub(crate) struct Meters {
    provider: SdkMeterProvider,
    of_steps: Vec<(&'static Row, Instrument)>,
    latest: Arc<Mutex<Vec<Figure>>>,
}

/// Where metrics are written to, as they are sent.
pub(crate) type Ink = dyn Fn(Told) + Send + Sync;

struct Pen(Box<Ink>);

impl PushMetricExporter for Pen {
    fn export(&self, metrics: &ResourceMetrics) -> impl Future<Output = OTelSdkResult> + Send {
        // On the reader's own thread, which waits for nobody here: what does not fit is told again next time.
        (self.0)(Told::Measured(ExportMetricsServiceRequest::from(metrics).encode_to_vec()));
        std::future::ready(Ok(()))
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

impl Meters {
    /// Metrics that are written by `told` once in each `interval`.
    pub(crate) fn new(
        resource: Resource,
        interval: Duration,
        dropped: Arc<AtomicU64>,
        told: Box<Ink>,
    ) -> Self {
        let reader = PeriodicReader::builder(Pen(told)).with_interval(interval).build();
        let provider =
            SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
        let meter = provider.meter_with_scope(scope());
        let of_steps = STEPS.iter().map(|row| (row, instrument(&meter, row))).collect();
        let latest: Arc<Mutex<Vec<Figure>>> = Arc::default();
        for known in FIGURES {
            let latest = Arc::clone(&latest);
            watch(&meter, known, move |name, tell| {
                let latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
                for figure in latest.iter().filter(|figure| figure.name == name) {
                    let by = figure.by.clone().map(|(name, value)| pair(name, value.into()));
                    tell(figure.value, by.as_slice());
                }
            });
        }
        watch(&meter, &DROPPED, move |_, tell| tell(dropped.load(Ordering::Relaxed), &[]));
        Self { provider, of_steps, latest }
    }

    /// A step ended.
    pub(crate) fn ended(&self, span: &Span) {
        let meant = |(row, _): &&(&Row, Instrument)| {
            row.kind == span.kind && span.noted(row.mark).is_some()
        };
        for (row, instrument) in self.of_steps.iter().filter(meant) {
            let noted = |name: &&'static str| Some(pair(name, span.noted(name)?.clone()));
            let mut by: Vec<KeyValue> = row.by.iter().filter_map(noted).collect();
            if let Some(kind) = &span.failed {
                by.push(pair("error.type", Value::from(&**kind)));
            }
            match (instrument, row.of) {
                (Instrument::Histogram(histogram), Of::Took) => {
                    histogram.record(span.took.as_secs_f64(), &by);
                }
                (Instrument::Histogram(histogram), Of::Each(label, each)) => {
                    for (name, word) in each {
                        if let Some(Value::Count(count)) = span.noted(name) {
                            by.push(pair(label, Value::from(*word)));
                            #[expect(clippy::cast_precision_loss, reason = "tokens of one call")]
                            histogram.record(*count as f64, &by);
                            by.pop();
                        }
                    }
                }
                (Instrument::Counter(counter), Of::Sum(name)) => {
                    if let Some(Value::Count(count)) = span.noted(name) {
                        counter.add(*count, &by);
                    }
                }
                // No row has these.
                (Instrument::Counter(_), Of::Took | Of::Each(..))
                | (Instrument::Histogram(_), Of::Sum(_)) => {}
            }
        }
    }

    /// Figures were looked up; they hold until the next time.
    pub(crate) fn observed(&self, figures: Vec<Figure>) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    /// Writes what was measured, now.
    pub(crate) fn write(&self) {
        // It fails once it was shut down, and then there is nothing to be written.
        let _ = self.provider.force_flush();
    }
}

fn instrument(meter: &Meter, row: &Row) -> Instrument {
    match row.of {
        Of::Took | Of::Each(..) => {
            let histogram = meter.f64_histogram(row.name).with_boundaries(row.bounds.to_vec());
            let histogram = histogram.with_unit(row.unit).with_description(row.what);
            Instrument::Histogram(histogram.build())
        }
        Of::Sum(_) => {
            let counter = meter.u64_counter(row.name);
            Instrument::Counter(counter.with_unit(row.unit).with_description(row.what).build())
        }
    }
}

type Tell<'a> = &'a mut dyn FnMut(u64, &[KeyValue]);

/// Has a figure read whenever metrics are written.
fn watch(meter: &Meter, known: &Known, read: impl Fn(&str, Tell<'_>) + Send + Sync + 'static) {
    let &Known { name, unit, what, sum } = known;
    // The provider keeps what reads them.
    if sum {
        let counter = meter.u64_observable_counter(name).with_unit(unit).with_description(what);
        let _ = counter
            .with_callback(move |it| read(name, &mut |value, by| it.observe(value, by)))
            .build();
    } else {
        let gauge = meter.u64_observable_gauge(name).with_unit(unit).with_description(what);
        let _ = gauge
            .with_callback(move |it| read(name, &mut |value, by| it.observe(value, by)))
            .build();
    }
}
