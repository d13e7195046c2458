use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use async_trait::async_trait;
use bottega_event::{Position, Record};
use bottega_policy::Budget;
use bottega_store::{Appended, Head, MemoryStore, Subscription};
use bottega_types::{ManualClock, Money, Seeded, Timestamp, Tokens};
use proptest::prelude::*;

/// A journal that lets others go first a drawn number of times before each deed.
struct Slow {
    store: MemoryStore,
    pauses: Vec<u8>,
    deeds: AtomicUsize,
}

impl Slow {
    fn new(pauses: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { store: MemoryStore::new(), pauses, deeds: AtomicUsize::new(0) })
    }

    async fn pause(&self) {
        let deed = self.deeds.fetch_add(1, Ordering::SeqCst);
        for _ in 0..self.pauses.get(deed % self.pauses.len().max(1)).copied().unwrap_or(0) {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Journal for Slow {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.pause().await;
        let appended = self.store.append(append).await;
        self.pause().await;
        appended
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.pause().await;
        self.store.read_stream(stream, after, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.store.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.store.head().await
    }

    async fn subscribe(&self, after: Position) -> Result<Subscription, StoreError> {
        self.store.subscribe(after).await
    }
}

fn spent(tokens: u64) -> Spent {
    Spent { tokens: Tokens::new(tokens), money: Money::from_nanos(tokens) }
}

fn budgets(day: u64, agent: u64) -> Budgets {
    let budget = |most| Budget { tokens: None, money: Some(Money::from_nanos(most)) };
    Budgets { day: budget(day), agent: budget(agent) }
}

fn treasury(
    budgets: Budgets,
    journal: &Arc<Slow>,
    clock: &Arc<ManualClock>,
    seed: u64,
) -> Arc<Treasury> {
    let journal: Arc<dyn Journal> = Arc::<Slow>::clone(journal);
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    Arc::new(Treasury::new(budgets, journal, clock, Arc::new(Seeded::new(seed))))
}

fn noon() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(1_763_640_000_000)))
}

fn claim(call: u128, agent: &str, worst: u64) -> Claim<'_> {
    Claim {
        call: CallId::from_bits(call),
        session: SessionId::from_bits(1),
        agent,
        worst: spent(worst),
    }
}

/// How a call ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Paid(u64),
    /// It began, and its future was dropped.
    Dropped,
}

async fn one_call(treasury: Arc<Treasury>, call: u128, agent: &'static str, worst: u64, end: End) {
    let Ok(mut promise) = treasury.promise(claim(call, agent, worst)).await else { return };
    tokio::task::yield_now().await;
    promise.account.begin(spent(worst), true);
    match end {
        End::Paid(cost) => {
            promise.account.paid(spent(cost.min(worst)));
            promise.settle().await;
        }
        End::Dropped => drop(promise),
    }
}

/// What every settlement of the journal sums to: in all, and by agent.
async fn settled(journal: &Slow) -> (u64, std::collections::HashMap<String, u64>) {
    let mut agents = std::collections::HashMap::new();
    let mut calls = std::collections::HashMap::new();
    let mut all = 0;
    for record in journal.read_all(Position(0), 10_000).await.unwrap() {
        match BudgetEvent::decode(&record.event).unwrap() {
            BudgetEvent::Reserved(reserved) => {
                calls.insert(reserved.call, reserved.agent);
            }
            BudgetEvent::Settled(settled) => {
                let cost = settled.cost.money.as_nanos();
                all += cost;
                *agents.entry(calls[&settled.call].clone()).or_insert(0) += cost;
            }
        }
    }
    (all, agents)
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![4 => (0_u64..60).prop_map(End::Paid), 1 => Just(End::Dropped)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn two_processes_never_spend_more_than_the_day_allows(
        day in 0_u64..300,
        agent in 0_u64..200,
        pauses in proptest::collection::vec(0_u8..4, 1..40),
        calls in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_u64..60, ends()), 1..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (all, agents) = runtime.block_on(async {
            let (journal, clock) = (Slow::new(pauses), noon());
            let budgets = budgets(day, agent);
            let both = [treasury(budgets, &journal, &clock, 1), treasury(budgets, &journal, &clock, 2)];
            let calls = calls.into_iter().zip(1_u128..).map(|((second, scout, worst, end), call)| {
                let name = if scout { "scout" } else { "coder" };
                one_call(Arc::clone(&both[usize::from(second)]), call, name, worst, end)
            });
            futures::future::join_all(calls).await;
            for treasury in &both {
                treasury.settle_dropped().await;
            }
            settled(&journal).await
        });
        prop_assert!(all <= day, "{} of {}", all, day);
        for (name, sum) in agents {
            prop_assert!(sum <= agent, "{} of {} by {}", sum, agent, name);
        }
    }
}

#[tokio::test]
async fn what_another_process_promised_counts() {
    let (journal, clock) = (Slow::new(vec![0]), noon());
    let one = treasury(budgets(100, 100), &journal, &clock, 1);
    let two = treasury(budgets(100, 100), &journal, &clock, 2);
    let first = one.promise(claim(1, "a", 60)).await.unwrap();
    let refusal = two.promise(claim(2, "b", 41)).await.err().unwrap();
    assert_eq!(refusal.kind, ErrorKind::Budget);
    assert!(refusal.message.contains("budget.per_day.money"), "{}", refusal.message);
    first.settle().await;
    assert!(two.promise(claim(2, "b", 41)).await.is_ok());
}

#[tokio::test]
async fn a_new_day_begins_with_nothing_spent() {
    let (journal, clock) = (Slow::new(vec![0]), noon());
    let treasury = treasury(budgets(100, 100), &journal, &clock, 1);
    let _open = treasury.promise(claim(1, "a", 100)).await.unwrap();
    assert!(treasury.promise(claim(2, "a", 1)).await.is_err());
    clock.advance(Duration::from_hours(24));
    assert!(treasury.promise(claim(3, "a", 100)).await.is_ok());
}

#[tokio::test]
async fn a_dropped_call_is_settled_at_what_was_at_stake() {
    let (journal, clock) = (Slow::new(vec![0]), noon());
    let treasury = treasury(budgets(100, 100), &journal, &clock, 1);
    let mut began = treasury.promise(claim(1, "a", 60)).await.unwrap();
    began.account.begin(spent(50), true);
    drop(began);
    drop(treasury.promise(claim(2, "a", 40)).await.unwrap());
    treasury.settle_dropped().await;
    assert_eq!(settled(&journal).await.0, 50);
    assert!(treasury.promise(claim(3, "a", 50)).await.is_ok());
}

#[tokio::test]
async fn without_budgets_nothing_is_written() {
    let (journal, clock) = (Slow::new(vec![0]), noon());
    let treasury = treasury(Budgets::default(), &journal, &clock, 1);
    treasury.promise(claim(1, "a", 60)).await.unwrap().settle().await;
    assert_eq!(journal.head().await.unwrap().position, Position(0));
}
