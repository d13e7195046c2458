//! The cancel meta-protocol, from both sides.

use super::*;

/// While the initiator's cancel waits: the answer that names it settles it, other words mean what they always mean, and
/// nothing else can be said.
#[test]
fn every_word_in_every_stage_while_a_cancel_waits() {
    for row in PROTOCOLS {
        let edges = edges(row.protocol);
        for before in walked(row.protocol, Side::Initiator) {
            if !is_live(before.stage()) {
                continue;
            }
            let (waits, outputs) = before.clone().step(at(1), Input::Decided(Decision::Cancel));
            let Some(Output::Send(cancel)) = outputs.first() else { panic!("{outputs:?}") };
            for act in Performative::all() {
                let place = format!("{} {} cancelling {act}", row.name, before.stage());
                let answer = said(row.protocol, act).answering(cancel.reply_with.clone());
                let (after, outputs) = waits.clone().step(at(1), Input::Received(answer));
                let settled =
                    [Performative::Inform, Performative::Failure, Performative::NotUnderstood];
                let stage = if act == Performative::Inform {
                    Stage::Ended(Ending::Cancelled)
                } else if settled.contains(&act) {
                    before.stage()
                } else {
                    // The peer says that this answers the cancel, or crossed it; the rules decide.
                    match edges.get(&(before.stage().to_string(), act)) {
                        Some((Side::Participant, to)) if before.stage() != Stage::Asked => *to,
                        Some(_) | None => before.stage(),
                    }
                };
                assert_eq!(after.stage(), stage, "{place}: {outputs:?}");
                let reported = matches!(outputs[0], Output::Report(_));
                assert!(reported || !settled.contains(&act), "{place}");
                let (same, outputs) = decide(waits.clone(), act);
                assert!(matches!(outputs[..], [Output::Impossible { .. }]), "{place}");
                assert_eq!(same, waits);
            }
        }
        for before in walked(row.protocol, Side::Participant) {
            if !is_live(before.stage()) {
                continue;
            }
            let (asked, _) = hear(before.clone(), Performative::Cancel);
            let (same, outputs) = hear(asked.clone(), Performative::Cancel);
            assert_eq!(same, asked);
            check_is_answered(Performative::Cancel, &outputs);
            for act in Performative::all() {
                let edge = edges.get(&(before.stage().to_string(), act));
                let to = |who| edge.filter(|(own, _)| *own == who).map(|(_, to)| *to);
                check_said(&asked, act, to(Side::Participant));
            }
        }
    }
}

#[test]
fn a_cancel_is_answered_one_way_or_the_other() {
    let subscribed = || {
        let (asked, _) =
            decide(fresh(Protocol::Subscribe, Side::Initiator), Performative::Subscribe);
        let (agreed, _) = hear(asked, Performative::Agree);
        let (cancelling, outputs) = agreed.step(at(2), Input::Decided(Decision::Cancel));
        let [Output::Send(cancel), Output::Arm { .. }] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        (cancelling, cancel.reply_with.clone())
    };
    let answer = |act, name: &Option<MessageRef>| {
        let (dialogue, _) = subscribed();
        let message = said(Protocol::Subscribe, act).answering(name.clone());
        dialogue.step(at(3), Input::Received(message))
    };
    let (_, cancel) = subscribed();
    assert_eq!(answer(Performative::Inform, &cancel).0.stage(), Stage::Ended(Ending::Cancelled));
    assert_eq!(answer(Performative::Inform, &None).0.stage(), Stage::Ended(Ending::Cancelled));
    let (goes_on, outputs) = answer(Performative::Failure, &cancel);
    assert!(matches!(outputs[0], Output::Report(Report::CancelFailed(_))), "{outputs:?}");
    assert!(goes_on.stage() == Stage::Agreed && !goes_on.is_being_cancelled());
    // News that crossed the cancel is news.
    let (waits, outputs) = answer(Performative::Inform, &Some(MessageRef::new("subscription")));
    assert!(matches!(outputs[0], Output::Report(Report::Heard(_))), "{outputs:?}");
    assert!(waits.is_being_cancelled());
    let (_, outputs) = waits.step(at(4), Input::Decided(Decision::Cancel));
    assert!(matches!(outputs[..], [Output::Impossible { .. }]), "{outputs:?}");
}

#[test]
fn a_participant_stops_or_says_why_not() {
    let asked = || {
        let (agreed, _) = hear(fresh(Protocol::Request, Side::Participant), Performative::Request);
        hear(agreed, Performative::Cancel).0
    };
    let (stopped, outputs) = asked().step(at(2), Input::Decided(Decision::Stopped));
    assert!(matches!(&outputs[0], Output::Send(done) if done.performative == Performative::Inform));
    assert_eq!(stopped.stage(), Stage::Ended(Ending::Cancelled));

    let why = "half of it is sent".to_owned();
    let (goes_on, outputs) = asked().step(at(2), Input::Decided(Decision::CannotStop { why }));
    assert!(matches!(&outputs[..], [Output::Send(no)] if no.performative == Performative::Failure));
    assert_eq!(goes_on.stage(), Stage::Asked);

    // The result comes first: the cancel that still waits is told so.
    let (done, outputs) = decide(asked(), Performative::Inform);
    let acts: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(message) => Some(message.performative),
            Output::Arm { .. }
            | Output::Report(_)
            | Output::Impossible { .. }
            | Output::Disregarded { .. } => None,
        })
        .collect();
    assert_eq!(acts, [Performative::Inform, Performative::Failure]);
    assert_eq!(done.stage(), Stage::Ended(Ending::Done));
}
