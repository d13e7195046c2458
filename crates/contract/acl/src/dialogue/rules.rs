//! Who may say what in which stage: one table per protocol.

use super::{Ending, Side, Stage};
use crate::{Performative, Protocol};

/// One legal word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// In this stage
    pub from: Stage,
    /// this side
    pub who: Side,
    /// may say this,
    pub act: Performative,
    /// which leads there.
    pub to: Stage,
}

const fn i(from: Stage, act: Performative, to: Stage) -> Rule {
    Rule { from, who: Side::Initiator, act, to }
}

const fn p(from: Stage, act: Performative, to: Stage) -> Rule {
    Rule { from, who: Side::Participant, act, to }
}

use Performative as P;
use Stage::{Agreed, Asked, Awarded, Fresh, Proposed};

const DONE: Stage = Stage::Ended(Ending::Done);
const REFUSED: Stage = Stage::Ended(Ending::Refused);
const FAILED: Stage = Stage::Ended(Ending::Failed);
const REJECTED: Stage = Stage::Ended(Ending::Rejected);

/// SC00026. To agree may be left out when the result comes at once.
const REQUEST: &[Rule] = &[
    i(Fresh, P::Request, Asked),
    p(Asked, P::Refuse, REFUSED),
    p(Asked, P::Agree, Agreed),
    p(Asked, P::Failure, FAILED),
    p(Asked, P::Inform, DONE),
    p(Agreed, P::Failure, FAILED),
    p(Agreed, P::Inform, DONE),
];

/// SC00028. The participant agrees in any case, for it will have to wait; it may still refuse when it can't keep its word.
const REQUEST_WHEN: &[Rule] = &[
    i(Fresh, P::RequestWhen, Asked),
    p(Asked, P::Refuse, REFUSED),
    p(Asked, P::Agree, Agreed),
    p(Agreed, P::Refuse, REFUSED),
    p(Agreed, P::Failure, FAILED),
    p(Agreed, P::Inform, DONE),
];

/// SC00027.
const QUERY: &[Rule] = &[
    i(Fresh, P::QueryIf, Asked),
    i(Fresh, P::QueryRef, Asked),
    p(Asked, P::Refuse, REFUSED),
    p(Asked, P::Agree, Agreed),
    p(Asked, P::Failure, FAILED),
    p(Asked, P::Inform, DONE),
    p(Agreed, P::Failure, FAILED),
    p(Agreed, P::Inform, DONE),
];

/// SC00035. Each inform is news; only failure, or the initiator's cancel, ends it.
const SUBSCRIBE: &[Rule] = &[
    i(Fresh, P::Subscribe, Asked),
    p(Asked, P::Refuse, REFUSED),
    p(Asked, P::Agree, Agreed),
    p(Asked, P::Failure, FAILED),
    p(Asked, P::Inform, Agreed),
    p(Agreed, P::Failure, FAILED),
    p(Agreed, P::Inform, Agreed),
];

/// SC00029, between the initiator and one of the participants.
const CONTRACT_NET: &[Rule] = &[
    i(Fresh, P::Cfp, Asked),
    p(Asked, P::Refuse, REFUSED),
    p(Asked, P::Propose, Proposed),
    i(Proposed, P::RejectProposal, REJECTED),
    i(Proposed, P::AcceptProposal, Awarded),
    p(Awarded, P::Failure, FAILED),
    p(Awarded, P::Inform, DONE),
];

/// SC00030: a proposal may also be answered with a revised call.
const ITERATED_CONTRACT_NET: &[Rule] = &[
    i(Fresh, P::Cfp, Asked),
    p(Asked, P::Refuse, REFUSED),
    p(Asked, P::Propose, Proposed),
    i(Proposed, P::Cfp, Asked),
    i(Proposed, P::RejectProposal, REJECTED),
    i(Proposed, P::AcceptProposal, Awarded),
    p(Awarded, P::Failure, FAILED),
    p(Awarded, P::Inform, DONE),
];

/// SC00033, between the initiator and the broker. Replies that the broker passes on are marked
/// ([`RELAYED_FROM`](crate::brokering::RELAYED_FROM)) and may be any act; they leave the stage as it is.
const BROKERING: &[Rule] = &[
    i(Fresh, P::Proxy, Asked),
    p(Asked, P::Refuse, REFUSED),
    p(Asked, P::Agree, Agreed),
    p(Agreed, P::Failure, FAILED),
    p(Agreed, P::Inform, DONE),
];

/// All that may be said in a protocol, besides `not-understood`, which either side may say at any time after the opening,
/// and the initiator's `cancel` with its answer.
#[must_use]
pub const fn rules(protocol: Protocol) -> &'static [Rule] {
    match protocol {
        Protocol::Request => REQUEST,
        Protocol::RequestWhen => REQUEST_WHEN,
        Protocol::Query => QUERY,
        Protocol::Subscribe => SUBSCRIBE,
        Protocol::ContractNet => CONTRACT_NET,
        Protocol::IteratedContractNet => ITERATED_CONTRACT_NET,
        Protocol::Brokering => BROKERING,
    }
}

/// Where `act` leads when `who` says it in `from`.
pub(super) fn next(protocol: Protocol, from: Stage, who: Side, act: Performative) -> Option<Stage> {
    let mut rules = rules(protocol).iter();
    rules.find(|rule| rule.from == from && rule.who == who && rule.act == act).map(|rule| rule.to)
}

/// What `who` may say in `from`, in words.
pub(super) fn awaited(protocol: Protocol, from: Stage, who: Side) -> String {
    let acts: Vec<&str> = rules(protocol)
        .iter()
        .filter(|rule| rule.from == from && rule.who == who)
        .map(|rule| rule.act.as_str())
        .collect();
    match acts.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// Whether `who` owes the next word in `from`.
pub(super) fn owes(protocol: Protocol, from: Stage, who: Side) -> bool {
    rules(protocol).iter().any(|rule| rule.from == from && rule.who == who)
}
