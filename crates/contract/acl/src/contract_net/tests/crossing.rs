//! A tender among bidders of whom each keeps the rules, with messages that are slow and cross.

use std::collections::VecDeque;

use super::*;
use crate::{Ending, Report, Stage};

const NAMES: [&str; 3] = ["brown", "jones", "smith"];

/// The tender, its bidders, and what is on its way.
struct Crossing {
    tender: Tender,
    bidders: [Option<Dialogue>; 3],
    to_bidder: [VecDeque<Message>; 3],
    to_tender: [VecDeque<Message>; 3],
    armed: Option<(Timer, u64)>,
    now: u64,
    said: Vec<Performative>,
    awards: usize,
    lessons: usize,
}

impl Crossing {
    fn new(terms: Terms) -> Self {
        Self {
            tender: Hall::new(announcement(), terms).tender,
            bidders: Default::default(),
            to_bidder: Default::default(),
            to_tender: Default::default(),
            armed: None,
            now: 0,
            said: vec![],
            awards: 0,
            lessons: 0,
        }
    }

    fn tender(&mut self, input: Input<TenderDecision>) {
        let (tender, outputs) = self.tender.clone().step(Timestamp::from_millis(self.now), input);
        self.tender = tender;
        for output in outputs {
            match output {
                Output::Send(message) => {
                    let to = message.receivers.as_slice()[0].name().local().to_owned();
                    let at = NAMES.iter().position(|name| *name == to).unwrap();
                    self.said.push(message.performative);
                    self.to_bidder[at].push_back(message);
                }
                Output::Arm { timer, at } => self.armed = Some((timer, at.as_millis())),
                Output::Report(TenderReport::Awarded { .. }) => self.awards += 1,
                Output::Report(TenderReport::Learned(_)) => self.lessons += 1,
                Output::Report(_) | Output::Impossible { .. } | Output::Disregarded { .. } => {}
            }
        }
    }

    fn bidder(&mut self, who: usize, input: Input) {
        if let (None, Input::Received(call)) = (&self.bidders[who], &input) {
            self.bidders[who] =
                Dialogue::participant(aid(NAMES[who]), call, Patience::default()).ok();
        }
        let Some(bidder) = self.bidders[who].take() else { return };
        let (bidder, outputs) = bidder.step(Timestamp::from_millis(self.now), input);
        self.bidders[who] = Some(bidder);
        let mut stop = false;
        for output in outputs {
            match output {
                Output::Send(message) => {
                    self.said.push(message.performative);
                    self.to_tender[who].push_back(message);
                }
                Output::Report(Report::CancelAsked(_)) => stop = true,
                Output::Report(_)
                | Output::Arm { .. }
                | Output::Impossible { .. }
                | Output::Disregarded { .. } => {}
            }
        }
        if stop {
            self.bidder(who, Input::Decided(Decision::Stopped));
        }
    }

    fn deliver(&mut self, who: usize, to_bidder: bool) {
        if to_bidder {
            if let Some(message) = self.to_bidder[who].pop_front() {
                self.bidder(who, Input::Received(message));
            }
        } else if let Some(message) = self.to_tender[who].pop_front() {
            self.tender(Input::Received(message));
        }
    }

    fn act(&mut self, (kind, who, price): (u8, usize, u64)) {
        match kind {
            0..=2 => self.deliver(who, true),
            3..=5 => self.deliver(who, false),
            6 | 7 => {
                let takes = Duration::from_secs(price);
                let bid =
                    Bid { price: Money::from_nanos(price), takes, confidence: Confidence::CERTAIN };
                self.bidder(who, Input::Decided(Decision::Say(bid.say())));
            }
            8 => self.bidder(who, Input::Decided(Decision::say(Performative::Refuse, "busy"))),
            9 => self.bidder(who, Input::Decided(Decision::say(Performative::Inform, "green"))),
            10 => self.bidder(who, Input::Decided(Decision::say(Performative::Failure, "red"))),
            _ => {
                if let Some((timer, at)) = self.armed.take() {
                    self.now = at;
                    self.tender(Input::Passed(timer));
                }
            }
        }
    }

    /// Delivers everything, and lets every deadline pass, until nothing is left to happen.
    fn settle(&mut self) {
        for _ in 0..1000 {
            for who in 0..3 {
                self.deliver(who, true);
                self.deliver(who, false);
            }
            let quiet = self.to_bidder.iter().chain(&self.to_tender).all(VecDeque::is_empty);
            match self.armed.take() {
                Some((timer, at)) if quiet => {
                    self.now = at;
                    self.tender(Input::Passed(timer));
                }
                Some(armed) => self.armed = Some(armed),
                None if quiet => return,
                None => {}
            }
        }
        panic!("it goes on for ever");
    }
}

proptest! {
    /// Every tender ends, everybody who proposed is answered, and nobody is misunderstood.
    #[test]
    fn every_tender_ends_and_nobody_is_left_waiting(
        rule in 0..4_usize, rounds in 1..4_u8, reserve in 0..3_usize,
        moves in prop::collection::vec((0..12_u8, 0..3_usize, 1..120_u64), 0..80),
    ) {
        let mut crossing = Crossing::new(Terms { rounds, reserve, ..terms(AWARD_RULES[rule].name) });
        crossing.tender(Input::Decided(TenderDecision::Open));
        for step in moves {
            crossing.act(step);
        }
        crossing.settle();
        prop_assert!(crossing.tender.is_ended());
        prop_assert_eq!(crossing.awards, crossing.lessons);
        prop_assert!(!crossing.said.contains(&Performative::NotUnderstood), "{:?}", crossing.said);
        for bidder in crossing.bidders.iter().flatten() {
            let stage = bidder.stage();
            let idle = matches!(stage, Stage::Asked | Stage::Ended(_));
            prop_assert!(idle && stage != Stage::Ended(Ending::Misunderstood), "{:?}", bidder);
        }
    }
}
