//! Groups over a store in memory, and agents that write down what they hear.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::topic::Subscription;
use bottega_acl::{AgentName, Aid, Message, Performative};
use bottega_agency::{Agency, Delivery, HostSpec, Options as AgencyOptions};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use bottega_groups::{Blackboard, Exchange, Options, Publication, Published};
use bottega_store::MemoryStore;
use bottega_testkit::RuntimeClock;
use bottega_types::{MessageId, Seeded};

pub(crate) const SPAN: Duration = Duration::from_secs(60);

/// Writes down what it hears: `NAME TOPIC: WORDS`.
struct Listener(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Resident for Listener {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let topic = letter.message.user_parameter("X-topic").map(ToString::to_string);
        let words = letter.message.content.as_ref().map(ToString::to_string);
        let (topic, words) = (topic.unwrap_or_default(), words.unwrap_or_default());
        let line = format!("{} {topic}: {words}", office.me().name().local());
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) agency: Arc<Agency>,
    pub(crate) exchange: Exchange,
    pub(crate) board: Blackboard,
    heard: Arc<Mutex<Vec<String>>>,
}

pub(crate) fn name(local: &str) -> AgentName {
    format!("{local}@here").parse().unwrap()
}

/// `ann orders.>`, or `ann orders.> packers` in a queue group.
pub(crate) fn subscription(text: &str) -> Subscription {
    let mut words = text.split(' ');
    let agent = name(words.next().unwrap());
    let pattern = words.next().unwrap().parse().unwrap();
    Subscription { agent, pattern, group: words.next().map(|group| group.parse().unwrap()) }
}

impl World {
    /// A process over what earlier ones stored, in which these agents live; `DURABLE` behind a colon makes their mail
    /// durable.
    pub(crate) async fn begun(
        store: &Arc<MemoryStore>,
        heard: &Arc<Mutex<Vec<String>>>,
        seed: u64,
        agents: &[&str],
    ) -> Self {
        let clock = Arc::new(RuntimeClock::begun());
        let entropy = Arc::new(Seeded::new(seed));
        let agency = Arc::new(Agency::new(AgencyOptions {
            platform: "here".to_owned(),
            journal: store.clone(),
            views: store.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            largest: 1 << 16,
            receivers: 8,
        }));
        for local in agents {
            let heard = Arc::clone(heard);
            let make = move || -> Box<dyn Resident> { Box::new(Listener(heard.clone())) };
            let (local, durable) = match local.strip_suffix(":durable") {
                Some(local) => (local, true),
                None => (*local, false),
            };
            let spec = HostSpec::new(name(local), make);
            agency.host(if durable { spec.durable() } else { spec }).await.unwrap();
        }
        let options = Options {
            agency: agency.clone(),
            journal: store.clone(),
            views: store.clone(),
            clock,
            entropy,
        };
        let exchange = Exchange::new(options.clone()).unwrap();
        exchange.begin().await.unwrap();
        let board = Blackboard::new(options, exchange.clone()).unwrap();
        board.begin().await.unwrap();
        board.tell_latest().await;
        Self { agency, exchange, board, heard: Arc::clone(heard) }
    }

    pub(crate) async fn new(agents: &[&str]) -> Self {
        Self::begun(&Arc::default(), &Arc::default(), 1, agents).await
    }

    pub(crate) async fn subscribe(&self, texts: &[&str]) {
        for text in texts {
            self.exchange.subscribe(subscription(text)).await.unwrap();
        }
    }

    /// Publishes; who was reached, and behind a bar who was not.
    pub(crate) async fn publish(&self, topic: &str, words: &str, id: Option<u128>) -> String {
        let publication = Publication {
            topic: topic.parse().unwrap(),
            message: Message::new(Performative::Inform).about(words),
            by: Aid::new(name("me")),
            id: id.map(MessageId::from_bits),
            class: None,
        };
        let published = self.exchange.publish(publication).await;
        let Published { reached, missed } = match published {
            Ok(published) => published,
            Err(error) => return error.to_string(),
        };
        let reached: Vec<&str> = reached.iter().map(AgentName::local).collect();
        let missed: Vec<String> =
            missed.iter().map(|(agent, why)| format!("{}: {why}", agent.local())).collect();
        format!("{}|{}", reached.join(" "), missed.join(", ")).trim_end_matches('|').to_owned()
    }

    /// Requests something of an agent of the platform's; its answer as `ACT CONTENT`.
    pub(crate) async fn ask(&self, whom: &str, content: &str) -> String {
        let message = Message::new(Performative::Request).to(Aid::new(name(whom))).about(content);
        let answer = self.agency.ask(message, SPAN).await.unwrap().unwrap();
        let words = answer.content.map(|content| content.to_string()).unwrap_or_default();
        format!("{} {words}", answer.performative)
    }

    /// Says something in an agent's name, to be stored once under that number.
    pub(crate) async fn say(&self, by: &str, whom: &str, content: &str, id: u128) {
        let message = Message::new(Performative::Request)
            .from(Aid::new(name(by)))
            .to(Aid::new(name(whom)))
            .about(content);
        let id = Some(MessageId::from_bits(id));
        self.agency.send(message, id, Some(Delivery::Durable)).await.unwrap();
    }

    pub(crate) async fn settle(&self) {
        for _ in 0..600 {
            tokio::task::yield_now().await;
        }
    }

    /// What was heard since this was asked last.
    pub(crate) async fn heard(&self) -> Vec<String> {
        self.settle().await;
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}
