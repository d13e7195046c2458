//! The message transport: from what an agent says to mailboxes and the journal.

use std::collections::VecDeque;
use std::sync::Arc;

use bottega_acl::{AgentName, Aid, Message, Performative, Receivers, ReplyBy};
use bottega_actor::{Delivery as Told, TaskKind, send_off, to_its_end};
use bottega_behaviour::{Undelivered, Unsent};
use bottega_event::{
    Death, HandledStep, Letter, MailAccepted, MailDied, MailEvent, Record, Revision,
};
use bottega_store::{Append, Batch, Expected, Journal};
use bottega_telemetry::{Trail, here};
use bottega_types::{Clock, CommandId, Entropy, MessageId, Timestamp};
use tokio::sync::{Mutex, mpsc};

use crate::admit::{self, Bounds};
use crate::blueprint::Delivery;
use crate::mailroom::Mailroom;
use crate::parcel::Parcel;
use crate::routes::{AgentRoute, Route, Routes};

/// What became of a message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its name, if it was stored for any receiver.
    pub id: Option<MessageId>,
    /// Whether a message of that name had been stored before, and nothing was done now.
    pub repeated: Option<Repeat>,
}

/// A message whose name was that of one that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It is the same, to one of the same receivers at least.
    Same,
    /// It says something else, or to others.
    Other,
}

/// What all that send and receive share.
pub(crate) struct Desk {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) routes: Routes,
    pub(crate) bounds: Bounds,
    pub(crate) calls: mpsc::Sender<Arc<Mailroom>>,
    /// The turn of those who store what was handled.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// A receiver whose message is to be stored.
struct Storing {
    mailroom: Arc<Mailroom>,
    name: AgentName,
}

/// Whether a record is of this message, but for the moment from which its deadline counts.
fn says(record: &Record, id: MessageId, message: &Message) -> bool {
    let Ok(MailEvent::Accepted(stored)) = MailEvent::decode(&record.event) else { return false };
    let Ok(said) = stored.letter.open() else { return false };
    let again = match (message.reply_by(), said.reply_by()) {
        (Some(_), Some(by)) => message.clone().with_reply_by(by),
        (Some(_) | None, Some(_) | None) => message.clone(),
    };
    stored.id == id && said == again
}

/// What became of a message on its way to one receiver.
enum Handed {
    /// It lies in the mailbox.
    Over,
    /// It has to be stored first.
    ToStore(Message, Storing),
    /// It can't be handed over.
    Back(Undelivered, Message),
}

/// A message that was handed to those who need nothing stored.
struct Left {
    message: Message,
    /// For whom it is to be stored.
    storing: Vec<Storing>,
    /// Who was not reached.
    failed: Vec<(Aid, Undelivered)>,
}

impl Desk {
    /// Sends a message. `id` names it, so that it is stored once however often it is sent; `class` says how it is kept,
    /// instead of what its receivers say.
    pub(crate) async fn send(
        self: &Arc<Self>,
        message: Message,
        id: Option<MessageId>,
        class: Option<Delivery>,
    ) -> Result<Receipt, Unsent> {
        let handed = self.hand_out(message, class);
        // A transient message waits for nothing, so without this a sender could keep its thread for as long as it has
        // something to say, while those it speaks to wait for one.
        bottega_actor::take_turns().await;
        match handed? {
            None => Ok(Receipt { id: None, repeated: None }),
            Some(left) => Box::pin(self.store(*left, id)).await,
        }
    }

    /// Puts a message into the mailboxes of its transient receivers. What is left is to be stored for the others, or to be
    /// told.
    fn hand_out(
        &self,
        message: Message,
        class: Option<Delivery>,
    ) -> Result<Option<Box<Left>>, Unsent> {
        admit::check(&message, self.bounds, || self.clock.now())
            .map_err(|why| Unsent::Inadmissible(why.to_string()))?;
        let message = match message.reply_by() {
            None => message,
            Some(_) => absolute(message, self.clock.now()),
        };
        // Nearly every message has one receiver, and is moved into its mailbox.
        if let Receivers::One(_) = &message.receivers {
            return match self.hand_over(message, 0, class) {
                Handed::Over => Ok(None),
                Handed::ToStore(message, to_store) => {
                    let (storing, failed) = (vec![to_store], Vec::new());
                    Ok(Some(Box::new(Left { message, storing, failed })))
                }
                Handed::Back(why, message) => {
                    let failed = message.receivers.as_slice().iter().cloned();
                    Err(Unsent::Undelivered(failed.map(|to| (to, why.clone())).collect()))
                }
            };
        }
        let (mut storing, mut failed) = (Vec::new(), Vec::new());
        let receivers = message.receivers.as_slice();
        for (index, receiver) in receivers.iter().enumerate() {
            // One who is named twice gets it once. There are few receivers, so a look at those before is cheap.
            if receivers[..index].iter().any(|before| before.name() == receiver.name()) {
                continue;
            }
            match self.hand_over(message.clone(), index, class) {
                Handed::Over => {}
                Handed::ToStore(_, to_store) => storing.push(to_store),
                Handed::Back(why, _) => failed.push((receiver.clone(), why)),
            }
        }
        Ok(Some(Box::new(Left { message, storing, failed })))
    }

    /// Puts a transient message into the mailbox of its receiver of this index.
    fn hand_over(&self, message: Message, index: usize, class: Option<Delivery>) -> Handed {
        let reached = self.routes.deliver(message, index, |route, message| {
            let AgentRoute { mailbox, mailroom, delivery, keep } = match route {
                Route::Agent(agent) => agent,
                // Nobody is there to find what was stored.
                Route::Question(_) if class == Some(Delivery::Durable) => {
                    return Handed::Back(Undelivered::Full, message);
                }
                Route::Question(question) => {
                    question.answer(message);
                    return Handed::Over;
                }
            };
            match class.unwrap_or(*delivery) {
                Delivery::Durable => {
                    let to = message.receivers.as_slice().get(index);
                    let Some(name) = to.map(|to| to.name().clone()) else {
                        return Handed::Back(Undelivered::Unknown, message);
                    };
                    if !mailroom.reserve() {
                        return Handed::Back(Undelivered::Full, message);
                    }
                    Handed::ToStore(message, Storing { mailroom: Arc::clone(mailroom), name })
                }
                Delivery::Transient => {
                    let Some(mailbox) = mailbox else {
                        return Handed::Back(Undelivered::Stopped, message);
                    };
                    // Those before it may be from the same sender.
                    if mailroom.is_crowded() {
                        return Handed::Back(Undelivered::Full, message);
                    }
                    mailroom.cancels.note(&message);
                    let parcel = Parcel::Transient { message, keep: *keep, trail: here() };
                    let (why, parcel) = match mailbox.tell(parcel) {
                        Told::Accepted => return Handed::Over,
                        Told::Full(parcel) => (Undelivered::Full, parcel),
                        Told::Gone(parcel) => (Undelivered::Stopped, parcel),
                    };
                    match parcel.into_message() {
                        Some(message) => Handed::Back(why, message),
                        None => Handed::Over,
                    }
                }
            }
        });
        reached.unwrap_or_else(|message| Handed::Back(Undelivered::Unknown, message))
    }

    /// Stores a message for its durable receivers, all of them or none, and hands it over.
    async fn store(self: &Arc<Self>, left: Left, id: Option<MessageId>) -> Result<Receipt, Unsent> {
        let Left { message, storing, mut failed } = left;
        let mut receipt = Receipt { id: None, repeated: None };
        if !storing.is_empty() {
            let now = self.clock.now();
            let id = id.unwrap_or_else(|| MessageId::new(now, self.entropy.as_ref()));
            let names: Vec<AgentName> = storing.iter().map(|one| one.name.clone()).collect();
            // What is stored is handed over, whether whoever sends it stays to hear of it or not.
            let (desk, trail) = (Arc::clone(self), here());
            let stored = async move { desk.store_now(message, id, storing, trail, now).await };
            let stored = to_its_end(TaskKind::Clerk, stored).await;
            match stored.unwrap_or_else(|| Err("the store is gone".to_owned())) {
                Ok(repeated) => receipt = Receipt { id: Some(id), repeated },
                Err(why) => failed.extend(
                    names.into_iter().map(|to| (Aid::new(to), Undelivered::Store(why.clone()))),
                ),
            }
        }
        if failed.is_empty() { Ok(receipt) } else { Err(Unsent::Undelivered(failed)) }
    }

    /// What it repeats, if a message of its name had been stored before.
    async fn store_now(
        &self,
        message: Message,
        id: MessageId,
        storing: Vec<Storing>,
        trail: Option<Trail>,
        now: Timestamp,
    ) -> Result<Option<Repeat>, String> {
        let message = absolute(message, now);
        let letter = Letter::seal(&message);
        let trace = trail.as_ref().map(|trail| trail.context().clone());
        let stored = self.append(MailAccepted { id, letter, trace }, &message, &storing, now).await;
        for Storing { mailroom, name } in storing {
            if stored != Ok(None) {
                mailroom.release();
                continue;
            }
            // It lies there before anybody looks who there is: whoever begins meanwhile finds it.
            let (message, trail) = (message.clone(), trail.clone());
            mailroom.arrive(Parcel::Durable { id, message, before: 0, trail });
            let mailbox = self.routes.with(&name, |route| match route {
                Route::Agent(agent) => agent.mailbox.clone(),
                Route::Question(_) => None,
            });
            match mailbox {
                Some(Some(mailbox)) => mailroom.fill(&mailbox),
                Some(None) => {}
                None => {
                    let words = "the agent was removed".to_owned();
                    self.bury(&mailroom, id, Death::Removed, words).await;
                }
            }
        }
        stored
    }

    /// What the message repeats, if one of its name had been stored before.
    async fn append(
        &self,
        accepted: MailAccepted,
        message: &Message,
        storing: &[Storing],
        now: Timestamp,
    ) -> Result<Option<Repeat>, String> {
        let id = accepted.id;
        let event = MailEvent::from(accepted).encode();
        let mut batches: Vec<Batch> = Vec::with_capacity(storing.len());
        for Storing { mailroom, .. } in storing {
            batches.push(Batch {
                stream: mailroom.stream.clone(),
                expected: Expected::Any,
                events: vec![event.clone()],
            });
        }
        // The name of the message is that of the command, so that a repeat stores nothing.
        let command = CommandId::from_bits(id.bits());
        let appended = self.journal.append(Append { command, at: now, batches }).await;
        let appended = appended.map_err(|error| error.to_string())?;
        if !appended.repeated {
            return Ok(None);
        }
        // Where it was stored then; who receives it now may be others, or more than had room.
        for revision in &appended.revisions {
            for Storing { mailroom, .. } in storing {
                let before = Revision(revision.0.saturating_sub(1));
                let records = self.journal.read_stream(&mailroom.stream, before, 1).await;
                let records = records.map_err(|error| error.to_string())?;
                if records.first().is_some_and(|record| says(record, id, message)) {
                    return Ok(Some(Repeat::Same));
                }
            }
        }
        Ok(Some(Repeat::Other))
    }

    /// An agent has dealt with a durable message.
    pub(crate) fn handled(
        &self,
        mailroom: &Arc<Mailroom>,
        id: MessageId,
        step: Option<HandledStep>,
    ) {
        if mailroom.handled(id, step) && self.calls.try_send(Arc::clone(mailroom)).is_err() {
            mailroom.not_called();
        }
    }

    /// A durable message becomes a dead letter, by whoever can't wait until that is stored.
    pub(crate) fn gave_up(&self, mailroom: &Arc<Mailroom>, id: MessageId, words: String) {
        if mailroom.gave_up(id, words) && self.calls.try_send(Arc::clone(mailroom)).is_err() {
            mailroom.not_called();
        }
    }

    /// Whoever waits for an answer is told that there will be none (SC00037, `failure`), in the name of whom it asked.
    pub(crate) async fn fail(self: &Arc<Self>, message: &Message, me: &Aid, why: &str) {
        if message.sender.is_some() && message.performative.wants_answer() {
            let failure = message.reply(Performative::Failure, me).about(why);
            // Whoever asked may be gone.
            let _ = self.send(failure.from(me.clone()), None, None).await;
        }
    }

    /// What lay in the mailbox of one who ended before it was dealt with. What is stored is found again; of the rest whoever asked
    /// is told, and that it was lost.
    pub(crate) fn left(self: &Arc<Self>, me: &Aid, parcels: VecDeque<Parcel>) {
        let transient = |parcel| match parcel {
            Parcel::Transient { message, .. } => Some(message),
            Parcel::Durable { .. } | Parcel::Renew => None,
        };
        let lost: Vec<Message> = parcels.into_iter().filter_map(transient).collect();
        if lost.is_empty() {
            return;
        }
        tracing::warn!(agent = %me, lost = lost.len(), "it ended before it dealt with these transient messages");
        let (desk, me) = (Arc::clone(self), me.clone());
        send_off(TaskKind::Clerk, async move {
            for message in lost {
                desk.fail(&message, &me, "the agent ended before this was its turn").await;
            }
        });
    }

    /// A durable message becomes a dead letter.
    pub(crate) async fn bury(
        &self,
        mailroom: &Arc<Mailroom>,
        id: MessageId,
        cause: Death,
        words: String,
    ) {
        mailroom.forget(id);
        let event = MailEvent::from(MailDied { id, cause, words }).encode();
        let at = self.clock.now();
        let append = Append {
            command: CommandId::new(at, self.entropy.as_ref()),
            at,
            batches: vec![Batch {
                stream: mailroom.stream.clone(),
                expected: Expected::Any,
                events: vec![event],
            }],
        };
        if let Err(error) = self.journal.append(append).await {
            // It is still stored as under way, so a later process hands it over once more.
            tracing::warn!(%error, %id, "a dead letter could not be stored as such");
        }
    }
}

/// A deadline counts from when the message was taken in, also for who reads it later.
fn absolute(message: Message, now: Timestamp) -> Message {
    match message.reply_by() {
        Some(ReplyBy::Within(span)) => message.with_reply_by(ReplyBy::At(now.plus(span))),
        Some(ReplyBy::At(_)) | None => message,
    }
}
