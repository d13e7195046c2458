//! One step of a conversation.

use bottega_types::Timestamp;

use super::cancel::Cancel;
use super::rules::{awaited, next, owes};
use super::{Decision, Dialogue, Ending, Input, Output, Report, Side, Stage, Timer};
use crate::brokering::RELAYED_FROM;
use crate::{AgentName, Message, Performative, Protocol, ProtocolName, ReplyBy};

impl Dialogue {
    /// Takes in one input at the moment `now`.
    ///
    /// At least one output comes of every input. A machine that has ended stays so: it answers what it still hears, and
    /// reports nothing more. A message that is not legal here is answered with `not-understood` and the reason, and
    /// changes nothing.
    #[must_use]
    pub fn step(mut self, now: Timestamp, input: Input) -> (Self, Vec<Output>) {
        let outputs = match input {
            Input::Received(message) => self.receive(message, now),
            Input::Decided(Decision::Say(draft)) => self.say(draft, now),
            Input::Decided(Decision::Cancel) => self.say_cancel(now),
            Input::Decided(Decision::Stopped) => self.answer_cancel(None),
            Input::Decided(Decision::CannotStop { why }) => self.answer_cancel(Some(why)),
            Input::Passed(timer) => self.pass(timer),
            Input::Undelivered { to } => self.lose(&to),
        };
        (self, outputs)
    }

    /// Why a message does not belong here, if it does not.
    fn stranger(&self, message: &Message) -> Option<String> {
        if !message.sender.as_ref().is_some_and(|sender| sender.is_same_agent(&self.peer)) {
            return Some(format!("this conversation is with {}", self.peer));
        }
        if message.conversation != self.thread {
            return Some("this is another conversation".to_owned());
        }
        match &message.protocol {
            Some(named) if *named != ProtocolName::Known(self.protocol) => {
                Some(format!("this conversation follows {}", self.protocol))
            }
            Some(_) | None => None,
        }
    }

    fn receive(&mut self, message: Message, now: Timestamp) -> Vec<Output> {
        if let Some(why) = self.stranger(&message) {
            return self.answer(&message, &why);
        }
        if message.performative == Performative::Cancel {
            return self.hear_cancel(message);
        }
        if self.answers_cancel(&message) && !self.is_ended() {
            return self.hear_cancel_answer(message, now);
        }
        let live = !matches!(self.stage, Stage::Fresh | Stage::Ended(_));
        let relayed = self.is_relayed(self.side.other(), &message);
        if message.performative == Performative::NotUnderstood && live && !relayed {
            return self.end(Ending::Misunderstood, Some(message));
        }
        let Some(to) = self.leads(self.side.other(), &message) else {
            return self.misunderstand(&message);
        };
        let stale = message.in_reply_to.is_some() && message.in_reply_to != self.last_said;
        if self.stage == Stage::Asked && stale {
            return self.answer(&message, "this answers another message than the last one");
        }
        self.heard = Some(Box::new(message.clone()));
        if let Stage::Ended(ending) = to {
            return self.end(ending, Some(message));
        }
        self.stage = to;
        let by = message.deadline(now);
        let mut outputs = vec![Output::Report(Report::Heard(message))];
        outputs.extend(self.await_other(now, by));
        outputs
    }

    fn say(&mut self, draft: Message, now: Timestamp) -> Vec<Output> {
        let act = draft.performative;
        let by = draft.deadline(now);
        if matches!(self.cancel, Cancel::Said(_)) {
            return vec![Output::Impossible { why: "a cancel is under way".to_owned() }];
        }
        let live = !matches!(self.stage, Stage::Fresh | Stage::Ended(_));
        let to = match self.leads(self.side, &draft) {
            Some(to) => to,
            None if act == Performative::NotUnderstood && live => {
                Stage::Ended(Ending::Misunderstood)
            }
            None => {
                let may = awaited(self.protocol, self.stage, self.side);
                let why = format!("{act} can't be said now ({}); {may} can", self.stage);
                return vec![Output::Impossible { why }];
            }
        };
        let message = self.compose(draft);
        self.last_said.clone_from(&message.reply_with);
        let mut outputs = vec![Output::Send(message)];
        if let Stage::Ended(ending) = to {
            outputs.extend(self.end(ending, None));
        } else {
            self.stage = to;
            outputs.extend(self.await_other(now, by));
        }
        outputs
    }

    /// Whether a broker passes on, in this message, what another said.
    fn is_relayed(&self, who: Side, message: &Message) -> bool {
        self.protocol == Protocol::Brokering
            && self.stage == Stage::Agreed
            && who == Side::Participant
            && message.user_parameter(RELAYED_FROM).is_some()
    }

    /// Where a message leads when `who` says it now.
    fn leads(&self, who: Side, message: &Message) -> Option<Stage> {
        if self.is_relayed(who, message) {
            return Some(Stage::Agreed);
        }
        next(self.protocol, self.stage, who, message.performative)
    }

    /// Makes a message of a draft: to whom, from whom, where it belongs.
    pub(super) fn compose(&mut self, draft: Message) -> Message {
        let mut message = match &self.heard {
            // As the other side wants to be answered.
            Some(heard) => {
                let frame = heard.reply(draft.performative, &self.me);
                draft.to(frame.receivers).answering(frame.in_reply_to)
            }
            None => draft.to(self.peer.clone()).answering(None),
        };
        message.sender = Some(self.me.clone());
        message.conversation.clone_from(&self.thread);
        message.protocol = Some(self.protocol.into());
        message.named(self.next_name())
    }

    /// Arms the deadline by which the other side owes its next word; `by` is what the last message itself says.
    pub(super) fn await_other(&mut self, now: Timestamp, by: Option<Timestamp>) -> Option<Output> {
        let until = if owes(self.protocol, self.stage, self.side.other()) {
            match self.stage {
                Stage::Fresh | Stage::Asked | Stage::Proposed => {
                    by.or_else(|| self.patience.answer.map(|span| now.plus(span)))
                }
                Stage::Agreed if self.protocol == Protocol::Subscribe => None,
                Stage::Agreed | Stage::Awarded => self.patience.result.map(|span| now.plus(span)),
                Stage::Ended(_) => None,
            }
        } else if self.stage == Stage::Asked {
            // This side owes the answer; the other's `reply-by` holds.
            by
        } else {
            None
        };
        self.arm(until)
    }

    pub(super) fn arm(&mut self, at: Option<Timestamp>) -> Option<Output> {
        self.armed = None;
        let at = at?;
        self.timers = self.timers.wrapping_add(1);
        let timer = Timer(self.timers);
        self.armed = Some(timer);
        Some(Output::Arm { timer, at })
    }

    fn pass(&mut self, timer: Timer) -> Vec<Output> {
        if self.armed != Some(timer) {
            let why = "this deadline no longer counts".to_owned();
            return vec![Output::Disregarded { why }];
        }
        let mut outputs = Vec::new();
        if self.side == Side::Participant && self.stage == Stage::Asked {
            // Whoever let the time pass says so, rather than leave the other waiting.
            let refusal = Message::new(Performative::Refuse).about("the time to answer has passed");
            outputs.push(Output::Send(self.compose(refusal)));
        }
        outputs.extend(self.end(Ending::Silent, None));
        outputs
    }

    fn lose(&mut self, to: &AgentName) -> Vec<Output> {
        if self.is_ended() || self.stage == Stage::Fresh || to != self.peer.name() {
            let why = format!("nothing is owed to or by {to} here");
            return vec![Output::Disregarded { why }];
        }
        // There is nobody to answer.
        self.cancel = Cancel::None;
        self.end(Ending::Unreached, None)
    }

    pub(super) fn end(&mut self, ending: Ending, last: Option<Message>) -> Vec<Output> {
        let mut outputs: Vec<Output> = self.settle_cancel(ending).into_iter().collect();
        self.stage = Stage::Ended(ending);
        self.armed = None;
        outputs.push(Output::Report(Report::Ended(ending, last)));
        outputs
    }

    /// The answer to a message that has no place in this stage.
    pub(super) fn misunderstand(&self, message: &Message) -> Vec<Output> {
        let why = match self.stage {
            Stage::Ended(ending) => format!("the conversation has ended ({})", ending.as_str()),
            stage @ (Stage::Fresh
            | Stage::Asked
            | Stage::Agreed
            | Stage::Proposed
            | Stage::Awarded) => format!(
                "the conversation is at `{stage}` and waits for {} from you",
                awaited(self.protocol, stage, self.side.other())
            ),
        };
        self.answer(message, &why)
    }

    fn answer(&self, message: &Message, why: &str) -> Vec<Output> {
        vec![match message.not_understood(&self.me, why) {
            Some(answer) => Output::Send(answer),
            None => Output::Disregarded { why: why.to_owned() },
        }]
    }
}

impl Message {
    /// A draft that wants its answer by then.
    #[must_use]
    pub fn wanted_by(self, at: Timestamp) -> Self {
        self.with_reply_by(ReplyBy::At(at))
    }
}
