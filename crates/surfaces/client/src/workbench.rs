//! Guests that are made on this machine: looked over and rehearsed, without any server.

use async_trait::async_trait;
use bottega_api::ApiError;
use bottega_manifest::{Capability, Manifest};
use bottega_rehearsal::{Record, Script};

/// Looks guests over and rehearses them.
#[async_trait]
pub trait Workbench: Send + Sync {
    /// The capabilities that a module asks for. It is loaded with its manifest, as a server would.
    ///
    /// # Errors
    /// It is no guest of the manifest's world, or asks for what was not granted; told with the next step.
    async fn inspect(&self, wasm: &[u8], manifest: Manifest) -> Result<Vec<Capability>, ApiError>;

    /// Loads an agent that is to play scripts.
    ///
    /// # Errors
    /// As of [`Workbench::inspect`].
    async fn rehearse(
        &self,
        wasm: &[u8],
        manifest: Manifest,
    ) -> Result<Box<dyn Rehearsing>, ApiError>;
}

/// An agent that plays scripts, one after the other.
#[async_trait]
pub trait Rehearsing: Send {
    /// Plays a script from its beginning and tells what happened.
    ///
    /// # Errors
    /// This machine gives no room for it.
    async fn play(&mut self, script: &Script) -> Result<Record, ApiError>;
}
