//! The bare tell of kameo and of ractor: a number, without an address to look up and a message to look at.

use std::time::Instant;

use kameo::actor::Spawn as _;
use kameo::message::{Context, Message};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::Failure;
use crate::row::median;
use crate::transient::MESSAGES;

struct Count {
    heard: u64,
    enough: u64,
    done: UnboundedSender<()>,
}

impl Count {
    fn hear(&mut self) {
        self.heard += 1;
        if self.heard == self.enough {
            // The measurement waits for it.
            let _ = self.done.send(());
        }
    }
}

#[derive(kameo::Actor)]
struct Kameo(Count);

impl Message<u64> for Kameo {
    type Reply = ();
    async fn handle(&mut self, _: u64, _: &mut Context<Self, ()>) {
        self.0.hear();
    }
}

struct Ractor;

impl Actor for Ractor {
    type Msg = u64;
    type State = Count;
    type Arguments = Count;

    async fn pre_start(&self, _: ActorRef<u64>, count: Count) -> Result<Count, ActorProcessingErr> {
        Ok(count)
    }

    async fn handle(
        &self,
        _: ActorRef<u64>,
        _: u64,
        count: &mut Count,
    ) -> Result<(), ActorProcessingErr> {
        count.hear();
        Ok(())
    }
}

/// Messages per second of each peer, from so many senders to so many actors.
pub(crate) async fn tells(
    senders: usize,
    agents: usize,
    turns: usize,
) -> Result<Vec<(&'static str, f64)>, Failure> {
    let (mut kameo, mut ractor) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        kameo.push(of_kameo(senders, agents).await?);
        ractor.push(of_ractor(senders, agents).await?);
    }
    Ok(vec![("kameo, bare tell", median(kameo)), ("ractor, bare tell", median(ractor))])
}

fn shares<T: Clone>(senders: usize, all: &[T]) -> Vec<Vec<T>> {
    (0..senders).map(|own| all.iter().skip(own).step_by(senders).cloned().collect()).collect()
}

async fn of_kameo(senders: usize, agents: usize) -> Result<f64, Failure> {
    let (done, mut ends) = mpsc::unbounded_channel();
    let each = MESSAGES / agents;
    let actors: Vec<_> = (0..agents)
        .map(|_| {
            let count = Count { heard: 0, enough: each as u64, done: done.clone() };
            Kameo::spawn_with_mailbox(Kameo(count), kameo::mailbox::bounded(1_024))
        })
        .collect();
    let shares = shares(senders, &actors);
    let began = Instant::now();
    for own in shares {
        tokio::spawn(async move {
            for _ in 0..each {
                for actor in &own {
                    let _ = actor.tell(1_u64).await;
                }
            }
        });
    }
    for _ in 0..agents {
        ends.recv().await.ok_or("an actor went away")?;
    }
    let rate = (each * agents) as f64 / began.elapsed().as_secs_f64();
    actors.iter().for_each(kameo::actor::ActorRef::kill);
    Ok(rate)
}

async fn of_ractor(senders: usize, agents: usize) -> Result<f64, Failure> {
    let (done, mut ends) = mpsc::unbounded_channel();
    let each = MESSAGES / agents;
    let mut actors = Vec::with_capacity(agents);
    for _ in 0..agents {
        let count = Count { heard: 0, enough: each as u64, done: done.clone() };
        actors.push(Actor::spawn(None, Ractor, count).await?.0);
    }
    let shares = shares(senders, &actors);
    let began = Instant::now();
    for own in shares {
        tokio::spawn(async move {
            for _ in 0..each {
                for actor in &own {
                    drop(actor.cast(1));
                    // Its mailbox has no bound: as often as whoever sends to the others does, its sender gives way.
                    tokio::task::coop::consume_budget().await;
                }
            }
        });
    }
    for _ in 0..agents {
        ends.recv().await.ok_or("an actor went away")?;
    }
    let rate = (each * agents) as f64 / began.elapsed().as_secs_f64();
    actors.iter().for_each(|actor| actor.kill());
    Ok(rate)
}
