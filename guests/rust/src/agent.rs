//! What an agent is.

use std::cell::RefCell;

use crate::Message;

/// An agent. Its fields are all that it knows.
///
/// `Err` is an answer, and the agent goes on. A panic ends it, and its supervisor decides what follows.
pub trait Agent: Sized + 'static {
    /// Begins, with the agent's own settings as JSON.
    fn init(config: &str) -> Result<Self, String>;

    /// Handles one message.
    fn handle(&mut self, message: Message) -> Result<(), String>;

    /// All that it knows, in a form that a later version can read. Without it there is no live upgrade.
    fn save(&self) -> Result<Vec<u8>, String> {
        Err("this agent keeps its state".into())
    }

    /// Takes over what `version` of this agent saved.
    fn restore(&mut self, version: &str, _state: &[u8]) -> Result<(), String> {
        Err(format!("the state of {version} is not understood"))
    }
}

/// The place of the one agent of a module.
#[doc(hidden)]
pub struct Seat<A>(RefCell<Option<A>>);

impl<A: Agent> Seat<A> {
    pub const fn empty() -> Self {
        Self(RefCell::new(None))
    }

    pub fn init(&self, config: &str) -> Result<(), String> {
        *self.0.borrow_mut() = Some(A::init(config)?);
        Ok(())
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut A) -> Result<T, String>) -> Result<T, String> {
        work(self.0.borrow_mut().as_mut().ok_or("the agent was not initialised")?)
    }
}

/// Puts an [`Agent`] behind the world `agent`. Once in a crate of type `cdylib`.
#[macro_export]
macro_rules! agent {
    ($agent:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            thread_local! {
                static SEAT: $crate::Seat<$agent> = const { $crate::Seat::empty() };
            }

            struct Component;

            impl $crate::agent_world::exports::bottega::guest::behaviour::Guest for Component {
                fn init(config: String) -> Result<(), String> {
                    SEAT.with(|seat| seat.init(&config))
                }

                fn handle_message(message: String) -> Result<(), String> {
                    let message = message.parse()?;
                    SEAT.with(|seat| {
                        seat.with(|agent| <$agent as $crate::Agent>::handle(agent, message))
                    })
                }

                fn save_state() -> Result<Vec<u8>, String> {
                    SEAT.with(|seat| seat.with(|agent| <$agent as $crate::Agent>::save(agent)))
                }

                fn restore_state(version: String, state: Vec<u8>) -> Result<(), String> {
                    SEAT.with(|seat| {
                        seat.with(|agent| {
                            <$agent as $crate::Agent>::restore(agent, &version, &state)
                        })
            })
                }
            }

            $crate::agent_world::export!(Component with_types_in $crate::agent_world);
        };
    };
}
