//! One step of a tender.

use bottega_types::{Money, Timestamp};

use super::{Bid, Phase, Tender, TenderDecision, TenderEnding, TenderReport};
use crate::contract_net::{Award, Candidate, Choice, Delivery};
use crate::reputation::{Kept, Outcome};
use crate::{
    AgentName, Decision, Ending, Input, Message, Output, Performative, Report, Stage, Timer,
};

type Outputs = Vec<Output<TenderReport>>;

impl Tender {
    /// Takes in one input at the moment `now`.
    ///
    /// At least one output comes of every input. Bids that come after the round ended, cost more than the budget or would
    /// be done too late are rejected with the reason. When the winner fails, or is silent until its time is over, the
    /// next best of those kept in reserve is awarded. A tender that has ended still answers, and reports nothing but
    /// [`TenderReport::Late`].
    #[must_use]
    pub fn step(mut self, now: Timestamp, input: Input<TenderDecision>) -> (Self, Outputs) {
        let mut out = Outputs::new();
        match input {
            Input::Received(message) => self.receive(message, now, &mut out),
            Input::Passed(timer) => self.pass(timer, now, &mut out),
            Input::Decided(decision) => self.decide(decision, now, &mut out),
            Input::Undelivered { to } => self.lose(&to, now, &mut out),
        }
        (self, out)
    }

    fn decide(&mut self, decision: TenderDecision, now: Timestamp, out: &mut Outputs) {
        match (decision, &self.phase) {
            (TenderDecision::Open, Phase::Fresh) => {
                let all: Vec<AgentName> = self.bidders.keys().cloned().collect();
                self.call(&all, 1, now, out);
                if all.is_empty() {
                    self.end(TenderEnding::NoBids, out);
                }
            }
            (TenderDecision::Close, Phase::Gathering { .. }) => self.close(now, out),
            (
                TenderDecision::Cancel,
                Phase::Fresh | Phase::Gathering { .. } | Phase::Working { .. },
            ) => {
                self.end(TenderEnding::Cancelled, out);
                self.release("the task was withdrawn", now, out);
                self.cancel_all(now, out);
            }
            (
                TenderDecision::Open,
                Phase::Gathering { .. } | Phase::Working { .. } | Phase::Ended,
            )
            | (TenderDecision::Close, Phase::Fresh | Phase::Working { .. } | Phase::Ended)
            | (TenderDecision::Cancel, Phase::Ended) => {
                let why = match self.phase {
                    Phase::Fresh => "bids were not called for yet",
                    Phase::Gathering { .. } => "bids are being gathered already",
                    Phase::Working { .. } => "the task is awarded already",
                    Phase::Ended => "the tender has ended",
                };
                out.push(Output::Impossible { why: why.to_owned() });
            }
        }
    }

    /// Has one bidder's dialogue take a step. What it sends goes out; what it reports comes back.
    fn tell(
        &mut self,
        name: &AgentName,
        input: Input,
        now: Timestamp,
        out: &mut Outputs,
    ) -> Option<Report> {
        let bidder = self.bidders.get_mut(name)?;
        let (dialogue, outputs) = bidder.dialogue.clone().step(now, input);
        bidder.dialogue = dialogue;
        let mut reported = None;
        for output in outputs {
            match output {
                Output::Send(message) => out.push(Output::Send(message)),
                Output::Report(report) => reported = Some(report),
                // The tender minds the time for all of them.
                Output::Arm { .. } => {}
                Output::Impossible { why } => out.push(Output::Impossible { why }),
                Output::Disregarded { why } => out.push(Output::Disregarded { why }),
            }
        }
        reported
    }

    fn say(&mut self, name: &AgentName, draft: Message, now: Timestamp, out: &mut Outputs) {
        self.tell(name, Input::Decided(Decision::Say(draft)), now, out);
    }

    /// Rejects a proposal; `why` is what the bidder reads.
    fn reject(&mut self, name: &AgentName, why: &str, now: Timestamp, out: &mut Outputs) {
        if let Some(bidder) = self.bidders.get_mut(name) {
            bidder.bid = None;
        }
        self.say(name, Message::new(Performative::RejectProposal).about(why), now, out);
    }

    fn receive(&mut self, message: Message, now: Timestamp, out: &mut Outputs) {
        let name = message.sender.as_ref().map(|sender| sender.name().clone());
        let Some(name) = name.filter(|name| self.bidders.contains_key(name)) else {
            let why = "this agent was not called for bids";
            out.push(match message.not_understood(&self.me, why) {
                Some(answer) => Output::Send(answer),
                None => Output::Disregarded { why: why.to_owned() },
            });
            return;
        };
        match self.tell(&name, Input::Received(message), now, out) {
            Some(Report::Heard(proposal)) => self.weigh(&name, &proposal, now, out),
            Some(Report::Ended(how, last)) => self.part(&name, how, last, now, out),
            Some(Report::CancelFailed(message) | Report::CancelAsked(message)) => {
                out.push(Output::Report(TenderReport::Late(message)));
            }
            None => {}
        }
    }

    /// A bidder can't be reached; it is out, or replaced if it was the winner.
    fn lose(&mut self, to: &AgentName, now: Timestamp, out: &mut Outputs) {
        if !self.bidders.contains_key(to) {
            let why = format!("{to} was not called for bids");
            return out.push(Output::Disregarded { why });
        }
        if let Some(Report::Ended(how, last)) =
            self.tell(to, Input::Undelivered { to: to.clone() }, now, out)
        {
            self.part(to, how, last, now, out);
        }
    }

    /// Looks at a proposal that just came.
    fn weigh(&mut self, name: &AgentName, proposal: &Message, now: Timestamp, out: &mut Outputs) {
        let Phase::Gathering { .. } = self.phase else {
            // Whoever was told to stop has its answer already.
            if !self.bidders.get(name).is_some_and(|own| own.dialogue.is_being_cancelled()) {
                self.reject(name, "the time for bids has passed", now, out);
            }
            out.push(Output::Report(TenderReport::Late(proposal.clone())));
            return;
        };
        let bid = match Bid::read(proposal) {
            Ok(bid) => bid,
            Err(problem) => {
                let why = problem.to_string();
                if let Some(answer) = proposal.not_understood(&self.me, &why) {
                    self.say(name, answer, now, out);
                }
                let how = Ending::Misunderstood;
                out.push(Output::Report(TenderReport::Out { who: name.clone(), how }));
                return self.close_if_complete(now, out);
            }
        };
        let too_dear = self.announcement.budget.is_some_and(|budget| bid.price > budget);
        let too_late = self.announcement.done_by.is_some_and(|by| now.plus(bid.takes) > by);
        if too_dear || too_late {
            let why = if too_dear { "more than will be paid" } else { "not done in time" };
            self.reject(name, why, now, out);
            let how = Ending::Rejected;
            out.push(Output::Report(TenderReport::Out { who: name.clone(), how }));
        } else {
            if let Some(bidder) = self.bidders.get_mut(name) {
                bidder.bid = Some(bid);
            }
            out.push(Output::Report(TenderReport::Bidden { by: name.clone(), bid }));
        }
        self.close_if_complete(now, out);
    }

    /// One bidder's part is over.
    fn part(
        &mut self,
        name: &AgentName,
        how: Ending,
        last: Option<Message>,
        now: Timestamp,
        out: &mut Outputs,
    ) {
        let bid = self.bidders.get_mut(name).and_then(|bidder| bidder.bid.take());
        match (&self.phase, bid) {
            (Phase::Working { winner, pay, since }, Some(bid)) if winner == name => {
                let (pay, since) = (*pay, *since);
                self.won_over(name, bid, (pay, since), (how, last), now, out);
            }
            (Phase::Gathering { .. }, _) => {
                out.push(Output::Report(TenderReport::Out { who: name.clone(), how }));
                self.close_if_complete(now, out);
            }
            (Phase::Working { .. }, Some(_)) => {
                out.push(Output::Report(TenderReport::Out { who: name.clone(), how }));
            }
            (Phase::Fresh | Phase::Working { .. } | Phase::Ended, _) => {
                out.push(match last {
                    Some(message) => Output::Report(TenderReport::Late(message)),
                    None => Output::Disregarded { why: "this part was over already".to_owned() },
                });
            }
        }
    }

    /// The winner's part is over, one way or another.
    fn won_over(
        &mut self,
        name: &AgentName,
        bid: Bid,
        (pay, since): (Money, Timestamp),
        (how, last): (Ending, Option<Message>),
        now: Timestamp,
        out: &mut Outputs,
    ) {
        let delivery = match (how, &last) {
            (Ending::Done, Some(result)) => Some(Delivery::read(result)),
            _ => None,
        };
        let result = match &delivery {
            Some(delivery) => Kept::Done { spent: delivery.spent, took: now.since(since) },
            None if matches!(how, Ending::Silent | Ending::Unreached) => Kept::Silent,
            None => Kept::Failed,
        };
        let skill = self.announcement.skill.clone();
        out.push(Output::Report(TenderReport::Learned(Outcome {
            agent: name.clone(),
            skill,
            bid,
            result,
        })));
        match delivery {
            Some(delivery) => {
                self.end(TenderEnding::Done { by: name.clone(), pay, delivery }, out);
                self.release("another did it", now, out);
            }
            None => self.award(now, out),
        }
    }

    fn pass(&mut self, timer: Timer, now: Timestamp, out: &mut Outputs) {
        if self.armed != Some(timer) {
            let why = "this deadline no longer counts".to_owned();
            out.push(Output::Disregarded { why });
            return;
        }
        self.armed = None;
        match self.phase.clone() {
            Phase::Gathering { .. } => self.close(now, out),
            Phase::Working { winner, pay, since } => {
                // It shall not go on with what another will do.
                self.tell(&winner, Input::Decided(Decision::Cancel), now, out);
                let bid = self.bidders.get_mut(&winner).and_then(|bidder| bidder.bid.take());
                if let Some(bid) = bid {
                    self.won_over(&winner, bid, (pay, since), (Ending::Silent, None), now, out);
                }
            }
            Phase::Fresh | Phase::Ended => {}
        }
    }

    fn arm(&mut self, at: Timestamp, out: &mut Outputs) {
        self.timers = self.timers.wrapping_add(1);
        let timer = Timer(self.timers);
        self.armed = Some(timer);
        out.push(Output::Arm { timer, at });
    }

    /// Calls for proposals, in the round of this number.
    fn call(&mut self, among: &[AgentName], round: u8, now: Timestamp, out: &mut Outputs) {
        let bids_by = now.plus(self.terms.bidding);
        let call = self.announcement.say(bids_by);
        for name in among {
            if let Some(bidder) = self.bidders.get_mut(name) {
                bidder.bid = None;
            }
            self.say(name, call.clone(), now, out);
        }
        self.phase = Phase::Gathering { round };
        self.arm(bids_by, out);
    }

    /// Ends the round when nobody is left who could still bid.
    fn close_if_complete(&mut self, now: Timestamp, out: &mut Outputs) {
        if self.bidders.values().all(|bidder| bidder.dialogue.stage() != Stage::Asked) {
            self.close(now, out);
        }
    }

    /// Ends a round of bidding: with a further round while that pays, or with the award.
    fn close(&mut self, now: Timestamp, out: &mut Outputs) {
        let Phase::Gathering { round } = self.phase else { return };
        let lowest = self.bids().map(|(_, bid)| bid.price).min();
        let lower =
            lowest.filter(|lowest| self.announcement.to_beat.is_none_or(|beat| *lowest < beat));
        if let Some(lowest) = lower.filter(|_| round < self.terms.rounds && self.bids().count() > 1)
        {
            self.announcement.to_beat = Some(lowest);
            let among = self.keep_best(self.terms.reserve.saturating_add(1), now, out);
            let number = round + 1;
            out.push(Output::Report(TenderReport::Round { number, among: among.clone() }));
            self.call(&among, number, now, out);
            return;
        }
        self.award(now, out);
    }

    /// The bid that the rule takes among those that count and can still be done in time.
    fn best(&self, now: Timestamp, without: &[AgentName]) -> Option<(AgentName, Bid, Money)> {
        let in_time =
            |bid: &Bid| self.announcement.done_by.is_none_or(|by| now.plus(bid.takes) <= by);
        let candidates: Vec<Candidate<'_>> = self
            .bidders
            .iter()
            .filter(|(name, bidder)| {
                bidder.dialogue.stage() == Stage::Proposed && !without.contains(name)
            })
            .filter_map(|(agent, bidder)| {
                let bid = bidder.bid.as_ref().filter(|bid| in_time(bid))?;
                Some(Candidate { agent, bid, standing: bidder.standing })
            })
            .collect();
        let Choice { index, pay } =
            (self.terms.rule.choose)(&candidates, self.terms.hour_is_worth)?;
        // A rule of somebody else's that points beyond the list chooses nobody.
        let chosen = candidates.get(index)?;
        let most = self.announcement.budget.unwrap_or(pay);
        Some((chosen.agent.clone(), *chosen.bid, pay.min(most).max(chosen.bid.price)))
    }

    /// Keeps the best bidders, in the rule's order, and rejects the others who proposed.
    fn keep_best(&mut self, count: usize, now: Timestamp, out: &mut Outputs) -> Vec<AgentName> {
        let mut kept = Vec::new();
        while kept.len() < count {
            match self.best(now, &kept) {
                Some((name, ..)) => kept.push(name),
                None => break,
            }
        }
        for name in self.proposed() {
            if !kept.contains(&name) {
                self.reject(&name, "there are better bids", now, out);
            }
        }
        kept
    }

    fn proposed(&self) -> Vec<AgentName> {
        let proposed =
            |(_, bidder): &(&AgentName, &super::Bidder)| bidder.dialogue.stage() == Stage::Proposed;
        self.bidders.iter().filter(proposed).map(|(name, _)| name.clone()).collect()
    }

    /// Gives the task to the best who is left.
    fn award(&mut self, now: Timestamp, out: &mut Outputs) {
        let Some((to, bid, pay)) = self.best(now, &[]) else {
            let tried = matches!(self.phase, Phase::Working { .. });
            let ending = if tried { TenderEnding::Exhausted } else { TenderEnding::NoBids };
            self.end(ending, out);
            return self.release("the task is no longer offered", now, out);
        };
        let allowed = bid.takes.saturating_mul(self.terms.leeway_percent.max(100)) / 100;
        let finish_by = now.plus(allowed);
        let finish_by = self.announcement.done_by.map_or(finish_by, |by| finish_by.min(by));
        let task = self.announcement.task.clone();
        self.say(&to, Award { task, pay, finish_by }.say(), now, out);
        self.phase = Phase::Working { winner: to.clone(), pay, since: now };
        out.push(Output::Report(TenderReport::Awarded { to, bid, pay, finish_by }));
        self.arm(finish_by, out);
        self.keep_best(self.terms.reserve, now, out);
    }

    /// Rejects all proposals that wait. Whoever has not proposed yet is rejected when it does.
    fn release(&mut self, why: &str, now: Timestamp, out: &mut Outputs) {
        for name in self.proposed() {
            self.reject(&name, why, now, out);
        }
    }

    /// Has everybody stop who prepares a bid or works.
    fn cancel_all(&mut self, now: Timestamp, out: &mut Outputs) {
        let busy = |bidder: &super::Bidder| {
            matches!(bidder.dialogue.stage(), Stage::Asked | Stage::Awarded)
                && !bidder.dialogue.is_being_cancelled()
        };
        let busy: Vec<AgentName> = self
            .bidders
            .iter()
            .filter(|(_, bidder)| busy(bidder))
            .map(|(name, _)| name.clone())
            .collect();
        for name in busy {
            self.tell(&name, Input::Decided(Decision::Cancel), now, out);
        }
    }

    fn end(&mut self, ending: TenderEnding, out: &mut Outputs) {
        self.phase = Phase::Ended;
        self.armed = None;
        out.push(Output::Report(TenderReport::Ended(ending)));
    }
}
