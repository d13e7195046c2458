//! WASM agents and tools: components with fuel, time, memory and capabilities that are counted out.
//!
//! What it is: an [`Engine`] that makes guests of bytes under a [`Manifest`](bottega_manifest::Manifest), and their
//! instances. What a guest may ask for is carried out by the port [`Host`](bottega_manifest::Host); files are served
//! here, below one folder.
//! What it is not: a supervisor (it tells how an instance ended, and others decide), a mailbox, a judge, and no WASI.
//!
//! One agent: bytes → a component (`encode`) → compiled, or from the cache (`cache`) → imports held against the
//! manifest, linked (`capability`) → [`AgentGuest`] → [`AgentGuest::start`] with a [`Provision`] → [`AgentInstance`]
//! → [`AgentInstance::handle`], once a message.
//! One rehearsal: [`Rehearsal::load`] → [`Rehearsal::play`], once a script.
//! One tool call: a person adds a tool ([`Toolbox::add`]) → every agent finds it among its tools ([`Toolbox::tools`], `tool`)
//! → [`ToolGuest::call`], in a fresh instance. With the feature `extism` a tool may also be a plug-in of
//! Extism (`plugin`): another border to the guest, the same limits and grants within it.
//!
//! How long a guest works
//! * Fuel bounds its instructions, the same on every machine. Epochs bound its time: once a tick it lets others work
//!   and a tick is taken off. The deadline bounds all of it, waits for the host included.
//! * Waiting for the host holds no thread: calls are futures, and dropping one ends the instance.
//!
//! Invariants
//! * What was not granted is not in the linker. There is no second list to forget it in.
//! * A trap, a limit, a dropped call end that instance and nothing else; an ended instance never runs again.
//! * The host takes no more bytes from a guest at once than its manifest says, whatever lengths the guest claims.
//! * One function configures every engine, so compiled code never disagrees with its host.
//! * Compiled code is run only when its digest is the one that was stored with it, from a folder of this user alone.
//! * No path and no link of a guest leads out of the folder that it was granted.

mod bindings;
mod cache;
mod capability;
mod encode;
mod engine;
mod fault;
mod folder;
mod guest;
mod inside;
mod instance;
mod options;
#[cfg(feature = "extism")]
mod plugin;
mod rehearsal;
mod resident;
mod ticker;
mod tool;
mod toolbox;
mod upgrade;

pub use cache::CacheError;
pub use engine::{Engine, EngineError};
pub use fault::{Fault, LoadError, StartError};
pub use folder::Home;
pub use guest::{AgentGuest, Compiled, Description, ToolGuest};
pub use inside::Provision;
pub use instance::{AgentInstance, Handled};
pub use options::Options;
pub use rehearsal::{Rehearsal, RehearsalError};
pub use toolbox::{Added, Found, Toolbox, ToolboxError};
pub use upgrade::{Rollback, Saved, UpgradeError};
