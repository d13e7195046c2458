//! This crate's side.

use std::time::{Duration, Instant};

use bottega_actor::{
    Actor, ChildSpec, Context, Delivery, Fault, Intensity, Ref, Reply, Spawn, Supervisor, System,
};

use crate::Failure;
use crate::measure::Side;

pub(crate) struct Ours(System);

struct Counter(u64);

pub(crate) enum Message {
    Add(u64),
    Total(Reply<u64>),
    Crash,
}

impl Actor for Counter {
    type Message = Message;

    async fn handle(&mut self, message: Message, _: &mut Context<Message>) -> Result<(), Fault> {
        match message {
            Message::Add(number) => self.0 += number,
            Message::Total(reply) => reply.send(self.0),
            Message::Crash => return Err("as asked".into()),
        }
        Ok(())
    }
}

const SPAN: Duration = Duration::from_secs(60);

impl Side for Ours {
    const NAME: &'static str = "bottega";
    type Ref = Ref<Message>;

    fn new() -> Self {
        Self(System::default())
    }

    async fn spawn(&self) -> Ref<Message> {
        match self.0.spawn(Spawn::default(), Counter(0)) {
            Ok(actor) => actor,
            Err(_) => std::process::abort(),
        }
    }

    async fn tell(to: &Ref<Message>, number: u64) {
        match to.tell(Message::Add(number)) {
            Delivery::Accepted | Delivery::Gone(_) => {}
            Delivery::Full(message) => drop(to.post(message).await),
        }
    }

    async fn end(actor: Self::Ref) {
        actor.kill();
        actor.ended().await;
    }

    async fn ask(to: &Ref<Message>) -> u64 {
        to.ask(SPAN, Message::Total).await.unwrap_or(0)
    }
}

/// Times from a crash to the first answer of the next incarnation.
pub(crate) async fn restarts(times: usize) -> Result<Vec<Duration>, Failure> {
    let system = System::default();
    let intensity = Intensity { restarts: u32::MAX, within: Duration::from_millis(1) };
    let supervisor = Supervisor::one_for_one("bench")
        .intensity(intensity)
        .child(ChildSpec::new("counter", || Counter(0)));
    system.supervise(supervisor)?.ready().await?;
    let actor: Ref<Message> = system.find("counter").ok_or("no counter")?;
    let asking = tokio::spawn(async move {
        let mut spans = Vec::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            drop(actor.post(Message::Crash).await);
            if Ours::ask(&actor).await != 0 {
                return Err(Failure::from("the state survived"));
            }
            spans.push(began.elapsed());
        }
        Ok(spans)
    });
    asking.await?
}
