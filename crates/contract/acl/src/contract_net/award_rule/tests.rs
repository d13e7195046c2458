//! What each rule takes, and what it pays.

use std::time::Duration;

use super::*;
use crate::contract_net::Confidence;

/// Name, price, seconds, confidence, and a record of awards done and failed.
type Offer = (&'static str, u64, u64, u16, (u32, u32));

/// Holds a rule's winner, and its pay, against what is expected, with the bids in every order of a ring.
#[track_caller]
fn check(rule: &str, bids: &[Offer], expected: (&str, u64)) {
    let bids: Vec<(AgentName, Bid, Standing)> = bids
        .iter()
        .map(|(name, price, seconds, confidence, (done, failed))| {
            let bid = Bid {
                price: Money::from_nanos(*price),
                takes: Duration::from_secs(*seconds),
                confidence: Confidence::from_permille(*confidence).unwrap(),
            };
            let standing = Standing { done: *done, failed: *failed, ..Standing::default() };
            (format!("{name}@p").parse().unwrap(), bid, standing)
        })
        .collect();
    let mut candidates: Vec<Candidate<'_>> = bids
        .iter()
        .map(|(agent, bid, standing)| Candidate { agent, bid, standing: *standing })
        .collect();
    let rule = AwardRule::named(rule).unwrap();
    for _ in 0..candidates.len() {
        candidates.rotate_left(1);
        let choice = (rule.choose)(&candidates, Money::from_nanos(3600)).unwrap();
        let winner = candidates[choice.index].agent.local();
        assert_eq!((winner, choice.pay.as_nanos()), expected, "{}", rule.name);
    }
}

#[test]
fn each_rule_takes_its_bid() {
    let bids = [("a", 10, 50, 900, (0, 0)), ("b", 12, 20, 900, (0, 0)), ("c", 30, 10, 900, (0, 0))];
    check("cheapest", &bids, ("a", 10));
    check("vickrey", &bids, ("a", 12));
    check("fastest", &bids, ("c", 30));
    // An hour costs 3600, a second 1: b costs 32 in all, c 40, a 60.
    check("best-value", &bids, ("b", 12));
    check("vickrey", &bids[..1], ("a", 10));
    check("cheapest", &[("b", 1, 1, 1000, (0, 0)), ("a", 1, 1, 1000, (0, 0))], ("a", 1));
}

#[test]
fn the_best_value_is_not_the_loudest_promise() {
    let boaster = ("boaster", 10, 10, 1000, (1, 30));
    let steady = ("steady", 20, 20, 600, (30, 1));
    check("best-value", &[boaster, steady], ("steady", 20));
    // Of two unknown ones the surer is taken.
    check("best-value", &[("x", 10, 10, 500, (0, 0)), ("y", 10, 10, 900, (0, 0))], ("y", 10));
}

#[test]
fn the_catalogue_is_whole() {
    for rule in &AWARD_RULES {
        assert_eq!(AwardRule::named(rule.name).unwrap().name, rule.name);
        assert!(!rule.meaning.is_empty() && (rule.choose)(&[], Money::ZERO).is_none());
    }
    assert!(AwardRule::named("dearest").is_none());
}
