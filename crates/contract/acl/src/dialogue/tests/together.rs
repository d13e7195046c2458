//! The two sides of one conversation, with messages between them that cross.

use std::collections::VecDeque;

use super::*;

/// Both sides, and what is on its way to each.
struct Pair {
    sides: [Option<Dialogue>; 2],
    ways: [VecDeque<Message>; 2],
}

impl Pair {
    fn new(protocol: Protocol) -> Self {
        let patience = Patience::default();
        let conversation = ConversationId::from_bits(9);
        let initiator =
            Dialogue::initiator(protocol, aid("i@p"), aid("p@p"), conversation, patience);
        Self { sides: [Some(initiator), None], ways: Default::default() }
    }

    fn step(&mut self, who: usize, input: Input) -> Vec<Output> {
        if let (None, Input::Received(opening)) = (&self.sides[who], &input) {
            let patience = Patience::default();
            self.sides[who] = Dialogue::participant(aid("p@p"), opening, patience).ok();
        }
        let Some(side) = self.sides[who].take() else { return vec![] };
        let (side, outputs) = side.step(at(0), input);
        self.sides[who] = Some(side);
        for output in &outputs {
            if let Output::Send(message) = output {
                self.ways[1 - who].push_back(message.clone());
            }
        }
        outputs
    }

    fn deliver(&mut self, to: usize) -> Vec<Output> {
        match self.ways[to].pop_front() {
            Some(message) => self.step(to, Input::Received(message)),
            None => vec![],
        }
    }
}

proptest! {
    /// However decisions and deliveries interleave, two machines that keep the rules understand each other, and end alike.
    #[test]
    fn two_machines_always_understand_each_other(
        protocol in 0..7_usize,
        moves in prop::collection::vec((0..6_u8, 0..22_usize), 0..60),
    ) {
        let protocol = PROTOCOLS[protocol].protocol;
        let mut pair = Pair::new(protocol);
        let mut outputs = pair.step(0, Input::Decided(Decision::say(protocol.row().opened_by[0], "do")));
        for (kind, act) in moves {
            let act = crate::PERFORMATIVES[act].act;
            let speech = Input::Decided(Decision::say(act, "so"));
            // The owner's own word that it did not understand is a word like others; the machine's is what must not be.
            let speaks = act != Performative::NotUnderstood;
            outputs.extend(match kind {
                0 => pair.deliver(0),
                1 => pair.deliver(1),
                2 if speaks => pair.step(0, speech),
                3 if speaks => pair.step(1, speech),
                4 => pair.step(0, Input::Decided(Decision::Cancel)),
                _ => pair.step(1, Input::Decided(Decision::Stopped)),
            });
        }
        while pair.ways.iter().any(|way| !way.is_empty()) {
            outputs.extend(pair.deliver(0));
            outputs.extend(pair.deliver(1));
        }
        for output in &outputs {
            let lost = matches!(output, Output::Send(m) if m.performative == Performative::NotUnderstood);
            prop_assert!(!lost, "{:?}", output);
        }
        let stages = pair.sides.map(|side| side.map(|side| side.stage()));
        prop_assert!(stages[1].is_none() || stages[0] == stages[1], "{:?}", stages);
    }
}
