//! What somebody wants to have done, and by which terms it is given away.

use std::time::Duration;

use bottega_acl::AgentName;
use bottega_acl::contract_net::{AWARD_RULES, Announcement, AwardRule, Terms};
use bottega_event::TenderTerms;
use bottega_types::{Money, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest that bids may be waited for in a round.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The most rounds of bidding.
const ROUNDS: u8 = 16;

/// A task to be put out to tender. As JSON it is also the content of a `request` to the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What is to be done, in words.
    pub task: String,
    /// The skill that it takes: a type of service in the directory.
    pub skill: String,
    /// What whoever does it must have, in words.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The most that will be paid, in billionths of a dollar.
    #[serde(default)]
    pub budget: Option<Money>,
    /// When it must be done, in milliseconds since the epoch.
    #[serde(default)]
    pub done_by: Option<Timestamp>,
    /// The name of the rule by which a bid is taken.
    #[serde(default = "best_value")]
    pub rule: String,
    /// How long bids are waited for in each round, in milliseconds.
    #[serde(default = "ten_seconds")]
    pub bidding_ms: u64,
    /// The most rounds of bidding.
    #[serde(default = "one")]
    pub rounds: u8,
    /// How many of the next best bidders are kept waiting while the winner works.
    #[serde(default = "two")]
    pub reserve: usize,
    /// How long the winner may take, in hundredths of what it promised.
    #[serde(default = "half_more")]
    pub leeway_percent: u32,
    /// What an hour of waiting costs, in billionths of a dollar.
    #[serde(default)]
    pub hour_is_worth: Money,
    /// Who is called for bids; everybody who offers the skill when absent.
    #[serde(default)]
    pub among: Option<Vec<AgentName>>,
}

fn best_value() -> String {
    "best-value".to_owned()
}

const fn ten_seconds() -> u64 {
    10_000
}

const fn one() -> u8 {
    1
}

const fn two() -> usize {
    2
}

const fn half_more() -> u32 {
    150
}

/// Why an order can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There is nothing to do.
    #[error("the task is empty")]
    NoTask,
    /// No skill, so nobody could be found and nothing learned.
    #[error("the skill is empty")]
    NoSkill,
    /// No such rule.
    #[error("no rule is called `{name}`; there are {known}")]
    NoRule {
        /// What was named.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A number is out of bounds.
    #[error("{what} must be {bounds}, not {found}")]
    OutOfBounds {
        /// Which.
        what: &'static str,
        /// What it may be.
        bounds: String,
        /// What it is.
        found: u64,
    },
    /// It would be too late before anybody could bid.
    #[error("it was to be done by {0}, and that has passed")]
    TooLate(Timestamp),
}

impl Order {
    /// An order by the usual terms.
    #[must_use]
    pub fn new(task: impl Into<String>, skill: impl Into<String>) -> Self {
        Self {
            task: task.into(),
            skill: skill.into(),
            needs: Vec::new(),
            budget: None,
            done_by: None,
            rule: best_value(),
            bidding_ms: ten_seconds(),
            rounds: one(),
            reserve: two(),
            leeway_percent: half_more(),
            hour_is_worth: Money::ZERO,
            among: None,
        }
    }

    /// Looks whether it can be taken at the moment `now`.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), OrderError> {
        if self.task.trim().is_empty() {
            return Err(OrderError::NoTask);
        }
        if self.skill.trim().is_empty() {
            return Err(OrderError::NoSkill);
        }
        if AwardRule::named(&self.rule).is_none() {
            let known: Vec<&str> = AWARD_RULES.iter().map(|rule| rule.name).collect();
            let known = known.join(", ");
            return Err(OrderError::NoRule { name: self.rule.clone(), known });
        }
        let longest = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
        let within = |what, found: u64, least: u64, most: u64| {
            let bounds = format!("{least} to {most}");
            let fits = (least..=most).contains(&found);
            fits.then_some(()).ok_or(OrderError::OutOfBounds { what, bounds, found })
        };
        within("the time for bids in milliseconds", self.bidding_ms, 1, longest)?;
        within("the number of rounds", self.rounds.into(), 1, ROUNDS.into())?;
        within("the leeway in percent", self.leeway_percent.into(), 100, 10_000)?;
        match self.done_by {
            Some(by) if by <= now => Err(OrderError::TooLate(by)),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn announcement(&self) -> Announcement {
        Announcement {
            task: self.task.clone(),
            skill: self.skill.clone(),
            needs: self.needs.clone(),
            budget: self.budget,
            done_by: self.done_by,
            to_beat: None,
        }
    }

    pub(crate) fn terms(&self) -> TenderTerms {
        TenderTerms {
            rule: self.rule.clone(),
            bidding_ms: self.bidding_ms,
            rounds: self.rounds,
            reserve: self.reserve,
            leeway_percent: self.leeway_percent,
            hour_is_worth: self.hour_is_worth,
        }
    }
}

/// Stored terms as the machine takes them; nothing when this build has no such rule.
pub(crate) fn terms(stored: &TenderTerms) -> Option<Terms> {
    Some(Terms {
        rule: AwardRule::named(&stored.rule)?,
        bidding: Duration::from_millis(stored.bidding_ms),
        rounds: stored.rounds,
        reserve: stored.reserve,
        leeway_percent: stored.leeway_percent,
        hour_is_worth: stored.hour_is_worth,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Order), expected: Result<(), &str>) {
        let mut order = Order::new("greet Ada", "greeting");
        change(&mut order);
        let came = order.check(Timestamp::from_millis(1_000)).map_err(|error| error.to_string());
        assert_eq!(came, expected.map_err(str::to_owned));
    }

    #[test]
    fn an_order_that_can_not_be_taken_says_why() {
        check(|_| {}, Ok(()));
        check(|order| order.task = " ".into(), Err("the task is empty"));
        check(|order| order.skill.clear(), Err("the skill is empty"));
        let rules = "no rule is called `best`; there are cheapest, fastest, best-value, vickrey";
        check(|order| order.rule = "best".into(), Err(rules));
        let bidding = "the time for bids in milliseconds must be 1 to 86400000, not 0";
        check(|order| order.bidding_ms = 0, Err(bidding));
        check(|order| order.rounds = 0, Err("the number of rounds must be 1 to 16, not 0"));
        let leeway = "the leeway in percent must be 100 to 10000, not 99";
        check(|order| order.leeway_percent = 99, Err(leeway));
        let late = Timestamp::from_millis(1_000);
        let words = format!("it was to be done by {late}, and that has passed");
        check(|order| order.done_by = Some(late), Err(&words));
    }

    #[test]
    fn what_is_left_out_has_the_usual_terms() {
        let read: Order = serde_json::from_str(r#"{"task":"x","skill":"y"}"#).unwrap();
        assert_eq!(read, Order::new("x", "y"));
        assert!(serde_json::from_str::<Order>(r#"{"task":"x","skill":"y","price":1}"#).is_err());
    }
}
