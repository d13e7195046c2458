//! Whoever follows what one request causes, while it goes on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bottega_api::{AskStepView, RunEvent};
use bottega_telemetry::here;
use bottega_types::TraceId;
use tokio::sync::mpsc;

/// Steps that wait for whoever follows. Beyond that they are counted and not kept: work waits for nobody who looks on.
const WAITING: usize = 1_024;

/// Whoever follows what requests cause, by their traces. What is done along a trace that nobody follows costs a look.
#[derive(Debug, Default)]
pub struct Audience(Mutex<HashMap<TraceId, Vec<Place>>>);

/// One who follows, as those see it who are followed.
#[derive(Debug)]
struct Place {
    steps: mpsc::Sender<AskStepView>,
    missed: Arc<AtomicU64>,
}

/// A place in the audience. It is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    audience: Arc<Audience>,
    trace: TraceId,
    steps: mpsc::Receiver<AskStepView>,
    missed: Arc<AtomicU64>,
}

impl Audience {
    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn places(&self) -> MutexGuard<'_, HashMap<TraceId, Vec<Place>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An agent at work does something. Whoever follows the present trace is told; nobody is waited for.
    pub(crate) fn tell(&self, agent: &str, event: &RunEvent) {
        let Some(trail) = here() else { return };
        let places = self.places();
        for place in places.get(&trail.context().trace).into_iter().flatten() {
            let step = AskStepView::Progress { agent: agent.to_owned(), event: event.clone() };
            if place.steps.try_send(step).is_err() {
                place.missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Follows a trace from now on.
    pub(crate) fn follow(self: &Arc<Self>, trace: TraceId) -> Seat {
        let (sender, steps) = mpsc::channel(WAITING);
        let missed = Arc::<AtomicU64>::default();
        let place = Place { steps: sender, missed: Arc::clone(&missed) };
        self.places().entry(trace).or_default().push(place);
        Seat { audience: Arc::clone(self), trace, steps, missed }
    }
}

impl Seat {
    /// What comes next. The place stays as long as this does, so there is no end.
    pub(crate) async fn next(&mut self) -> AskStepView {
        match self.ready() {
            Some(step) => step,
            None => match self.steps.recv().await {
                Some(step) => step,
                None => std::future::pending().await,
            },
        }
    }

    /// What has come already. How much was missed is told when the rest was.
    pub(crate) fn ready(&mut self) -> Option<AskStepView> {
        if let Ok(step) = self.steps.try_recv() {
            return Some(step);
        }
        match self.missed.swap(0, Ordering::Relaxed) {
            0 => None,
            count => Some(AskStepView::Missed { count }),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.steps.close();
        let mut places = self.audience.places();
        if let Some(of_trace) = places.get_mut(&self.trace) {
            of_trace.retain(|place| !place.steps.is_closed());
            if of_trace.is_empty() {
                places.remove(&self.trace);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bottega_telemetry::{Trail, along};
    use bottega_types::{Seeded, TraceContext};

    use super::*;

    fn turn(number: u32) -> RunEvent {
        RunEvent::Turn { number }
    }

    fn told(step: AskStepView) -> String {
        match step {
            AskStepView::Progress { agent, event: RunEvent::Turn { number } } => {
                format!("{agent} {number}")
            }
            other @ (AskStepView::Progress { .. }
            | AskStepView::Missed { .. }
            | AskStepView::Answer { .. }) => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn who_follows_a_trace_is_told_of_it_and_of_no_other() {
        let audience = Arc::<Audience>::default();
        let context = |seed| TraceContext::fresh(&Seeded::new(seed));
        let (mut one, mut two) =
            (audience.follow(context(1).trace), audience.follow(context(2).trace));
        audience.tell("nobody@here", &turn(0));
        for seed in [1, 2, 3] {
            let tell = async { audience.tell("ann@here", &turn(seed)) };
            along(Some(Trail::new(context(seed.into()))), tell).await;
        }
        assert_eq!(told(one.next().await), "ann@here 1");
        assert_eq!(told(two.next().await), "ann@here 2");
        assert!(one.ready().is_none() && two.ready().is_none());
        drop((one, two));
        assert!(audience.places().is_empty());
    }

    #[tokio::test]
    async fn what_there_was_no_room_for_is_counted_and_told() {
        let audience = Arc::<Audience>::default();
        let context = TraceContext::fresh(&Seeded::new(1));
        let mut seat = audience.follow(context.trace);
        let tell = async {
            for number in 0..1_030 {
                audience.tell("ann@here", &turn(number));
            }
        };
        along(Some(Trail::new(context)), tell).await;
        for number in 0..1_024 {
            assert_eq!(told(seat.next().await), format!("ann@here {number}"));
        }
        assert_eq!(seat.next().await, AskStepView::Missed { count: 6 });
        assert!(seat.ready().is_none());
    }
}
