//! What is counted, and how Prometheus reads it (text format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bottega_api::{AgentStanding, AgentView};

/// The media type of the text format.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Requests that were answered, by method, endpoint and status, and calls of gRPC, by method and code. Routes and methods
/// are those of the tables, so the number of rows is bounded.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    requests: Mutex<BTreeMap<(&'static str, &'static str, u16), u64>>,
    calls: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    /// Requests over connections for which there was no room.
    turned_away: AtomicU64,
}

/// What is open at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections {
    pub(crate) open: usize,
    pub(crate) most: usize,
}

impl Counts {
    pub(crate) fn add(&self, method: &'static str, endpoint: &'static str, status: u16) {
        let mut rows = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *rows.entry((endpoint, method, status)).or_default() += 1;
    }

    pub(crate) fn add_call(&self, method: &'static str, code: tonic::Code) {
        let mut rows = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *rows.entry((method, name(code))).or_default() += 1;
    }

    pub(crate) fn add_turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// All metrics. `agents` is nothing when they can't be listed now.
    pub(crate) fn text(
        &self,
        agents: Option<&[AgentView]>,
        connections: Connections,
        uptime_seconds: u64,
    ) -> String {
        let mut page = Page::default();
        page.metric(UPTIME, "gauge", "Seconds since the server began.");
        page.value(UPTIME, &[], uptime_seconds);
        page.metric(REQUESTS, "counter", "Requests that were answered.");
        for ((endpoint, method, status), count) in
            &*self.requests.lock().unwrap_or_else(PoisonError::into_inner)
        {
            let labels =
                [("method", *method), ("route", *endpoint), ("status", &*status.to_string())];
            page.value(REQUESTS, &labels, *count);
        }
        page.metric(
            CALLS,
            "counter",
            "Calls of gRPC that were answered, of streams those that began.",
        );
        for ((method, code), count) in &*self.calls.lock().unwrap_or_else(PoisonError::into_inner) {
            page.value(CALLS, &[("method", *method), ("code", *code)], *count);
        }
        page.metric(OPEN, "gauge", "Connections that are open.");
        page.value(OPEN, &[], connections.open as u64);
        page.metric(MOST, "gauge", "Connections that may be open.");
        page.value(MOST, &[], connections.most as u64);
        page.metric(
            TURNED_AWAY,
            "counter",
            "Requests that were told to come again, for too many connections were open.",
        );
        page.value(TURNED_AWAY, &[], self.turned_away.load(Ordering::Relaxed));
        page.metric(LISTED, "gauge", "1 when agents can be listed, else 0.");
        page.value(LISTED, &[], agents.is_some().into());
        if let Some(agents) = agents {
            page.agents(agents);
        }
        page.0
    }
}

/// A code of gRPC, as its specification writes it.
pub(crate) const fn name(code: tonic::Code) -> &'static str {
    use tonic::Code;
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Every standing, with its word.
const STANDINGS: [(AgentStanding, &str); 5] = [
    (AgentStanding::Starting, word(AgentStanding::Starting)),
    (AgentStanding::Running, word(AgentStanding::Running)),
    (AgentStanding::Resting, word(AgentStanding::Resting)),
    (AgentStanding::Stopped, word(AgentStanding::Stopped)),
    (AgentStanding::Failed, word(AgentStanding::Failed)),
];

const fn word(standing: AgentStanding) -> &'static str {
    match standing {
        AgentStanding::Starting => "starting",
        AgentStanding::Running => "running",
        AgentStanding::Resting => "resting",
        AgentStanding::Stopped => "stopped",
        AgentStanding::Failed => "failed",
    }
}

/// A metric of one agent: name, kind, help, value.
type OfAgent = (&'static str, &'static str, &'static str, fn(&AgentView) -> u64);

const OF_AGENT: &[OfAgent] = &[
    ("bottega_agent_mailbox_depth", "gauge", "Messages that wait in the mailbox.", |it| {
        it.waiting as u64
    }),
    ("bottega_agent_mailbox_capacity", "gauge", "Messages for which the mailbox has room.", |it| {
        it.capacity as u64
    }),
    ("bottega_agent_durable_under_way", "gauge", "Durable messages under way.", |it| {
        it.under_way as u64
    }),
    ("bottega_agent_handled_total", "counter", "Messages dealt with.", |it| it.handled),
    ("bottega_agent_restarts_total", "counter", "Times it was begun anew.", |it| {
        it.restarts.into()
    }),
];

const UPTIME: &str = "bottega_uptime_seconds";
const REQUESTS: &str = "bottega_http_requests_total";
const CALLS: &str = "bottega_grpc_calls_total";
const OPEN: &str = "bottega_connections_open";
const MOST: &str = "bottega_connections_most";
const TURNED_AWAY: &str = "bottega_connections_turned_away_total";
const LISTED: &str = "bottega_agents_listed";
const AGENTS: &str = "bottega_agents";

#[derive(Default)]
struct Page(String);

impl Page {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a `String` can't fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.0.push_str(name);
        for (index, (name, value)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{name}=\"{}\"", escaped(value));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{after} {value}");
    }

    fn agents(&mut self, agents: &[AgentView]) {
        self.metric(AGENTS, "gauge", "Agents by where they stand.");
        for (standing, word) in STANDINGS {
            let count = agents.iter().filter(|agent| agent.state == standing).count();
            self.value(AGENTS, &[("state", word)], count as u64);
        }
        for (name, kind, help, of) in OF_AGENT.iter().filter(|_| !agents.is_empty()) {
            self.metric(name, kind, help);
            for agent in agents {
                self.value(name, &[("agent", &agent.name)], of(agent));
            }
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
