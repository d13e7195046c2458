//! An agency over a store in memory, and agents that write down what they hear.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::{AgentName, Aid, Message, Performative};
use bottega_agency::{Agency, AgencyError, AgentRow, HostSpec, MailRow, Options};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use bottega_event::{AgentEvent, Position};
use bottega_store::{Journal, MemoryStore};
use bottega_types::{ManualClock, MessageId, Seeded, Timestamp};

pub(crate) const SPAN: Duration = Duration::from_secs(60);

/// What all agents of a world heard, in order: `NAME: WORDS`.
pub(crate) type Heard = Arc<Mutex<Vec<String>>>;

/// Hears, and does what it is told: `boom` panics, `fail` fails, `echo` answers, `wait` waits for ever, `rest` for a second,
/// `until` until it is taken back.
pub(crate) struct Parrot {
    pub(crate) heard: Heard,
    pub(crate) version: u32,
    pub(crate) count: u64,
}

#[async_trait]
impl Resident for Parrot {
    async fn begin(&mut self, _: &dyn Office) -> Result<(), Trouble> {
        if self.version == 13 { Err(Trouble("version 13 never begins".to_owned())) } else { Ok(()) }
    }

    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let words = letter.message.content.as_ref().and_then(|it| it.as_text()).unwrap_or_default();
        let attempt =
            if letter.attempt > 1 { format!(" #{}", letter.attempt) } else { String::new() };
        let me = office.me().name().local().to_owned();
        self.heard.lock().unwrap().push(format!("{me}: {words}{attempt}"));
        if self.is_over() {
            return Err(Trouble("it is over".to_owned()));
        }
        match words {
            "boom" => panic!("ouch"),
            "fail" => return Err(Trouble("not today".to_owned())),
            "wait" => std::future::pending::<()>().await,
            "rest" => tokio::time::sleep(Duration::from_secs(1)).await,
            "until" => {
                office.taken_back(&letter.message).await;
                self.heard.lock().unwrap().push(format!("{me}: taken back"));
            }
            _ => {}
        }
        self.count += 1;
        if letter.message.performative == Performative::QueryRef {
            let text = format!("v{} heard {}", self.version, self.count);
            let answer = letter.message.reply(Performative::InformRef, office.me()).about(text);
            office.send(answer).await.map_err(|error| Trouble(error.to_string()))?;
        }
        Ok(())
    }

    async fn save(&mut self) -> Result<Vec<u8>, Trouble> {
        if self.version == 14 {
            self.count = u64::MAX;
            return Err(Trouble("version 14 ends over it".to_owned()));
        }
        Ok(self.count.to_string().into_bytes())
    }

    fn is_over(&self) -> bool {
        self.count == u64::MAX
    }

    async fn restore(&mut self, saved: &[u8]) -> Result<(), Trouble> {
        self.count = String::from_utf8_lossy(saved).parse().unwrap();
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) agency: Agency,
    pub(crate) heard: Heard,
    pub(crate) clock: Arc<ManualClock>,
    processes: u64,
}

pub(crate) fn name(local: &str) -> AgentName {
    format!("{local}@here").parse().unwrap()
}

pub(crate) fn say(words: &str, to: &[&str]) -> Message {
    let to: bottega_acl::Receivers = to.iter().map(|it| Aid::new(name(it))).collect();
    Message::new(Performative::Inform).from(Aid::new(name("me"))).to(to).about(words)
}

pub(crate) fn agency(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>, seed: u64) -> Agency {
    Agency::new(options(store, clock, seed))
}

pub(crate) fn options(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>, seed: u64) -> Options {
    Options {
        platform: "here".to_owned(),
        journal: store.clone(),
        views: store.clone(),
        clock: clock.clone(),
        entropy: Arc::new(Seeded::new(seed)),
        largest: 64,
        receivers: 3,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
        let agency = agency(&store, &clock, 1);
        Self { store, agency, heard: Heard::default(), clock, processes: 1 }
    }

    /// Another process over what this one stored. What was not stored is gone.
    pub(crate) fn crashed(self) -> Self {
        let Self { store, agency: gone, heard, clock, processes } = self;
        drop(gone);
        // Each process draws other numbers; the same would name the same commands.
        let processes = processes + 1;
        let agency = agency(&store, &clock, processes);
        Self { store, agency, heard, clock, processes }
    }

    pub(crate) fn spec(&self, local: &str) -> HostSpec {
        let heard = self.heard.clone();
        let make = move || -> Box<dyn Resident> {
            Box::new(Parrot { heard: heard.clone(), version: 1, count: 0 })
        };
        HostSpec::new(name(local), make)
    }

    pub(crate) async fn host(&self, local: &str) {
        self.agency.host(self.spec(local)).await.unwrap();
    }

    pub(crate) async fn host_durable(&self, local: &str) {
        self.agency.host(self.spec(local).durable()).await.unwrap();
    }

    /// Sends, and says what became of it in one word or sentence.
    pub(crate) async fn send(&self, words: &str, to: &[&str]) -> String {
        match self.agency.send(say(words, to), None, None).await {
            Ok(receipt) if receipt.id.is_some() => "stored".to_owned(),
            Ok(_) => "told".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// Lets everybody do what there is to do.
    pub(crate) async fn settle(&self) {
        for _ in 0..400 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) async fn row(&self, local: &str) -> AgentRow {
        let rows = self.agency.list();
        rows.into_iter().find(|row| row.name == name(local)).unwrap()
    }

    pub(crate) async fn mail(&self, local: &str) -> Vec<MailRow> {
        self.agency.mail(&name(local)).await.unwrap()
    }

    /// What the journal says of an agent's life, a kind a line.
    pub(crate) async fn life(&self, local: &str) -> Vec<String> {
        self.settle().await;
        let records = self.store.read_all(Position(0), 10_000).await.unwrap();
        let stream = format!("agent/{}", name(local));
        let own = records.iter().filter(|record| record.stream.as_str() == stream);
        own.map(|record| match AgentEvent::decode(&record.event).unwrap() {
            AgentEvent::Crashed(crashed) => format!("crashed: {}", crashed.words),
            AgentEvent::WebhookFailed(failed) => format!("webhook failed: {}", failed.why),
            AgentEvent::WebhookRecovered(recovered) => {
                format!("webhook recovered after {}", recovered.failures)
            }
            AgentEvent::Upgraded(upgraded) => {
                format!("upgraded to {} {}", upgraded.kind, upgraded.failed.unwrap_or_default())
            }
            other @ (AgentEvent::Deployed(_)
            | AgentEvent::Logged(_)
            | AgentEvent::Reached(_)
            | AgentEvent::Hosted(_)
            | AgentEvent::Started(_)
            | AgentEvent::GaveUp(_)
            | AgentEvent::Stopped(_)
            | AgentEvent::Removed(_)) => other.kind().to_owned(),
        })
        .collect()
    }
}

pub(crate) fn word<T>(result: Result<T, AgencyError>) -> String {
    result.map_or_else(|error| error.to_string(), |_| "ok".to_owned())
}

pub(crate) fn id(bits: u128) -> Option<MessageId> {
    Some(MessageId::from_bits(bits))
}
