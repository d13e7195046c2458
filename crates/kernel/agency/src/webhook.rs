//! Messages that are brought to agents that live outside, at an address of theirs.
//!
//! The form is that of Standard Webhooks (its specification, version 1.0.0): each message has a name that stays the same
//! however often it is brought, and is signed by whoever carries it ([`Beyond::bring`]). A status of success acknowledges it;
//! until then it is brought again, later and later.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bottega_acl::{AgentName, json};
use bottega_actor::{Backoff, Circuit, CircuitError, CircuitOptions, TaskKind, to_its_end};
use bottega_event::{AgentEvent, AgentWebhookFailed, AgentWebhookRecovered, StreamId};
use bottega_manifest::{Refusal, Webhook};
use bottega_telemetry::{Step, StepKind, carried, here};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::beyond::{Beyond, Brought, Burden};
use crate::chronicle::{Entry, Told};
use crate::desk::Desk;
use crate::outside::Waiting;

/// Between attempts: a second, then twice as long each time, up to five minutes; up to a fifth less by chance, so that many
/// don't come at once.
const PAUSES: Backoff = Backoff {
    first: Duration::from_secs(1),
    most: Duration::from_secs(300),
    factor: 2.0,
    jitter: 0.2,
    calm: Duration::ZERO,
};
/// The longest that a receiver may put an attempt off.
const PUT_OFF: Duration = Duration::from_secs(3_600);
/// How long whoever finds a circuit closed to them waits at least.
const TURN: Duration = Duration::from_millis(500);
/// A host that failed that often in a row is left alone by all agents that live there.
pub(crate) const HOST: CircuitOptions =
    CircuitOptions { failures: 5, rest: Duration::from_secs(30), trials: 1 };
/// The status of a receiver that wants nothing more (Standard Webhooks, "Delivery").
const GONE: u16 = 410;
/// The status of a receiver that is asked too often (RFC 6585, section 4).
const TOO_MANY: u16 = 429;

/// Brings messages to one agent.
pub(crate) struct Courier {
    pub(crate) to: AgentName,
    pub(crate) webhook: Webhook,
    pub(crate) beyond: Arc<dyn Beyond>,
    /// Shared by all whose webhooks are at this host.
    pub(crate) circuit: Circuit,
    pub(crate) desk: Arc<Desk>,
    pub(crate) entries: mpsc::Sender<Told>,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("to", &self.to).finish_non_exhaustive()
    }
}

/// What the receiver reads.
#[derive(Serialize)]
struct Posted<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    agent: &'a AgentName,
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    message: &'a RawValue,
}

/// Why a message was not taken.
struct Missed {
    why: String,
    /// How long the receiver wants not to be asked.
    put_off: Duration,
    /// Whether it may be brought again.
    again: bool,
    /// Whether its host is to blame, and not this agent's address or secret alone.
    of_host: bool,
}

/// What became of one attempt; an `Ok` says nothing against the host.
type Attempt = Result<Result<(), Missed>, CircuitError<Missed>>;

impl Courier {
    /// Brings a message until it is taken. Does not return where the receiver said that it wants nothing more: then it waits on
    /// the counter until somebody fetches it, or the agent is begun again.
    pub(crate) async fn bring(self: &Arc<Self>, waiting: &Waiting) {
        // A number is given to one message alone, so it names one that has no name.
        let name = waiting
            .id
            .map_or_else(|| format!("{}.{}", self.to.local(), waiting.number), |id| id.to_string());
        let body = self.body(waiting);
        let mut failures = 0;
        loop {
            let burden = Burden { name: name.clone(), body: body.clone(), traceparent: None };
            let pause = match self.attempt(burden).await {
                Ok(Ok(())) => {
                    if failures > 0 {
                        self.note(&AgentWebhookRecovered { failures }.into());
                    }
                    return;
                }
                Err(CircuitError::Open { again }) => again.max(TURN),
                Ok(Err(missed)) | Err(CircuitError::Failed(missed)) => {
                    let Missed { why, put_off, again, of_host: _ } = missed;
                    failures += 1;
                    tracing::warn!(agent = %self.to, failures, "webhook: {why}");
                    if failures == 1 || !again {
                        self.note(&AgentWebhookFailed { why, again }.into());
                    }
                    if !again {
                        return std::future::pending().await;
                    }
                    put_off.min(PUT_OFF).max(PAUSES.pause(failures, self.desk.entropy.unit()))
                }
            };
            bottega_actor::sleep(pause).await;
        }
    }

    /// One attempt, which goes on to its end whether it is waited for or not: a message that is acknowledged in another way
    /// meanwhile is no failure of its host.
    async fn attempt(self: &Arc<Self>, burden: Burden) -> Attempt {
        let courier = Arc::clone(self);
        let attempt = async move {
            let call = async || match courier.once(burden).await {
                Err(missed) if missed.of_host => Err(missed),
                other => Ok(other),
            };
            courier.circuit.call(call).await
        };
        let ended = to_its_end(TaskKind::Clerk, carried(attempt)).await;
        ended.unwrap_or(Err(CircuitError::Open { again: TURN }))
    }

    fn body(&self, waiting: &Waiting) -> Vec<u8> {
        let message = RawValue::from_string(json::encode(&waiting.message)).unwrap_or_default();
        let data = Data {
            agent: &self.to,
            number: waiting.number,
            id: waiting.id.map(|id| id.to_string()),
            message: &message,
        };
        let timestamp = self.desk.clock.now().to_string();
        serde_json::to_vec(&Posted { r#type: "message", timestamp, data }).unwrap_or_default()
    }

    async fn once(&self, mut burden: Burden) -> Result<(), Missed> {
        let target = self.webhook.url.target();
        let mut step = here().map(|trail| Step::along(&trail, StepKind::Client, "POST"));
        if let Some(step) = &mut step {
            step.note("http.request.method", "POST");
            step.note("server.address", target.host.to_string());
            step.note("server.port", u64::from(target.port));
            burden.traceparent = Some(step.trail().context().traceparent());
        }
        let brought = self.beyond.bring(&self.to, &self.webhook, burden).await;
        let missed = match brought {
            Ok(Brought { status: 200..=299, .. }) => None,
            Ok(Brought { status, put_off }) => Some(Missed {
                why: format!("{target} answered {status}"),
                put_off: put_off.unwrap_or_default(),
                again: status != GONE,
                of_host: status == TOO_MANY || status >= 500,
            }),
            Err(refusal) => Some(Missed {
                why: refusal.to_string(),
                put_off: Duration::ZERO,
                again: true,
                of_host: matches!(refusal, Refusal::Unavailable(_)),
            }),
        };
        match missed {
            None => Ok(()),
            Some(missed) => {
                if let Some(step) = &mut step {
                    step.failed("webhook");
                }
                Err(missed)
            }
        }
    }

    /// Writes it down. What happens more often than can be written is lost, and was told in the log.
    fn note(&self, event: &AgentEvent) {
        let (stream, at) = (StreamId::agent(&self.to), self.desk.clock.now());
        let _ = self.entries.try_send(Told::Happened(Entry { stream, at, event: event.encode() }));
    }
}
