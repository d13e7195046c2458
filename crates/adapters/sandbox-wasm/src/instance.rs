//! Running instances, and the limits around each of their calls.

use std::sync::Arc;

use wasmtime::{Store, UpdateDeadline};

use crate::bindings::agent::Agent;
use crate::fault::{Fault, StartError};
use crate::guest::AgentGuest;
use crate::inside::{Inside, Provision, Terms};
use crate::ticker::Working;
use crate::upgrade::Saved;

/// Bytes that the host takes from a guest beside its output: lengths, cases, the words of a refusal.
const FRAME: u64 = 4 << 10;

/// The store of one instance.
pub(crate) struct Body {
    pub(crate) store: Store<Inside>,
    /// Set while a call is under way, so that one that was dropped half-way is not gone on with.
    ended: bool,
}

impl Body {
    pub(crate) fn new(terms: &Arc<Terms>, provision: Provision) -> Self {
        let inside = Inside::new(Arc::clone(terms), provision);
        let mut store = Store::new(&terms.core.engine, inside);
        store.limiter(|inside| &mut inside.fence);
        store.epoch_deadline_callback(|mut store| {
            store.data_mut().tick()?;
            Ok(UpdateDeadline::Yield(1))
        });
        let output = terms.manifest.limits.output.0.saturating_add(FRAME);
        store.set_hostcall_fuel(usize::try_from(output).unwrap_or(usize::MAX));
        Self { store, ended: false }
    }

    /// The guest begins to work within its limits. It has ended until [`Body::end`] says that it came back.
    pub(crate) fn begin(&mut self) -> Result<Working, Fault> {
        if self.ended {
            return Err(Fault::Ended);
        }
        self.ended = true;
        let inside = self.store.data_mut();
        inside.begin();
        let fuel = inside.terms.manifest.limits.fuel.get();
        let working = Working::new(Arc::clone(&inside.terms.core));
        self.store.set_epoch_deadline(1);
        match self.store.set_fuel(fuel) {
            Ok(()) => Ok(working),
            Err(error) => Err(Fault::of(&error, self.store.data())),
        }
    }

    /// The guest came back. Whatever it did but return has ended it.
    pub(crate) fn end<T>(
        &mut self,
        working: Working,
        worked: wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        drop(working);
        match worked {
            Ok(value) => {
                self.ended = false;
                Ok(value)
            }
            Err(error) => Err(Fault::of(&error, self.store.data())),
        }
    }
}

/// How an agent took a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It is done with it.
    Done,
    /// It says that it can't. The instance goes on.
    Refused(String),
}

/// One running agent.
///
/// After a [`Fault`], or when the future of a call was dropped, it has ended: each later call says so.
pub struct AgentInstance {
    pub(crate) guest: AgentGuest,
    body: Body,
    bindings: Agent,
    pub(crate) config: Box<str>,
}

impl AgentInstance {
    pub(crate) fn new(guest: AgentGuest, body: Body, bindings: Agent, config: &str) -> Self {
        Self { guest, body, bindings, config: config.into() }
    }

    /// The guest that it is an instance of.
    #[must_use]
    pub const fn guest(&self) -> &AgentGuest {
        &self.guest
    }

    /// Whether it has ended.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.body.ended
    }

    /// Hands it one FIPA-ACL message, as JSON, and waits until it is done with it.
    pub async fn handle(&mut self, message: &str) -> Result<Handled, Fault> {
        let Self { guest: _, body, bindings, config: _ } = self;
        let working = body.begin()?;
        let handled =
            bindings.bottega_guest_behaviour().call_handle_message(&mut body.store, message).await;
        Ok(match body.end(working, handled)? {
            Ok(()) => Handled::Done,
            Err(why) => Handled::Refused(why),
        })
    }

    /// All that it knows. The instance goes on, whatever it answers.
    pub async fn save(&mut self) -> Result<Result<Saved, String>, Fault> {
        let Self { guest, body, bindings, config: _ } = self;
        let working = body.begin()?;
        let saved = bindings.bottega_guest_behaviour().call_save_state(&mut body.store).await;
        let saved = body.end(working, saved)?;
        Ok(saved.map(|state| Saved { version: guest.manifest().version.clone(), state }))
    }

    pub(crate) async fn init(&mut self, config: &str) -> Result<(), StartError> {
        let Self { guest: _, body, bindings, config: _ } = self;
        let working = body.begin()?;
        let began = bindings.bottega_guest_behaviour().call_init(&mut body.store, config).await;
        body.end(working, began)?.map_err(StartError::Refused)
    }

    pub(crate) async fn take_over(&mut self, saved: &Saved) -> Result<(), StartError> {
        let Self { guest: _, body, bindings, config: _ } = self;
        let version = saved.version.to_string();
        let working = body.begin()?;
        let taken = bindings
            .bottega_guest_behaviour()
            .call_restore_state(&mut body.store, &version, &saved.state)
            .await;
        let taken = body.end(working, taken)?;
        taken.map_err(|why| StartError::NotRestored { version: saved.version.clone(), why })
    }

    pub(crate) fn provision(&self) -> &Provision {
        &self.body.store.data().provision
    }
}

impl std::fmt::Debug for AgentInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { guest, body, bindings: _, config: _ } = self;
        f.debug_struct("AgentInstance")
            .field("guest", guest)
            .field("ended", &body.ended)
            .finish_non_exhaustive()
    }
}

/// Calls may wait on any thread.
const _: () = {
    const fn sendable<T: Send>(_: &T) {}
    #[expect(dead_code, reason = "it is compiled, and that is the check")]
    fn check(instance: &mut AgentInstance, guest: &AgentGuest, provision: Provision) {
        sendable(&guest.start(provision, ""));
        sendable(&instance.upgrade(guest));
        sendable(&instance.handle(""));
    }
};
