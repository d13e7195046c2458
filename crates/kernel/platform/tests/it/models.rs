//! Whom a session asks, and what it keeps of the answers.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_behaviour::Input;
use bottega_event::{Position, SessionEvent};
use bottega_llm::{ErrorKind, ModelError, StreamEvent, Usage};
use bottega_platform::{CostRow, SessionRow};
use bottega_store::{Change, Projections, StoreError};
use bottega_testkit::{Beat, Script};
use bottega_types::Tokens;

use crate::worker::worst;
use crate::world::{World, rerouted};

fn breaks() -> Script {
    let cut = ModelError::new(ErrorKind::CutOff, "cut");
    Script::beats(vec![Beat::Event(StreamEvent::Text("The ans".into())), Beat::Break(cut)])
}

fn says() -> Script {
    let usage = Usage { input: Tokens::new(10), output: Tokens::new(20), ..Usage::default() };
    Script::text("42", usage)
}

async fn by(world: &World, session: bottega_types::SessionId) -> Vec<String> {
    let history = world.history(session).await;
    let by = history.iter().filter_map(|happened| {
        if let SessionEvent::ModelFailed(failed) = &happened.event {
            return Some(format!("{} broke", failed.by.as_ref()?));
        }
        let SessionEvent::ModelAnswered(answered) = &happened.event else { return None };
        Some(format!("{} answered", answered.by))
    });
    by.collect()
}

#[tokio::test(start_paused = true)]
async fn a_model_that_breaks_off_again_and_again_is_left() {
    let world = World::new([("north", vec![breaks(), breaks()]), ("south", vec![says()])]);
    let handle = world.begin().await;
    world.work(&handle, "ask").await;
    let expected = ["north/m broke", "north/m broke", "south/m answered"];
    assert_eq!(by(&world, handle.session()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn what_broke_off_is_known_after_a_restart() {
    let silent = Script::beats(vec![Beat::Silence]);
    let north = vec![breaks(), breaks(), says()];
    let world = World::new([("north", north), ("south", vec![silent, says()])]);
    let handle = world.begin().await;
    let session = handle.session();
    let mut updates = handle.updates();
    world.task(&handle, "ask").await;
    let mut broken = 0;
    while broken < 2 {
        if let bottega_platform::Update::Stored { event, .. } = updates.recv().await.unwrap() {
            broken += usize::from(matches!(*event, SessionEvent::ModelFailed(_)));
        }
    }
    drop((handle, updates));
    let handle = world.reopen(session).await;
    let mut updates = handle.updates();
    handle.input(Input::Resume(rerouted("both"))).await.unwrap();
    world.ended(&mut updates).await;
    let asked = by(&world, session).await;
    assert!(asked[2..].iter().all(|by| by.starts_with("south/m")), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_failed_calls_spent_is_counted() {
    let world = World::new([("north", vec![breaks(), says()])]);
    let handle = world.begin().await;
    world.work(&handle, "ask").await;
    let _views = world.platform.fresh_views().await.unwrap();
    let answer = bottega_types::Money::from_nanos(50_000);
    for key in ["day/2023-11-14", "model/north/m", &format!("session/{}", handle.session())] {
        let row = world.store.row("costs", key).await.unwrap().expect(key);
        let row: CostRow = serde_json::from_slice(&row).unwrap();
        assert_eq!(row.answers, 1, "{key}");
        // The broken call counts at its worst: less than was promised, and more than the answer.
        assert!(row.cost > answer && row.cost < worst().money + answer, "{key}: {}", row.cost);
        assert!(row.usage.total() > Tokens::new(130), "{key}: {}", row.usage.total());
    }
    let session = handle.session().to_string();
    let row = world.store.row("sessions", &session).await.unwrap().unwrap();
    let row: SessionRow = serde_json::from_slice(&row).unwrap();
    assert!(row.cost > answer && row.usage.total() > Tokens::new(130), "{row:?}");
}

/// Views on a full disk.
struct Full;

fn full<T>() -> Result<T, StoreError> {
    Err(StoreError::Full("no space left".to_owned()))
}

#[async_trait]
impl Projections for Full {
    async fn checkpoint(&self, _name: &str) -> Result<Option<(Position, u32)>, StoreError> {
        Ok(None)
    }

    async fn advance(
        &self,
        _name: &str,
        _version: u32,
        _from: Position,
        _to: Position,
        _changes: Vec<Change>,
    ) -> Result<bool, StoreError> {
        full()
    }

    async fn row(&self, _name: &str, _key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    async fn rows(
        &self,
        _name: &str,
        _prefix: &str,
        _after: Option<&str>,
        _limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        Ok(Vec::new())
    }

    async fn drop_view(&self, _name: &str) -> Result<(), StoreError> {
        full()
    }
}

#[tokio::test]
async fn a_full_disk_keeps_nobody_from_reading() {
    let mut world = World::new([]);
    let handle = world.begin().await;
    world.work(&handle, "say 1").await;
    world.platform.views = Arc::new(Full);
    let views = world.platform.fresh_views().await.unwrap();
    let row = views.row("sessions", &handle.session().to_string()).await.unwrap().unwrap();
    let row: SessionRow = serde_json::from_slice(&row).unwrap();
    assert_eq!(row.title, "say 1");
}
