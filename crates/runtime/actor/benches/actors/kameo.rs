//! kameo's side.

use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo::message::{Context, Message};

use crate::measure::Side;

pub(crate) struct Kameo;

#[derive(kameo::Actor)]
pub(crate) struct Counter(u64);

struct Add(u64);
struct Total;

impl Message<Add> for Counter {
    type Reply = ();
    async fn handle(&mut self, message: Add, _: &mut Context<Self, ()>) {
        self.0 += message.0;
    }
}

impl Message<Total> for Counter {
    type Reply = u64;
    async fn handle(&mut self, _: Total, _: &mut Context<Self, u64>) -> u64 {
        self.0
    }
}

impl Side for Kameo {
    const NAME: &'static str = "kameo";
    type Ref = ActorRef<Counter>;

    fn new() -> Self {
        Self
    }

    async fn spawn(&self) -> Self::Ref {
        Counter::spawn_with_mailbox(Counter(0), mailbox::bounded(bottega_actor::CAPACITY))
    }

    async fn tell(to: &Self::Ref, number: u64) {
        drop(to.tell(Add(number)).await);
    }

    async fn end(actor: Self::Ref) {
        actor.kill();
        actor.wait_for_shutdown().await;
    }

    async fn ask(to: &Self::Ref) -> u64 {
        to.ask(Total).await.unwrap_or(0)
    }
}
