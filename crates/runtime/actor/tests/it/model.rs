//! Random trees under random faults, beside a small model that does one thing after the other.

mod reference;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bottega_actor::{
    Actor, Backoff, ChildSpec, Context, Delivery, Fault, Intensity, Options, Ref, Supervisor,
    System,
};
use bottega_types::Seeded;
use proptest::prelude::*;

use crate::rig::{Log, pass, quiet_panic};
use reference::{Kind, Model, PAUSE};

/// What every worker of a tree shares.
#[derive(Clone, Default)]
struct World {
    /// Starts and stops, in their order.
    log: Log,
    /// How many of the next starts fail, by worker.
    doom: Arc<Mutex<Vec<u32>>>,
    /// The numbers that each worker got, in their order.
    got: Arc<Mutex<Vec<Vec<u32>>>>,
}

struct Worker(usize, World);

enum Do {
    Work(u32),
    Panic,
    Fail,
    Leave,
}

impl Actor for Worker {
    type Message = Do;

    async fn init(&mut self, _: &mut Context<Do>) -> Result<(), Fault> {
        let Self(number, world) = self;
        world.log.line(format!("+{number}"));
        let doom = &mut world.doom.lock().unwrap()[*number];
        if *doom > 0 {
            *doom -= 1;
            return Err("doomed".into());
        }
        Ok(())
    }

    async fn handle(&mut self, message: Do, context: &mut Context<Do>) -> Result<(), Fault> {
        match message {
            Do::Work(number) => self.1.got.lock().unwrap()[self.0].push(number),
            Do::Panic => quiet_panic("as told"),
            Do::Fail => return Err("as told".into()),
            Do::Leave => context.stop(),
        }
        Ok(())
    }

    async fn stop(&mut self, _: &mut Context<Do>) -> Result<(), Fault> {
        self.1.log.line(format!("-{}", self.0));
        Ok(())
    }
}

fn name(number: usize) -> String {
    format!("n{number}")
}

/// The supervisor that the model's node `number` describes, with all below it.
fn supervisor(model: &Model, number: usize, world: &World) -> Supervisor {
    let node = &model.nodes[number];
    let Kind::Supervisor { strategy, restarts, within, children, .. } = &node.kind else {
        panic!("{number} is a worker")
    };
    let make = match strategy {
        bottega_actor::Strategy::OneForOne => Supervisor::one_for_one,
        bottega_actor::Strategy::OneForAll => Supervisor::one_for_all,
        bottega_actor::Strategy::RestForOne => Supervisor::rest_for_one,
    };
    let first = Duration::from_millis(if model.pauses { PAUSE } else { 0 });
    let backoff = Backoff { first, most: first, factor: 1.0, jitter: 0.0, calm: Duration::ZERO };
    let within = Duration::from_millis(*within);
    let parent = make(name(number))
        .intensity(Intensity { restarts: *restarts, within })
        .restart(node.restart)
        .backoff(backoff);
    children.iter().fold(parent, |parent, child| match &model.nodes[*child].kind {
        Kind::Worker => {
            let (number, world) = (*child, world.clone());
            let spec = ChildSpec::new(name(number), move || Worker(number, world.clone()));
            parent.child(spec.restart(model.nodes[*child].restart).backoff(backoff))
        }
        Kind::Supervisor { .. } => parent.supervisor(supervisor(model, *child, world)),
    })
}

/// One thing that is done to one worker, or time that passes.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Work,
    Panic,
    Fail,
    Kill,
    Leave,
    /// It crashes, and so many of its next starts fail.
    Doom(u32),
    /// It has more to do when it crashes.
    Midway,
    Pass(u64),
}

fn blows() -> impl Strategy<Value = (usize, Blow)> {
    let blow = prop_oneof![
        Just(Blow::Work),
        Just(Blow::Panic),
        Just(Blow::Fail),
        Just(Blow::Kill),
        Just(Blow::Leave),
        (1u32..4).prop_map(Blow::Doom),
        Just(Blow::Midway),
        (1u64..40).prop_map(Blow::Pass),
    ];
    (any::<prop::sample::Index>().prop_map(|index| index.index(1000)), blow)
}

/// Does it to the model. Whether the order of what follows is certain.
fn strike_model(model: &mut Model, target: usize, blow: Blow) -> bool {
    match blow {
        Blow::Work | Blow::Pass(_) => {}
        Blow::Panic | Blow::Fail | Blow::Kill | Blow::Midway => model.end(target, true),
        Blow::Leave => {
            model.log.push(format!("-{target}"));
            model.end(target, false);
        }
        Blow::Doom(times) => {
            model.doom[target] = times;
            model.end(target, true);
        }
    }
    !model.overlaps
}

fn strike(world: &World, target: usize, worker: &Ref<Do>, blow: Blow) {
    let messages = match blow {
        Blow::Work => vec![Do::Work(1)],
        Blow::Panic => vec![Do::Panic],
        Blow::Fail => vec![Do::Fail],
        Blow::Kill => {
            worker.kill();
            vec![]
        }
        Blow::Leave => vec![Do::Leave],
        Blow::Doom(times) => {
            world.doom.lock().unwrap()[target] = times;
            vec![Do::Fail]
        }
        Blow::Midway => vec![Do::Work(1), Do::Panic, Do::Work(2), Do::Work(3)],
        Blow::Pass(_) => vec![],
    };
    for message in messages {
        assert!(matches!(worker.tell(message), Delivery::Accepted));
    }
}

async fn play(genes: &[u32], pauses: bool, seed: u64, blows: &[(usize, Blow)]) {
    let mut model = Model::grow(genes, pauses);
    let world = World::default();
    *world.doom.lock().unwrap() = vec![0; model.nodes.len()];
    *world.got.lock().unwrap() = vec![vec![]; model.nodes.len()];
    let options = Options { shuffle: Some(Arc::new(Seeded::new(seed))), ..Options::default() };
    let system = System::new(options);
    let root = system.supervise(supervisor(&model, 0, &world)).unwrap();
    root.ready().await.unwrap();
    model.start(0);
    for (number, (pick, blow)) in blows.iter().enumerate() {
        let workers = model.living_workers();
        if workers.is_empty() {
            break;
        }
        let target = workers[pick % workers.len()];
        let mut struck = model.clone();
        if !strike_model(&mut struck, target, *blow) {
            continue;
        }
        model = struck;
        let worker = system.find(&name(target)).unwrap();
        strike(&world, target, &worker, *blow);
        let expected_got: &[u32] = match (blow, model.nodes[target].up) {
            (Blow::Work, _) | (Blow::Midway, false) => &[1],
            (Blow::Midway, true) => &[1, 2, 3],
            _ => &[],
        };
        // Longer than all pauses that can follow each other.
        let span = if let Blow::Pass(seconds) = blow { 20 + seconds } else { 20 };
        pass(Duration::from_secs(span)).await;
        model.now = model.struck_at + span * 1000;
        model.struck_at = model.now;
        let context = || format!("blow {number}, {blow:?} to {target}, of {:#?}", model.nodes);
        assert_eq!(world.log.take(), std::mem::take(&mut model.log).join("; "), "{}", context());
        let got = std::mem::take(&mut world.got.lock().unwrap()[target]);
        assert_eq!(got, expected_got, "{}", context());
        for (number, node) in model.nodes.iter().enumerate() {
            if matches!(node.kind, Kind::Worker) {
                let lives = system.find::<Do>(&name(number)).is_some();
                assert_eq!(lives, node.up, "worker {number}: {}", context());
            }
        }
    }
    assert_eq!(system.shutdown(Duration::from_secs(60)).await, bottega_actor::Leftovers::default());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the order in which actors have their turn, the tree does what the model does.
    #[test]
    fn any_tree_under_any_faults_does_what_the_model_does(
        genes in prop::collection::vec(any::<u32>(), 1..12),
        pauses: bool,
        seed: u64,
        blows in prop::collection::vec(blows(), 1..16),
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(play(&genes, pauses, seed, &blows));
    }
}
