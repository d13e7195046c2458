use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_event::{ToolOutcome, ToolReport};
use bottega_llm::ToolCall;
use bottega_policy::{
    AccessMode, Approval, ApprovalRequest, Approver, Need, Origin, Rule, Rules, Verdict,
};
use bottega_store::{Blobs, MemoryStore, StoreError};
use bottega_testkit::{FakeSandbox, FakeWorkspace, Reply};
use bottega_tool::{CommandSink, NoWeb, StreamName, ToolCatalogue, Web};
use bottega_types::{
    CallId, Clock, Digest, ManualClock, Redactor, Secret, Seeded, SessionId, Timestamp,
};
use serde_json::{Value, json};

use crate::{GrantBook, Options, Parts, SessionScope, ToolHost};

mod calling;
mod leniency;
mod tools;
mod web;

const CANARY: &str = "sk-canary-0123456789";

/// Answers in turn, remembers the questions.
#[derive(Default)]
struct Person {
    answers: Mutex<VecDeque<Approval>>,
    asked: Mutex<Vec<ApprovalRequest>>,
}

#[async_trait]
impl Approver for Person {
    async fn ask(&self, request: &ApprovalRequest) -> Approval {
        self.asked.lock().unwrap().push(request.clone());
        // Whoever waits for the same answer gets to the point of asking, too.
        tokio::task::yield_now().await;
        self.answers.lock().unwrap().pop_front().unwrap_or(Approval::Unavailable)
    }
}

/// Remembers live output.
#[derive(Default)]
struct Screen(Mutex<String>);

impl CommandSink for Screen {
    fn output(&self, _: StreamName, bytes: &[u8]) {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
    }
}

/// A store whose disk is full.
struct Full;

#[async_trait]
impl Blobs for Full {
    async fn put(&self, _: &[u8]) -> Result<Digest, StoreError> {
        Err(StoreError::Full(format!("no room for {CANARY}")))
    }

    async fn get(&self, _: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    async fn sweep(
        &self,
        _: &(dyn for<'d> Fn(&'d Digest) -> bool + Send + Sync),
    ) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// A host with test tools, and all that it works with.
struct World {
    host: ToolHost,
    scope: SessionScope,
    workspace: Arc<FakeWorkspace>,
    sandbox: Arc<FakeSandbox>,
    store: Arc<MemoryStore>,
    person: Arc<Person>,
    screen: Arc<Screen>,
    clock: Arc<ManualClock>,
}

struct Setup {
    mode: AccessMode,
    rules: Rules,
    answers: Vec<Approval>,
    sandbox: FakeSandbox,
    web: Arc<dyn Web>,
    disk_is_full: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            mode: AccessMode::Auto,
            rules: Rules::default(),
            answers: Vec::new(),
            sandbox: FakeSandbox::new(),
            web: Arc::new(NoWeb),
            disk_is_full: false,
        }
    }
}

impl Setup {
    fn world(self) -> World {
        let workspace = Arc::new(FakeWorkspace::new().with("a.txt", "before\n"));
        let (sandbox, store) = (Arc::new(self.sandbox), Arc::new(MemoryStore::new()));
        let person =
            Arc::new(Person { answers: Mutex::new(self.answers.into()), ..Person::default() });
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(5)));
        let blobs: Arc<dyn Blobs> = if self.disk_is_full { Arc::new(Full) } else { store.clone() };
        let parts = Parts {
            catalogue: ToolCatalogue::new(tools::ALL),
            workspace: workspace.clone(),
            sandbox: sandbox.clone(),
            web: self.web,
            blobs,
            approver: person.clone(),
            rules: self.rules,
            redactor: Arc::new(Redactor::new([&Secret::new(CANARY.to_owned())])),
            clock: clock.clone(),
        };
        let session = SessionId::new(clock.now(), &Seeded::new(1));
        World {
            host: ToolHost::new(Options { output_limit: 1_000, details_limit: 2_000 }, parts),
            scope: SessionScope::new(session, self.mode),
            workspace,
            sandbox,
            store,
            person,
            screen: Arc::default(),
            clock,
        }
    }
}

impl World {
    async fn call(&self, name: &str, arguments: impl ToString) -> ToolReport {
        let request = ToolCall {
            id: "1".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_string(),
        };
        let call = CallId::new(self.clock.now(), &Seeded::new(2));
        self.host.call(&self.scope, self.scope.place(), call, &request, self.screen.clone()).await
    }

    async fn blob(&self, digest: Digest) -> String {
        let bytes = self.store.get(digest).await.unwrap().expect("the blob is kept");
        String::from_utf8(bytes).unwrap()
    }

    fn questions(&self) -> usize {
        self.person.asked.lock().unwrap().len()
    }
}
