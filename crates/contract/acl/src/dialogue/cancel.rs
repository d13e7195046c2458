//! The cancel meta-protocol: the initiator takes back what it asked for. Part of each protocol's document (for instance
//! SC00026, section 1.2).

use bottega_types::Timestamp;

use super::{Dialogue, Ending, Output, Report, Side, Stage};
use crate::{Message, MessageRef, Performative};

/// Whether a cancel is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cancel {
    /// None is.
    None,
    /// The initiator said it, under this name.
    Said(MessageRef),
    /// The participant heard it, and has not answered.
    Heard(Box<Message>),
}

impl Dialogue {
    /// Whether a cancel is under way: said by the initiator or heard by the participant, and not yet answered.
    #[must_use]
    pub const fn is_being_cancelled(&self) -> bool {
        match self.cancel {
            Cancel::None => false,
            Cancel::Said(_) | Cancel::Heard(_) => true,
        }
    }

    pub(super) fn say_cancel(&mut self, now: Timestamp) -> Vec<Output> {
        let live = !matches!(self.stage, Stage::Fresh | Stage::Ended(_));
        if self.side == Side::Participant || !live || self.is_being_cancelled() {
            let why = match self.side {
                Side::Participant => "only the initiator cancels; refuse, or report a failure",
                Side::Initiator if live => "a cancel is under way",
                Side::Initiator => "there is nothing under way to cancel",
            };
            return vec![Output::Impossible { why: why.to_owned() }];
        }
        let message = self.compose(Message::new(Performative::Cancel));
        if let Some(name) = &message.reply_with {
            self.cancel = Cancel::Said(name.clone());
        }
        let mut outputs = vec![Output::Send(message)];
        let until = self.patience.answer.map(|patience| now.plus(patience));
        outputs.extend(self.arm(until));
        outputs
    }

    /// The participant's own answer to a cancel it heard; `why` it can't stop, if so.
    pub(super) fn answer_cancel(&mut self, why_not: Option<String>) -> Vec<Output> {
        let Cancel::Heard(cancel) = std::mem::replace(&mut self.cancel, Cancel::None) else {
            let why = "no cancel waits for an answer".to_owned();
            return vec![Output::Impossible { why }];
        };
        match why_not {
            None => {
                let done = cancel.reply(Performative::Inform, &self.me).about("cancelled");
                let mut outputs = vec![Output::Send(done)];
                outputs.extend(self.end(Ending::Cancelled, None));
                outputs
            }
            Some(why) => {
                vec![Output::Send(cancel.reply(Performative::Failure, &self.me).about(why))]
            }
        }
    }

    /// A cancel comes to this side.
    pub(super) fn hear_cancel(&mut self, message: Message) -> Vec<Output> {
        match self.stage {
            // Too late, and the initiator shall not think that it worked.
            Stage::Ended(ending) if self.side == Side::Participant => {
                let why = format!(
                    "nothing was cancelled: the conversation has ended ({})",
                    ending.as_str()
                );
                vec![Output::Send(message.reply(Performative::Failure, &self.me).about(why))]
            }
            Stage::Asked | Stage::Agreed | Stage::Proposed | Stage::Awarded
                if self.side == Side::Participant && !self.is_being_cancelled() =>
            {
                self.cancel = Cancel::Heard(Box::new(message.clone()));
                vec![Output::Report(Report::CancelAsked(message))]
            }
            Stage::Fresh
            | Stage::Asked
            | Stage::Agreed
            | Stage::Proposed
            | Stage::Awarded
            | Stage::Ended(_) => self.misunderstand(&message),
        }
    }

    /// Whether `message` answers the cancel that this side said. A peer that names no message means the cancel when it
    /// informs or fails.
    pub(super) fn answers_cancel(&self, message: &Message) -> bool {
        let Cancel::Said(name) = &self.cancel else { return false };
        let answers = matches!(
            message.performative,
            Performative::Inform | Performative::Failure | Performative::NotUnderstood
        );
        answers && message.in_reply_to.as_ref().is_none_or(|answered| answered == name)
    }

    pub(super) fn hear_cancel_answer(&mut self, message: Message, now: Timestamp) -> Vec<Output> {
        self.cancel = Cancel::None;
        if message.performative == Performative::Inform {
            return self.end(Ending::Cancelled, Some(message));
        }
        // The participant goes on, and so does the wait for it.
        let mut outputs = vec![Output::Report(Report::CancelFailed(message))];
        outputs.extend(self.await_other(now, None));
        outputs
    }

    /// What the initiator is told when the conversation ends in another way while its cancel waits.
    pub(super) fn settle_cancel(&mut self, ending: Ending) -> Option<Output> {
        match std::mem::replace(&mut self.cancel, Cancel::None) {
            Cancel::Heard(cancel) => {
                let why = format!(
                    "nothing was cancelled: the conversation had ended ({})",
                    ending.as_str()
                );
                Some(Output::Send(cancel.reply(Performative::Failure, &self.me).about(why)))
            }
            Cancel::None | Cancel::Said(_) => None,
        }
    }
}
