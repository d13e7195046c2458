//! Tenders told as text: who says what, and what comes of it.

mod crossing;

use std::fmt::Write as _;
use std::time::Duration;

use bottega_types::{ConversationId, Money, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{
    AgentName, Aid, Decision, Dialogue, Input, Kept, Message, Output, PERFORMATIVES, Patience,
    Performative, Reputation, Timer, sample,
};

fn aid(name: &str) -> Aid {
    format!("{name}@p").parse().unwrap()
}

fn announcement() -> Announcement {
    Announcement {
        task: "mend the test".to_owned(),
        skill: "rust".to_owned(),
        needs: vec!["cargo".to_owned()],
        budget: Some(Money::from_nanos(100)),
        done_by: None,
        to_beat: None,
    }
}

fn terms(rule: &str) -> Terms {
    Terms {
        rule: AwardRule::named(rule).unwrap(),
        bidding: Duration::from_secs(10),
        rounds: 1,
        reserve: 1,
        leeway_percent: 150,
        hour_is_worth: Money::ZERO,
    }
}

/// A tender among smith, jones and brown, each with the dialogue of its own side.
struct Hall {
    tender: Tender,
    bidders: Vec<Dialogue>,
    now: u64,
    armed: Option<(Timer, u64)>,
    told: String,
}

impl Hall {
    fn new(announcement: Announcement, terms: Terms) -> Self {
        let names = ["brown", "jones", "smith"].map(aid);
        let reputation = Reputation::new();
        let conversation = ConversationId::from_bits(3);
        let tender =
            Tender::new(&aid("buyer"), conversation, announcement, terms, names, &reputation);
        Self { tender, bidders: vec![], now: 0, armed: None, told: String::new() }
    }

    fn step(&mut self, input: Input<TenderDecision>) {
        let (tender, outputs) = self.tender.clone().step(Timestamp::from_millis(self.now), input);
        self.tender = tender;
        assert!(!outputs.is_empty(), "an input was not answered");
        for output in outputs {
            match output {
                Output::Send(message) => self.deliver(&message),
                Output::Arm { timer, at } => {
                    self.armed = Some((timer, at.as_millis()));
                    let _ = writeln!(self.told, "  wait until {}", at.as_millis());
                }
                Output::Report(report) => {
                    let _ = writeln!(self.told, "  {}", told(&report));
                }
                Output::Impossible { why } | Output::Disregarded { why } => {
                    let _ = writeln!(self.told, "  nothing: {why}");
                }
            }
        }
    }

    /// Gives a message to its bidder, who understands it: its side keeps the same rules.
    fn deliver(&mut self, message: &Message) {
        let to = message.receivers.as_slice()[0].name().clone();
        let content = message.content.as_ref().map(ToString::to_string).unwrap_or_default();
        let content =
            if message.performative == Performative::Cfp { String::new() } else { content };
        let _ = writeln!(self.told, "  {} ← {} {content}", to.local(), message.performative);
        let now = Timestamp::from_millis(self.now);
        let at = self.bidders.iter().position(|own| *own.me().name() == to);
        let bidder = match at {
            Some(at) => self.bidders.swap_remove(at),
            None => Dialogue::participant(to.into(), message, Patience::default()).unwrap(),
        };
        let (bidder, outputs) = bidder.step(now, Input::Received(message.clone()));
        let lost = |output: &Output| matches!(output, Output::Send(m) if m.performative == Performative::NotUnderstood);
        assert!(!outputs.iter().any(lost), "{outputs:?}");
        self.bidders.push(bidder);
    }

    /// One bidder's own decision, sent to the tender.
    fn speak(&mut self, name: &str, decision: Decision) {
        let who: AgentName = aid(name).name().clone();
        let at = self.bidders.iter().position(|own| *own.me().name() == who).unwrap();
        let bidder = self.bidders.swap_remove(at);
        let (bidder, outputs) =
            bidder.step(Timestamp::from_millis(self.now), Input::Decided(decision));
        self.bidders.push(bidder);
        for output in outputs {
            match output {
                Output::Send(message) => self.step(Input::Received(message)),
                Output::Arm { .. } | Output::Report(_) => {}
                Output::Impossible { why } | Output::Disregarded { why } => panic!("{name}: {why}"),
            }
        }
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.told, "{line}");
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["open"] => self.step(Input::Decided(TenderDecision::Open)),
            ["close"] => self.step(Input::Decided(TenderDecision::Close)),
            ["cancel"] => self.step(Input::Decided(TenderDecision::Cancel)),
            ["clock"] => {
                let (timer, at) = self.armed.unwrap();
                self.now = at;
                self.step(Input::Passed(timer));
            }
            ["after", seconds] => self.now += seconds.parse::<u64>().unwrap() * 1000,
            [name, "bids", price, seconds, confidence] => {
                let bid = Bid {
                    price: Money::from_nanos(price.parse().unwrap()),
                    takes: Duration::from_secs(seconds.parse().unwrap()),
                    confidence: Confidence::from_permille(confidence.parse().unwrap()).unwrap(),
                };
                self.speak(name, Decision::Say(bid.say()));
            }
            [name, "vanishes"] => self.step(Input::Undelivered { to: aid(name).name().clone() }),
            [name, "stops"] => self.speak(name, Decision::Stopped),
            [name, "delivers", result] => {
                let delivery = Delivery { result: result.to_owned(), spent: None };
                self.speak(name, Decision::Say(delivery.say()));
            }
            [name, act] => self.speak(name, Decision::say(act.parse().unwrap(), "so")),
            _ => panic!("{line}"),
        }
    }
}

fn told(report: &TenderReport) -> String {
    match report {
        TenderReport::Bidden { by, bid } => {
            format!("bid of {} for {}", by.local(), bid.price.as_nanos())
        }
        TenderReport::Out { who, how } => format!("{} is out: {}", who.local(), how.as_str()),
        TenderReport::Round { number, among } => {
            let names: Vec<&str> = among.iter().map(AgentName::local).collect();
            format!("round {number} among {}", names.join(", "))
        }
        TenderReport::Awarded { to, bid, pay, finish_by } => {
            let (bid, pay) = (bid.price.as_nanos(), pay.as_nanos());
            format!(
                "awarded to {} for {bid}, pays {pay}, until {}",
                to.local(),
                finish_by.as_millis()
            )
        }
        TenderReport::Learned(outcome) => {
            let kept = match outcome.result {
                Kept::Done { took, .. } => format!("done in {} s", took.as_secs()),
                Kept::Failed => "failed".to_owned(),
                Kept::Silent => "silent".to_owned(),
            };
            format!("learned: {} {kept}", outcome.agent.local())
        }
        TenderReport::Late(message) => {
            format!("late: {} {}", message.sender.clone().unwrap(), message.performative)
        }
        TenderReport::Ended(ending) => format!("ended: {ending:?}"),
    }
}

fn tell(announcement: Announcement, terms: Terms, script: &str) -> String {
    let mut hall = Hall::new(announcement, terms);
    for line in script.lines() {
        hall.line(line.trim());
    }
    hall.told
}

#[test]
fn the_cheapest_of_three_does_it() {
    insta::assert_snapshot!(tell(
        announcement(),
        terms("cheapest"),
        "open
         smith bids 12 60 900
         jones bids 9 90 900
         brown refuse
         after 30
         jones delivers green
         cancel",
    ));
}

#[test]
fn who_fails_is_replaced_and_who_is_silent_too() {
    insta::assert_snapshot!(tell(
        announcement(),
        Terms { reserve: 2, ..terms("cheapest") },
        "open
         smith bids 12 60 900
         jones bids 9 90 900
         brown bids 10 60 900
         jones failure
         clock
         brown delivers late
         smith delivers green",
    ));
}

#[test]
fn who_vanishes_is_not_waited_for() {
    insta::assert_snapshot!(tell(
        announcement(),
        terms("cheapest"),
        "open
         smith bids 12 60 900
         jones bids 9 90 900
         brown vanishes
         jones vanishes
         jones vanishes
         eve vanishes
         smith delivers green",
    ));
}

#[test]
fn when_all_fail_it_is_said() {
    insta::assert_snapshot!(tell(
        announcement(),
        terms("fastest"),
        "open
         smith bids 12 60 900
         jones bids 9 90 900
         brown bids 30 300 900
         smith failure
         jones failure",
    ));
}

#[test]
fn bids_that_do_not_count_are_answered() {
    insta::assert_snapshot!(tell(
        Announcement { done_by: Some(Timestamp::from_millis(60_000)), ..announcement() },
        terms("cheapest"),
        "open
         smith bids 101 5 900
         jones bids 9 61 900
         clock
         brown bids 9 5 900",
    ));
    // A proposal in another form is not understood, and its bidder out.
    let mut hall = Hall::new(announcement(), terms("cheapest"));
    hall.line("open");
    let call = hall.bidders[0].clone();
    let (_, outputs) = call
        .step(Timestamp::from_millis(1), Input::Decided(Decision::say(Performative::Propose, "7")));
    let Some(Output::Send(proposal)) = outputs.first() else { panic!("{outputs:?}") };
    let (_, outputs) =
        hall.tender.step(Timestamp::from_millis(1), Input::Received(proposal.clone()));
    let [Output::Send(answer), Output::Report(TenderReport::Out { .. })] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    insta::assert_snapshot!(answer.content.clone().unwrap());
}

#[test]
fn a_cancelled_tender_lets_everybody_go() {
    insta::assert_snapshot!(tell(
        announcement(),
        terms("cheapest"),
        "open
         smith bids 12 60 900
         cancel
         jones stops
         brown bids 3 3 900
         brown stops
         open",
    ));
}

#[test]
fn rounds_go_on_while_they_lower_the_price() {
    insta::assert_snapshot!(tell(
        announcement(),
        Terms { rounds: 5, ..terms("vickrey") },
        "open
         smith bids 12 60 900
         jones bids 9 90 900
         brown bids 15 90 900
         smith bids 8 60 900
         jones bids 9 90 900
         jones bids 8 60 900
         smith bids 8 60 900
         jones delivers green",
    ));
}

#[test]
fn nobody_bids() {
    insta::assert_snapshot!(tell(
        announcement(),
        terms("cheapest"),
        "close\nopen\nsmith refuse\nclose"
    ));
}

#[test]
fn offers_read_as_they_are_written() {
    let bid = Bid {
        price: Money::from_nanos(250),
        takes: Duration::from_millis(1500),
        confidence: Confidence::CERTAIN,
    };
    let (pay, finish_by) = (Money::from_nanos(3), Timestamp::from_millis(4));
    let award = Award { task: "mend it".to_owned(), pay, finish_by };
    let delivery = Delivery { result: "green".to_owned(), spent: Some(Money::from_nanos(2)) };
    assert_eq!(Bid::read(&bid.say()), Ok(bid));
    assert_eq!(Award::read(&award.say()), Ok(award));
    assert_eq!(Delivery::read(&delivery.say()), delivery);
    assert_eq!(Delivery::read(&Message::new(Performative::Inform).about("7")).result, "7");
    let call = announcement().say(Timestamp::from_millis(9));
    assert_eq!(Announcement::read(&call), Ok(announcement()));
    assert_eq!(call.deadline(Timestamp::from_millis(0)), Some(Timestamp::from_millis(9)));
    let wrong = r#"{"price":1,"takes_ms":1,"confidence":1001}"#;
    let refusal = Bid::read(&Message::new(Performative::Propose).about(wrong)).unwrap_err();
    insta::assert_snapshot!(refusal);
}

/// What may happen to a tender, lawful and not.
fn input() -> impl Strategy<Value = Input<TenderDecision>> {
    let names = prop::sample::select(vec!["smith", "jones", "brown", "eve"]);
    let content = prop_oneof![
        Just("so".to_owned()),
        (0..120_u64, 0..100_000_u64, 0..1100_u16).prop_map(|(price, takes, confidence)| format!(
            r#"{{"price":{price},"takes_ms":{takes},"confidence":{confidence}}}"#
        )),
    ];
    let acts = prop::sample::select(vec![
        Performative::Propose,
        Performative::Propose,
        Performative::Refuse,
        Performative::Inform,
        Performative::Failure,
        Performative::NotUnderstood,
        Performative::Cancel,
    ]);
    let acts =
        prop_oneof![4 => acts, 1 => (0..22_usize).prop_map(|index| PERFORMATIVES[index].act)];
    prop_oneof![
        12 => (names, acts, content).prop_map(|(name, act, content)| Input::Received(
            Message::new(act).from(aid(name)).within(ConversationId::from_bits(3)).about(content)
        )),
        1 => sample::message().prop_map(Input::Received),
        2 => (0..6_u32).prop_map(|timer| Input::Passed(Timer(timer))),
        1 => prop::sample::select(vec!["smith", "jones", "eve"])
            .prop_map(|name| Input::Undelivered { to: aid(name).name().clone() }),
        2 => Just(Input::Decided(TenderDecision::Open)),
        1 => Just(Input::Decided(TenderDecision::Close)),
        1 => prop::sample::select(vec![TenderDecision::Open, TenderDecision::Cancel]).prop_map(Input::Decided),
    ]
}

proptest! {
    #[test]
    fn any_inputs_are_answered_and_one_at_a_time_is_awarded(
        rule in 0..4_usize, rounds in 1..4_u8, reserve in 0..3_usize,
        inputs in prop::collection::vec(input(), 0..40),
    ) {
        let terms = Terms { rounds, reserve, ..terms(AWARD_RULES[rule].name) };
        let mut tender = Hall::new(announcement(), terms).tender;
        let (mut awards, mut lessons) = (0, 0);
        for (moment, input) in inputs.into_iter().enumerate() {
            let ended = tender.is_ended();
            let (after, outputs) = tender.step(Timestamp::from_millis(moment as u64), input);
            prop_assert!(!outputs.is_empty());
            for output in &outputs {
                let Output::Report(report) = output else { continue };
                prop_assert!(!ended || matches!(report, TenderReport::Late(_)), "{:?}", report);
                match report {
                    TenderReport::Awarded { pay, bid, .. } => {
                        prop_assert!(*pay >= bid.price && pay.as_nanos() <= 100);
                        awards += 1;
                    }
                    TenderReport::Learned(_) => lessons += 1,
                    TenderReport::Bidden { .. } | TenderReport::Out { .. } | TenderReport::Round { .. }
                    | TenderReport::Late(_) | TenderReport::Ended(_) => {}
                }
            }
            prop_assert_eq!(awards - lessons, i32::from(after.winner().is_some()) + i32::from(after.is_ended() && awards > lessons));
            prop_assert!(!ended || after.is_ended());
            tender = after;
        }
    }
}
