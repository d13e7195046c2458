//! Answers that go on: what happens to somebody, and what somebody outside is told.
//!
//! Nothing runs here by itself: a stream looks when it is asked for more, and dropping it is its end. So a client that goes
//! away leaves nothing behind. When the server is to stop, every stream ends with an error that says so.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::fault::Fault;
use crate::server::Desk;
use bottega_actor::{contained, sleep};
use bottega_api::{
    AgentEventView, ApiError, AskStepView, BatchStepView, Problem, SendRequest, WaitingView, codes,
};
use bottega_client::AskSteps;
use bottega_telemetry::{along, here};
use futures::future::{Either, select};
use futures::{Stream, StreamExt as _, stream};

/// Events that are read at a time.
const PAGE: usize = 1_000;
/// How long a message is waited for before it is looked whether its agent is still there, in milliseconds.
const WAIT: u64 = 10_000;

/// Whom events are about.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Agent(String),
    Tender(String),
}

/// What is left to be told, and whether more may come.
struct Followed {
    what: What,
    /// Events that were told.
    told: u64,
    read: VecDeque<AgentEventView>,
    over: bool,
}

/// What happened after the first `after` events, and what happens from now on, each with its number, until it is over.
pub(crate) fn events(
    desk: Arc<Desk>,
    what: What,
    after: u64,
) -> impl Stream<Item = Result<(u64, AgentEventView), ApiError>> + Send + 'static {
    let followed = Followed { what, told: after, read: VecDeque::new(), over: false };
    stepwise(desk, followed, |desk, mut followed| async move {
        let desk = &desk;
        loop {
            if let Some(event) = followed.read.pop_front() {
                followed.told += 1;
                return Ok(Some(((followed.told, event), followed)));
            }
            if followed.over {
                return Ok(None);
            }
            let (over, read) = unless_stopped(desk, followed.look(desk)).await??;
            // Once more when it is over: there may be more than were read at once.
            followed.over = over && read.is_empty();
            if read.is_empty() && !over {
                unless_stopped(desk, sleep(desk.limits.look)).await?;
            }
            followed.read = read.into();
        }
    })
}

impl Followed {
    /// Whether it is over, and then what happened: nothing can come in between.
    async fn look(&self, desk: &Desk) -> Result<(bool, Vec<AgentEventView>), ApiError> {
        let agents = &desk.agents;
        match &self.what {
            What::Agent(name) => {
                let gone = match agents.show(name).await {
                    Ok(_) => false,
                    Err(error) if error.code == codes::NO_AGENT.name => true,
                    Err(error) => return Err(error),
                };
                Ok((gone, agents.events_after(name, self.told, PAGE).await?))
            }
            What::Tender(id) => {
                let over = agents.tender(id).await?.state.is_ended();
                let told = usize::try_from(self.told).unwrap_or(usize::MAX);
                let events = agents.tender_events(id).await?;
                Ok((over, events.into_iter().skip(told).collect()))
            }
        }
    }
}

/// What is done about a question, until it is answered or the server is to stop.
pub(crate) fn asked(
    desk: Arc<Desk>,
    steps: AskSteps,
) -> impl Stream<Item = Result<AskStepView, ApiError>> + Send + 'static {
    stepwise(desk, steps, |desk, mut steps| async move {
        match unless_stopped(&desk, steps.next()).await? {
            Some(step) => Ok(Some((step?, steps))),
            None => Ok(None),
        }
    })
}

/// What becomes of the messages of a batch, one after the other. Whoever leaves earlier leaves the rest unsent: what was sent
/// is sent.
pub(crate) fn sent(
    desk: Arc<Desk>,
    messages: Vec<SendRequest>,
) -> impl Stream<Item = BatchStepView> + Send + 'static {
    let of = messages.len();
    // The rest is sent when the answer has begun.
    let trail = here();
    stream::unfold((messages.into_iter().enumerate(), desk), move |(mut waiting, desk)| {
        let trail = trail.clone();
        async move {
            let (index, message) = waiting.next()?;
            // The server waits for no batch that it could not end.
            let sent = contained(along(trail, desk.agents.send(message)));
            let sent = unless_stopped(&desk, sent).await;
            let sent = sent.and_then(|sent| {
                sent.unwrap_or_else(|panic| {
                    tracing::error!(panic, "a message of a batch panicked");
                    Err(ApiError::new(codes::INTERNAL, "the server failed at this message"))
                })
            });
            let (receipt, problem) = match sent {
                Ok(receipt) => (Some(receipt), None),
                Err(error) => {
                    let status = Fault::from(error.clone()).status.as_u16();
                    (None, Some(Problem::new(&error, status)))
                }
            };
            let step = BatchStepView { index, done: index + 1, of, receipt, problem };
            Some((step, (waiting, desk)))
        }
    })
}

/// What an agent outside is told, each message until it is acknowledged and then the next.
pub(crate) fn inbox(
    desk: Arc<Desk>,
    name: String,
) -> impl Stream<Item = Result<WaitingView, ApiError>> + Send + 'static {
    let last: Option<u64> = None;
    stepwise(desk, (name, last), |desk, (name, last)| async move {
        let desk = &desk;
        loop {
            let acknowledged = desk.acknowledged.notified();
            tokio::pin!(acknowledged);
            // Registered before looking, so that none in between is missed.
            acknowledged.as_mut().enable();
            let inbox = unless_stopped(desk, desk.agents.inbox(&name, WAIT)).await??;
            match inbox.waiting {
                Some(waiting) if Some(waiting.number) != last => {
                    let last = Some(waiting.number);
                    return Ok(Some((waiting, (name, last))));
                }
                // It may be acknowledged by another way than this server's, or taken back.
                Some(_) => {
                    let look = sleep(desk.limits.look);
                    tokio::pin!(look);
                    unless_stopped(desk, select(acknowledged, look)).await?;
                }
                None => {}
            }
        }
    })
}

/// A stream of what `step` gives, until it gives nothing or fails. A panic fails it and nothing else.
fn stepwise<S, T, F>(
    desk: Arc<Desk>,
    state: S,
    step: impl Fn(Arc<Desk>, S) -> F + Send + Copy + 'static,
) -> impl Stream<Item = Result<T, ApiError>> + Send + 'static
where
    S: Send + 'static,
    T: Send + 'static,
    F: Future<Output = Result<Option<(T, S)>, ApiError>> + Send,
{
    stream::unfold(Some((desk, state)), move |left| async move {
        let (desk, state) = left?;
        let error = match contained(step(Arc::clone(&desk), state)).await {
            Ok(Ok(Some((item, next)))) => return Some((Ok(item), Some((desk, next)))),
            Ok(Ok(None)) => return None,
            Ok(Err(error)) => error,
            Err(panic) => {
                tracing::error!(panic, "a stream panicked");
                ApiError::new(codes::INTERNAL, "the server failed at this stream")
            }
        };
        Some((Err(error), None))
    })
}

/// What a future gives, unless the server is to stop meanwhile.
pub(crate) async fn unless_stopped<F: Future>(
    desk: &Desk,
    future: F,
) -> Result<F::Output, ApiError> {
    let (stopped, future) = (desk.stopped(), future);
    tokio::pin!(stopped, future);
    match select(stopped, future).await {
        Either::Left(((), _)) => Err(stopping()),
        Either::Right((value, _)) => Ok(value),
    }
}

pub(crate) fn stopping() -> ApiError {
    ApiError::new(codes::NO_SERVER, "the server is being stopped")
        .step("begin again where it was left, once the server is there again")
}
