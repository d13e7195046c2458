//! The market, as those see it who open tenders.

use std::sync::Arc;

use bottega_acl::{AgentName, Aid};
use bottega_actor::{Running, TaskKind, spawn};
use bottega_agency::{Agency, AgencyError, HostSpec};
use bottega_behaviour::Resident;
use bottega_event::{Record, TenderChoice, TenderDecided};
use bottega_store::{AppendError, Journal, Projections, StoreError};
use bottega_types::{Clock, CommandId, Entropy, TenderId};
use tokio::sync::Mutex;

use crate::auctioneer::Auctioneer;
use crate::deadlines::Deadlines;
use crate::floor::{BIDDERS, Floor};
use crate::order::{Order, OrderError};
use crate::reputation_view::{ReputationRow, ReputationView};
use crate::tender_view::{TenderRow, TenderView};

/// What the market is called, before the `@`.
const NAME: &str = "market";
/// Rows of a view that are read at a time.
const ROWS: usize = 256;

/// What a market is made of.
pub struct Options {
    /// Where the bidders live.
    pub agency: Arc<Agency>,
    /// Where tenders are stored.
    pub journal: Arc<dyn Journal>,
    /// Views of it.
    pub views: Arc<dyn Projections>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub entropy: Arc<dyn Entropy>,
    /// The most tenders that may go on at a time.
    pub most: usize,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// Why the market did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// The order can't be taken.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Nobody could be called.
    #[error("nobody offers `{0}`")]
    Nobody(String),
    /// As many go on as may.
    #[error("{0} tenders go on, and more may not")]
    Full(usize),
    /// More than can be called.
    #[error("{0} would be called for bids; {BIDDERS} are called at most")]
    TooMany(usize),
    /// One who is to be called does not live here.
    #[error("no agent is called `{0}`")]
    Unknown(AgentName),
    /// The key under which it was to be opened stands for a tender of another order.
    #[error("this key was given before, with another task or other terms")]
    OtherOrder,
    /// There is no such tender.
    #[error("there is no tender {0}")]
    NoTender(TenderId),
    /// It can't be decided as things stand.
    #[error("{0}")]
    Impossible(String),
    /// What is stored was written by a newer build, or is damaged.
    #[error("the tender {0} can't be read: {1}")]
    Unreadable(TenderId, String),
    /// The market could not begin.
    #[error(transparent)]
    Agency(#[from] AgencyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store failed.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Puts tasks out to tender.
pub struct Market {
    floor: Arc<Floor>,
    _keeper: Running<()>,
}

impl std::fmt::Debug for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Market").field("me", &self.floor.me).finish_non_exhaustive()
    }
}

impl Market {
    /// A market that is not begun yet.
    ///
    /// # Errors
    /// When the platform's name gives no name for it.
    pub fn new(options: Options) -> Result<Self, MarketError> {
        let Options { agency, journal, views, clock, entropy, most } = options;
        let name: AgentName = format!("{NAME}@{}", agency.platform()).parse().map_err(
            |error: bottega_acl::NotAnAgentName| AgencyError::Malformed(error.to_string()),
        )?;
        let (arm, mut deadlines) = Deadlines::new();
        let me = Aid::new(name);
        let stalls = Mutex::default();
        let floor =
            Arc::new(Floor { me, agency, journal, views, clock, entropy, most, arm, stalls });
        let shared = Arc::clone(&floor);
        let keeper = spawn(TaskKind::Alarm, async move {
            while let Some(deadline) = deadlines.next(shared.clock.as_ref()).await {
                shared.passed(deadline).await;
            }
        });
        Ok(Self { floor, _keeper: keeper })
    }

    /// Lets every tender go on that an earlier process left open, and lets the market live in its agency. The bidders
    /// should live there already: one who does not is lost to its tender.
    ///
    /// # Errors
    /// When the name of the market is taken, and when the store fails.
    pub async fn begin(&self) -> Result<(), MarketError> {
        let floor = &self.floor;
        let shared = Arc::clone(floor);
        let make = move || -> Box<dyn Resident> { Box::new(Auctioneer(Arc::clone(&shared))) };
        let kind = "native market".to_owned();
        let name = floor.me.name().clone();
        // Nobody is answered before the tenders stand that the answers are for.
        floor.restore().await?;
        floor.agency.host(HostSpec { kind, ..HostSpec::new(name, make).durable() }).await?;
        Ok(())
    }

    /// The agent to whom requests are said.
    #[must_use]
    pub fn name(&self) -> &AgentName {
        self.floor.me.name()
    }

    /// Puts a task out to tender for `by`. Returns when it is stored; what follows can be watched by [`Self::tender`].
    ///
    /// # Errors
    /// When the order can't be taken, nobody could be called, or the store fails.
    pub async fn open(&self, by: AgentName, order: Order) -> Result<TenderId, MarketError> {
        let id = TenderId::new(self.floor.clock.now(), self.floor.entropy.as_ref());
        self.floor.open(id, by, order, None).await?;
        Ok(id)
    }

    /// Puts a task out to tender, once for each `key`: the tender of the first time is given back afterwards.
    ///
    /// # Errors
    /// As [`Self::open`], and [`MarketError::OtherOrder`] when the key was that of another order.
    pub async fn open_once(
        &self,
        key: CommandId,
        by: AgentName,
        order: Order,
    ) -> Result<TenderId, MarketError> {
        let floor = &self.floor;
        let id = TenderId::new(floor.clock.now(), floor.entropy.as_ref());
        match floor.open_by(key, id, by.clone(), order.clone(), None).await? {
            None => Ok(id),
            Some(at) => floor.opened_before(at, &by, &order).await,
        }
    }

    /// Decides about a tender that is open.
    ///
    /// # Errors
    /// When there is no such tender, it can't be decided as things stand, or the store fails.
    pub async fn decide(&self, id: TenderId, choice: TenderChoice) -> Result<(), MarketError> {
        self.floor.look_soon(id);
        self.floor.step(id, TenderDecided { choice }.into()).await
    }

    /// One tender.
    pub async fn tender(&self, id: TenderId) -> Result<TenderRow, MarketError> {
        self.floor.catch_up(&TenderView).await?;
        let row = self.floor.views.row(TenderView::NAME, &TenderView::key(id)).await?;
        let row = row.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        row.ok_or(MarketError::NoTender(id))
    }

    /// The latest tenders, or those that are older than `before`, at most `limit`, the newest first.
    pub async fn tenders(
        &self,
        limit: usize,
        before: Option<TenderId>,
    ) -> Result<Vec<TenderRow>, MarketError> {
        self.floor.catch_up(&TenderView).await?;
        let (mut latest, mut after) = (Vec::new(), before.map(TenderView::key));
        while latest.len() < limit {
            let most = ROWS.min(limit - latest.len());
            let page = self.floor.views.rows(TenderView::NAME, "", after.as_deref(), most).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            latest.extend(page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()));
        }
        Ok(latest)
    }

    /// What happened to a tender, in order.
    pub async fn history(&self, id: TenderId) -> Result<Vec<Record>, MarketError> {
        let records = self.floor.records(id).await?;
        if records.is_empty() { Err(MarketError::NoTender(id)) } else { Ok(records) }
    }

    /// What is known of everybody who was ever awarded.
    pub async fn reputation(&self) -> Result<Vec<ReputationRow>, MarketError> {
        self.floor.rows(&ReputationView).await
    }
}
