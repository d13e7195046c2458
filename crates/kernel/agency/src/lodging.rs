//! Where agents live: how each moves in, is begun, ends, changes and moves out.

use std::collections::btree_map::Entry as Slot;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bottega_acl::{AgentName, Aid};
use bottega_actor::{ChildSpec, Ref, Stopped, Supervisor, SupervisorRef};
use bottega_event::{AgentHosted, AgentRemoved, AgentStopped, AgentUpgraded, Death, StreamId};
use bottega_telemetry::Trail;
use tokio::sync::{Mutex, oneshot};

use crate::AgencyError;
use crate::agency::Agency;
use crate::blueprint::{Blueprint, Delivery, HostSpec, Maker, Proposal};
use crate::chronicle::KEEPER;
use crate::clerk::Clerk;
use crate::desk::Desk;
use crate::inhabitant::Inhabitant;
use crate::mail_view::MailRow;
use crate::mailroom::Mailroom;
use crate::office::AgentOffice;
use crate::parcel::Parcel;
use crate::routes::{AgentRoute, Route};

/// How long an agent may take to end by itself: as long as whoever ends it waits.
const OWN_END: Duration = Duration::from_secs(24 * 3600);
/// How long a new version may take to begin.
const RENEWING: Duration = Duration::from_secs(30);

/// Where one agent lives.
pub(crate) struct Lodging {
    spec: std::sync::Mutex<HostSpec>,
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) mailroom: Arc<Mailroom>,
    /// Held by whoever begins, ends or changes it: one does at a time, and nobody else's agents wait.
    pub(crate) turn: Mutex<()>,
    pub(crate) living: std::sync::Mutex<Living>,
}

/// How an agent lives now.
#[derive(Clone)]
pub(crate) enum Living {
    /// Its first incarnation is not up yet.
    Arriving,
    Here(SupervisorRef, Ref<Parcel>),
    Stopped,
    /// It could not begin.
    Failed,
    /// Whoever waited for its turn finds nobody.
    Gone,
}

impl Lodging {
    fn new(spec: HostSpec, living: Living) -> Self {
        let (kind, make) = (spec.kind.clone(), Arc::clone(&spec.make));
        Self {
            blueprint: Arc::new(Blueprint::new(kind, make, spec.keep)),
            mailroom: Arc::new(Mailroom::new(StreamId::mail(&spec.name), spec.backlog)),
            turn: Mutex::default(),
            living: std::sync::Mutex::new(living),
            spec: std::sync::Mutex::new(spec),
        }
    }

    /// How it is hosted, from its next beginning on at the latest.
    pub(crate) fn spec(&self) -> HostSpec {
        self.spec.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn living(&self) -> Living {
        self.living.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn lives(&self, now: Living) {
        *self.living.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// How it is reached, by that mailbox.
    fn route(&self, mailbox: Option<Ref<Parcel>>) -> Route {
        let HostSpec { delivery, keep, .. } = self.spec();
        let mailroom = Arc::clone(&self.mailroom);
        Route::Agent(AgentRoute { mailbox, mailroom, delivery, keep })
    }
}

impl Agency {
    /// Hosts an agent, and hands over what an earlier process left for it. Returns when its first incarnation is up.
    ///
    /// # Errors
    /// When its name is taken or of another platform, when it could not begin, and when the store fails.
    pub async fn host(&self, spec: HostSpec) -> Result<(), AgencyError> {
        let name = spec.name.clone();
        if name.platform() != self.platform {
            return Err(AgencyError::Foreign { name, platform: self.platform.clone() });
        }
        let hosted =
            AgentHosted { kind: spec.kind.clone(), durable: spec.delivery == Delivery::Durable };
        let lodging = Arc::new(Lodging::new(spec, Living::Arriving));
        let _turn = lodging.turn.lock().await;
        let mut arrival = match self.residents().entry(name.clone()) {
            Slot::Occupied(_) => return Err(AgencyError::Taken(name)),
            Slot::Vacant(free) => {
                free.insert(Arc::clone(&lodging));
                Arrival { agency: self, lodging: &lodging, done: false }
            }
        };
        self.note(&name, hosted.into()).await;
        self.recover(&name, &lodging).await?;
        self.begin(&name, &lodging).await?;
        arrival.done = true;
        Ok(())
    }

    /// Keeps a place for an agent that is not begun: since it could not, which is told by `trouble`, or since it was stopped.
    /// What is sent to it is stored, and it may be begun later.
    ///
    /// # Errors
    /// When its name is taken, and when the store fails.
    pub async fn shelter(
        &self,
        spec: HostSpec,
        trouble: Option<String>,
    ) -> Result<(), AgencyError> {
        let name = spec.name.clone();
        let living = if trouble.is_some() { Living::Failed } else { Living::Stopped };
        let lodging = Arc::new(Lodging::new(spec, living));
        lodging.blueprint.note(trouble);
        let _turn = lodging.turn.lock().await;
        match self.residents().entry(name.clone()) {
            Slot::Occupied(_) => return Err(AgencyError::Taken(name)),
            Slot::Vacant(free) => drop(free.insert(Arc::clone(&lodging))),
        }
        self.recover(&name, &lodging).await
    }

    /// Finds in the journal what is under way to an agent that is not begun yet. From here on what is sent to it is stored
    /// and waits behind that.
    async fn recover(&self, name: &AgentName, lodging: &Lodging) -> Result<(), AgencyError> {
        let mailroom = &lodging.mailroom;
        self.desk.routes.put(name.clone(), lodging.route(None));
        let mut parcels = Vec::new();
        for found in self.rows(&mailroom.stream).await? {
            if found.dead.is_none() {
                parcels.extend(self.parcel(mailroom, found).await);
            }
        }
        mailroom.recover(parcels);
        Ok(())
    }

    /// A stored message to be handed over. One that can't be read becomes a dead letter.
    pub(crate) async fn parcel(&self, mailroom: &Arc<Mailroom>, row: MailRow) -> Option<Parcel> {
        match row.letter.open() {
            Ok(message) => {
                let trail = row.trace.map(Trail::new);
                Some(Parcel::Durable { id: row.id, message, before: 0, trail })
            }
            Err(why) => {
                let words = format!("it can't be read: {why}");
                self.desk.bury(mailroom, row.id, Death::Poison, words).await;
                None
            }
        }
    }

    async fn begin(&self, name: &AgentName, lodging: &Lodging) -> Result<(), AgencyError> {
        self.crashes.forget(name);
        let Lodging { blueprint, mailroom, .. } = lodging;
        let spec = lodging.spec();
        let not_begun = |why: String| AgencyError::NotBegun { name: name.clone(), why };
        let keeper = Supervisor::dynamic(format!("{KEEPER}{name}")).intensity(spec.intensity);
        let keeper = self.system.supervise(keeper).map_err(|_| AgencyError::Taken(name.clone()))?;
        let mut unattended = Unattended(Some(keeper.clone()));
        keeper.ready().await.map_err(|_| not_begun("its supervisor gave up".to_owned()))?;
        let office = AgentOffice {
            me: Aid::new(name.clone()),
            desk: Arc::clone(&self.desk),
            mailroom: Arc::clone(&lodging.mailroom),
        };
        // The desk knows the mailbox, which must not keep the desk in its turn.
        let (me, desk) = (office.me.clone(), Arc::downgrade(&self.desk));
        let (plan, room, office) = (Arc::clone(blueprint), Arc::clone(mailroom), Arc::new(office));
        let make =
            move || Inhabitant::new(Arc::clone(&plan), Arc::clone(&room), Arc::clone(&office));
        let mut child = ChildSpec::new(name.as_str(), make)
            .capacity(spec.capacity)
            .restart(spec.restart)
            .backoff(spec.backoff)
            .left_to(move |parcels| {
                if let Some(desk) = desk.upgrade() {
                    desk.left(&me, parcels);
                }
            })
            .stop_within(OWN_END);
        if let Some((span, then)) = spec.stuck {
            child = child.stuck_after(span, then);
        }
        let mailbox = match keeper.start(child).await {
            Ok(mailbox) => mailbox,
            Err(error) => {
                keeper.shutdown(Duration::from_secs(1)).await;
                return Err(not_begun(blueprint.trouble().unwrap_or_else(|| error.to_string())));
            }
        };
        self.desk.routes.put(name.clone(), lodging.route(Some(mailbox.clone())));
        mailroom.fill(&mailbox);
        unattended.0 = None;
        lodging.lives(Living::Here(keeper, mailbox));
        Ok(())
    }

    /// Stops an agent: what its mailbox holds is dealt with until the deadline. Durable messages to it are stored from
    /// then on and wait; transient ones are refused.
    pub async fn stop(&self, name: &AgentName, span: Duration) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.end(name, &lodging, span).await
    }

    async fn end(
        &self,
        name: &AgentName,
        lodging: &Lodging,
        span: Duration,
    ) -> Result<(), AgencyError> {
        let keeper = match lodging.living() {
            Living::Here(keeper, _) => keeper,
            Living::Failed => {
                lodging.lives(Living::Stopped);
                return Ok(());
            }
            Living::Arriving | Living::Stopped => return Ok(()),
            Living::Gone => return Err(AgencyError::Unknown(name.clone())),
        };
        lodging.lives(Living::Stopped);
        self.desk.routes.put(name.clone(), lodging.route(None));
        let stopped = keeper.shutdown(span).await;
        let drained = matches!(stopped, Stopped::InTime(_));
        self.note(name, AgentStopped { drained }.into()).await;
        Ok(())
    }

    /// Begins an agent that was stopped or given up. What waits for it is handed over.
    pub async fn start(&self, name: &AgentName) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.begin_again(name, &lodging).await
    }

    async fn begin_again(&self, name: &AgentName, lodging: &Lodging) -> Result<(), AgencyError> {
        match lodging.living() {
            Living::Gone => return Err(AgencyError::Unknown(name.clone())),
            Living::Here(_, mailbox) if !mailbox.is_gone() => return Ok(()),
            Living::Here(keeper, _) => {
                keeper.kill();
                lodging.lives(Living::Stopped);
            }
            Living::Arriving | Living::Stopped | Living::Failed => {}
        }
        // What was in its mailbox went with it; what is durable is found again.
        settle(&self.desk, &lodging.mailroom).await;
        self.desk.routes.put(name.clone(), lodging.route(None));
        lodging.mailroom.reset();
        self.recover(name, lodging).await?;
        let begun = self.begin(name, lodging).await;
        if begun.is_err() {
            lodging.lives(Living::Failed);
        }
        begun
    }

    /// Stops an agent and begins it again.
    pub async fn restart(&self, name: &AgentName, span: Duration) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.end(name, &lodging, span).await?;
        self.begin_again(name, &lodging).await
    }

    /// Lets another version of an agent take over, with what the present one knows, between two messages. Nothing in its
    /// mailbox is lost.
    ///
    /// # Errors
    /// [`AgencyError::RolledBack`] when the new version did not come up; the present one goes on.
    pub async fn upgrade(
        &self,
        name: &AgentName,
        kind: String,
        make: Maker,
    ) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        let (told, outcome) = oneshot::channel();
        let proposed = Arc::clone(&make);
        lodging.blueprint.propose(Proposal { kind: kind.clone(), make: proposed, told });
        let outcome = match lodging.living() {
            Living::Gone => return Err(AgencyError::Unknown(name.clone())),
            Living::Here(_, mailbox) if mailbox.tell_first(Parcel::Renew).is_ok() => {
                match bottega_actor::within(RENEWING, outcome).await {
                    Some(Ok(outcome)) => outcome,
                    Some(Err(_)) => Err("the agent ended over it".to_owned()),
                    None => Err(format!("it took longer than {} s", RENEWING.as_secs())),
                }
            }
            // Nobody is there who knows anything, so nothing has to be taken over.
            Living::Here(..) | Living::Failed => {
                drop(lodging.blueprint.proposal());
                self.replace(name, &lodging, kind.clone(), make).await
            }
            Living::Arriving | Living::Stopped => {
                lodging.blueprint.adopt(kind.clone(), make);
                Ok(())
            }
        };
        drop(lodging.blueprint.proposal());
        let failed = outcome.err();
        self.note(name, AgentUpgraded { kind, failed: failed.clone() }.into()).await;
        match failed {
            None => Ok(()),
            Some(why) => Err(AgencyError::RolledBack { name: name.clone(), why }),
        }
    }

    /// Another version takes over of which the present incarnation is one already: nobody is begun, and no message is waited
    /// for.
    ///
    /// # Errors
    /// As [`Self::upgrade`], which this is where nobody lives.
    pub(crate) async fn adopt(
        &self,
        name: &AgentName,
        kind: String,
        make: Maker,
    ) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let turn = lodging.turn.lock().await;
        if !matches!(lodging.living(), Living::Here(_, mailbox) if !mailbox.is_gone()) {
            drop(turn);
            return self.upgrade(name, kind, make).await;
        }
        lodging.blueprint.adopt(kind.clone(), make);
        self.note(name, AgentUpgraded { kind, failed: None }.into()).await;
        Ok(())
    }

    /// An agent is hosted as another version's manifest says: how messages to it are kept holds at once, how it is supervised
    /// from when it is begun the next time. What only its host decides stays. Gives back
    /// how it was hosted before.
    pub(crate) async fn reshape(
        &self,
        name: &AgentName,
        new: HostSpec,
    ) -> Result<HostSpec, AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        let mailbox = match lodging.living() {
            Living::Gone => return Err(AgencyError::Unknown(name.clone())),
            Living::Here(_, mailbox) => Some(mailbox),
            Living::Arriving | Living::Stopped | Living::Failed => None,
        };
        let old = lodging.spec();
        let HostSpec { delivery, restart, intensity, backoff, stuck, .. } = new;
        let spec = HostSpec { delivery, restart, intensity, backoff, stuck, ..old.clone() };
        *lodging.spec.lock().unwrap_or_else(PoisonError::into_inner) = spec;
        self.desk.routes.put(name.clone(), lodging.route(mailbox));
        Ok(old)
    }

    /// Begins an agent anew as another version, which knows nothing of what the present one knew. Durable messages wait
    /// meanwhile.
    ///
    /// # Errors
    /// [`AgencyError::RolledBack`] when it did not come up; what was there before is begun again then, as far as it can be.
    pub async fn begin_as(
        &self,
        name: &AgentName,
        kind: String,
        make: Maker,
        span: Duration,
    ) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.end(name, &lodging, span).await?;
        let replaced = self.replace(name, &lodging, kind.clone(), make).await;
        let failed = replaced.err();
        self.note(name, AgentUpgraded { kind, failed: failed.clone() }.into()).await;
        match failed {
            None => Ok(()),
            Some(why) => Err(AgencyError::RolledBack { name: name.clone(), why }),
        }
    }

    /// Begins an agent of which nobody lives as another version.
    async fn replace(
        &self,
        name: &AgentName,
        lodging: &Lodging,
        kind: String,
        make: Maker,
    ) -> Result<(), String> {
        let before = (lodging.blueprint.kind(), lodging.blueprint.maker());
        lodging.blueprint.adopt(kind, make);
        let Err(error) = self.begin_again(name, lodging).await else { return Ok(()) };
        lodging.blueprint.adopt(before.0, before.1);
        // It was given up before, or was to be replaced since it did no good: whether it comes up again is no matter here.
        if let Err(again) = self.begin_again(name, lodging).await {
            tracing::warn!(agent = %name, %again, "the version before could not begin again");
        }
        Err(if let AgencyError::NotBegun { why, .. } = error { why } else { error.to_string() })
    }

    /// Lets the version take over that was there before the last upgrade.
    pub async fn roll_back(&self, name: &AgentName) -> Result<(), AgencyError> {
        let Some((kind, make)) = self.lodging(name)?.blueprint.previous() else {
            return Err(AgencyError::NoVersion(name.clone()));
        };
        self.upgrade(name, kind, make).await
    }

    /// Takes an agent away. What is under way to it becomes dead letters.
    pub async fn remove(&self, name: &AgentName, span: Duration) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.end(name, &lodging, span).await?;
        // It comes back with the next server until this is stored, so nobody is told before.
        self.store(name, AgentRemoved {}.into()).await?;
        self.forget(&lodging);
        self.facilitator.forget(name).await?;
        let mailroom = &lodging.mailroom;
        settle(&self.desk, mailroom).await;
        for left in self.rows(&mailroom.stream).await?.into_iter().filter(|row| row.dead.is_none())
        {
            let words = "the agent was removed".to_owned();
            self.desk.bury(mailroom, left.id, Death::Removed, words.clone()).await;
            if let Ok(message) = left.letter.open() {
                self.desk.fail(&message, &Aid::new(name.clone()), &words).await;
            }
        }
        Ok(())
    }

    /// Nobody lives there any more.
    fn forget(&self, lodging: &Lodging) {
        let name = &lodging.spec().name;
        lodging.lives(Living::Gone);
        // The route first: as soon as the name is free, another one may have its own.
        self.desk.routes.remove(name);
        self.crashes.forget(name);
        self.residents().remove(name);
    }
}

/// A supervisor whose agent is not up yet. It ends with whoever begins that one.
struct Unattended(Option<SupervisorRef>);

impl Drop for Unattended {
    fn drop(&mut self) {
        if let Some(keeper) = &self.0 {
            keeper.kill();
        }
    }
}

/// One who moves in. Unless it is done, whoever waits for that gives up or the agent could not begin: then its name is
/// free again.
struct Arrival<'a> {
    agency: &'a Agency,
    lodging: &'a Lodging,
    done: bool,
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if !self.done {
            if let Living::Here(keeper, _) = self.lodging.living() {
                keeper.kill();
            }
            self.agency.forget(self.lodging);
        }
    }
}

/// Stores what was handled and not stored as such yet.
pub(crate) async fn settle(desk: &Desk, mailroom: &Arc<Mailroom>) {
    let clerk = Clerk {
        journal: Arc::clone(&desk.journal),
        clock: Arc::clone(&desk.clock),
        entropy: Arc::clone(&desk.entropy),
        turn: Arc::clone(&desk.turn),
    };
    clerk.store(std::slice::from_ref(mailroom)).await;
}
