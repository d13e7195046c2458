//! One call, from its first attempt to its answer or its last error.

use std::collections::BTreeMap;
use std::sync::Arc;

use bottega_event::ModelTiming;
use bottega_llm::{Answer, ChatRequest, ErrorKind, Message, ModelError, ModelRef, Sampling, Usage};
use bottega_policy::Spent;
use bottega_types::{Entropy, Money, Tokens};
use tokio::time::{Instant, sleep};

use crate::account::{Account, billed};
use crate::ask::{Call, GatewayEvent, WaitReason};
use crate::attempt::{Answered, Broken, attempt};
use crate::bound;
use crate::circuits::Circuits;
use crate::form::{Checked, Form, correction};
use crate::gate::Gate;
use crate::route::{Chain, Seat};
use crate::step::{Standing, Step, next};

/// One call on its way.
pub(crate) struct Run<'a> {
    pub(crate) call: &'a Call,
    pub(crate) chain: &'a Chain<'a>,
    pub(crate) form: Option<&'a Form>,
    pub(crate) gates: &'a BTreeMap<String, Gate>,
    pub(crate) circuits: &'a Circuits,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) started: Instant,
    pub(crate) on: &'a (dyn Fn(GatewayEvent) + Send + Sync),
    pub(crate) account: &'a mut Account,
    pub(crate) progress: Progress,
}

/// How far it came.
#[derive(Default)]
pub(crate) struct Progress {
    /// The model that is asked: its place in the chain.
    place: usize,
    /// Attempts at this model.
    here: u32,
    /// Attempts at all models.
    attempts: u32,
    /// What all attempts used, at most.
    usage: Usage,
    /// What is added to the conversation after an answer in the wrong form.
    correction: Vec<Arc<Message>>,
}

/// What a run ends with when all goes well.
pub(crate) struct Success {
    pub(crate) by: ModelRef,
    pub(crate) answer: Answer,
    pub(crate) timing: ModelTiming,
}

/// A request that is ready to be sent, and the worst that it can cost.
struct Prepared {
    request: Arc<ChatRequest>,
    prompt: Tokens,
    max_output: u32,
    worst: Spent,
}

impl<'a> Run<'a> {
    /// Asks until there is an answer, or nobody to ask, or nothing to pay with.
    pub(crate) async fn drive(&mut self) -> Result<Success, ModelError> {
        loop {
            let seat = self.seat();
            if self.circuits.rests(&seat.by) && self.covers_next() {
                tracing::debug!(call = %self.call.call, by = %seat.by, "not asked: it failed lately");
                self.go_on();
                continue;
            }
            let prepared = self.prepare(seat)?;
            self.progress.here += 1;
            self.progress.attempts += 1;
            match self.attempt(seat, &prepared).await {
                Ok(answered) => {
                    if let Some(success) = self.accept(seat, &prepared, answered)? {
                        return Ok(success);
                    }
                }
                Err(broken) => self.recover(seat, &prepared, broken).await?,
            }
        }
    }

    /// Who was asked last, if anybody was.
    pub(crate) fn asked_last(&self) -> Option<ModelRef> {
        (self.progress.attempts > 0).then(|| self.seat().by.clone())
    }

    fn seat(&self) -> &'a Seat<'a> {
        &self.chain.seats[self.progress.place]
    }

    /// Whether there is a next model, and the promise covers an attempt at it.
    fn covers_next(&self) -> bool {
        let next = self.chain.seats.get(self.progress.place + 1);
        next.is_some_and(|next| self.prepare(next).is_ok())
    }

    /// The next model is asked from now on.
    fn go_on(&mut self) {
        self.progress.place += 1;
        self.progress.here = 0;
    }

    fn until(&self) -> Instant {
        self.started + self.chain.route.deadline
    }

    /// The request for one model, with an answer as long as the promise covers.
    fn prepare(&self, seat: &Seat<'_>) -> Result<Prepared, ModelError> {
        let mut request = ChatRequest::clone(&self.call.request);
        request.model.clone_from(&seat.by.model);
        request.sampling = over(request.sampling, self.chain.route.sampling);
        let limit = u32::try_from(seat.capabilities.max_output.get()).unwrap_or(u32::MAX);
        let limit = self.chain.route.max_output.map_or(limit, |most| most.min(limit));
        let wanted = request.max_output.map_or(limit, |wanted| wanted.min(limit));

        // What the caller's own bound of the prompt can't know of.
        let mut added = bound::of_messages(&self.progress.correction).unwrap_or_default();
        request.messages.extend(self.progress.correction.iter().cloned());
        if let Some(form) = self.form.filter(|_| !seat.capabilities.native_schema) {
            let before = request.system.len();
            form.in_words(&mut request);
            added += request.system.len() - before;
        }
        let least = if added > 0 { wanted.div_ceil(2) } else { wanted };

        let caller = self.call.worst.tokens.saturating_sub(Tokens::new(wanted.into()));
        let caller = caller + Tokens::new(added as u64);
        let counted = || bound::of_prompt(&request).map_or(caller, |bytes| bytes.min(caller));
        let prompt = seat.provider.model.count(&request).unwrap_or_else(counted);
        let allowance =
            self.account.allow(prompt, seat.ceiling(prompt), wanted, least).map_err(|short| {
                let Spent { tokens, money } = short.needed;
                let message = format!(
                    "an attempt may need {tokens} tokens and {money}, but {} tokens and {} were promised \
                     for the call, of which {} tokens and {} are gone",
                    self.call.worst.tokens, self.call.worst.money, short.spent.tokens, short.spent.money,
                );
                ModelError::new(ErrorKind::Budget, message)
            })?;
        request.max_output = Some(allowance.max_output);
        Ok(Prepared {
            request: Arc::new(request),
            prompt,
            max_output: allowance.max_output,
            worst: allowance.worst,
        })
    }

    async fn attempt(&mut self, seat: &Seat<'_>, ready: &Prepared) -> Result<Answered, Broken> {
        let until = self.until();
        let refused = |error| Broken { error, began: false };
        let Some(gate) = self.gates.get(&seat.by.provider) else {
            return Err(refused(ModelError::new(ErrorKind::Internal, "the provider has no gate")));
        };
        let _place = gate.enter(until, self.on).await.map_err(refused)?;
        (self.on)(GatewayEvent::Attempt { by: seat.by.clone(), number: self.progress.attempts });
        tracing::debug!(call = %self.call.call, by = %seat.by, attempt = self.progress.attempts, "asking");
        self.account.begin(ready.worst, seat.price.is_some());
        let patience = self.chain.route.patience;
        let request = Arc::clone(&ready.request);
        let attempt = attempt(&*seat.provider.model, request, patience, until, self.on);
        self.circuits.learn(&seat.by, attempt).await
    }

    /// Books an answer and checks its form. `None` when it must be asked for once more.
    fn accept(
        &mut self,
        seat: &Seat<'_>,
        ready: &Prepared,
        answered: Answered,
    ) -> Result<Option<Success>, ModelError> {
        let Answered { mut answer, output_bound, first_at } = answered;
        answer.usage = billed(answer.usage, ready.prompt, output_bound);
        let money = seat.price.map_or(Money::ZERO, |price| price.cost(&answer.usage));
        let cost = Spent { tokens: answer.usage.total(), money };
        if cost.tokens > ready.worst.tokens || cost.money > ready.worst.money {
            tracing::warn!(
                by = %seat.by, tokens = %cost.tokens, cost = %cost.money, promised = %ready.worst.money,
                "an answer cost more than its request allowed"
            );
        }
        self.account.paid(cost);
        self.progress.usage += answer.usage;
        let mut answer = match self.form.map(|form| form.check(answer.clone())) {
            None => answer,
            Some(Checked::Good(checked)) => checked,
            Some(Checked::Wrong(answer, reasons)) => {
                self.ask_for_correction(seat, &answer, &reasons)?;
                return Ok(None);
            }
        };
        answer.usage = self.progress.usage;
        let timing = ModelTiming {
            first_ms: millis(first_at - self.started),
            total_ms: millis(self.started.elapsed()),
            attempts: self.progress.attempts,
        };
        Ok(Some(Success { by: seat.by.clone(), answer, timing }))
    }

    /// Prepares the second and last question for an answer in the right form.
    fn ask_for_correction(
        &mut self,
        seat: &Seat<'_>,
        answer: &Answer,
        reasons: &str,
    ) -> Result<(), ModelError> {
        let garbled = |more: &str| {
            let message = format!("the answer does not have the required form: {reasons}{more}");
            Err(ModelError::new(ErrorKind::Garbled, message))
        };
        if !self.progress.correction.is_empty() {
            return garbled(" (asked twice)");
        }
        self.progress.correction = correction(answer, reasons);
        self.progress.here = 0;
        match self.prepare(seat) {
            Ok(_) => Ok(()),
            Err(_) => garbled(" (what was promised for the call does not cover asking again)"),
        }
    }

    /// Books a failed attempt and decides what follows. `Err` when nothing does.
    async fn recover(
        &mut self,
        seat: &Seat<'_>,
        ready: &Prepared,
        broken: Broken,
    ) -> Result<(), ModelError> {
        let Broken { mut error, began } = broken;
        if began {
            self.account.broke();
            let output = Tokens::new(ready.max_output.into());
            self.progress.usage += Usage { input: ready.prompt, output, ..Usage::default() };
        } else {
            self.account.free();
        }
        let standing = Standing {
            attempts: self.progress.here,
            remaining: self.until().saturating_duration_since(Instant::now()),
            covers_same: self.prepare(seat).is_ok(),
            covers_next: self.covers_next(),
        };
        let step = next(&self.chain.route.retries, &standing, &error, self.entropy.unit());
        tracing::debug!(call = %self.call.call, by = %seat.by, %error, ?step, "attempt failed");
        match step {
            Step::Again(wait) => {
                let reason = WaitReason::Retry(error);
                (self.on)(GatewayEvent::Waiting { reason, at_most: wait });
                sleep(wait).await;
            }
            Step::Next => self.go_on(),
            Step::GiveUp => {
                if self.chain.seats.len() > 1 {
                    error.message = format!("{}: {}", seat.by, error.message);
                }
                if let Some(wait) = error.retry_after {
                    error
                        .message
                        .push_str(&format!("; it wants to be asked again in {}", span(wait)));
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

/// The second over the first, value by value.
fn over(first: Sampling, second: Sampling) -> Sampling {
    Sampling {
        temperature: second.temperature.or(first.temperature),
        top_p: second.top_p.or(first.top_p),
        top_k: second.top_k.or(first.top_k),
        seed: second.seed.or(first.seed),
    }
}

/// A wait as people read it, never shorter than it is.
fn span(wait: std::time::Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
