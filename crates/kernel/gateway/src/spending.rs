//! What was spent and promised on one day, folded from its events.

use std::collections::HashMap;

use bottega_event::BudgetEvent;
use bottega_policy::{Budget, Resource, Spent};
use bottega_types::CallId;

/// Whose budget does not cover a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// That of the day, all agents together.
    Day,
    /// That of one agent.
    Agent(String),
}

/// A shared budget does not cover a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub(crate) struct NotCovered {
    pub(crate) scope: Scope,
    pub(crate) resource: Resource,
    pub(crate) budget: Budget,
    pub(crate) spent: Spent,
    pub(crate) worst: Spent,
}

impl NotCovered {
    fn text(&self) -> String {
        let (whose, setting) = match &self.scope {
            Scope::Day => ("today".to_owned(), "budget.per_day"),
            Scope::Agent(name) => (format!("today by the agent `{name}`"), "budget.per_agent"),
        };
        match self.resource {
            Resource::Money => format!(
                "the call may cost {}; {} of {} are spent or promised {whose}; raise `{setting}.money`",
                self.worst.money,
                self.spent.money,
                self.budget.money.unwrap_or_default(),
            ),
            Resource::Tokens => format!(
                "the call may need {} tokens; {} of {} are spent or promised {whose}; raise `{setting}.tokens`",
                self.worst.tokens,
                self.spent.tokens,
                self.budget.tokens.unwrap_or_default(),
            ),
        }
    }
}

/// What was spent and promised on one day.
///
/// A promise counts as spent until it is settled. A call that is promised a second time (its process died,
/// and another carries on) may have been paid for twice: its first promise then stays spent for good.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spending {
    all: Spent,
    agents: HashMap<String, Spent>,
    open: HashMap<CallId, (String, Spent)>,
}

impl Spending {
    /// Takes one more event of the day.
    pub(crate) fn evolve(&mut self, event: BudgetEvent) {
        match event {
            BudgetEvent::Reserved(reserved) => {
                self.add(&reserved.agent, reserved.worst);
                self.open.insert(reserved.call, (reserved.agent, reserved.worst));
            }
            BudgetEvent::Settled(settled) => {
                // Without a promise there is no agent to charge, but the day is charged all the same.
                let Some((agent, worst)) = self.open.remove(&settled.call) else {
                    self.all = self.all + settled.cost;
                    return;
                };
                self.all = less(self.all, worst);
                let agents = self.agents.entry(agent.clone()).or_default();
                *agents = less(*agents, worst);
                self.add(&agent, settled.cost);
            }
        }
    }

    fn add(&mut self, agent: &str, amount: Spent) {
        self.all = self.all + amount;
        let spent = self.agents.entry(agent.to_owned()).or_default();
        *spent = *spent + amount;
    }

    /// Whether the budgets cover a call of `agent` that may cost `worst`.
    pub(crate) fn covers(
        &self,
        budgets: &Budgets,
        agent: &str,
        worst: Spent,
    ) -> Result<(), NotCovered> {
        let of_agent = self.agents.get(agent).copied().unwrap_or_default();
        let check =
            |scope: Scope, budget: Budget, spent: Spent| match budget.exceeded(spent + worst) {
                Some(resource) => Err(NotCovered { scope, resource, budget, spent, worst }),
                None => Ok(()),
            };
        check(Scope::Day, budgets.day, self.all)?;
        check(Scope::Agent(agent.to_owned()), budgets.agent, of_agent)
    }
}

fn less(from: Spent, amount: Spent) -> Spent {
    Spent {
        tokens: from.tokens.saturating_sub(amount.tokens),
        money: from.money.saturating_sub(amount.money),
    }
}

/// The budgets that several sessions and processes share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// What all agents together may spend in a day (UTC).
    pub day: Budget,
    /// What each agent, by its name, may spend in a day (UTC).
    pub agent: Budget,
}

impl Budgets {
    /// Whether there is anything to check.
    #[must_use]
    pub fn limit_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether one of them is in money, so that prices must be known.
    #[must_use]
    pub const fn limit_money(&self) -> bool {
        self.day.money.is_some() || self.agent.money.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_event::{Reserved, Settled};
    use bottega_types::{Money, SessionId, Tokens};

    fn spent(cents: u64) -> Spent {
        Spent { tokens: Tokens::new(cents), money: Money::from_nanos(cents * 10_000_000) }
    }

    fn reserved(call: u128, agent: &str, cents: u64) -> BudgetEvent {
        BudgetEvent::Reserved(Reserved {
            call: CallId::from_bits(call),
            session: SessionId::from_bits(1),
            agent: agent.to_owned(),
            worst: spent(cents),
        })
    }

    fn settled(call: u128, cents: u64) -> BudgetEvent {
        BudgetEvent::Settled(Settled { call: CallId::from_bits(call), cost: spent(cents) })
    }

    /// Folds the events; then a day of 100 cents must have exactly `left`, and `coder` exactly `of_coder`.
    #[track_caller]
    fn check(events: Vec<BudgetEvent>, left: u64, of_coder: u64) {
        let mut spending = Spending::default();
        for event in events {
            spending.evolve(event);
        }
        for (agent, budgets, left) in [
            ("other", Budgets { day: spent_budget(100), agent: Budget::UNLIMITED }, left),
            ("coder", Budgets { day: Budget::UNLIMITED, agent: spent_budget(50) }, of_coder),
        ] {
            assert_eq!(spending.covers(&budgets, agent, spent(left)), Ok(()), "{agent}");
            assert!(spending.covers(&budgets, agent, spent(left + 1)).is_err(), "{agent}");
        }
    }

    fn spent_budget(cents: u64) -> Budget {
        Budget { tokens: None, money: Some(spent(cents).money) }
    }

    #[test]
    fn promises_count_until_they_are_settled() {
        check(vec![], 100, 50);
        check(vec![reserved(1, "coder", 30)], 70, 20);
        check(vec![reserved(1, "coder", 30), settled(1, 10)], 90, 40);
        check(vec![reserved(1, "coder", 30), reserved(2, "scout", 20), settled(2, 5)], 65, 20);
    }

    #[test]
    fn a_promise_that_was_repeated_stays_spent() {
        check(vec![reserved(1, "coder", 20), reserved(1, "coder", 20), settled(1, 5)], 75, 25);
    }

    #[test]
    fn what_was_never_promised_is_charged_to_the_day() {
        check(vec![settled(9, 10)], 90, 50);
    }

    #[test]
    fn a_refusal_names_the_amounts_and_the_setting() {
        let mut spending = Spending::default();
        spending.evolve(reserved(1, "coder", 30));
        let budgets = Budgets { day: spent_budget(100), agent: spent_budget(50) };
        let refusal = spending.covers(&budgets, "coder", spent(21)).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the call may cost $0.21; $0.30 of $0.50 are spent or promised today by the agent `coder`; \
             raise `budget.per_agent.money`"
        );
    }
}
