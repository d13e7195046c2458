//! How an agent is made and kept.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bottega_acl::AgentName;
use bottega_actor::{Backoff, Intensity, OnStuck, Restart};
use bottega_behaviour::Resident;
use tokio::sync::oneshot;

/// Makes an agent, for each of its incarnations.
pub type Maker = Arc<dyn Fn() -> Box<dyn Resident> + Send + Sync>;

/// How messages to an agent are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// In its mailbox alone: fast, and gone with the process.
    #[default]
    Transient,
    /// Stored before they are acknowledged, and handed over at least once.
    Durable,
}

/// How an agent is hosted. Unless told otherwise it is transient, permanent, restarted five times in ten seconds, and
/// what it crashed over is reported and not begun again.
#[derive(Clone)]
pub struct HostSpec {
    /// Its name.
    pub name: AgentName,
    /// What people read about what it is: `native`, `wasm echo 1.2.0`.
    pub kind: String,
    /// Makes it.
    pub make: Maker,
    /// How messages to it are kept, unless the message says otherwise.
    pub delivery: Delivery,
    /// How many messages may wait in its mailbox.
    pub capacity: usize,
    /// How many durable messages may be under way to it, the mailbox's included.
    pub backlog: usize,
    /// Whether a transient message over which it crashed is begun again.
    pub keep: bool,
    /// When it is begun anew.
    pub restart: Restart,
    /// How often, before it is given up.
    pub intensity: Intensity,
    /// How long it rests before.
    pub backoff: Backoff,
    /// How long one message may take before it counts as stuck, and what follows.
    pub stuck: Option<(Duration, OnStuck)>,
}

impl HostSpec {
    /// An agent of that name.
    pub fn new(
        name: AgentName,
        make: impl Fn() -> Box<dyn Resident> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            kind: "native".to_owned(),
            make: Arc::new(make),
            delivery: Delivery::Transient,
            capacity: 256,
            backlog: 10_000,
            keep: false,
            restart: Restart::Permanent,
            intensity: Intensity { restarts: 5, within: Duration::from_secs(10) },
            backoff: Backoff::NONE,
            stuck: None,
        }
    }

    /// With durable delivery.
    #[must_use]
    pub const fn durable(mut self) -> Self {
        self.delivery = Delivery::Durable;
        self
    }
}

impl fmt::Debug for HostSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSpec")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// A new version that waits for the agent to take it, and where it is told how that went.
pub(crate) struct Proposal {
    pub(crate) kind: String,
    pub(crate) make: Maker,
    pub(crate) told: oneshot::Sender<Result<(), String>>,
}

/// What all incarnations of an agent are made from.
pub(crate) struct Blueprint {
    plans: Mutex<Plans>,
    /// Whether there is a proposal: looked at before each message, where the lock would cost more than the message.
    proposed: AtomicBool,
    /// Whether a transient message is begun again after a crash.
    keep: bool,
}

struct Plans {
    kind: String,
    present: Maker,
    previous: Option<(String, Maker)>,
    proposal: Option<Proposal>,
    /// Why the latest incarnation did not begin, or crashed.
    trouble: Option<String>,
}

impl Blueprint {
    pub(crate) fn new(kind: String, present: Maker, keep: bool) -> Self {
        let plans = Plans { kind, present, previous: None, proposal: None, trouble: None };
        Self { plans: Mutex::new(plans), proposed: AtomicBool::new(false), keep }
    }

    pub(crate) const fn keeps(&self) -> bool {
        self.keep
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn plans(&self) -> MutexGuard<'_, Plans> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn kind(&self) -> String {
        self.plans().kind.clone()
    }

    pub(crate) fn maker(&self) -> Maker {
        Arc::clone(&self.plans().present)
    }

    pub(crate) fn previous(&self) -> Option<(String, Maker)> {
        self.plans().previous.clone()
    }

    pub(crate) fn propose(&self, proposal: Proposal) {
        self.plans().proposal = Some(proposal);
        self.proposed.store(true, Ordering::Release);
    }

    pub(crate) fn is_proposed(&self) -> bool {
        self.proposed.load(Ordering::Acquire)
    }

    pub(crate) fn proposal(&self) -> Option<Proposal> {
        let mut plans = self.plans();
        self.proposed.store(false, Ordering::Release);
        plans.proposal.take()
    }

    /// A new version has begun.
    pub(crate) fn adopt(&self, kind: String, make: Maker) {
        let mut plans = self.plans();
        let before = std::mem::replace(&mut plans.present, make);
        let kind = std::mem::replace(&mut plans.kind, kind);
        plans.previous = Some((kind, before));
    }

    pub(crate) fn note(&self, trouble: Option<String>) {
        self.plans().trouble = trouble;
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        self.plans().trouble.clone()
    }
}
