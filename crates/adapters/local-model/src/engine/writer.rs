//! Writing one answer: read what is new of the prompt, then draw token by token.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bottega_llm::{ChatRequest, ErrorKind, ModelError, Stop, StreamEvent, ToolChoice, Usage};
use bottega_types::Tokens;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use toktrie::SimpleVob;

use super::constraint::{Constraint, Grammars};
use super::grammar;
use super::llama::{EvalError, Session, SessionOptions, Token, TokenKind, Weights};
use super::model::Model;
use super::options::EngineOptions;
use super::reader::{AnswerReader, Form, Heed};
use super::sampler::Sampler;
use super::shelf::Shelf;
use super::stats::Shared;
use super::template::{CALL_CLOSES, CALL_OPENS};
use super::threads::ThreadWatch;
use super::utf8::Utf8;

/// A request on its way through the engine.
pub(crate) struct Job {
    pub(crate) request: Arc<ChatRequest>,
    pub(crate) events: Sender<Result<StreamEvent, ModelError>>,
    /// Set when nobody listens any more.
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// How long the engine waits before it looks again whether a slow listener has room.
const SLOW: Duration = Duration::from_millis(5);

impl Job {
    /// Waits for room, as long as somebody listens. `false` when nobody does.
    fn send(&self, event: Result<StreamEvent, ModelError>) -> bool {
        let mut event = event;
        loop {
            event = match self.events.try_send(event) {
                Ok(()) => return true,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(event)) => event,
            };
            if self.cancelled.load(Ordering::Relaxed) {
                return false;
            }
            std::thread::sleep(SLOW);
        }
    }

    /// Ends the stream with `error`.
    pub(crate) fn fail(&self, error: ModelError) {
        self.send(Err(error));
    }
}

/// Why an answer ended before its time.
enum Halt {
    /// Nobody listens any more.
    Cancelled,
    /// It failed.
    Failed(ModelError),
}

impl From<ModelError> for Halt {
    fn from(error: ModelError) -> Self {
        Self::Failed(error)
    }
}

/// Tokens of prompt read in one go: large enough for speed, small enough to show progress and to
/// follow the free cores.
pub(crate) const BATCH: usize = 128;

/// Writes answers, one after the other, with one model.
pub(crate) struct Writer {
    model: Arc<Model>,
    options: Arc<EngineOptions>,
    session: Session,
    shelf: Shelf,
    /// What the session has read: exactly the tokens in its cache.
    present: Vec<Token>,
    grammars: Option<Grammars>,
    threads: Option<ThreadWatch>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Makes room for the window.
    pub(crate) fn new(
        model: Arc<Model>,
        options: Arc<EngineOptions>,
        window: u32,
        shared: Arc<Shared>,
    ) -> Result<Self, String> {
        let threads = match options.threads {
            Some(_) => None,
            None => Some(ThreadWatch::new(model.before_loading)),
        };
        let first = options.threads.or_else(|| threads.as_ref().map(ThreadWatch::current));
        let session = Session::new(
            Arc::clone(&model.weights),
            SessionOptions {
                window,
                batch: BATCH as u32,
                threads: first.unwrap_or(1),
                cache: options.cache,
            },
        )?;
        shared.started(session.window(), first.unwrap_or(1));
        let shelf = Shelf::new(options.parked_bytes);
        Ok(Self {
            model,
            options,
            session,
            shelf,
            present: Vec::new(),
            grammars: None,
            threads,
            shared,
        })
    }

    /// Answers one request. What went wrong goes into the stream.
    pub(crate) fn answer(&mut self, job: &Job) {
        if let Some(threads) = &mut self.threads {
            threads.wake();
        }
        self.session.watch(Some(Arc::clone(&job.cancelled)));
        let outcome = self.write(job);
        self.session.watch(None);
        self.shared.set_histories(self.shelf.histories(&self.present));
        match outcome {
            Ok(()) | Err(Halt::Cancelled) => {}
            Err(Halt::Failed(error)) => {
                job.fail(error);
            }
        }
    }

    fn write(&mut self, job: &Job) -> Result<(), Halt> {
        let request = &*job.request;
        let mut answer = Answer::begin(self, request)?;
        let prompt = self.model.prompt(request)?;
        let window = self.session.window();
        if prompt.len() >= window {
            return Err(overflow(prompt.len(), window).into());
        }
        let planned = self.shelf.turn_to(
            self.model.weights.as_ref(),
            &mut self.session,
            &mut self.present,
            &prompt,
        );
        let total = planned.tokens.len();
        if total >= window {
            return Err(overflow(total, window).into());
        }
        // The last token is read even when it is known: its outcome is what the answer begins with.
        let mut known = planned.reused.min(total - 1);
        if !self.session.truncate(known) {
            known = 0;
        }
        self.present.truncate(known);
        send(job, StreamEvent::Started { model: self.options.name.clone(), response_id: None })?;
        let mut usage = Usage {
            input: Tokens::new(total as u64),
            cached: Tokens::new(known as u64),
            ..Usage::default()
        };
        self.read(job, &planned.tokens[known..], total)?;
        let limit = request.max_output.map_or(usize::MAX, |most| most as usize);
        let stop = self.draw_all(job, &mut answer, limit)?;
        usage.output = Tokens::new(answer.written as u64);
        send(job, StreamEvent::Usage(usage))?;
        send(job, StreamEvent::Ended(stop))
    }

    /// Reads the new part of the prompt.
    fn read(&mut self, job: &Job, mut tokens: &[Token], total: usize) -> Result<(), Halt> {
        let began = Instant::now();
        let count = tokens.len();
        while !tokens.is_empty() {
            let (batch, rest) = tokens.split_at(tokens.len().min(BATCH));
            self.eval(job, batch)?;
            tokens = rest;
            send(
                job,
                StreamEvent::PromptProgress {
                    done: Tokens::new(self.present.len() as u64),
                    total: Tokens::new(total as u64),
                },
            )?;
        }
        self.shared.read_prompt(count, began.elapsed());
        Ok(())
    }

    /// Draws until the answer ends.
    fn draw_all(&mut self, job: &Job, answer: &mut Answer, limit: usize) -> Result<Stop, Halt> {
        let (began, before) = (Instant::now(), self.present.len());
        let outcome = self.draw_until_over(job, answer, limit);
        self.shared.wrote(self.present.len().saturating_sub(before), began.elapsed());
        let stop = outcome?;
        answer.reader.finish(&mut answer.events);
        for event in answer.events.drain(..) {
            send(job, event)?;
        }
        let waits = stop == Stop::EndTurn && answer.reader.saw_call();
        Ok(if waits { Stop::ToolCalls } else { stop })
    }

    fn draw_until_over(
        &mut self,
        job: &Job,
        answer: &mut Answer,
        limit: usize,
    ) -> Result<Stop, Halt> {
        loop {
            if answer.written >= limit {
                return Ok(Stop::MaxOutput);
            }
            let token = answer.draw(&mut self.session)?;
            if self.model.weights.ends_answer(token) {
                return Ok(Stop::EndTurn);
            }
            let mut fresh = vec![token];
            let over = answer.take(self, &mut fresh, limit)?;
            for event in answer.events.drain(..) {
                send(job, event)?;
            }
            if let Some(stop) = over {
                return Ok(stop);
            }
            if self.present.len() + fresh.len() >= self.session.window() {
                return Ok(Stop::ContextFull);
            }
            self.eval(job, &fresh)?;
        }
    }

    /// Appends `tokens` to what the session has read.
    fn eval(&mut self, job: &Job, tokens: &[Token]) -> Result<(), Halt> {
        for batch in tokens.chunks(BATCH) {
            if job.cancelled.load(Ordering::Relaxed) {
                return Err(Halt::Cancelled);
            }
            let began = Instant::now();
            match self.session.eval(batch) {
                Ok(()) => self.present.extend_from_slice(batch),
                Err(error) => {
                    // What llama.cpp kept of a failed batch is unknown; go back to what is known.
                    if !self.session.truncate(self.present.len()) {
                        self.present.clear();
                    }
                    return Err(match error {
                        EvalError::Aborted => Halt::Cancelled,
                        EvalError::Full => {
                            overflow(self.present.len() + batch.len(), self.session.window()).into()
                        }
                        EvalError::Failed(code) => ModelError::new(
                            ErrorKind::Internal,
                            format!("the inference library failed with code {code}"),
                        )
                        .into(),
                    });
                }
            }
            if let Some(threads) = &mut self.threads {
                let before = threads.current();
                // Speeds of prompts and answers differ; only those of answers are compared.
                if batch.len() == 1 {
                    threads.evaluated(began.elapsed().as_secs_f64(), 1);
                } else {
                    threads.passed();
                }
                if threads.current() != before {
                    self.session.set_threads(threads.current());
                    self.shared.set_threads(threads.current());
                    tracing::debug!(from = before, to = threads.current(), "changed threads");
                }
            }
        }
        Ok(())
    }

    fn constraint(&mut self, lark: &str) -> Result<Constraint, String> {
        if self.grammars.is_none() {
            self.grammars = Some(Grammars::new(&self.model.weights)?);
        }
        match &mut self.grammars {
            Some(grammars) => grammars.constraint(lark),
            None => Err("no grammars".to_owned()),
        }
    }
}

/// One answer on its way.
struct Answer {
    request: ChatRequest,
    sampler: Sampler,
    constraint: Option<Constraint>,
    /// Everything but the token that opens a call, where calls are declared but not wanted.
    no_call: Option<SimpleVob>,
    reader: AnswerReader,
    decoder: Utf8,
    events: Vec<StreamEvent>,
    /// Tokens of the answer so far.
    written: usize,
}

impl Answer {
    fn begin(writer: &mut Writer, request: &ChatRequest) -> Result<Self, ModelError> {
        let options = Arc::clone(&writer.options);
        let sampler = Sampler::new(request.sampling, options.sampling, options.entropy.as_ref());
        let constraint = match grammar::whole(request, options.thought) {
            None => None,
            Some(lark) => Some(writer.constraint(&lark).map_err(|why| {
                let message = format!("a schema can't be enforced: {why}");
                ModelError::new(ErrorKind::Unsupported, message)
            })?),
        };
        let calls = !grammar::callable(request).is_empty();
        let reader = AnswerReader::new(request.messages.len(), request.stop.clone(), calls);
        Ok(Self {
            request: request.clone(),
            sampler,
            constraint,
            no_call: no_call(&writer.model.weights, request),
            reader,
            decoder: Utf8::default(),
            events: Vec::new(),
            written: 0,
        })
    }

    fn draw(&mut self, session: &mut Session) -> Result<Token, Halt> {
        let internal = |why: String| Halt::Failed(ModelError::new(ErrorKind::Internal, why));
        let allowed = match &mut self.constraint {
            None => self.no_call.clone(),
            Some(constraint) => Some(constraint.allowed().map_err(internal)?),
        };
        let logits = session.logits().ok_or_else(|| internal("no outcome to draw from".into()))?;
        self.sampler
            .draw(logits, allowed.as_ref())
            .ok_or_else(|| internal("the grammar allows no token of this model".into()))
    }

    /// Takes in the one token in `fresh`; adds those that must follow it. Tells when the answer is over.
    fn take(
        &mut self,
        writer: &mut Writer,
        fresh: &mut Vec<Token>,
        limit: usize,
    ) -> Result<Option<Stop>, Halt> {
        let weights = Arc::clone(&writer.model.weights);
        let token = fresh[0];
        self.written += 1;
        if let Some(constraint) = &mut self.constraint {
            constraint.accept(token).map_err(|why| ModelError::new(ErrorKind::Internal, why))?;
        }
        match self.read_piece(&weights, token) {
            Heed::GoOn => {}
            Heed::StopText => return Ok(Some(Stop::StopText)),
            Heed::Finished => return Ok(Some(Stop::ToolCalls)),
            Heed::CallBegan(form, rest) => self.hold_call(writer, form, &rest),
        }
        let Some(constraint) = &mut self.constraint else { return Ok(None) };
        if !constraint.is_complete() {
            let forced = constraint.forced(&weights);
            for token in forced {
                if self.written >= limit {
                    return Ok(Some(Stop::MaxOutput));
                }
                self.written += 1;
                fresh.push(token);
                if self.read_piece(&weights, token) == Heed::Finished {
                    return Ok(Some(Stop::ToolCalls));
                }
            }
        }
        let complete = self.constraint.as_ref().is_some_and(Constraint::is_complete);
        Ok(complete.then_some(Stop::EndTurn))
    }

    /// Holds a call that began in a free answer to its tool's schema from here on.
    fn hold_call(&mut self, writer: &mut Writer, form: Form, rest: &str) {
        if self.constraint.is_some() {
            return;
        }
        let lark = match form {
            Form::Tagged => grammar::after_opener(&self.request),
            Form::Bare => grammar::after_bare_opener(&self.request),
        };
        match writer.constraint(&lark) {
            Ok(mut constraint) => {
                if constraint.accept_text(rest) {
                    self.constraint = Some(constraint);
                }
            }
            Err(why) => tracing::warn!("a tool's schema can't be enforced: {why}"),
        }
    }

    fn read_piece(&mut self, weights: &Weights, token: Token) -> Heed {
        let bytes = weights.bytes(token);
        let shown = match weights.kind(token) {
            TokenKind::Text | TokenKind::Marker => true,
            TokenKind::Control => bytes == CALL_OPENS.as_bytes() || bytes == CALL_CLOSES.as_bytes(),
        };
        if !shown {
            return Heed::GoOn;
        }
        let text = self.decoder.push(&bytes);
        if text.is_empty() {
            return Heed::GoOn;
        }
        self.reader.push(&text, self.constraint.is_some(), &mut self.events)
    }
}

/// Tools stay in the prompt when none may be called, so that the prefix stays the same.
fn no_call(weights: &Weights, request: &ChatRequest) -> Option<SimpleVob> {
    if request.tool_choice != ToolChoice::None || request.tools.is_empty() {
        return None;
    }
    let [opener] = weights.tokenize(CALL_OPENS, true).try_into().ok()?;
    let opener: Token = opener;
    let mut allowed = SimpleVob::alloc_ones(usize::try_from(weights.vocabulary_size()).ok()?);
    allowed.disallow_token(opener.cast_unsigned());
    Some(allowed)
}

fn overflow(tokens: usize, window: usize) -> ModelError {
    ModelError::new(
        ErrorKind::ContextOverflow,
        format!("the prompt has {tokens} tokens, the window holds {window}, answer included"),
    )
}

fn send(job: &Job, event: StreamEvent) -> Result<(), Halt> {
    if job.send(Ok(event)) { Ok(()) } else { Err(Halt::Cancelled) }
}
