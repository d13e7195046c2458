//! WASM agents that live here from one process to the next, with a loader that compiles nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::AgentName;
use bottega_acl::{Aid, Message, Performative};
use bottega_agency::{AgencyError, AgentState, Beyond, Delivery, Deployment, Deployments, Shelf};
use bottega_behaviour::{DefinitionLoader, Guest, GuestLoader, Letter, Office, Resident, Trouble};
use bottega_event::{AgentEvent, Revision, StreamId};
use bottega_manifest::{
    AgentDefinition, Answer, Host, HttpRequest, HttpResponse, Manifest, Question, Refusal,
};
use bottega_store::{Blobs, Journal as _, MemoryStore};
use bottega_types::{Digest, ManualClock, Timestamp, Tokens};

use crate::world::{SPAN, agency, name};

/// Takes a module for what it is to say; `broken` is none, and `stillborn` never begins.
struct Words;

struct Speaker {
    manifest: Manifest,
    words: String,
}

struct Voice {
    words: String,
    config: String,
    asked: u64,
}

impl GuestLoader for Words {
    fn load(&self, module: &[u8], manifest: Manifest) -> Result<Arc<dyn Guest>, String> {
        let words = String::from_utf8(module.to_vec()).map_err(|error| error.to_string())?;
        if words == "broken" {
            return Err("this is no module".to_owned());
        }
        Ok(Arc::new(Speaker { manifest, words }))
    }
}

impl DefinitionLoader for Words {
    fn load(&self, _: &str, definition: AgentDefinition) -> Result<Arc<dyn Guest>, String> {
        let words = definition.instructions.clone();
        if words == "broken" {
            return Err("no such tool".to_owned());
        }
        Ok(Arc::new(Speaker { manifest: definition.manifest(), words }))
    }
}

impl Guest for Speaker {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn resident(&self, host: Arc<dyn Host>, _: &Path, config: &str) -> Box<dyn Resident> {
        if self.words == "keeper" {
            return Box::new(Keeper(host));
        }
        if self.words == "traveller" {
            return Box::new(Traveller(host));
        }
        Box::new(Voice { words: self.words.clone(), config: config.to_owned(), asked: 0 })
    }
}

/// Uses what lies beyond, and tells what came of it.
struct Traveller(Arc<dyn Host>);

#[async_trait]
impl Resident for Traveller {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let request = HttpRequest {
            method: "GET".into(),
            url: "https://example.org/secret?key=1".parse().unwrap(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let page = self.0.fetch(request).await.map(|answer| answer.status.to_string());
        let question = Question {
            route: None,
            instructions: String::new(),
            prompt: "?".into(),
            longest: Tokens::new(5),
            within: Tokens::new(9),
        };
        let answer = self.0.ask(question).await.map(|answer| answer.text);
        let found = self.0.call("grep".into(), "{}".into()).await;
        let said: Vec<String> = [page, answer, found]
            .into_iter()
            .map(|came| came.unwrap_or_else(|refusal| refusal.to_string()))
            .collect();
        let answer = letter.message.reply(Performative::InformRef, office.me());
        office.send(answer.about(said.join(","))).await.map_err(|error| Trouble(error.to_string()))
    }
}

/// What lies beyond, in a test.
struct Outland;

#[async_trait]
impl Beyond for Outland {
    async fn fetch(&self, _: &AgentName, _: HttpRequest) -> Result<HttpResponse, Refusal> {
        Ok(HttpResponse { status: 204, headers: Vec::new(), body: Vec::new() })
    }

    async fn ask(&self, by: &AgentName, question: Question) -> Result<Answer, Refusal> {
        let text = format!("{by} {}", question.within);
        Ok(Answer { text, tokens: Tokens::new(2) })
    }

    async fn call(
        &self,
        _: &AgentName,
        home: &Path,
        tool: String,
        _: String,
    ) -> Result<String, Refusal> {
        Err(Refusal::Denied(format!("no {tool} in {}", home.display())))
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_guest_uses_beyond_its_server_is_noted_first() {
    let shop = Shop::new();
    shop.deployments.deploy(deployment("traveller")).await.unwrap();
    let said = shop.ask("speaker").await;
    assert_eq!(said, "204,speaker@here 9,no grep in /nowhere/speaker");
    let records = shop.store.read_stream(&StreamId::agent(&name("speaker")), Revision(0), 99).await;
    let reached: Vec<String> = records
        .unwrap()
        .iter()
        .filter_map(|record| match AgentEvent::decode(&record.event) {
            Ok(AgentEvent::Reached(reached)) => {
                Some(format!("{} {}", reached.capability, reached.what))
            }
            _ => None,
        })
        .collect();
    let expected =
        ["http GET example.org:443", "model the usual model, 9 tokens at most", "tools grep"];
    assert_eq!(reached, expected);
}

#[async_trait]
impl Resident for Voice {
    async fn begin(&mut self, _: &dyn Office) -> Result<(), Trouble> {
        if self.words == "stillborn" { Err(Trouble("it does not breathe".into())) } else { Ok(()) }
    }

    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        if letter.message.content.as_ref().and_then(|it| it.as_text()) == Some("stumble") {
            return Err(Trouble("it stumbled".into()));
        }
        self.asked += 1;
        let words = format!("{} {} {}", self.words, self.config, self.asked);
        let answer = letter.message.reply(Performative::InformRef, office.me()).about(words);
        office.send(answer).await.map_err(|error| Trouble(error.to_string()))
    }

    async fn save(&mut self) -> Result<Vec<u8>, Trouble> {
        Ok(self.asked.to_string().into_bytes())
    }

    async fn restore(&mut self, saved: &[u8]) -> Result<(), Trouble> {
        self.asked = String::from_utf8_lossy(saved).parse().map_err(|_| Trouble("?".into()))?;
        Ok(())
    }
}

const MANIFEST: &str = "name = \"speaker\"\nversion = \"1.0.0\"\nworld = \"agent\"\n";

fn deployment(words: &str) -> Deployment {
    Deployment {
        manifest: MANIFEST.to_owned(),
        module: words.as_bytes().to_vec(),
        name: None,
        config: "{}".to_owned(),
    }
}

struct Shop {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    deployments: Deployments,
    processes: u64,
}

impl Shop {
    fn over(store: Arc<MemoryStore>, clock: Arc<ManualClock>, processes: u64) -> Self {
        let agency = Arc::new(agency(&store, &clock, processes));
        let shelf = Shelf {
            blobs: store.clone(),
            leases: store.clone(),
            loader: Arc::new(Words),
            definitions: Arc::new(Words),
            beyond: Arc::new(Outland),
            homes: "/nowhere".into(),
        };
        Self { deployments: Deployments::new(agency, shelf), store, clock, processes }
    }

    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
        Self::over(Arc::default(), clock, 1)
    }

    /// The next process over what is stored. Who could not be begun there is told.
    async fn again(self) -> (Self, Vec<String>) {
        let Self { store, clock, deployments, processes } = self;
        drop(deployments);
        let shop = Self::over(store, clock, processes + 1);
        let not_begun = shop.deployments.restore().await.unwrap();
        (shop, not_begun.into_iter().map(|one| format!("{}: {}", one.name, one.why)).collect())
    }

    async fn ask(&self, local: &str) -> String {
        let question =
            Message::new(Performative::QueryRef).to(Aid::new(name(local))).about("well?");
        let answer = self.deployments.agency().ask(question, SPAN).await;
        match answer {
            Ok(Some(answer)) => answer.content.unwrap().as_text().unwrap().to_owned(),
            Ok(None) => "silence".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// Deploys, and says why not where it does not.
    async fn deploy(&self, deployment: Deployment) -> String {
        match self.deployments.deploy(deployment).await {
            Ok(name) => name.to_string(),
            Err(error) => error.to_string(),
        }
    }

    async fn who(&self) -> Vec<String> {
        let rows = self.deployments.agency().list();
        rows.into_iter().map(|row| format!("{} ({})", row.name, row.kind)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_deployed_is_there_in_the_next_process() {
    let shop = Shop::new();
    assert_eq!(shop.deploy(deployment("hello")).await, "speaker@here");
    let other =
        Deployment { name: Some("second".into()), config: "[1]".into(), ..deployment("hi") };
    assert_eq!(shop.deploy(other).await, "second@here");
    assert_eq!(shop.ask("speaker").await, "hello {} 1");

    let (shop, not_begun) = shop.again().await;
    assert_eq!(not_begun, [""; 0]);
    assert_eq!(
        shop.who().await,
        ["second@here (wasm speaker 1.0.0)", "speaker@here (wasm speaker 1.0.0)"]
    );
    assert_eq!(shop.ask("second").await, "hi [1] 1", "with its module and its settings");

    shop.deployments.agency().remove(&name("second"), SPAN).await.unwrap();
    let (shop, _) = shop.again().await;
    assert_eq!(shop.who().await, ["speaker@here (wasm speaker 1.0.0)"]);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_live_is_refused_and_not_kept() {
    #[track_caller]
    fn check(told: &str, expected: &str) {
        assert!(told.contains(expected), "{told}");
    }
    let shop = Shop::new();
    check(&shop.deploy(deployment("broken")).await, "this is no module");
    check(&shop.deploy(deployment("stillborn")).await, "it does not breathe");
    let tool =
        Deployment { manifest: MANIFEST.replace("\"agent\"", "\"tool\""), ..deployment("x") };
    check(&shop.deploy(tool).await, "an agent is deployed");
    let typo = Deployment { manifest: format!("{MANIFEST}limit = 3"), ..deployment("x") };
    check(&shop.deploy(typo).await, "limit");
    let named = Deployment { name: Some("a b".into()), ..deployment("x") };
    check(&shop.deploy(named).await, "a b");
    check(&shop.deploy(Deployment { config: "{".into(), ..deployment("x") }).await, "no JSON");
    shop.deploy(deployment("hello")).await;
    check(&shop.deploy(deployment("other")).await, "speaker");
    let (shop, not_begun) = shop.again().await;
    assert_eq!(not_begun, [""; 0]);
    assert_eq!(shop.who().await.len(), 1);
    assert_eq!(shop.ask("speaker").await, "hello {} 1", "the first one is who stays");
}

#[tokio::test(start_paused = true)]
async fn the_next_version_knows_what_the_one_before_knew() {
    let shop = Shop::new();
    shop.deploy(deployment("one")).await;
    assert_eq!(shop.ask("speaker").await, "one {} 1");
    shop.deployments.upgrade(&name("speaker"), deployment("two")).await.unwrap();
    assert_eq!(shop.ask("speaker").await, "two {} 2");

    let why = shop.deployments.upgrade(&name("speaker"), deployment("stillborn")).await;
    assert!(matches!(why, Err(AgencyError::RolledBack { .. })), "{why:?}");
    assert_eq!(shop.ask("speaker").await, "two {} 3", "the version before goes on");

    let (shop, _) = shop.again().await;
    assert_eq!(shop.ask("speaker").await, "two {} 1", "the version that did not begin is not kept");
    shop.deployments.roll_back(&name("speaker")).await.unwrap();
    assert_eq!(shop.ask("speaker").await, "one {} 2");
    let (shop, _) = shop.again().await;
    assert_eq!(shop.ask("speaker").await, "one {} 1");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_brings_what_its_manifest_says_of_delivery() {
    let shop = Shop::new();
    shop.deploy(deployment("one")).await;
    let upgraded = |lines: &str, words: &str| {
        let manifest = format!("{MANIFEST}{lines}");
        Deployment { manifest, ..deployment(words) }
    };
    let delivery = || shop.deployments.agency().list()[0].delivery;
    assert_eq!(delivery(), Delivery::Transient);
    let durable =
        upgraded("delivery = \"durable\"\n[supervision]\nrestart = \"temporary\"\n", "two");
    shop.deployments.upgrade(&name("speaker"), durable).await.unwrap();
    assert_eq!(delivery(), Delivery::Durable);
    let said = Message::new(Performative::Inform).from(Aid::new(name("me"))).about("x");
    let receipt = shop.deployments.agency().send(said.to(Aid::new(name("speaker"))), None, None);
    assert!(receipt.await.unwrap().id.is_some(), "it was stored");
    // One that does not begin brings nothing.
    let failed = shop.deployments.upgrade(&name("speaker"), upgraded("", "stillborn")).await;
    assert!(failed.is_err() && delivery() == Delivery::Durable);
    shop.deployments.roll_back(&name("speaker")).await.unwrap();
    assert_eq!(delivery(), Delivery::Transient);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_brings_what_its_manifest_says_of_supervision_when_the_agent_begins() {
    let shop = Shop::new();
    shop.deploy(deployment("one")).await;
    let manifest = format!("{MANIFEST}[supervision]\nrestart = \"temporary\"\n");
    let once = Deployment { manifest, ..deployment("two") };
    shop.deployments.upgrade(&name("speaker"), once).await.unwrap();
    let stumble = async || {
        let said = Message::new(Performative::Inform).to(Aid::new(name("speaker")));
        let said = said.from(Aid::new(name("me"))).about("stumble");
        shop.deployments.agency().send(said, None, None).await.unwrap();
        // Longer than it rests before it is begun again.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let row = shop.deployments.agency().list().remove(0);
        (row.state, row.restarts)
    };
    assert_eq!(stumble().await, (AgentState::Running, 1), "its keeper is the one before");
    shop.deployments.agency().restart(&name("speaker"), SPAN).await.unwrap();
    assert_eq!(stumble().await.0, AgentState::Failed, "it is not begun again");
}

#[tokio::test(start_paused = true)]
async fn a_version_of_another_kind_begins_anew() {
    let shop = Shop::new();
    shop.deploy(deployment("one")).await;
    assert_eq!(shop.ask("speaker").await, "one {} 1");
    let manifest = MANIFEST.replace("\"agent\"", "\"outside\"");
    let outside = Deployment { manifest, module: Vec::new(), ..deployment("") };
    shop.deployments.upgrade(&name("speaker"), outside).await.unwrap();
    assert!(shop.who().await.contains(&"speaker@here (outside speaker 1.0.0)".to_owned()));
    shop.deployments.roll_back(&name("speaker")).await.unwrap();
    assert_eq!(shop.ask("speaker").await, "one {} 1", "it knows nothing of before");
    // There is nothing to go back to before a second version.
    let fresh = Shop::new();
    fresh.deploy(deployment("one")).await;
    let none = fresh.deployments.roll_back(&name("speaker")).await;
    assert!(matches!(none, Err(AgencyError::NoVersion(_))), "{none:?}");
}

#[tokio::test(start_paused = true)]
async fn who_was_stopped_is_stopped_in_the_next_process() {
    let shop = Shop::new();
    shop.deploy(deployment("one")).await;
    shop.deployments.stop(&name("speaker"), SPAN).await.unwrap();
    settle().await;
    let (shop, not_begun) = shop.again().await;
    assert_eq!(not_begun, [""; 0]);
    assert!(shop.ask("speaker").await.contains("is stopped"));
    // Another version of it is as stopped.
    shop.deployments.upgrade(&name("speaker"), deployment("two")).await.unwrap();
    let (shop, _) = shop.again().await;
    assert!(shop.ask("speaker").await.contains("is stopped"));
    shop.deployments.agency().start(&name("speaker")).await.unwrap();
    assert_eq!(shop.ask("speaker").await, "two {} 1");
    settle().await;
    let (shop, _) = shop.again().await;
    assert_eq!(shop.ask("speaker").await, "two {} 1");
}

#[tokio::test(start_paused = true)]
async fn of_two_upgrades_at_once_the_one_that_lives_is_kept() {
    let shop = Shop::new();
    shop.deploy(deployment("one")).await;
    let speaker = name("speaker");
    let upgrade = |words| shop.deployments.upgrade(&speaker, deployment(words));
    let (two, three) = futures::join!(upgrade("two"), upgrade("three"));
    two.unwrap();
    three.unwrap();
    let lives = shop.ask("speaker").await.split(' ').next().unwrap().to_owned();
    let (shop, _) = shop.again().await;
    assert_eq!(shop.ask("speaker").await, format!("{lives} {{}} 1"));
}

/// Lets everybody do what there is to do.
async fn settle() {
    for _ in 0..400 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_can_not_begin_again_keeps_nobody_back() {
    let shop = Shop::new();
    shop.deploy(Deployment { name: Some("aaa".into()), ..deployment("hello") }).await;
    shop.deploy(deployment("hi")).await;
    let gone = Digest::of(b"hello");
    shop.store.sweep(&|digest: &Digest| *digest != gone).await.unwrap();
    let (shop, not_begun) = shop.again().await;
    assert_eq!(not_begun.len(), 1);
    assert!(not_begun[0].starts_with("aaa@here: ") && not_begun[0].contains("is not kept"));
    assert_eq!(shop.ask("speaker").await, "hi {} 1");
    // It is shown with why, and can be taken away.
    let row = shop.deployments.agency().list().into_iter().find(|row| row.name == name("aaa"));
    let row = row.unwrap();
    assert_eq!(row.state, AgentState::Failed);
    assert!(row.trouble.unwrap().contains("is not kept"));
    shop.deployments.remove(&name("aaa"), SPAN).await.unwrap();
    let (_, not_begun) = shop.again().await;
    assert_eq!(not_begun, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_a_file_defines_lives_as_any_other() {
    let shop = Shop::new();
    let file = |words: &str, version: &str| Deployment {
        manifest: format!(
            "---\nname: critic\nversion: {version}\nservices: [review]\n---\n{words}\n"
        ),
        module: Vec::new(),
        name: None,
        config: "{}".into(),
    };
    assert_eq!(shop.deploy(file("weak", "1.0.0")).await, "critic@here");
    assert_eq!(shop.who().await, ["critic@here (model critic 1.0.0)"]);
    assert_eq!(shop.ask("critic").await, "weak {} 1");
    let now = Timestamp::from_millis(2_000);
    let directory = shop.deployments.agency().directory();
    assert_eq!(directory.who_offers("review", now), [name("critic")]);
    assert!(shop.deploy(file("broken", "1.0.0")).await.contains("no such tool"));
    let both = Deployment { module: b"x".to_vec(), ..file("weak", "1.0.0") };
    assert!(shop.deploy(both).await.contains("has no module"));
    let slip = Deployment { manifest: "---\nnam: x\n---\nY".into(), ..file("weak", "1.0.0") };
    assert!(shop.deploy(slip).await.contains("did you mean `name`?"));
    shop.deployments.upgrade(&name("critic"), file("strong", "2.0.0")).await.unwrap();
    let (shop, not_begun) = shop.again().await;
    assert_eq!(not_begun, [""; 0]);
    assert_eq!(shop.who().await, ["critic@here (model critic 2.0.0)"]);
    shop.deployments.agency().remove(&name("critic"), SPAN).await.unwrap();
    assert!(shop.deployments.agency().directory().who_offers("review", now).is_empty());
}

fn outsider() -> Deployment {
    let manifest = "name = \"clerk\"\nversion = \"1.0.0\"\nworld = \"outside\"\n\
                    delivery = \"durable\"\n[[services]]\ntype = \"filing\"\n";
    Deployment { manifest: manifest.into(), module: Vec::new(), name: None, config: "{}".into() }
}

#[tokio::test(start_paused = true)]
async fn whoever_lives_outside_loses_nothing_by_coming_and_going() {
    let shop = Shop::new();
    assert_eq!(shop.deploy(outsider()).await, "clerk@here");
    assert_eq!(shop.who().await, ["clerk@here (outside clerk 1.0.0)"]);
    let say = async |shop: &Shop, words: &str| {
        let message = Message::new(Performative::Inform).to(Aid::new(name("clerk"))).about(words);
        let message = message.from(Aid::new(name("me")));
        shop.deployments.agency().send(message, None, None).await.unwrap();
    };
    let next = async |shop: &Shop| {
        let counter = shop.deployments.counter(&name("clerk")).unwrap();
        let waiting = counter.next().await;
        let words = waiting.message.content.unwrap().as_text().unwrap().to_owned();
        (counter, waiting.number, words)
    };
    say(&shop, "one").await;
    say(&shop, "two").await;
    // It is the same one until it is acknowledged, however often it is asked for.
    for _ in 0..2 {
        assert_eq!(next(&shop).await.2, "one");
    }
    let (counter, number, _) = next(&shop).await;
    assert!(counter.acknowledge(number) && !counter.acknowledge(number));
    let (_, number, words) = next(&shop).await;
    assert_eq!(words, "two");
    let seen = number;
    shop.clock.advance(SPAN);
    let (shop, not_begun) = shop.again().await;
    assert_eq!(not_begun, [""; 0]);
    let (counter, number, words) = next(&shop).await;
    assert_eq!(words, "two", "what was not acknowledged comes again");
    assert!(!counter.acknowledge(seen), "and a number of before means nothing");
    assert!(counter.acknowledge(number));
    // Whoever waits first gets what comes later.
    let (came, ()) = tokio::join!(next(&shop), say(&shop, "three"));
    assert_eq!(came.2, "three");
    // Another version takes over while a message waits to be fetched.
    let later =
        Deployment { manifest: outsider().manifest.replace("1.0.0", "1.1.0"), ..outsider() };
    shop.deployments.upgrade(&name("clerk"), later).await.unwrap();
    assert_eq!(shop.who().await, ["clerk@here (outside clerk 1.1.0)"]);
    assert_eq!(next(&shop).await.2, "three");
    shop.deployments.roll_back(&name("clerk")).await.unwrap();
    assert_eq!(shop.who().await, ["clerk@here (outside clerk 1.0.0)"]);
    // A stopped one takes its message back; it comes again with the next begin.
    shop.deployments.agency().stop(&name("clerk"), SPAN).await.unwrap();
    shop.deployments.agency().start(&name("clerk")).await.unwrap();
    assert_eq!(next(&shop).await.2, "three");
    shop.deploy(deployment("hello")).await;
    for taken in ["market", "df", "operator", "asker-1"] {
        let named = Deployment { name: Some(taken.into()), ..deployment("hello") };
        assert!(shop.deploy(named).await.contains("is the platform's own"), "{taken}");
    }
    let inside = shop.deployments.counter(&name("speaker")).unwrap_err();
    assert!(inside.to_string().contains("hears by itself"), "{inside}");
    let with_module = Deployment { module: b"x".to_vec(), ..outsider() };
    assert!(shop.deploy(with_module).await.contains("has no module"));
}

#[tokio::test(start_paused = true)]
async fn who_is_stuck_over_a_message_is_begun_anew_as_the_manifest_says() {
    let shop = Shop::new();
    let manifest =
        outsider().manifest + "[supervision]\nstuck-after = \"5s\"\nrestart = \"permanent\"\n";
    shop.deploy(Deployment { manifest, ..outsider() }).await;
    let message = Message::new(Performative::Inform).to(Aid::new(name("clerk"))).about("one");
    let message = message.from(Aid::new(name("me")));
    shop.deployments.agency().send(message, None, None).await.unwrap();
    let counter = shop.deployments.counter(&name("clerk")).unwrap();
    let first = counter.next().await.number;
    let row = || shop.deployments.agency().list().into_iter().find(|row| row.name == name("clerk"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((row().unwrap().restarts, counter.next().await.number), (0, first));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let again = counter.next().await;
    assert_eq!((row().unwrap().restarts, again.number), (1, first + 1), "it comes again");
    // Over the third time it is a dead letter, and the agent goes on without it.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let mail = shop.deployments.agency().mail(&name("clerk")).await.unwrap();
    let words = mail[0].dead.as_ref().unwrap().words.as_str();
    assert_eq!((mail.len(), words), (1, "it was ended over this as often as it may be"));
    assert_eq!((row().unwrap().under_way, row().unwrap().restarts), (0, 3));
    let message = Message::new(Performative::Inform).to(Aid::new(name("clerk"))).about("two");
    let message = message.from(Aid::new(name("me")));
    shop.deployments.agency().send(message, None, None).await.unwrap();
    assert!(counter.acknowledge(counter.next().await.number));
}

/// Keeps its last word, looks for who files, and says both.
struct Keeper(Arc<dyn Host>);

#[async_trait]
impl Resident for Keeper {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let trouble = |refusal: bottega_manifest::Refusal| Trouble(refusal.to_string());
        let Self(host) = self;
        let before = host.get("word".into()).await.map_err(trouble)?;
        let before = before.map_or("nothing".to_owned(), |it| String::from_utf8(it).unwrap());
        let word = letter.message.content.as_ref().and_then(|it| it.as_text()).unwrap();
        let value = (word != "forget").then(|| word.as_bytes().to_vec());
        host.set("word".into(), value).await.map_err(trouble)?;
        let query = r#"{"services":[{"type":"filing"}]}"#.to_owned();
        let found = host.search(query).await.map_err(trouble)?.len();
        let slip = host.search("who?".into()).await.unwrap_err().to_string();
        assert!(slip.contains("no template"), "{slip}");
        assert!(host.set("k".into(), Some(vec![0; 70_000])).await.is_err());
        assert!(host.get(String::new()).await.is_err());
        let words = format!("{before}, {found}");
        let answer = letter.message.reply(Performative::Inform, office.me()).about(words);
        office.send(answer).await.map_err(|error| Trouble(error.to_string()))
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_guest_keeps_is_there_in_the_next_process_and_it_finds_others() {
    let shop = Shop::new();
    shop.deploy(deployment("keeper")).await;
    let say = async |shop: &Shop, word: &str| {
        let question =
            Message::new(Performative::QueryRef).to(Aid::new(name("speaker"))).about(word);
        let answer = shop.deployments.agency().ask(question, SPAN).await.unwrap().unwrap();
        answer.content.unwrap().as_text().unwrap().to_owned()
    };
    assert_eq!(say(&shop, "salt").await, "nothing, 0");
    shop.deploy(outsider()).await;
    assert_eq!(say(&shop, "pepper").await, "salt, 1");
    let (shop, _) = shop.again().await;
    shop.deployments.agency().open_directory().await.unwrap();
    assert_eq!(say(&shop, "forget").await, "pepper, 1");
    assert_eq!(say(&shop, "again").await, "nothing, 1");
    shop.deployments.remove(&name("speaker"), SPAN).await.unwrap();
    shop.deploy(deployment("keeper")).await;
    assert_eq!(say(&shop, "salt").await, "nothing, 1", "another one has nothing of the one before");
}
