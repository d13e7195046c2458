//! What only shows on several threads: wakes that must not get lost between a sender that begins to wait and an actor that
//! goes idle.

use bottega_actor::{
    Actor, ChildSpec, Context, Fault, Intensity, Ref, Reply, Spawn, Supervisor, System, TaskKind,
    spawn,
};

const SENDERS: u64 = 8;
const EACH: u64 = 5_000;

struct Sum {
    total: u64,
    pace: u64,
}

enum Message {
    Add(u64),
    Total(Reply<u64>),
    Crash,
}

impl Actor for Sum {
    type Message = Message;

    async fn handle(&mut self, message: Message, _: &mut Context<Message>) -> Result<(), Fault> {
        match message {
            Message::Add(number) => {
                self.total += number;
                if self.pace > 0 && self.total.is_multiple_of(self.pace) {
                    tokio::task::yield_now().await;
                }
            }
            Message::Total(reply) => reply.send(self.total),
            Message::Crash => return Err("as told".into()),
        }
        Ok(())
    }
}

async fn flood(actor: &Ref<Message>, crash_every: u64) {
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let actor = actor.clone();
            spawn(TaskKind::Alarm, async move {
                for number in 1..=EACH {
                    if crash_every > 0 && number % crash_every == 0 {
                        assert!(actor.post(Message::Crash).await.is_ok());
                    }
                    assert!(actor.post(Message::Add(1)).await.is_ok());
                }
            })
        })
        .collect();
    for sender in senders {
        assert_eq!(sender.ended().await, bottega_actor::Ended::Done(()));
    }
}

const LONG: std::time::Duration = std::time::Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn senders_that_wait_for_room_all_get_it() {
    for (capacity, pace) in [(1, 0), (1, 1), (2, 3), (7, 2), (64, 0)] {
        let system = System::default();
        let spawned = Spawn::default().capacity(capacity);
        let actor = system.spawn(spawned, Sum { total: 0, pace }).unwrap();
        flood(&actor, 0).await;
        assert_eq!(actor.ask(LONG, Message::Total).await, Ok(SENDERS * EACH));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn crashes_under_load_lose_nothing_but_the_message_in_hand() {
    let system = System::default();
    let intensity = Intensity { restarts: u32::MAX, within: LONG };
    let child = ChildSpec::new("sum", || Sum { total: 0, pace: 2 }).capacity(4);
    let supervisor = Supervisor::one_for_one("s").intensity(intensity).child(child);
    system.supervise(supervisor).unwrap().ready().await.unwrap();
    let actor: Ref<Message> = system.find("sum").unwrap();
    flood(&actor, 100).await;
    // A message counts once the actor is through with it: the first question does when the second is answered.
    for _ in 0..2 {
        assert!(actor.ask(LONG, Message::Total).await.is_ok());
    }
    let tree = system.tree();
    assert_eq!(u64::from(tree[1].restarts), SENDERS * EACH / 100);
    let all = SENDERS * EACH;
    assert!((all + 1..=all + 2).contains(&tree[1].handled), "{} of {all}", tree[1].handled);
}
