//! [`Tenders`] over a market in the same process.

use async_trait::async_trait;
use bottega_acl::AgentName;
use bottega_api::{
    AgentEventView, ApiError, BidView, ReputationView, SaidView, TenderRequest, TenderStanding,
    TenderView, TraceView, codes,
};
use bottega_event::TenderChoice;
use bottega_market::{BidRow, MarketError, Order, ReputationRow, TenderRow, TenderState};
use bottega_types::{CommandId, ConversationId, Money, TenderId, Timestamp};

use crate::hosted::{HostedAgents, happened, keyed};
use crate::{Tenders, agency_error};

/// What the market's errors are to a user.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
pub fn market_error(error: MarketError) -> ApiError {
    let code = match &error {
        MarketError::Order(_) | MarketError::TooMany(_) | MarketError::OtherOrder => {
            codes::MALFORMED
        }
        MarketError::Full(_) => codes::LIMIT,
        MarketError::Nobody(_) | MarketError::Unknown(_) => codes::NO_AGENT,
        MarketError::NoTender(_) => codes::NO_TENDER,
        MarketError::Impossible(_) => codes::AGENT_STATE,
        MarketError::Unreadable(..)
        | MarketError::Agency(_)
        | MarketError::Store(_)
        | MarketError::Append(_) => codes::STORE,
    };
    let told = ApiError::new(code, error.to_string());
    if let MarketError::Nobody(skill) = &error {
        let wanted = format!("`[[services]]` with `type = \"{skill}\"`");
        return told.step(format!("deploy an agent whose manifest has {wanted}, or name bidders"));
    }
    if let MarketError::OtherOrder = &error {
        return told.step("give everything that is to be done a key of its own");
    }
    if let MarketError::Full(_) = &error {
        return told
            .step("wait until some are over, or withdraw some with `bottega tender cancel`");
    }
    if let MarketError::Impossible(_) = &error {
        return told.step("run `bottega tender show ID` to see how it is");
    }
    told
}

fn id(text: &str) -> Result<TenderId, ApiError> {
    text.parse()
        .map_err(|error: bottega_types::NotAnId| ApiError::new(codes::MALFORMED, error.to_string()))
}

fn money(what: &str, usd: f64) -> Result<Money, ApiError> {
    let refuse = || {
        let why = format!("`{what}` is {usd}, which is no amount of US dollars");
        ApiError::new(codes::MALFORMED, why).step("write a number such as 0.25")
    };
    if !usd.is_finite() || usd < 0.0 {
        return Err(refuse());
    }
    format!("{usd:.9}").parse().map_err(|_| refuse())
}

fn shown(row: TenderRow) -> TenderView {
    TenderView {
        id: row.id.to_string(),
        conversation: ConversationId::from_bits(row.id.bits()).to_string(),
        by: row.by.to_string(),
        task: row.task,
        skill: row.skill,
        budget_usd: row.budget.map(Money::as_dollars),
        rule: row.rule,
        state: match row.state {
            TenderState::Bidding => TenderStanding::Bidding,
            TenderState::Working => TenderStanding::Working,
            TenderState::Done => TenderStanding::Done,
            TenderState::NoBids => TenderStanding::NoBids,
            TenderState::Exhausted => TenderStanding::Exhausted,
            TenderState::Cancelled => TenderStanding::Cancelled,
        },
        opened_ms: row.opened.as_millis(),
        ended_ms: row.ended.map(Timestamp::as_millis),
        called: row.called.iter().map(AgentName::to_string).collect(),
        bids: row.bids.into_iter().map(bid).collect(),
        winner: row.winner.map(|name| name.to_string()),
        pay_usd: row.pay.map(Money::as_dollars),
        awards: row.awards,
        result: row.result,
    }
}

fn bid(row: BidRow) -> BidView {
    BidView {
        by: row.by.to_string(),
        price_usd: row.bid.price.as_dollars(),
        takes_ms: u64::try_from(row.bid.takes.as_millis()).unwrap_or(u64::MAX),
        confidence: f64::from(row.bid.confidence.permille()) / 1_000.0,
        at_ms: row.at.as_millis(),
        fate: row.fate,
    }
}

fn known(row: ReputationRow) -> ReputationView {
    let standing = row.record.standing();
    ReputationView {
        agent: row.agent.to_string(),
        skill: row.skill,
        done: standing.done,
        failed: standing.failed,
        success: f64::from(standing.success_permille()) / 1_000.0,
        price_ratio: f64::from(standing.price_permille) / 1_000.0,
        time_ratio: f64::from(standing.time_permille) / 1_000.0,
    }
}

impl HostedAgents {
    fn order(&self, request: TenderRequest) -> Result<Order, ApiError> {
        let usual = Order::new(request.task, request.skill);
        let among = request.among.map(|names| names.iter().map(|name| self.name(name)).collect());
        Ok(Order {
            needs: request.needs,
            budget: request.budget_usd.map(|usd| money("budget_usd", usd)).transpose()?,
            done_by: request
                .within_ms
                .map(|ms| self.now().plus(std::time::Duration::from_millis(ms))),
            rule: request.rule.unwrap_or(usual.rule),
            bidding_ms: request.bidding_ms.unwrap_or(usual.bidding_ms),
            rounds: request.rounds.unwrap_or(usual.rounds),
            reserve: request.reserve.unwrap_or(usual.reserve),
            hour_is_worth: match request.hour_usd {
                Some(usd) => money("hour_usd", usd)?,
                None => usual.hour_is_worth,
            },
            among: among.transpose()?,
            task: usual.task,
            skill: usual.skill,
            leeway_percent: usual.leeway_percent,
        })
    }

    async fn decide(&self, text: &str, choice: TenderChoice) -> Result<TenderView, ApiError> {
        let id = id(text)?;
        self.market().decide(id, choice).await.map_err(market_error)?;
        self.market().tender(id).await.map(shown).map_err(market_error)
    }
}

#[async_trait]
impl Tenders for HostedAgents {
    async fn open_tender(&self, request: TenderRequest) -> Result<TenderView, ApiError> {
        let key = request.idempotency_key.clone();
        let order = self.order(request)?;
        let by = self.name(crate::hosted::OPERATOR)?;
        let opened = match key {
            None => self.market().open(by, order).await,
            Some(key) => {
                let command = CommandId::from_bits(keyed("tender", by.as_str(), &key).bits());
                self.market().open_once(command, by, order).await
            }
        };
        let id = opened.map_err(market_error)?;
        self.market().tender(id).await.map(shown).map_err(market_error)
    }

    async fn tenders(
        &self,
        limit: usize,
        before: Option<&str>,
    ) -> Result<Vec<TenderView>, ApiError> {
        let before = before.map(|text| {
            text.parse::<TenderId>().map_err(|_| {
                ApiError::new(codes::USAGE, format!("`{text}` is no id of a tender"))
                    .step("go on where the page before said")
            })
        });
        let rows = self.market().tenders(limit, before.transpose()?).await.map_err(market_error)?;
        Ok(rows.into_iter().map(shown).collect())
    }

    async fn tender(&self, text: &str) -> Result<TenderView, ApiError> {
        self.market().tender(id(text)?).await.map(shown).map_err(market_error)
    }

    async fn tender_events(&self, text: &str) -> Result<Vec<AgentEventView>, ApiError> {
        let records = self.market().history(id(text)?).await.map_err(market_error)?;
        Ok(records.iter().map(happened).collect())
    }

    async fn close_tender(&self, text: &str) -> Result<TenderView, ApiError> {
        self.decide(text, TenderChoice::Close).await
    }

    async fn cancel_tender(&self, text: &str) -> Result<TenderView, ApiError> {
        self.decide(text, TenderChoice::Cancel).await
    }

    async fn reputation(&self) -> Result<Vec<ReputationView>, ApiError> {
        let rows = self.market().reputation().await.map_err(market_error)?;
        Ok(rows.into_iter().map(known).collect())
    }

    async fn trace(&self, text: &str) -> Result<TraceView, ApiError> {
        self.traced(text).await
    }

    async fn conversation(&self, text: &str) -> Result<Vec<SaidView>, ApiError> {
        let of_tender = text.parse::<TenderId>().ok();
        let key = of_tender.map_or_else(
            || bottega_acl::ConversationRef::new(text),
            |id| ConversationId::from_bits(id.bits()).into(),
        );
        let said = self.agency().conversation(&key).await.map_err(agency_error)?;
        let shown = said.into_iter().map(|said| SaidView {
            id: said.id.to_string(),
            at_ms: said.at.as_millis(),
            message: serde_json::from_str(said.letter.as_str()).unwrap_or_default(),
        });
        Ok(shown.collect())
    }
}
