//! Conformance: what each side may hear and say in each stage, and what becomes of everything else.

mod cancel;
mod together;

use std::collections::BTreeMap;
use std::time::Duration;

use bottega_types::{ConversationId, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{PROTOCOLS, sample};

/// Per protocol: `stage: who act → stage`, with `i` for the initiator and `p` for the participant. Written from the
/// documents and not from the rules.
const LEGAL: [(Protocol, &str); 7] = [
    (
        Protocol::Request,
        "fresh: i request → asked
         asked: p refuse → refused; p agree → agreed; p failure → failed; p inform → done
         agreed: p failure → failed; p inform → done",
    ),
    (
        Protocol::RequestWhen,
        "fresh: i request-when → asked
         asked: p refuse → refused; p agree → agreed
         agreed: p refuse → refused; p failure → failed; p inform → done",
    ),
    (
        Protocol::Query,
        "fresh: i query-if → asked; i query-ref → asked
         asked: p refuse → refused; p agree → agreed; p failure → failed; p inform → done
         agreed: p failure → failed; p inform → done",
    ),
    (
        Protocol::Subscribe,
        "fresh: i subscribe → asked
         asked: p refuse → refused; p agree → agreed; p failure → failed; p inform → agreed
         agreed: p failure → failed; p inform → agreed",
    ),
    (
        Protocol::ContractNet,
        "fresh: i cfp → asked
         asked: p refuse → refused; p propose → proposed
         proposed: i reject-proposal → rejected; i accept-proposal → awarded
         awarded: p failure → failed; p inform → done",
    ),
    (
        Protocol::IteratedContractNet,
        "fresh: i cfp → asked
         asked: p refuse → refused; p propose → proposed
         proposed: i cfp → asked; i reject-proposal → rejected; i accept-proposal → awarded
         awarded: p failure → failed; p inform → done",
    ),
    (
        Protocol::Brokering,
        "fresh: i proxy → asked
         asked: p refuse → refused; p agree → agreed
         agreed: p failure → failed; p inform → done",
    ),
];

const STAGES: [Stage; 13] = [
    Stage::Fresh,
    Stage::Asked,
    Stage::Agreed,
    Stage::Proposed,
    Stage::Awarded,
    Stage::Ended(Ending::Done),
    Stage::Ended(Ending::Refused),
    Stage::Ended(Ending::Failed),
    Stage::Ended(Ending::Rejected),
    Stage::Ended(Ending::Misunderstood),
    Stage::Ended(Ending::Cancelled),
    Stage::Ended(Ending::Silent),
    Stage::Ended(Ending::Unreached),
];

type Edges = BTreeMap<(String, Performative), (Side, Stage)>;

fn stage(name: &str) -> Stage {
    *STAGES.iter().find(|stage| stage.to_string() == name).unwrap()
}

fn edges(protocol: Protocol) -> Edges {
    let (_, text) = LEGAL.iter().find(|(own, _)| *own == protocol).unwrap();
    let mut edges = Edges::new();
    for line in text.lines() {
        let (from, words) = line.trim().split_once(": ").unwrap();
        for word in words.split("; ") {
            let (said, to) = word.split_once(" → ").unwrap();
            let (who, act) = said.split_once(' ').unwrap();
            let who = if who == "i" { Side::Initiator } else { Side::Participant };
            edges.insert((from.to_owned(), act.parse().unwrap()), (who, stage(to)));
        }
    }
    edges
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn aid(name: &str) -> Aid {
    name.parse().unwrap()
}

fn patience() -> Patience {
    let span = |seconds| Some(Duration::from_secs(seconds));
    Patience { answer: span(10), result: span(100) }
}

/// What `peer` says to `me`.
fn said(protocol: Protocol, act: Performative) -> Message {
    Message::new(act)
        .from(aid("peer@p"))
        .to(aid("me@p"))
        .within(ConversationId::from_bits(5))
        .following(protocol)
        .named(MessageRef::new("theirs"))
}

fn fresh(protocol: Protocol, side: Side) -> Dialogue {
    match side {
        Side::Initiator => Dialogue::initiator(
            protocol,
            aid("me@p"),
            aid("peer@p"),
            ConversationId::from_bits(5),
            patience(),
        ),
        Side::Participant => {
            let opening = said(protocol, protocol.row().opened_by[0]);
            Dialogue::participant(aid("me@p"), &opening, patience()).unwrap()
        }
    }
}

fn hear(dialogue: Dialogue, act: Performative) -> (Dialogue, Vec<Output>) {
    let message = said(dialogue.protocol(), act);
    dialogue.step(at(1), Input::Received(message))
}

fn decide(dialogue: Dialogue, act: Performative) -> (Dialogue, Vec<Output>) {
    dialogue.step(at(1), Input::Decided(Decision::say(act, "so")))
}

/// Every stage that legal words lead to, with a machine that has come to it.
fn walked(protocol: Protocol, side: Side) -> Vec<Dialogue> {
    let mut reached = vec![fresh(protocol, side)];
    let mut done = 0;
    while done < reached.len() {
        let here = reached[done].clone();
        done += 1;
        for ((from, act), (who, to)) in edges(protocol) {
            if from != here.stage().to_string() {
                continue;
            }
            let (next, outputs) =
                if who == side { decide(here.clone(), act) } else { hear(here.clone(), act) };
            assert_eq!(next.stage(), to, "{protocol} {side:?} {from} {act}: {outputs:?}");
            if reached.iter().all(|other| other.stage() != to) {
                reached.push(next);
            }
        }
    }
    for ending in [Ending::Misunderstood, Ending::Cancelled, Ending::Silent, Ending::Unreached] {
        let mut ended = reached[1].clone();
        ended.stage = Stage::Ended(ending);
        reached.push(ended);
    }
    reached
}

fn is_live(stage: Stage) -> bool {
    !matches!(stage, Stage::Fresh | Stage::Ended(_))
}

/// The one answer to a message that has no place: `not-understood` with a reason, or a word to the owner when it told of
/// an error.
#[track_caller]
fn check_is_answered(act: Performative, outputs: &[Output]) {
    match outputs {
        [Output::Send(answer)] if !act.ends_talk() => {
            assert_eq!(answer.performative, Performative::NotUnderstood);
            assert_eq!(answer.in_reply_to, Some(MessageRef::new("theirs")));
            assert_eq!(answer.receivers.as_slice(), [aid("peer@p")]);
            let content = answer.content.clone().unwrap().to_string();
            assert!(content.starts_with(&format!("({act} \"")) && content.len() > 20, "{content}");
        }
        [Output::Disregarded { why }] if act.ends_talk() => assert!(!why.is_empty()),
        _ => panic!("{act}: {outputs:?}"),
    }
}

#[track_caller]
fn check_heard(before: &Dialogue, act: Performative, expected: Option<Stage>) {
    let (after, outputs) = hear(before.clone(), act);
    let place = format!("{} {:?} {} < {act}", before.protocol(), before.side(), before.stage());
    let live = is_live(before.stage());
    match expected {
        Some(Stage::Ended(ending)) => {
            assert_eq!(after.stage(), Stage::Ended(ending), "{place}");
            let [Output::Report(Report::Ended(reported, Some(_)))] = &outputs[..] else {
                panic!("{place}: {outputs:?}")
            };
            assert_eq!(*reported, ending, "{place}");
        }
        Some(stage) => {
            assert_eq!(after.stage(), stage, "{place}");
            assert!(matches!(outputs[0], Output::Report(Report::Heard(_))), "{place}: {outputs:?}");
        }
        None if act == Performative::NotUnderstood && live => {
            assert_eq!(after.stage(), Stage::Ended(Ending::Misunderstood), "{place}");
        }
        None if act == Performative::Cancel && before.side() == Side::Participant && live => {
            assert!(matches!(outputs[..], [Output::Report(Report::CancelAsked(_))]), "{place}");
            assert_eq!(after.stage(), before.stage(), "{place}");
            assert!(after.is_being_cancelled());
        }
        None if act == Performative::Cancel
            && before.side() == Side::Participant
            && before.is_ended() =>
        {
            let [Output::Send(answer)] = &outputs[..] else { panic!("{place}: {outputs:?}") };
            assert_eq!(answer.performative, Performative::Failure, "{place}");
            assert_eq!(&after, before, "{place}");
        }
        None => {
            assert_eq!(&after, before, "{place}");
            check_is_answered(act, &outputs);
        }
    }
}

#[track_caller]
fn check_said(before: &Dialogue, act: Performative, expected: Option<Stage>) {
    let (after, outputs) = decide(before.clone(), act);
    let place = format!("{} {:?} {} > {act}", before.protocol(), before.side(), before.stage());
    let misunderstood = act == Performative::NotUnderstood && is_live(before.stage());
    let expected = expected.or(misunderstood.then_some(Stage::Ended(Ending::Misunderstood)));
    let Some(expected) = expected else {
        assert!(matches!(outputs[..], [Output::Impossible { .. }]), "{place}: {outputs:?}");
        assert_eq!(&after, before, "{place}");
        return;
    };
    let Some(Output::Send(message)) = outputs.first() else { panic!("{place}: {outputs:?}") };
    assert_eq!((message.performative, after.stage()), (act, expected), "{place}");
    assert_eq!(message.protocol, Some(before.protocol().into()));
    assert!(
        message.reply_with.is_some()
            && message.conversation == said(before.protocol(), act).conversation
    );
    if before.heard.is_some() {
        assert_eq!(message.in_reply_to, Some(MessageRef::new("theirs")), "{place}");
    }
}

#[test]
fn every_word_in_every_stage_of_every_protocol() {
    for row in PROTOCOLS {
        let edges = edges(row.protocol);
        for side in [Side::Initiator, Side::Participant] {
            let reached = walked(row.protocol, side);
            for before in &reached {
                for act in Performative::all() {
                    let edge = edges.get(&(before.stage().to_string(), act));
                    let to = |who| edge.filter(|(own, _)| *own == who).map(|(_, to)| *to);
                    check_heard(before, act, to(side.other()));
                    check_said(before, act, to(side));
                }
            }
        }
    }
}

#[test]
fn the_rules_are_those_of_the_documents() {
    for row in PROTOCOLS {
        let ruled: Edges = rules(row.protocol)
            .iter()
            .map(|rule| ((rule.from.to_string(), rule.act), (rule.who, rule.to)))
            .collect();
        assert_eq!(ruled, edges(row.protocol), "{}", row.name);
        assert_eq!(
            ruled.len(),
            rules(row.protocol).len(),
            "{}: a word leads to one stage",
            row.name
        );
    }
}

#[test]
fn strangers_and_other_conversations_are_answered() {
    let asked = decide(fresh(Protocol::Request, Side::Initiator), Performative::Request).0;
    let agree = said(Protocol::Request, Performative::Agree);
    for (message, why) in [
        (agree.clone().from(aid("eve@p")), "this conversation is with peer@p"),
        (agree.clone().within(ConversationId::from_bits(6)), "this is another conversation"),
        (agree.clone().following(Protocol::Query), "this conversation follows fipa-request"),
        (
            agree.answering(Some(MessageRef::new("elsewhere"))),
            "this answers another message than the last one",
        ),
    ] {
        let (after, outputs) = asked.clone().step(at(1), Input::Received(message));
        let [Output::Send(answer)] = &outputs[..] else { panic!("{outputs:?}") };
        assert_eq!(answer.performative, Performative::NotUnderstood);
        assert!(answer.content.clone().unwrap().to_string().contains(why), "{answer:?}");
        assert_eq!(after, asked);
    }
    let mut unsigned = said(Protocol::Request, Performative::Agree);
    unsigned.sender = None;
    let (_, outputs) = asked.step(at(1), Input::Received(unsigned));
    assert!(matches!(outputs[..], [Output::Disregarded { .. }]), "{outputs:?}");
}

#[test]
fn what_opens_no_conversation_is_answered() {
    let why = |message: Message| {
        let refusal = Dialogue::participant(aid("me@p"), &message, patience()).unwrap_err();
        assert_eq!(refusal.answer.unwrap().performative, Performative::NotUnderstood);
        refusal.why
    };
    let agree = Message::new(Performative::Agree).from(aid("a@p"));
    insta::assert_snapshot!(
        [
            why(agree.clone()),
            why(agree.clone().following(Protocol::Request)),
            why(agree.following(ProtocolName::new("fipa-auction-english"))),
        ]
        .join("\n")
    );
    let opening = Message::new(Performative::QueryRef).from(aid("a@p"));
    let dialogue = Dialogue::participant(aid("me@p"), &opening, patience()).unwrap();
    assert_eq!((dialogue.protocol(), dialogue.conversation()), (Protocol::Query, None));
}

/// The deadlines that a step armed.
fn armed(outputs: &[Output]) -> Vec<u64> {
    let armed = outputs.iter().filter_map(|output| match output {
        Output::Arm { at, .. } => Some(at.as_millis()),
        Output::Send(_)
        | Output::Report(_)
        | Output::Impossible { .. }
        | Output::Disregarded { .. } => None,
    });
    armed.collect()
}

#[test]
fn silence_ends_a_conversation() {
    let (asked, outputs) = decide(fresh(Protocol::Request, Side::Initiator), Performative::Request);
    assert_eq!(armed(&outputs), [10_001], "the answer is awaited");
    let (agreed, outputs) = hear(asked, Performative::Agree);
    assert_eq!(armed(&outputs), [100_001], "the result is awaited");

    let (still, outputs) = agreed.clone().step(at(10_001), Input::Passed(Timer(1)));
    assert!(matches!(outputs[..], [Output::Disregarded { .. }]), "the first deadline was kept");
    assert_eq!(still, agreed);
    let (ended, outputs) = agreed.step(at(100_001), Input::Passed(Timer(2)));
    assert_eq!(outputs, [Output::Report(Report::Ended(Ending::Silent, None))]);
    assert_eq!(ended.stage(), Stage::Ended(Ending::Silent));
}

#[test]
fn who_cannot_be_reached_ends_a_conversation() {
    let lost = |name: &str| Input::Undelivered { to: name.parse().unwrap() };
    let (asked, _) = decide(fresh(Protocol::Request, Side::Initiator), Performative::Request);
    let (same, outputs) = asked.clone().step(at(2), lost("eve@p"));
    assert!(matches!(outputs[..], [Output::Disregarded { .. }]) && same == asked, "{outputs:?}");
    let (ended, outputs) = asked.step(at(2), lost("peer@p"));
    assert_eq!(outputs, [Output::Report(Report::Ended(Ending::Unreached, None))]);
    let (_, outputs) = ended.step(at(3), lost("peer@p"));
    assert!(matches!(outputs[..], [Output::Disregarded { .. }]), "{outputs:?}");
}

#[test]
fn reply_by_is_kept_by_both_sides() {
    let draft = Message::new(Performative::Request).wanted_by(at(500));
    let initiator = fresh(Protocol::Request, Side::Initiator);
    let (_, outputs) = initiator.step(at(1), Input::Decided(Decision::Say(draft)));
    assert_eq!(armed(&outputs), [500]);

    let opening = said(Protocol::Request, Performative::Request)
        .with_reply_by(crate::ReplyBy::Within(Duration::from_millis(400)));
    let participant = fresh(Protocol::Request, Side::Participant);
    let (participant, outputs) = participant.step(at(1), Input::Received(opening));
    assert_eq!(armed(&outputs), [401]);
    let (participant, outputs) = participant.step(at(401), Input::Passed(Timer(1)));
    assert!(
        matches!(&outputs[0], Output::Send(refusal) if refusal.performative == Performative::Refuse)
    );
    assert_eq!(participant.stage(), Stage::Ended(Ending::Silent));
}

fn input() -> impl Strategy<Value = Input> {
    let act = (0..22_usize).prop_map(|index| crate::PERFORMATIVES[index].act);
    prop_oneof![
        6 => (act.clone(), any::<bool>()).prop_map(|(act, relayed)| {
            let mut message = said(Protocol::Request, act);
            message.protocol = None;
            Input::Received(if relayed {
                message.with_user(crate::brokering::RELAYED_FROM.parse().unwrap(), "x@p".into())
            } else {
                message
            })
        }),
        1 => sample::message().prop_map(Input::Received),
        6 => act.prop_map(|act| Input::Decided(Decision::say(act, "so"))),
        1 => Just(Input::Decided(Decision::Cancel)),
        1 => Just(Input::Decided(Decision::Stopped)),
        1 => Just(Input::Decided(Decision::CannotStop { why: "late".to_owned() })),
        1 => (0..4_u32).prop_map(|timer| Input::Passed(Timer(timer))),
        1 => prop::sample::select(vec!["me@p", "peer@p"])
            .prop_map(|name| Input::Undelivered { to: name.parse().unwrap() }),
    ]
}

proptest! {
    #[test]
    fn any_inputs_are_answered_and_an_end_is_an_end(
        protocol in 0..7_usize,
        initiator: bool,
        inputs in prop::collection::vec(input(), 0..24),
    ) {
        let side = if initiator { Side::Initiator } else { Side::Participant };
        let mut dialogue = fresh(PROTOCOLS[protocol].protocol, side);
        for (moment, input) in inputs.into_iter().enumerate() {
            let before = dialogue.clone();
            let heard = match &input {
                Input::Received(message) => Some(message.performative),
                Input::Decided(_) | Input::Passed(_) | Input::Undelivered { .. } => None,
            };
            let (after, outputs) = dialogue.step(at(moment as u64), input);
            prop_assert!(!outputs.is_empty());
            if before.is_ended() {
                prop_assert_eq!(after.stage(), before.stage());
                let talk = |output: &Output| matches!(output, Output::Report(_) | Output::Arm { .. });
                prop_assert!(!outputs.iter().any(talk));
            }
            if heard.is_some_and(Performative::ends_talk) {
                let told = |output: &Output| matches!(output, Output::Send(m) if m.performative == Performative::NotUnderstood);
                prop_assert!(!outputs.iter().any(told));
            }
            let ends = outputs.iter().filter(|output| matches!(output, Output::Report(Report::Ended(..))));
            prop_assert_eq!(ends.count(), usize::from(after.is_ended() && !before.is_ended()));
            dialogue = after;
        }
    }
}
