//! ractor's side. Its mailboxes have no bounds.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use crate::measure::Side;

pub(crate) struct Ractor;

pub(crate) struct Counter;

pub(crate) enum Message {
    Add(u64),
    Total(RpcReplyPort<u64>),
}

impl Actor for Counter {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        total: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(number) => *total += number,
            Message::Total(reply) => reply.send(*total)?,
        }
        Ok(())
    }
}

impl Side for Ractor {
    const NAME: &'static str = "ractor";
    type Ref = ActorRef<Message>;

    fn new() -> Self {
        Self
    }

    async fn spawn(&self) -> Self::Ref {
        match Actor::spawn(None, Counter, ()).await {
            Ok((actor, _)) => actor,
            Err(_) => std::process::abort(),
        }
    }

    async fn tell(to: &Self::Ref, number: u64) {
        drop(to.cast(Message::Add(number)));
    }

    async fn end(actor: Self::Ref) {
        drop(actor.kill_and_wait(None).await);
    }

    async fn ask(to: &Self::Ref) -> u64 {
        match to.call(Message::Total, None).await {
            Ok(ractor::rpc::CallResult::Success(total)) => total,
            Ok(_) | Err(_) => 0,
        }
    }
}
