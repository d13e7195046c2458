//! One tender with all that it takes to go on. Pure: a step gives what is to be stored and what then is to be said.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bottega_acl::contract_net::{Tender, TenderDecision, TenderEnding, TenderReport};
use bottega_acl::{AgentName, Aid, ConversationRef, Input, Message, Output, Performative, Timer};
use bottega_event::{
    TenderAwarded, TenderBidden, TenderChoice, TenderClosing, TenderDecided, TenderEnded,
    TenderEvent, TenderHeard, TenderLearned, TenderLost, TenderOpened, TenderOut, TenderPassed,
    TenderRound,
};
use bottega_types::{ConversationId, MessageId, TenderId, Timestamp, TraceContext};

use crate::order;

/// One tender with all that it takes to go on.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    me: Aid,
    tender: Tender,
    /// Who was called; what others say in its conversation is nothing to it.
    bidders: Arc<BTreeSet<AgentName>>,
    /// The request to be answered at the end.
    request: Option<Message>,
    /// What caused it, where that is known.
    trace: Option<TraceContext>,
    /// Messages that were taken in.
    heard: HashSet<MessageId>,
    /// How many messages were said; the number of the next.
    said: u64,
    /// The deadline that counts.
    alarm: Option<(Timer, Timestamp)>,
}

/// What a step gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    /// To be stored, what happened first. Nothing is stored of what changes nothing.
    pub(crate) events: Vec<TenderEvent>,
    /// To be said once that is stored.
    pub(crate) say: Vec<Saying>,
    /// Why the decision is not possible now.
    pub(crate) impossible: Option<String>,
}

/// A message of a tender.
#[derive(Clone, Debug)]
pub(crate) struct Saying {
    /// Its number among all that the tender says.
    pub(crate) number: u64,
    /// Whether a bidder is told, and not whoever asked for the tender.
    pub(crate) to_bidder: bool,
    pub(crate) message: Message,
}

impl Case {
    /// A tender begins. Nothing when this build does not have its rule.
    pub(crate) fn open(
        id: TenderId,
        me: &Aid,
        opened: TenderOpened,
        now: Timestamp,
    ) -> Option<(Self, Step)> {
        let terms = order::terms(&opened.terms)?;
        let bidders = opened.bidders.iter().map(|it| (Aid::new(it.agent.clone()), it.standing));
        let bidders: Vec<_> = bidders.collect();
        let called = opened.bidders.iter().map(|bidder| bidder.agent.clone()).collect();
        let conversation = ConversationId::from_bits(id.bits());
        let announcement = opened.announcement.clone();
        let tender = Tender::among(me, conversation, announcement, terms, bidders);
        let request = opened.request.as_ref().and_then(|letter| letter.open().ok());
        let mut case = Self {
            me: me.clone(),
            tender,
            bidders: Arc::new(called),
            request,
            trace: opened.trace.clone(),
            heard: HashSet::new(),
            said: 0,
            alarm: None,
        };
        let mut step = Step { events: vec![opened.into()], ..Step::default() };
        if let Some(request) = &case.request {
            let agreed = request.reply(Performative::Agree, me).about(id.to_string());
            case.say(agreed, false, &mut step);
        }
        case.advance(Input::Decided(TenderDecision::Open), now, &mut step);
        Some((case, step))
    }

    /// Whether somebody was called for bids.
    pub(crate) fn knows(&self, agent: &AgentName) -> bool {
        self.bidders.contains(agent)
    }

    /// Whether it was asked for by this agent, in a message of this conversation.
    pub(crate) fn was_asked_for(&self, by: &AgentName, conversation: &ConversationRef) -> bool {
        let Some(request) = &self.request else { return false };
        let asked = request.sender.as_ref().map(Aid::name) == Some(by);
        asked && request.conversation.as_ref() == Some(conversation)
    }

    /// Whether it was asked for by a message of this agent's.
    pub(crate) fn was_asked_for_by(&self, agent: &AgentName) -> bool {
        let sender = self.request.as_ref().and_then(|request| request.sender.as_ref());
        sender.map(Aid::name) == Some(agent)
    }

    /// What caused it, where that is known.
    pub(crate) const fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.tender.is_ended()
    }

    pub(crate) const fn alarm(&self) -> Option<(Timer, Timestamp)> {
        self.alarm
    }

    /// Takes in what happened: one of `Heard`, `Passed`, `Lost` and `Decided`. What was taken in before changes nothing.
    pub(crate) fn take(&self, happened: &TenderEvent, now: Timestamp) -> (Self, Step) {
        let mut next = self.clone();
        let input = match happened {
            TenderEvent::Heard(TenderHeard { id, letter }) => {
                if !next.heard.insert(*id) {
                    return (next, Step::default());
                }
                letter.open().ok().map(Input::Received)
            }
            TenderEvent::Passed(TenderPassed { timer }) => Some(Input::Passed(Timer(*timer))),
            TenderEvent::Lost(TenderLost { agent, .. }) => {
                Some(Input::Undelivered { to: agent.clone() })
            }
            TenderEvent::Decided(TenderDecided { choice }) => Some(Input::Decided(match choice {
                TenderChoice::Close => TenderDecision::Close,
                TenderChoice::Cancel => TenderDecision::Cancel,
            })),
            TenderEvent::Opened(_)
            | TenderEvent::Bidden(_)
            | TenderEvent::Out(_)
            | TenderEvent::Round(_)
            | TenderEvent::Awarded(_)
            | TenderEvent::Learned(_)
            | TenderEvent::Ended(_)
            | TenderEvent::Told(_) => None,
        };
        let Some(input) = input else { return (next, Step::default()) };
        let mut step = Step { events: vec![happened.clone()], ..Step::default() };
        if !next.advance(input, now, &mut step) {
            step.events.clear();
        }
        (next, step)
    }

    /// Whether anything came of it.
    fn advance(&mut self, input: Input<TenderDecision>, now: Timestamp, step: &mut Step) -> bool {
        let (tender, outputs) = self.tender.clone().step(now, input);
        self.tender = tender;
        if self.tender.is_ended() {
            self.alarm = None;
        }
        let mut counts = false;
        for output in outputs {
            match output {
                Output::Send(message) => self.say(message, true, step),
                Output::Arm { timer, at } => self.alarm = Some((timer, at)),
                Output::Report(report) => self.report(report, step),
                Output::Impossible { why } => {
                    step.impossible = Some(why);
                    continue;
                }
                Output::Disregarded { .. } => continue,
            }
            counts = true;
        }
        counts
    }

    fn say(&mut self, message: Message, to_bidder: bool, step: &mut Step) {
        step.say.push(Saying { number: self.said, to_bidder, message });
        self.said += 1;
    }

    fn report(&mut self, report: TenderReport, step: &mut Step) {
        let event: TenderEvent = match report {
            TenderReport::Bidden { by, bid } => TenderBidden { by, bid }.into(),
            TenderReport::Out { who, how } => {
                TenderOut { agent: who, how: how.as_str().to_owned() }.into()
            }
            TenderReport::Round { number, among } => TenderRound { number, among }.into(),
            TenderReport::Awarded { to, bid, pay, finish_by } => {
                TenderAwarded { to, bid, pay, finish_by }.into()
            }
            TenderReport::Learned(outcome) => TenderLearned { outcome }.into(),
            // The message itself was taken in, and is written as that.
            TenderReport::Late(_) => return,
            TenderReport::Ended(ending) => {
                let closing = closing(ending);
                self.answer(&closing, step);
                TenderEnded { closing }.into()
            }
        };
        step.events.push(event);
    }

    /// Whoever asked for the tender is told how it ended.
    fn answer(&mut self, closing: &TenderClosing, step: &mut Step) {
        let Some(request) = self.request.take() else { return };
        let (act, words) = match closing {
            TenderClosing::Done { delivery, .. } => (Performative::Inform, delivery.result.clone()),
            TenderClosing::NoBids => (Performative::Failure, "no bid counted".to_owned()),
            TenderClosing::Exhausted => {
                (Performative::Failure, "everybody who was awarded failed".to_owned())
            }
            TenderClosing::Cancelled => {
                (Performative::Failure, "the task was withdrawn".to_owned())
            }
        };
        let answer = request.reply(act, &self.me).about(words);
        self.say(answer, false, step);
    }
}

fn closing(ending: TenderEnding) -> TenderClosing {
    match ending {
        TenderEnding::Done { by, pay, delivery } => TenderClosing::Done { by, pay, delivery },
        TenderEnding::NoBids => TenderClosing::NoBids,
        TenderEnding::Exhausted => TenderClosing::Exhausted,
        TenderEnding::Cancelled => TenderClosing::Cancelled,
    }
}
