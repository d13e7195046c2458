//! Where telemetry goes: to a collector, as the settings and the standard variables say.

use std::sync::Arc;
use std::time::Duration;

use bottega_actor::{Running, TaskKind, sleep, spawn};
use bottega_api::{AgentStanding, AgentView};
use bottega_client::Agents;
use bottega_config::TelemetrySettings;
use bottega_telemetry::{Collector, Figure, Outbox, send_by};
use bottega_types::Secret;

use crate::app::App;

/// How long the end of the process waits for what is still to be sent.
const CLOSING: Duration = Duration::from_secs(3);
/// How long the first span of a batch waits for others, and the rest after a first attempt that failed.
const GATHERING: Duration = Duration::from_secs(1);
/// How often figures are looked up, at most.
const LOOKING: Duration = Duration::from_secs(10);

/// What sends telemetry while the process lives.
pub(crate) struct Sending {
    outbox: Outbox,
    every: Duration,
    _courier: Running<()>,
}

impl Sending {
    /// Begins to send, if there is somewhere to send to. What keeps it from that is told in the log, and stops no work.
    pub(crate) fn start(app: &App) -> Option<Self> {
        let settings = &app.config().ok()?.settings().telemetry;
        let (traces, metrics) = addresses(settings);
        if traces.is_none() && metrics.is_none() {
            return None;
        }
        let made = collector(app, settings, traces, metrics)
            .and_then(|collector| Outbox::new(collector).map_err(|error| error.to_string()));
        let (outbox, work) = match made {
            Ok(made) => made,
            Err(why) => {
                tracing::warn!(why, "no telemetry is sent");
                return None;
            }
        };
        send_by(outbox.clone());
        let every = settings.interval.0.min(LOOKING);
        Some(Self { outbox, every, _courier: spawn(TaskKind::Courier, work) })
    }

    /// Looks figures of agents up from time to time, for as long as what is returned is held; nothing where nobody wants
    /// them.
    pub(crate) fn watch(&self, agents: Arc<dyn Agents>) -> Option<Running<()>> {
        let (outbox, every) = (self.outbox.clone(), self.every);
        let look = async move {
            loop {
                look_up(&outbox, &*agents).await;
                sleep(every).await;
            }
        };
        self.outbox.measures().then(|| spawn(TaskKind::Courier, look))
    }

    /// Looks them up once more: the last report has what there was at the end.
    pub(crate) async fn look(&self, agents: &dyn Agents) {
        if self.outbox.measures() {
            look_up(&self.outbox, agents).await;
        }
    }

    /// Sends what is left.
    pub(crate) async fn finish(&self) {
        self.outbox.close(CLOSING).await;
    }
}

/// What can't be listed now stands as it stood.
async fn look_up(outbox: &Outbox, agents: &dyn Agents) {
    if let Ok(agents) = agents.list().await {
        outbox.observed(figures(&agents));
    }
}

/// A figure of one agent.
type OfAgent = (&'static str, fn(&AgentView) -> u64);

/// By the names of `/metrics`, as OpenTelemetry writes names.
const OF_AGENT: &[OfAgent] = &[
    ("bottega.agent.mailbox.depth", |it| it.waiting as u64),
    ("bottega.agent.mailbox.capacity", |it| it.capacity as u64),
    ("bottega.agent.durable_under_way", |it| it.under_way as u64),
    ("bottega.agent.handled", |it| it.handled),
    ("bottega.agent.restarts", |it| it.restarts.into()),
];

const STANDINGS: &[(AgentStanding, &str)] = &[
    (AgentStanding::Starting, "starting"),
    (AgentStanding::Running, "running"),
    (AgentStanding::Resting, "resting"),
    (AgentStanding::Stopped, "stopped"),
    (AgentStanding::Failed, "failed"),
];

fn figures(agents: &[AgentView]) -> Vec<Figure> {
    let standing = STANDINGS.iter().map(|(standing, word)| {
        let value = agents.iter().filter(|agent| agent.state == *standing).count() as u64;
        let by = Some(("bottega.agent.state", (*word).to_owned()));
        Figure { name: "bottega.agents", by, value }
    });
    let each = OF_AGENT.iter().flat_map(|(name, of)| {
        agents.iter().map(|agent| {
            let by = Some(("gen_ai.agent.name", agent.name.clone()));
            Figure { name, by, value: of(agent) }
        })
    });
    standing.chain(each).collect()
}

/// Where traces and where metrics go, if they go anywhere.
fn addresses(settings: &TelemetrySettings) -> (Option<String>, Option<String>) {
    let of = |wanted: bool, whole: &str, path: &str| {
        let base = settings.endpoint.trim_end_matches('/');
        match (wanted && !settings.disabled, whole, base) {
            (false, _, _) | (true, "", "") => None,
            (true, "", base) => Some(format!("{base}/{path}")),
            (true, whole, _) => Some(whole.to_owned()),
        }
    };
    (
        of(settings.traces, &settings.traces_endpoint, "v1/traces"),
        of(settings.metrics, &settings.metrics_endpoint, "v1/metrics"),
    )
}

fn collector(
    app: &App,
    settings: &TelemetrySettings,
    traces: Option<String>,
    metrics: Option<String>,
) -> Result<Collector, String> {
    let given = |name: &str| {
        let read = pairs(app.environment.get(name).unwrap_or_default());
        read.ok_or_else(|| {
            format!("{name} is not `name=value,name=value` with values percent-encoded")
        })
    };
    let mut headers: Vec<(String, Secret<String>)> = given("OTEL_EXPORTER_OTLP_HEADERS")?
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    let secrets = app.secrets().map_err(|error| error.message)?;
    for (name, template) in &settings.headers {
        let value =
            secrets.fill(template).map_err(|error| format!("telemetry.headers.{name}: {error}"))?;
        headers.push((name.clone(), value));
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut resource = vec![("service.version".to_owned(), version)];
    // The name has a variable of its own, which wins where it is set (specification, "General SDK Configuration").
    let mut service = settings.service.clone();
    for (name, value) in given("OTEL_RESOURCE_ATTRIBUTES")? {
        if name != "service.name" {
            resource.push((name, value));
        } else if settings.service == TelemetrySettings::default().service {
            service = value;
        }
    }
    resource.push(("service.name".to_owned(), service));
    Ok(Collector {
        traces,
        metrics,
        headers,
        timeout: settings.timeout.0,
        interval: settings.interval.0,
        gathering: GATHERING,
        rest: GATHERING,
        resource,
    })
}

/// A list of names and values as W3C Baggage writes it; nothing when it is none.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let pairs = items.map(|item| {
        let (name, value) = item.split_once('=')?;
        Some((name.trim().to_owned(), decoded(value.trim())?))
    });
    pairs.collect()
}

/// Percent-decoded.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let found = pairs(text);
        let found = found.as_ref().map(|pairs| {
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>()
        });
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn lists_are_read_as_the_standard_writes_them() {
        check("", Some(&[]));
        check("a=1,b=2", Some(&[("a", "1"), ("b", "2")]));
        check(" a = x%20y , b=c=d,", Some(&[("a", "x y"), ("b", "c=d")]));
        check("a", None);
        check("a=%zz", None);
        check("a=%e", None);
    }

    #[track_caller]
    fn check_addresses(
        set: impl FnOnce(&mut TelemetrySettings),
        traces: Option<&str>,
        metrics: Option<&str>,
    ) {
        let mut settings = TelemetrySettings::default();
        set(&mut settings);
        let found = addresses(&settings);
        assert_eq!((found.0.as_deref(), found.1.as_deref()), (traces, metrics));
    }

    #[test]
    fn nothing_is_sent_unless_an_address_is_set() {
        let (traces, metrics) = (Some("http://c:4318/v1/traces"), Some("http://c:4318/v1/metrics"));
        check_addresses(|_| {}, None, None);
        check_addresses(|it| it.endpoint = "http://c:4318".to_owned(), traces, metrics);
        check_addresses(|it| it.endpoint = "http://c:4318/".to_owned(), traces, metrics);
        let of = |it: &mut TelemetrySettings| {
            it.endpoint = "http://c:4318".to_owned();
            it.metrics_endpoint = "http://d/m".to_owned();
        };
        check_addresses(of, traces, Some("http://d/m"));
        check_addresses(
            |it| it.traces_endpoint = "http://d/t".to_owned(),
            Some("http://d/t"),
            None,
        );
        let without = |it: &mut TelemetrySettings| {
            of(it);
            it.traces = false;
        };
        check_addresses(without, None, Some("http://d/m"));
        let off = |it: &mut TelemetrySettings| {
            of(it);
            it.disabled = true;
        };
        check_addresses(off, None, None);
    }
}
