//! The gateway's handle.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bottega_event::{ModelAnswered, ModelFacts, ModelFailed};
use bottega_llm::{ChatRequest, ErrorKind, ModelError, ModelRef, Usage};
use bottega_policy::Spent;
use bottega_store::Journal;
use bottega_telemetry::{Step, StepKind};
use bottega_types::{Clock, Entropy, Money, Timestamp, Tokens};
use tokio::time::{Instant, timeout, timeout_at};

use crate::ask::{Call, GatewayEvent};
use crate::bound;
use crate::circuits::Circuits;
use crate::form::{self, Form};
use crate::gate::Gate;
use crate::options::Options;
use crate::route::{Chain, RouteError, resolve};
use crate::run::{Progress, Run};
use crate::treasury::{Claim, Promise, Treasury};

/// How long the end of a promise may take to be stored; after that it is left to the next promise.
const SETTLING: Duration = Duration::from_secs(10);

/// The way to all models. Cheap to clone; all clones share their limits.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    options: Options,
    gates: BTreeMap<String, Gate>,
    circuits: Circuits,
    treasury: Arc<Treasury>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Gateway {
    /// A gateway of these parts. The journal is only written to when there are shared budgets.
    #[must_use]
    pub fn new(
        options: Options,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let gates =
            options.providers.iter().map(|(name, it)| (name.clone(), Gate::new(it))).collect();
        let treasury = Arc::new(Treasury::new(
            options.budgets,
            journal,
            Arc::clone(&clock),
            Arc::clone(&entropy),
        ));
        Self(Arc::new(Inner {
            options,
            gates,
            circuits: Circuits::default(),
            treasury,
            clock,
            entropy,
        }))
    }

    /// What an agent may rely on when it asks a route or model: the smallest window and answer, the dearest
    /// prices. A price that is not known counts as nothing here; see [`priced`](Self::priced).
    pub fn facts(&self, route: &str) -> Result<ModelFacts, RouteError> {
        let name = if route.is_empty() { &self.0.options.default_route } else { route };
        Ok(self.chain(name)?.facts(name))
    }

    /// Whether what each model of a route costs is known. `Err` names the setting that is missing: to be asked
    /// before a run with a budget in money.
    pub fn priced(&self, route: &str) -> Result<(), RouteError> {
        self.chain(route)?.priced()
    }

    /// The worst that one attempt at a request can cost, for callers without a bound of their own.
    pub fn worst(&self, route: &str, request: &ChatRequest) -> Result<Spent, RouteError> {
        let chain = self.chain(route)?;
        let facts = chain.facts(route);
        let in_words = chain.seats.iter().any(|seat| !seat.capabilities.native_schema);
        let instruction = if in_words { form::instruction_length(&request.output) } else { 0 };
        let prompt = bound::of_prompt(request).unwrap_or(facts.context_window);
        let prompt = prompt + Tokens::new(instruction as u64);
        let output = request.max_output.map_or(facts.max_output, |most| Tokens::new(most.into()));
        let output = output.min(facts.max_output);
        let money = facts.input_price.per_million(prompt) + facts.output_price.per_million(output);
        Ok(Spent { tokens: prompt + output, money })
    }

    /// What an answer costs; `None` when no price is known.
    #[must_use]
    pub fn cost(&self, by: &ModelRef, usage: &Usage) -> Option<Money> {
        self.0.options.prices.cost(by, usage)
    }

    pub(crate) fn now_and_entropy(&self) -> (Timestamp, &dyn Entropy) {
        (self.0.clock.now(), &*self.0.entropy)
    }

    /// Asks a route until a model answers, nobody is left to ask, or nothing is left to pay with. Dropping the
    /// future closes the connection.
    ///
    /// `on` is told what happens, in order, on this task: it must not block.
    pub async fn ask(
        &self,
        call: Call,
        on: &(dyn Fn(GatewayEvent) + Send + Sync),
    ) -> Result<ModelAnswered, ModelFailed> {
        let mut step = begun(&call);
        let outcome = step.around(self.asked(call, on)).await;
        note(&mut step, &outcome);
        outcome
    }

    async fn asked(
        &self,
        call: Call,
        on: &(dyn Fn(GatewayEvent) + Send + Sync),
    ) -> Result<ModelAnswered, ModelFailed> {
        let started = Instant::now();
        let id = call.call;
        let for_nothing = |error| ModelFailed {
            call: id,
            error,
            spent: Spent::default(),
            unpriced: false,
            by: None,
        };

        let chain = self.admit(&call).map_err(for_nothing)?;
        let form = Form::of(&call.request.output).map_err(for_nothing)?;
        let mut promise =
            self.promise(&call, started + chain.route.deadline).await.map_err(for_nothing)?;
        let mut run = Run {
            call: &call,
            chain: &chain,
            form: form.as_ref(),
            gates: &self.0.gates,
            circuits: &self.0.circuits,
            entropy: &*self.0.entropy,
            started,
            on,
            account: &mut promise.account,
            progress: Progress::default(),
        };
        let outcome = run.drive().await;
        let by = run.asked_last();
        let (spent, unpriced) = (promise.account.exposure(), promise.account.unpriced());
        if timeout(SETTLING, promise.settle()).await.is_err() {
            tracing::warn!(call = %id, "spending not settled yet");
        }
        let success =
            outcome.map_err(|error| ModelFailed { call: id, error, spent, unpriced, by })?;
        Ok(ModelAnswered {
            call: id,
            unpriced,
            by: success.by,
            answer: success.answer,
            cost: spent.money,
            timing: success.timing,
        })
    }

    /// Settles what dropped calls left open. To be called before the process ends; a call that was not settled
    /// counts at its worst case for the rest of the day.
    pub async fn close(&self) {
        if timeout(SETTLING, self.0.treasury.settle_dropped()).await.is_err() {
            tracing::warn!("spending of dropped calls not settled in time");
        }
    }

    fn chain(&self, route: &str) -> Result<Chain<'_>, RouteError> {
        resolve(&self.0.options, route)
    }

    fn admit(&self, call: &Call) -> Result<Chain<'_>, ModelError> {
        let refuse = |error: RouteError| {
            let kind = match &error {
                RouteError::Unpriced(_) => ErrorKind::Budget,
                RouteError::Unknown { .. }
                | RouteError::NoProvider { .. }
                | RouteError::Empty(_) => ErrorKind::NotFound,
            };
            ModelError::new(kind, error.to_string())
        };
        let mut chain = self.chain(&call.route).map_err(refuse)?;
        chain.pass_over(&call.broken_off);
        if self.0.options.budgets.limit_money() {
            chain.priced().map_err(refuse)?;
        }
        Ok(chain)
    }

    async fn promise(&self, call: &Call, until: Instant) -> Result<Promise, ModelError> {
        let claim =
            Claim { call: call.call, session: call.session, agent: &call.agent, worst: call.worst };
        timeout_at(until, self.0.treasury.promise(claim)).await.unwrap_or_else(|_| {
            let message = "the shared budgets could not be checked before the deadline";
            Err(ModelError::new(ErrorKind::Timeout, message))
        })
    }
}

/// The step of a call, by the names of the semantic conventions for generative AI (spans of inference). Which model
/// is asked last is known at its end; until then the route stands for it.
fn begun(call: &Call) -> Step {
    let route = if call.route.is_empty() { "default" } else { &call.route };
    let mut step = Step::begin(StepKind::Client, format!("chat {route}"));
    step.note("gen_ai.operation.name", "chat");
    step.note("bottega.route", route);
    step.note("gen_ai.agent.name", &*call.agent);
    step.note("bottega.call", call.call.to_string());
    step.note("bottega.session", call.session.to_string());
    step
}

fn note(step: &mut Step, outcome: &Result<ModelAnswered, ModelFailed>) {
    match outcome {
        Ok(answered) => {
            by(step, &answered.by);
            step.note("gen_ai.response.model", &*answered.answer.model);
            let usage = answered.answer.usage;
            step.note("gen_ai.usage.input_tokens", usage.input.get());
            step.note("gen_ai.usage.output_tokens", usage.output.get());
            step.note("gen_ai.usage.cache_read.input_tokens", usage.cached.get());
            step.note("bottega.model.attempts", u64::from(answered.timing.attempts));
            // Billionths of a dollar, as the journal has it: no amount is rounded.
            step.note("bottega.cost_nanos", answered.cost.as_nanos());
        }
        Err(failed) => {
            if let Some(model) = &failed.by {
                by(step, model);
            }
            step.failed(format!("{:?}", failed.error.kind).to_lowercase());
        }
    }
}

fn by(step: &mut Step, model: &ModelRef) {
    step.rename(format!("chat {}", model.model));
    step.note("gen_ai.provider.name", &*model.provider);
    step.note("gen_ai.request.model", &*model.model);
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("options", &self.0.options).finish_non_exhaustive()
    }
}
