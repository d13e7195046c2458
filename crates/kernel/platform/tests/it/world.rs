//! A platform in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bottega_behaviour::{Input, Surveyor, embody};
use bottega_event::{
    Attachment, Limits, ModelFacts, Rerouted, SessionEvent, Started, Survey, Tasked,
};
use bottega_gateway::{Gateway, Options, PriceTable, Provider, Route};
use bottega_llm::ChatModel;
use bottega_platform::{
    Ground, Happened, MindMaker, Minds, Platform, SessionHandle, Update, read_history,
};
use bottega_policy::{AccessMode, Budget, Rules};
use bottega_store::MemoryStore;
use bottega_testkit::{FakeSandbox, FakeWorkspace, Script, ScriptedModel};
use bottega_tool::ToolCatalogue;
use bottega_toolhost::{Parts, ToolHost};
use bottega_types::{Entropy, ManualClock, Money, Redactor, Seeded, SessionId, Timestamp, Tokens};
use tokio::sync::broadcast::Receiver;

use crate::tools::{self, Person};
use crate::worker::Worker;

const PRICES: &str =
    "date = \"d\"\n[[model]]\nmatch = [\"north/*\", \"south/*\"]\ninput = \"1\"\noutput = \"2\"";

/// Every wait in these tests ends here at the latest.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

struct Nowhere;

#[async_trait]
impl Surveyor for Nowhere {
    async fn survey(&self) -> Survey {
        Survey::default()
    }
}

/// A platform in memory, with the models `north/m` and `south/m` behind one route.
pub(crate) struct World {
    pub(crate) platform: Platform,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) worker: Arc<Worker>,
    pub(crate) workspace: Arc<FakeWorkspace>,
    pub(crate) person: Arc<Person>,
    clock: Arc<ManualClock>,
}

impl World {
    /// With what each of the two models will say.
    pub(crate) fn new(scripts: impl IntoIterator<Item = (&'static str, Vec<Script>)>) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let entropy: Arc<dyn Entropy> = Arc::new(Seeded::new(3));
        let mut scripts: BTreeMap<&str, Vec<Script>> = scripts.into_iter().collect();
        let providers = ["north", "south"].map(|name| {
            let model: Arc<dyn ChatModel> =
                Arc::new(ScriptedModel::new(scripts.remove(name).unwrap_or_default()));
            (name.to_owned(), Provider::new(model))
        });
        let both = ["north/m", "south/m"].map(|name| name.parse().unwrap()).to_vec();
        let options = Options {
            routes: BTreeMap::from([("both".to_owned(), Route::new(both))]),
            prices: PriceTable::parse(PRICES).unwrap(),
            ..Options::new("both", providers.into_iter().collect())
        };
        let worker = Arc::new(Worker::default());
        let mind: MindMaker = {
            let worker = Arc::clone(&worker);
            Arc::new(move || embody(Arc::clone(&worker)))
        };
        let platform = Platform {
            journal: store.clone(),
            blobs: store.clone(),
            views: store.clone(),
            leases: store.clone(),
            gateway: Gateway::new(options, store.clone(), clock.clone(), entropy.clone()),
            clock: clock.clone(),
            entropy,
            minds: Arc::new(Minds::of("worker", mind)),
        };
        let workspace = Arc::new(FakeWorkspace::new().with("old", "before\n"));
        Self { platform, store, worker, workspace, person: Arc::default(), clock }
    }

    pub(crate) fn ground(&self, mode: AccessMode, parallel_tools: usize) -> Ground {
        let redactor = Arc::new(Redactor::default());
        let parts = Parts {
            catalogue: ToolCatalogue::new(tools::ALL),
            workspace: self.workspace.clone(),
            sandbox: Arc::new(FakeSandbox::new()),
            web: Arc::new(bottega_tool::NoWeb),
            blobs: self.store.clone(),
            approver: self.person.clone(),
            rules: Rules::default(),
            redactor: redactor.clone(),
            clock: self.clock.clone(),
        };
        Ground {
            tools: Arc::new(ToolHost::new(bottega_toolhost::Options::default(), parts)),
            mode,
            surveyor: Arc::new(Nowhere),
            workspace: self.workspace.clone(),
            redactor,
            parallel_tools,
        }
    }

    fn started(&self, ground: &Ground) -> Started {
        Started {
            session: self.platform.fresh_session(),
            agent: "worker".to_owned(),
            workspace: "/w".to_owned(),
            model: facts("first"),
            mode: ground.mode,
            limits: limits(),
            seed: None,
            forked_from: None,
            trace: None,
        }
    }

    async fn begin_with(&self, ground: Ground) -> SessionHandle {
        self.platform.begin(self.started(&ground), ground).await.unwrap()
    }

    pub(crate) async fn begin_with_task(&self, text: &str) -> (SessionHandle, Receiver<Update>) {
        let ground = self.ground(AccessMode::Auto, 4);
        let (text, attachments) = (text.to_owned(), Vec::new());
        let task = Tasked { text, attachments, output_schema: None, goes_on: false };
        self.platform.begin_with(self.started(&ground), task, ground).await.unwrap()
    }

    pub(crate) async fn begin(&self) -> SessionHandle {
        self.begin_with(self.ground(AccessMode::Auto, 4)).await
    }

    pub(crate) async fn begin_asking(&self, parallel_tools: usize) -> SessionHandle {
        self.begin_with(self.ground(AccessMode::Ask, parallel_tools)).await
    }

    pub(crate) async fn reopen(&self, session: SessionId) -> SessionHandle {
        self.platform.reopen(session, self.ground(AccessMode::Auto, 4)).await.unwrap()
    }

    pub(crate) async fn task(&self, handle: &SessionHandle, text: &str) {
        self.task_with(handle, text, Vec::new()).await;
    }

    pub(crate) async fn task_with(
        &self,
        handle: &SessionHandle,
        text: &str,
        attachments: Vec<Attachment>,
    ) {
        let task =
            Tasked { text: text.to_owned(), attachments, output_schema: None, goes_on: false };
        handle.input(Input::Task(task)).await.unwrap();
    }

    /// A task from its beginning to its end.
    pub(crate) async fn work(&self, handle: &SessionHandle, text: &str) {
        let mut updates = handle.updates();
        self.task(handle, text).await;
        self.ended(&mut updates).await;
    }

    pub(crate) async fn ended(&self, updates: &mut Receiver<Update>) {
        let ended = async {
            loop {
                match updates.recv().await.unwrap() {
                    Update::Stored { event, .. } if matches!(*event, SessionEvent::Ended(_)) => {
                        return;
                    }
                    Update::Stopped { why } => panic!("{why}"),
                    Update::Stored { .. } | Update::Model { .. } | Update::Output { .. } => {}
                }
            }
        };
        tokio::time::timeout(DEADLINE, ended).await.expect("work comes to its end");
    }

    pub(crate) async fn history(&self, session: SessionId) -> Vec<Happened> {
        read_history(self.store.as_ref(), session).await.unwrap()
    }
}

pub(crate) fn limits() -> Limits {
    Limits { turns: 10, seconds: 600, budget: Budget::UNLIMITED }
}

pub(crate) fn facts(route: &str) -> ModelFacts {
    ModelFacts {
        route: route.to_owned(),
        context_window: Tokens::new(100_000),
        max_output: Tokens::new(100),
        small: false,
        images: true,
        fallbacks: true,
        input_price: Money::from_nanos(1_000_000_000),
        output_price: Money::from_nanos(2_000_000_000),
        unpriced: false,
    }
}

pub(crate) fn rerouted(route: &str) -> Rerouted {
    Rerouted { model: facts(route), mode: AccessMode::Auto, limits: limits() }
}
