//! Messages that are brought to agents that live outside.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::{AgentName, Aid, Message, Performative};
use bottega_agency::{Agency, Beyond, Brought, Burden, Deployment, Deployments, Shelf};
use bottega_behaviour::{DefinitionLoader, Guest, GuestLoader};
use bottega_event::{AgentEvent, Position};
use bottega_manifest::{
    AgentDefinition, Answer, HttpRequest, HttpResponse, Manifest, Question, Refusal, Webhook,
};
use bottega_store::{Journal as _, MemoryStore};
use bottega_types::{ManualClock, Timestamp};
use tokio::time::Instant;

use crate::world::{SPAN, name, options};

/// Receivers that answer as they are told; success where nothing is left to be told.
struct Receivers {
    answers: Mutex<VecDeque<Result<Brought, Refusal>>>,
    /// What was brought, when: `SECONDS URL NAME WORDS`.
    brought: Mutex<Vec<String>>,
    begun: Instant,
}

const fn answer(status: u16) -> Result<Brought, Refusal> {
    Ok(Brought { status, put_off: None })
}

#[async_trait]
impl Beyond for Receivers {
    async fn fetch(&self, _: &AgentName, _: HttpRequest) -> Result<HttpResponse, Refusal> {
        Err(Refusal::Unavailable("no web".into()))
    }

    async fn ask(&self, _: &AgentName, _: Question) -> Result<Answer, Refusal> {
        Err(Refusal::Unavailable("no model".into()))
    }

    async fn call(&self, _: &AgentName, _: &Path, _: String, _: String) -> Result<String, Refusal> {
        Err(Refusal::Unavailable("no tool".into()))
    }

    fn admits(&self, webhook: &Webhook) -> Result<(), Refusal> {
        if webhook.url.is_secure() { Ok(()) } else { Err(Refusal::Denied("not over TLS".into())) }
    }

    async fn bring(
        &self,
        to: &AgentName,
        webhook: &Webhook,
        burden: Burden,
    ) -> Result<Brought, Refusal> {
        let body: serde_json::Value = serde_json::from_slice(&burden.body).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["agent"]),
            (&"message".into(), &to.as_str().into())
        );
        let words = body["data"]["message"]["content"].as_str().unwrap();
        let seconds = self.begun.elapsed().as_secs();
        let line = format!("{seconds} {} {} {words}", webhook.url, burden.name);
        self.brought.lock().unwrap().push(line);
        let told = self.answers.lock().unwrap().pop_front();
        told.unwrap_or(answer(204))
    }
}

struct NoGuests;

impl GuestLoader for NoGuests {
    fn load(&self, _: &[u8], _: Manifest) -> Result<Arc<dyn Guest>, String> {
        Err("no guests here".into())
    }
}

impl DefinitionLoader for NoGuests {
    fn load(&self, _: &str, _: AgentDefinition) -> Result<Arc<dyn Guest>, String> {
        Err("no guests here".into())
    }
}

struct World {
    store: Arc<MemoryStore>,
    receivers: Arc<Receivers>,
    deployments: Deployments,
}

fn deployments(store: &Arc<MemoryStore>, receivers: &Arc<Receivers>, seed: u64) -> Deployments {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000 * seed)));
    let shelf = Shelf {
        blobs: store.clone(),
        leases: store.clone(),
        loader: Arc::new(NoGuests),
        definitions: Arc::new(NoGuests),
        beyond: receivers.clone(),
        homes: "/nowhere".into(),
    };
    Deployments::new(Arc::new(Agency::new(options(store, &clock, seed))), shelf)
}

fn deployment(url: &str) -> Deployment {
    let manifest = format!(
        "name = \"clerk\"\nversion = \"1.0.0\"\nworld = \"outside\"\ndelivery = \"durable\"\n\
         [webhook]\nurl = \"{url}\"\nsecret = \"secret:clerk\"\n"
    );
    Deployment { manifest, module: Vec::new(), name: None, config: "{}".into() }
}

impl World {
    fn new(answers: impl IntoIterator<Item = Result<Brought, Refusal>>) -> Self {
        let store = Arc::new(MemoryStore::new());
        let receivers = Arc::new(Receivers {
            answers: Mutex::new(answers.into_iter().collect()),
            brought: Mutex::default(),
            begun: Instant::now(),
        });
        let deployments = deployments(&store, &receivers, 1);
        Self { store, receivers, deployments }
    }

    /// The next process over what this one stored.
    fn again(self) -> Self {
        let Self { store, receivers, deployments: gone } = self;
        drop(gone);
        let deployments = deployments(&store, &receivers, 2);
        Self { store, receivers, deployments }
    }

    async fn say(&self, words: &str) {
        let message = Message::new(Performative::Inform).to(Aid::new(name("clerk"))).about(words);
        let message = message.from(Aid::new(name("me")));
        self.deployments.agency().send(message, None, None).await.unwrap();
    }

    /// What was brought within a span, each without its name.
    async fn brought(&self, span: Duration) -> Vec<String> {
        tokio::time::sleep(span).await;
        let brought = std::mem::take(&mut *self.receivers.brought.lock().unwrap());
        let shown = brought.into_iter().map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            format!("{} {}", words[0], words[3])
        });
        shown.collect()
    }

    async fn under_way(&self) -> usize {
        self.deployments.agency().mail(&name("clerk")).await.unwrap().len()
    }

    /// What is told of the webhook.
    async fn told(&self) -> Vec<String> {
        let records = self.store.read_all(Position(0), 1_000).await.unwrap();
        let told = records.iter().filter_map(|record| match AgentEvent::decode(&record.event) {
            Ok(AgentEvent::WebhookFailed(failed)) => {
                Some(format!("{}{}", failed.why, if failed.again { "" } else { "; for good" }))
            }
            Ok(AgentEvent::WebhookRecovered(recovered)) => {
                Some(format!("well after {}", recovered.failures))
            }
            Ok(_) | Err(_) => None,
        });
        told.collect()
    }
}

const URL: &str = "https://hooks.example.org/clerk";

#[tokio::test(start_paused = true)]
async fn a_message_is_brought_until_it_is_taken_and_then_the_next() {
    let down = Err(Refusal::Unavailable("nobody is there".into()));
    let world = World::new([answer(500), down, answer(204)]);
    world.deployments.deploy(deployment(URL)).await.unwrap();
    world.say("one").await;
    world.say("two").await;
    assert_eq!(world.under_way().await, 2);
    // About a second, then two, each a little less by chance.
    let brought = world.brought(Duration::from_secs(10)).await;
    assert_eq!(brought, ["0 one", "0 one", "2 one", "2 two"]);
    assert_eq!(world.under_way().await, 0);
    assert_eq!(world.told().await, ["hooks.example.org:443 answered 500", "well after 2"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_taken_is_brought_by_the_next_process_under_the_same_name() {
    let world = World::new([answer(500)]);
    world.deployments.deploy(deployment(URL)).await.unwrap();
    world.say("one").await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let first = std::mem::take(&mut *world.receivers.brought.lock().unwrap());
    let world = world.again();
    assert!(world.deployments.restore().await.unwrap().is_empty());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = world.receivers.brought.lock().unwrap().clone();
    assert_eq!((first.len(), &first), (1, &second), "the same, and no third time");
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_be_left_alone_is() {
    let put_off = Some(Duration::from_secs(100));
    let world = World::new([Ok(Brought { status: 429, put_off }), answer(410)]);
    world.deployments.deploy(deployment(URL)).await.unwrap();
    world.say("one").await;
    assert_eq!(world.brought(Duration::from_secs(10_000)).await, ["0 one", "100 one"]);
    assert_eq!(world.told().await.last().unwrap(), "hooks.example.org:443 answered 410; for good");
    // It waits, and whoever comes for it has it.
    let counter = world.deployments.counter(&name("clerk")).unwrap();
    let waiting = counter.next().await;
    assert!(counter.acknowledge(waiting.number));
    world.say("two").await;
    assert_eq!(world.brought(Duration::from_secs(1)).await, ["10000 two"]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_down_is_left_alone_by_all_who_live_there() {
    let world = World::new((0..5).map(|_| answer(503)));
    world.deployments.deploy(deployment(URL)).await.unwrap();
    let other = Deployment { name: Some("other".into()), ..deployment(URL) };
    world.deployments.deploy(other).await.unwrap();
    world.say("one").await;
    let brought = world.brought(Duration::from_secs(16)).await;
    assert_eq!(brought.len(), 5, "{brought:?}");
    let message = Message::new(Performative::Inform).to(Aid::new(name("other"))).about("theirs");
    let message = message.from(Aid::new(name("me")));
    world.deployments.agency().send(message, None, None).await.unwrap();
    assert_eq!(world.brought(Duration::from_secs(20)).await, [""; 0]);
    let brought = world.brought(Duration::from_secs(60)).await;
    assert_eq!(brought.len(), 2, "{brought:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_fault_of_the_host_keeps_nobody_else_waiting() {
    let world = World::new((0..6).map(|_| answer(404)));
    world.deployments.deploy(deployment(URL)).await.unwrap();
    let other = Deployment { name: Some("other".into()), ..deployment(URL) };
    world.deployments.deploy(other).await.unwrap();
    world.say("one").await;
    assert_eq!(world.brought(Duration::from_secs(40)).await.len(), 6);
    let message = Message::new(Performative::Inform).to(Aid::new(name("other"))).about("theirs");
    let message = message.from(Aid::new(name("me")));
    world.deployments.agency().send(message, None, None).await.unwrap();
    assert_eq!(world.brought(Duration::from_secs(1)).await, ["40 theirs"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_takes_what_is_under_way_to_a_new_address() {
    let world = World::new((0..3).map(|_| answer(404)));
    world.deployments.deploy(deployment(URL)).await.unwrap();
    world.say("one").await;
    assert_eq!(world.brought(Duration::from_secs(5)).await.len(), 3);
    let moved = deployment("https://hooks.example.org/moved");
    world.deployments.upgrade(&name("clerk"), moved).await.unwrap();
    let brought = world.receivers.brought.lock().unwrap().clone();
    assert_eq!(brought.len(), 1);
    assert!(brought[0].contains("/moved "), "{brought:?}");
    assert_eq!(world.under_way().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_can_not_be_used_is_refused() {
    let world = World::new([]);
    let check = async |deployment: Deployment, expected: &str| {
        let told = world.deployments.deploy(deployment).await.unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    };
    check(deployment("http://hooks.example.org/"), "not over TLS").await;
    check(deployment("https://localhost/"), "is no host name").await;
    let inside = deployment(URL).manifest.replace("\"outside\"", "\"agent\"");
    check(Deployment { manifest: inside, ..deployment(URL) }, "only an agent with `world").await;
    let written = deployment(URL).manifest.replace("secret:clerk", "whsec_c2VjcmV0");
    let told = world.deployments.deploy(Deployment { manifest: written, ..deployment(URL) }).await;
    let told = told.unwrap_err().to_string();
    assert!(told.contains("named, not written") && !told.contains("c2VjcmV0"), "{told}");
    world.deployments.agency().shutdown(SPAN).await;
}
