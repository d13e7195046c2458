//! An agent as an actor.

use std::pin::Pin;
use std::sync::Arc;

use bottega_acl::Message;
use bottega_actor::{Actor, Context, Fault, Ref, TaskKind, contained, send_off};
use bottega_behaviour::{Letter, Resident, Trouble};
use bottega_event::{Death, HandledStep};
use bottega_telemetry::{Step, StepKind, Trail, along, here};
use bottega_types::MessageId;

use crate::blueprint::{Blueprint, Proposal};
use crate::mailroom::{ATTEMPTS, Mailroom};
use crate::office::AgentOffice;
use crate::parcel::Parcel;
use crate::routes::Route;

type Handling<'a> = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'a>>;

/// What becomes of a message whose time is over.
const LATE: &str = "its reply-by passed before it could be handed over";

/// One incarnation of an agent.
pub(crate) struct Inhabitant {
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) mailroom: Arc<Mailroom>,
    pub(crate) office: Arc<AgentOffice>,
    resident: Box<dyn Resident>,
}

impl Inhabitant {
    pub(crate) fn new(
        blueprint: Arc<Blueprint>,
        mailroom: Arc<Mailroom>,
        office: Arc<AgentOffice>,
    ) -> Self {
        let resident = blueprint.maker()();
        Self { blueprint, mailroom, office, resident }
    }

    /// The step of handling this, by the names of the semantic conventions for generative AI (spans of agents).
    fn step(&self, trail: &Trail, letter: &Letter) -> Step {
        let (me, message) = (self.office.me.name().as_str(), &letter.message);
        let conversation = message.conversation.as_ref().map(ToString::to_string);
        let trail = trail.by_agent(me).in_conversation(conversation.as_deref());
        let mut step = Step::along(&trail, StepKind::Consumer, format!("invoke_agent {me}"));
        step.note("gen_ai.operation.name", "invoke_agent");
        step.note("gen_ai.agent.name", me);
        step.note("bottega.message.performative", message.performative.as_str());
        if let Some(conversation) = conversation {
            step.note("gen_ai.conversation.id", &*conversation);
        }
        step.note("messaging.system", "bottega");
        step.note("messaging.operation.type", "process");
        if let Some(id) = letter.id {
            step.note("messaging.message.id", id.to_string());
            step.note("bottega.message.attempt", u64::from(letter.attempt));
        }
        step
    }

    /// A transient message that belongs to no trace.
    fn plain<'i>(&'i mut self, message: Message, me: &'i Ref<Parcel>) -> Handling<'i> {
        let letter = Letter { id: None, attempt: 1, message };
        Box::pin(async move {
            self.mailroom.cancels.heard(&letter.message);
            let heard = match self.is_late(&letter) {
                true => {
                    self.fail(&letter.message, LATE).await;
                    Ok(())
                }
                false => {
                    let in_hand = InHand::of(&self.blueprint, &self.office, &letter.message);
                    let heard = self.resident.hear(&letter, &*self.office).await;
                    std::mem::forget(in_hand);
                    self.answered(&letter, heard).await
                }
            };
            self.mailroom.fill_up(me);
            heard
        })
    }

    /// Whether an answer to a message is wanted no more. The usual one names no moment.
    fn is_late(&self, letter: &Letter) -> bool {
        if letter.message.reply_by().is_none() {
            return false;
        }
        let now = self.office.desk.clock.now();
        letter.message.deadline(now).is_some_and(|deadline| deadline < now)
    }

    /// How a transient message was dealt with. Nobody has it any more where its receiver crashes over it: whoever waits for
    /// an answer is told at once that there will be none (SC00037, `failure`).
    async fn answered(&mut self, letter: &Letter, heard: Result<(), Trouble>) -> Result<(), Fault> {
        let Err(Trouble(words)) = heard else { return Ok(()) };
        let message = &letter.message;
        let again = self.blueprint.keeps();
        if !again {
            self.fail(message, "the agent crashed over it").await;
        }
        self.blueprint.note(Some(words.clone()));
        Err(Fault::new(words))
    }

    /// Without the agent itself, which not every thread may look at.
    fn fail<'m>(
        &self,
        message: &'m Message,
        why: &'m str,
    ) -> impl Future<Output = ()> + Send + use<'m> {
        let office = Arc::clone(&self.office);
        async move { office.desk.fail(message, &office.me, why).await }
    }

    /// Whatever else lies in a mailbox.
    async fn other(&mut self, parcel: Parcel, context: &mut Context<Parcel>) -> Result<(), Fault> {
        match parcel {
            Parcel::Transient { message, trail, .. } => {
                let letter = Letter { id: None, attempt: 1, message };
                self.mailroom.cancels.heard(&letter.message);
                if self.is_late(&letter) {
                    self.fail(&letter.message, LATE).await;
                    self.mailroom.fill_up(context.me());
                    return Ok(());
                }
                let mut step = trail.map(|trail| self.step(&trail, &letter));
                let in_hand = InHand::of(&self.blueprint, &self.office, &letter.message);
                let hear = self.resident.hear(&letter, &*self.office);
                let heard = match &step {
                    None => hear.await,
                    Some(step) => step.around(hear).await,
                };
                std::mem::forget(in_hand);
                let heard = self.answered(&letter, heard).await;
                self.mailroom.fill_up(context.me());
                ended(&mut step, heard)
            }
            Parcel::Durable { id, message, before, trail } => {
                let attempt = self.mailroom.begin(id, before);
                let letter = Letter { id: Some(id), attempt, message };
                let mut step = trail.map(|trail| self.step(&trail, &letter));
                let trail = step.as_ref().map(|step| step.trail().clone());
                let heard = along(trail, self.durable(id, letter)).await;
                self.mailroom.fill(context.me());
                ended(&mut step, heard)
            }
            // It only wakes the agent.
            Parcel::Renew => Ok(()),
        }
    }

    /// Takes the version that was proposed, before it deals with `next`.
    async fn renewed(&mut self, next: &Parcel) -> Result<(), Fault> {
        // One that nobody waits for any more was not taken in time.
        let proposal = self.blueprint.proposal().filter(|it| !it.told.is_closed());
        let Some(proposal) = proposal else { return Ok(()) };
        let renewed = self.renew(proposal).await;
        if renewed.is_err()
            && !self.blueprint.keeps()
            && let Parcel::Transient { message, .. } = next
        {
            self.fail(message, "the agent ended before this was its turn").await;
        }
        renewed
    }

    async fn durable(&mut self, id: MessageId, letter: Letter) -> Result<(), Fault> {
        let last = letter.attempt >= ATTEMPTS;
        self.mailroom.cancels.heard(&letter.message);
        let now = self.office.desk.clock.now();
        if letter.message.deadline(now).is_some_and(|deadline| deadline < now) {
            self.office.desk.bury(&self.mailroom, id, Death::Expired, LATE.to_owned()).await;
            self.fail(&letter.message, LATE).await;
            return Ok(());
        }
        // Contained here, so that the words of the last attempt are kept with the dead letter.
        let mut hand =
            Hand { office: &self.office, mailroom: &self.mailroom, id, last, over: false };
        let heard = contained(self.resident.hear(&letter, &*self.office)).await;
        hand.over = true;
        drop(hand);
        let words = match heard {
            Ok(Ok(())) => {
                // The same step that what was done meanwhile names as its cause.
                let step = here().map(|trail| {
                    let took = self.office.desk.clock.now().since(now);
                    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    HandledStep { id, span: trail.context().span, began: now, took_ms }
                });
                self.office.desk.handled(&self.mailroom, id, step);
                return Ok(());
            }
            Ok(Err(Trouble(words))) => words,
            Err(panic) => format!("panicked: {panic}"),
        };
        if last {
            self.office.desk.bury(&self.mailroom, id, Death::Poison, words.clone()).await;
            self.fail(&letter.message, "the agent crashed over it as often as it may").await;
        }
        self.blueprint.note(Some(words.clone()));
        Err(Fault::new(words))
    }

    /// Takes a new version, or stays as it is and says why.
    async fn renew(&mut self, proposal: Proposal) -> Result<(), Fault> {
        let Proposal { kind, make, told } = proposal;
        let taken = contained(async {
            let saved = self.resident.save().await?;
            let mut next = make();
            next.begin(&*self.office).await?;
            next.restore(&saved).await?;
            Ok::<_, Trouble>(next)
        });
        let why = match taken.await {
            // Whoever asked told somebody by now that it did not succeed.
            Ok(Ok(_)) if told.is_closed() => return Ok(()),
            Ok(Ok(next)) => {
                self.resident = next;
                self.blueprint.adopt(kind, make);
                // Whoever asked may have gone in this moment; the agent is what it is.
                let _ = told.send(Ok(()));
                return Ok(());
            }
            Ok(Err(Trouble(words))) => words,
            Err(panic) => format!("panicked: {panic}"),
        };
        if !self.resident.is_over() {
            let _ = told.send(Err(why));
            return Ok(());
        }
        // It went on until it was to save what it knows. It begins anew by itself: nobody has to be told of a crash.
        let mut fresh = self.blueprint.maker()();
        let begun = fresh.begin(&*self.office).await;
        self.resident = fresh;
        let _ = told.send(Err(format!("{why}; it began anew")));
        begun.map_err(|Trouble(words)| Fault::new(words))
    }
}

/// A transient message in an agent's hand. Whoever is cut off over it, or panics, can't say so itself. It is forgotten once the
/// message was dealt with, well or not.
struct InHand<'i> {
    office: &'i Arc<AgentOffice>,
    message: &'i Message,
}

impl<'i> InHand<'i> {
    /// Nothing, where the message is begun again.
    fn of(
        blueprint: &Blueprint,
        office: &'i Arc<AgentOffice>,
        message: &'i Message,
    ) -> Option<Self> {
        (!blueprint.keeps()).then(|| Self { office, message })
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let (office, message) = (Arc::clone(self.office), self.message.clone());
        send_off(TaskKind::Clerk, async move {
            office.desk.fail(&message, &office.me, "the agent ended over it").await;
        });
    }
}

/// A durable message in an agent's hand. Whoever is ended over it, because it is stuck, can't say so itself: where it had it
/// for the last time, it is given up here. One who is stopped has it again when it is begun.
struct Hand<'i> {
    office: &'i AgentOffice,
    mailroom: &'i Arc<Mailroom>,
    id: MessageId,
    last: bool,
    over: bool,
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        let desk = &self.office.desk;
        // Whoever is stopped is reached by nobody any more.
        let stays = || {
            desk.routes.with(self.office.me.name(), |route| match route {
                Route::Agent(agent) => agent.mailbox.is_some(),
                Route::Question(_) => false,
            })
        };
        if self.over {
            return;
        }
        match (stays(), self.last) {
            (Some(true), true) => {
                let words = "it was ended over this as often as it may be".to_owned();
                desk.gave_up(self.mailroom, self.id, words);
            }
            (Some(true), false) => {}
            // That it was stopped is no fault of the message.
            (Some(false) | None, _) => self.mailroom.take_back(self.id),
        }
    }
}

fn ended(step: &mut Option<Step>, heard: Result<(), Fault>) -> Result<(), Fault> {
    if let (Some(step), Err(_)) = (step, &heard) {
        step.failed("crash");
    }
    heard
}

impl Actor for Inhabitant {
    type Message = Parcel;

    const KIND: &'static str = "agent";

    const ATTEMPTS: u32 = ATTEMPTS;

    async fn init(&mut self, context: &mut Context<Parcel>) -> Result<(), Fault> {
        let begun = contained(self.resident.begin(&*self.office)).await;
        let trouble = match begun {
            Ok(Ok(())) => None,
            Ok(Err(Trouble(words))) => Some(words),
            Err(panic) => Some(format!("panicked: {panic}")),
        };
        self.blueprint.note(trouble.clone());
        match trouble {
            Some(words) => Err(Fault::new(words)),
            None => {
                self.mailroom.fill(context.me());
                Ok(())
            }
        }
    }

    // Boxed, and the usual message by itself: an agent that waits for one has no room for what handling takes, and what
    // handling takes is not moved about with each.
    async fn handle(&mut self, parcel: Parcel, context: &mut Context<Parcel>) -> Result<(), Fault> {
        // What was taken out of the mailbox together with this message came before the word of it.
        if self.blueprint.is_proposed() {
            Box::pin(self.renewed(&parcel)).await?;
        }
        match parcel {
            Parcel::Transient { message, trail: None, keep: _ } => {
                self.plain(message, context.me()).await
            }
            parcel @ (Parcel::Transient { .. } | Parcel::Durable { .. } | Parcel::Renew) => {
                Box::pin(self.other(parcel, context)).await
            }
        }
    }

    async fn stop(&mut self, _: &mut Context<Parcel>) -> Result<(), Fault> {
        self.resident.end(&*self.office).await.map_err(|Trouble(words)| Fault::new(words))
    }

    fn keep(parcel: &Parcel) -> Option<Parcel> {
        parcel.kept()
    }
}
