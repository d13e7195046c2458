//! One incarnation of an actor, from `init` to its end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use crate::actor::{Actor, Ending, Fault};
use crate::cell::{Cell, Next, Order};
use crate::context::Context;
use crate::observation::{During, InHand, LifeEvent};
use crate::task::contain;
use crate::tie::Obituary;
use crate::watch::Notice;

/// Messages that are dealt with before others have their turn on the thread.
const TURN: u32 = 256;

/// How a piece of an actor's own code ended.
enum Done {
    Well,
    Crashed(String),
    Killed,
}

/// Lives one incarnation through and tells of its end.
pub(crate) async fn live<A: Actor>(
    obituary: Obituary<A::Message>,
    attempts: u32,
    make: impl FnOnce() -> A + Send,
) {
    let ending = lived(&obituary, attempts, make).await;
    obituary.tell(ending);
}

async fn lived<A: Actor>(
    obituary: &Obituary<A::Message>,
    attempts: u32,
    make: impl FnOnce() -> A + Send,
) -> Ending {
    let cell = &obituary.cell;
    let mut context = Context::new(Arc::clone(cell), obituary.incarnation);
    let number = obituary.incarnation;
    let mut actor = match contain(make) {
        Ok(actor) => actor,
        Err(words) => return crash(cell, words, During::Init, InHand::Nothing),
    };
    let ending = match guarded(cell, number, actor.init(&mut context)).await {
        Done::Well => {
            obituary.started();
            serve(cell, &mut actor, &mut context, attempts).await
        }
        Done::Crashed(words) => crash(cell, words, During::Init, InHand::Nothing),
        Done::Killed => Ending::Killed,
    };
    match (contain(|| drop(actor)), ending) {
        (Ok(()), ending) => ending,
        // The first crash says more; this one is told to the observer all the same.
        (Err(words), ending) => {
            let second = crash(cell, words, During::Drop, InHand::Nothing);
            if ending == Ending::Normal { second } else { ending }
        }
    }
}

/// Deals with signals and messages until the end.
async fn serve<A: Actor>(
    cell: &Cell<A::Message>,
    actor: &mut A,
    context: &mut Context<A::Message>,
    mut attempts: u32,
) -> Ending {
    let number = context.incarnation();
    let mut batch = cell.batch(number);
    let mut handled = cell.head.progress.handled.load(Ordering::Relaxed);
    let mut turn = 0;
    while !context.is_stopping() {
        cell.head.system.shake().await;
        match batch.next().await {
            Next::Message(message) => {
                let kept = match contain(|| A::keep(&message)) {
                    Ok(kept) => kept,
                    Err(words) => return crash(cell, words, During::Handle, InHand::Lost),
                };
                match guarded(cell, number, actor.handle(message, context)).await {
                    Done::Well => {}
                    Done::Crashed(words) => {
                        drop(batch);
                        let in_hand = put_back::<A>(cell, kept, attempts + 1);
                        return crash(cell, words, During::Handle, in_hand);
                    }
                    Done::Killed => {
                        // Where another incarnation follows, it is as after a crash; else the mailbox goes with all it holds.
                        drop(batch);
                        put_back::<A>(cell, kept, attempts + 1);
                        return Ending::Killed;
                    }
                }
                handled += 1;
                cell.head.progress.handled.store(handled, Ordering::Relaxed);
                if attempts > 0 {
                    attempts = 0;
                    cell.forget_attempts();
                }
                turn += 1;
                if turn == TURN {
                    turn = 0;
                    tokio::task::yield_now().await;
                }
            }
            Next::Notice(Notice::Watch(signal)) => {
                context.watch_is_over(&signal);
                match guarded(cell, number, actor.signal(signal, context)).await {
                    Done::Well => {}
                    Done::Crashed(words) => {
                        return crash(cell, words, During::Signal, InHand::Nothing);
                    }
                    Done::Killed => return Ending::Killed,
                }
            }
            // Only supervisors have children that report.
            Next::Notice(Notice::Child(_)) => {}
            Next::Order(Order::Kill) => return Ending::Killed,
            Next::Order(Order::Drain | Order::Pause) => break,
        }
    }
    match guarded(cell, number, actor.stop(context)).await {
        Done::Well => Ending::Normal,
        Done::Crashed(words) => crash(cell, words, During::Stop, InHand::Nothing),
        Done::Killed => Ending::Killed,
    }
}

/// Has the message over which the actor crashed delivered again, if it was kept and was not begun too often.
fn put_back<A: Actor>(cell: &Cell<A::Message>, kept: Option<A::Message>, attempts: u32) -> InHand {
    match kept {
        Some(message) if attempts < A::ATTEMPTS => {
            cell.redeliver(message, attempts);
            InHand::Kept
        }
        Some(message) => {
            cell.forget_attempts();
            drop(contain(|| drop(message)));
            InHand::GivenUp
        }
        None => InHand::Lost,
    }
}

fn crash<M: Send + 'static>(
    cell: &Cell<M>,
    words: String,
    during: During,
    message: InHand,
) -> Ending {
    cell.set_error(&words);
    let event = LifeEvent::Crashed { words: words.clone(), during, message };
    cell.head.system.observe(&cell.head, event);
    Ending::Crashed(words)
}

/// Drives a piece of the actor's code: contains its panic, and drops it when the actor is killed.
async fn guarded<M, F>(cell: &Cell<M>, incarnation: u32, future: F) -> Done
where
    F: Future<Output = Result<(), Fault>>,
{
    let mut future = pin!(Some(future));
    let done = std::future::poll_fn(|context| {
        let Some(running) = future.as_mut().as_pin_mut() else { return Poll::Ready(Done::Killed) };
        match contain(|| running.poll(context)) {
            Ok(Poll::Ready(Ok(()))) => Poll::Ready(Done::Well),
            Ok(Poll::Ready(Err(fault))) => Poll::Ready(Done::Crashed(fault.into_words())),
            Ok(Poll::Pending) if cell.poll_kill(incarnation, context) => Poll::Ready(Done::Killed),
            Ok(Poll::Pending) => Poll::Pending,
            Err(words) => Poll::Ready(Done::Crashed(words)),
        }
    })
    .await;
    // What it held when it was cut off may panic as well.
    match (contain(|| future.set(None)), done) {
        (Err(words), Done::Well) => Done::Crashed(words),
        (Ok(()) | Err(_), done) => done,
    }
}
