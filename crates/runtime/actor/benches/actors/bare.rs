//! A task behind a bounded channel, without names, tree, panics or restarts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::Failure;
use crate::measure::Side;

pub(crate) struct Bare;

pub(crate) enum Message {
    Add(u64),
    Total(oneshot::Sender<u64>),
    Crash,
}

impl Side for Bare {
    const NAME: &'static str = "tokio channel";
    type Ref = mpsc::Sender<Message>;

    fn new() -> Self {
        Self
    }

    async fn spawn(&self) -> Self::Ref {
        let (sender, mut receiver) = mpsc::channel(bottega_actor::CAPACITY);
        tokio::spawn(async move { serve(&mut receiver).await });
        sender
    }

    async fn tell(to: &Self::Ref, number: u64) {
        drop(to.send(Message::Add(number)).await);
    }

    async fn end(actor: Self::Ref) {
        drop(actor);
        tokio::task::yield_now().await;
    }

    async fn ask(to: &Self::Ref) -> u64 {
        let (reply, answer) = oneshot::channel();
        drop(to.send(Message::Total(reply)).await);
        answer.await.unwrap_or(0)
    }
}

async fn serve(receiver: &mut mpsc::Receiver<Message>) {
    let mut total = 0;
    while let Some(message) = receiver.recv().await {
        match message {
            Message::Add(number) => total += number,
            Message::Total(reply) => drop(reply.send(total)),
            Message::Crash => return,
        }
    }
}

/// Times from the end of a task to the first answer of the one that a waiting task starts in its place.
pub(crate) async fn restarts(times: usize) -> Result<Vec<Duration>, Failure> {
    let (sender, receiver) = mpsc::channel(bottega_actor::CAPACITY);
    let receiver = Arc::new(Mutex::new(receiver));
    let keeper = tokio::spawn(async move {
        loop {
            let receiver = Arc::clone(&receiver);
            let served = tokio::spawn(async move { serve(&mut *receiver.lock().await).await });
            drop(served.await);
        }
    });
    let asking = tokio::spawn(async move {
        let mut spans = Vec::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            drop(sender.send(Message::Crash).await);
            Bare::ask(&sender).await;
            spans.push(began.elapsed());
        }
        spans
    });
    let spans = asking.await?;
    keeper.abort();
    Ok(spans)
}
