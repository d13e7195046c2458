//! An agent as an actor.

use std::pin::Pin;
use std::sync::Arc;

use bottega_acl::Message;
use bottega_actor::{Actor, Context, Fault, contained};
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
    fn plain(&mut self, message: Message) -> Handling<'_> {
        let letter = Letter { id: None, attempt: 1, message };
        Box::pin(async move {
            let heard = self.resident.hear(&letter, &*self.office).await;
            heard.map_err(|Trouble(words)| Fault::new(words))
        })
    }

    /// Whatever else lies in a mailbox.
    async fn other(&mut self, parcel: Parcel, context: &mut Context<Parcel>) -> Result<(), Fault> {
        match parcel {
            Parcel::Transient { message, trail, .. } => {
                let letter = Letter { id: None, attempt: 1, message };
                let mut step = trail.map(|trail| self.step(&trail, &letter));
                let hear = self.resident.hear(&letter, &*self.office);
                let heard = match &step {
                    None => hear.await,
                    Some(step) => step.around(hear).await,
                };
                ended(&mut step, heard.map_err(|Trouble(words)| Fault::new(words)))
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
            Parcel::Renew => {
                if let Some(proposal) = self.blueprint.proposal() {
                    self.renew(proposal).await;
                }
                Ok(())
            }
        }
    }

    async fn durable(&mut self, id: MessageId, letter: Letter) -> Result<(), Fault> {
        let last = letter.attempt >= ATTEMPTS;
        let now = self.office.desk.clock.now();
        if letter.message.deadline(now).is_some_and(|deadline| deadline < now) {
            let words = "its reply-by passed before it could be handed over".to_owned();
            self.office.desk.bury(&self.mailroom, id, Death::Expired, words).await;
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
        }
        Err(Fault::new(words))
    }

    /// Takes a new version, or stays as it is and says why.
    async fn renew(&mut self, proposal: Proposal) {
        let Proposal { kind, make, told } = proposal;
        let taken = contained(async {
            let saved = self.resident.save().await?;
            let mut next = make();
            next.begin(&*self.office).await?;
            next.restore(&saved).await?;
            Ok::<_, Trouble>(next)
        });
        let outcome = match taken.await {
            Ok(Ok(next)) => {
                self.resident = next;
                self.blueprint.adopt(kind, make);
                Ok(())
            }
            Ok(Err(Trouble(words))) => Err(words),
            Err(panic) => Err(format!("panicked: {panic}")),
        };
        // Whoever asked may have gone; the agent is what it is.
        let _ = told.send(outcome);
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
        if !self.over && self.last && stays() == Some(true) {
            let words = "it was ended over this as often as it may be".to_owned();
            desk.gave_up(self.mailroom, self.id, words);
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
        match parcel {
            Parcel::Transient { message, trail: None, keep: _ } => self.plain(message).await,
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
