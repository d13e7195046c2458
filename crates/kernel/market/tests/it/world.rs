//! A market over a store in memory, and bidders that do what their names are given.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::contract_net::{Bid, Confidence, Delivery};
use bottega_acl::{AgentName, Message, Performative};
use bottega_agency::{Agency, HostSpec, Options as AgencyOptions};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use bottega_event::TenderEvent;
use bottega_market::{Market, Options, Order, TenderRow};
use bottega_store::MemoryStore;
use bottega_testkit::RuntimeClock;
use bottega_types::{Money, Seeded, TenderId};

/// What a bidder does once it is awarded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    Works,
    Fails,
    Sleeps,
    /// It crashes over the award, whenever it hears it.
    Crashes,
    /// It does not bid.
    Declines,
    /// What it bids is no bid.
    Babbles,
}

/// One who asks, and keeps what it is told.
#[derive(Clone, Default)]
pub(crate) struct Asker(pub(crate) Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Resident for Asker {
    async fn hear(&mut self, letter: &Letter, _: &dyn Office) -> Result<(), Trouble> {
        let Message { performative, content, .. } = &letter.message;
        let words = content.as_ref().map(ToString::to_string).unwrap_or_default();
        self.0.lock().unwrap().push(format!("{performative} {words}"));
        Ok(())
    }
}

/// A bidder: its price, the seconds that it takes, its manner.
#[derive(Clone)]
pub(crate) struct Bidder {
    pub(crate) price: u64,
    pub(crate) takes: u64,
    pub(crate) manner: Manner,
    /// How often each was told to work.
    pub(crate) worked: Arc<Mutex<BTreeMap<String, u32>>>,
}

#[async_trait]
impl Resident for Bidder {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let message = &letter.message;
        let say = |draft: Message| {
            let mut answer = message.reply(draft.performative, office.me());
            answer.content = draft.content;
            answer
        };
        let confidence = Confidence::from_permille(900).unwrap();
        let takes = Duration::from_secs(self.takes);
        let answer = match (message.performative, self.manner) {
            (Performative::Cfp, Manner::Declines) => say(Message::new(Performative::Refuse)),
            (Performative::Cfp, Manner::Babbles) => {
                say(Message::new(Performative::Propose).about("cheap!"))
            }
            (Performative::Cfp, _) => {
                let price = Money::from_nanos(self.price);
                say(Bid { price, takes, confidence }.say())
            }
            (Performative::AcceptProposal, manner) => {
                let name = office.me().name().local().to_owned();
                *self.worked.lock().unwrap().entry(name.clone()).or_default() += 1;
                match manner {
                    Manner::Fails => say(Message::new(Performative::Failure).about("no luck")),
                    Manner::Crashes => return Err(Trouble("out of thread".to_owned())),
                    Manner::Sleeps => return Ok(()),
                    Manner::Works | Manner::Declines | Manner::Babbles => {
                        let spent = Some(Money::from_nanos(self.price / 2));
                        say(Delivery { result: format!("done by {name}"), spent }.say())
                    }
                }
            }
            _ => return Ok(()),
        };
        office.send(answer).await.map_err(|error| Trouble(error.to_string()))
    }
}

pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    clock: Arc<RuntimeClock>,
    pub(crate) agency: Arc<Agency>,
    pub(crate) market: Market,
    bidders: Vec<(&'static str, Bidder)>,
    pub(crate) worked: Arc<Mutex<BTreeMap<String, u32>>>,
    pub(crate) asker: Asker,
    processes: u64,
}

pub(crate) fn name(local: &str) -> AgentName {
    format!("{local}@here").parse().unwrap()
}

pub(crate) fn order(rule: &str) -> Order {
    let bidders = ["ann", "bob", "cat"].map(name).to_vec();
    Order { rule: rule.to_owned(), among: Some(bidders), ..Order::new("greet Ada", "greeting") }
}

async fn begun(
    store: &Arc<MemoryStore>,
    clock: &Arc<RuntimeClock>,
    bidders: &[(&'static str, Bidder)],
    asker: &Asker,
    seed: u64,
) -> (Arc<Agency>, Market) {
    let entropy = Arc::new(Seeded::new(seed));
    let agency = Arc::new(Agency::new(AgencyOptions {
        platform: "here".to_owned(),
        journal: store.clone(),
        views: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        largest: 10_000,
        receivers: 10,
    }));
    agency.open_directory().await.unwrap();
    for (local, bidder) in bidders {
        let bidder = bidder.clone();
        let make = move || -> Box<dyn Resident> { Box::new(bidder.clone()) };
        agency.host(HostSpec::new(name(local), make)).await.unwrap();
    }
    let own = asker.clone();
    let make = move || -> Box<dyn Resident> { Box::new(own.clone()) };
    agency.host(HostSpec::new(name("me"), make).durable()).await.unwrap();
    let market = Market::new(Options {
        agency: agency.clone(),
        journal: store.clone(),
        views: store.clone(),
        clock: clock.clone(),
        entropy,
        most: 3,
    });
    let market = market.unwrap();
    market.begin().await.unwrap();
    (agency, market)
}

impl World {
    /// Ann, Bob and Cat, with what each asks for, how long it takes, and its manner.
    pub(crate) async fn new(bidders: [(u64, u64, Manner); 3]) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(RuntimeClock::begun());
        let worked = Arc::<Mutex<BTreeMap<String, u32>>>::default();
        let bidders = ["ann", "bob", "cat"].into_iter().zip(bidders);
        let bidders = bidders.map(|(local, (price, takes, manner))| {
            (local, Bidder { price, takes, manner, worked: worked.clone() })
        });
        let bidders: Vec<_> = bidders.collect();
        let asker = Asker::default();
        let (agency, market) = begun(&store, &clock, &bidders, &asker, 1).await;
        Self { store, clock, agency, market, bidders, worked, asker, processes: 1 }
    }

    /// Another process over what this one stored. What was not stored is gone.
    pub(crate) async fn crashed(self) -> Self {
        let Self { store, clock, agency, market, bidders, worked, asker, processes } = self;
        drop((agency, market));
        let processes = processes + 1;
        let (agency, market) = begun(&store, &clock, &bidders, &asker, processes).await;
        Self { store, clock, agency, market, bidders, worked, asker, processes }
    }

    pub(crate) async fn open(&self, order: Order) -> TenderId {
        self.market.open(name("me"), order).await.unwrap()
    }

    /// The tender when it is over; it is looked at each second.
    pub(crate) async fn ended(&self, id: TenderId) -> TenderRow {
        for _ in 0..1_000 {
            let row = self.market.tender(id).await.unwrap();
            if row.state.is_ended() {
                return row;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("it never ends: {}", self.told(id).await);
    }

    /// What happened to a tender, a line each.
    pub(crate) async fn told(&self, id: TenderId) -> String {
        let mut told = String::new();
        for record in self.market.history(id).await.unwrap() {
            let words = match TenderEvent::decode(&record.event).unwrap() {
                TenderEvent::Opened(opened) => format!("opened by {}", opened.by),
                TenderEvent::Heard(heard) => {
                    let message = heard.letter.open().unwrap();
                    format!("heard {} of {}", message.performative, message.sender.unwrap())
                }
                TenderEvent::Passed(passed) => format!("deadline {} passed", passed.timer),
                TenderEvent::Lost(lost) => format!("lost {}: {}", lost.agent, lost.why),
                TenderEvent::Decided(decided) => format!("decided {:?}", decided.choice),
                TenderEvent::Bidden(bidden) => format!("  {} bids {}", bidden.by, bidden.bid.price),
                TenderEvent::Out(out) => format!("  {} is out: {}", out.agent, out.how),
                TenderEvent::Round(round) => format!("  round {}", round.number),
                TenderEvent::Awarded(award) => {
                    format!("  awarded to {} for {}", award.to, award.pay)
                }
                TenderEvent::Learned(it) => {
                    format!("  {} kept: {:?}", it.outcome.agent, it.outcome.result)
                }
                TenderEvent::Ended(ended) => format!("  ended: {:?}", ended.closing),
                TenderEvent::Told(_) => "all were told".to_owned(),
            };
            let _ = writeln!(told, "{words}");
        }
        told
    }

    pub(crate) fn worked(&self, local: &str) -> u32 {
        self.worked.lock().unwrap().get(local).copied().unwrap_or(0)
    }
}
