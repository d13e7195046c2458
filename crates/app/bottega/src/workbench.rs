//! Guests that are looked over and rehearsed here, as the client's trait wants them.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_api::{ApiError, codes};
use bottega_client::{Rehearsing, Workbench};
use bottega_manifest::{Capability, Manifest, World};
use bottega_rehearsal::{Record, Script};
use bottega_sandbox_wasm::{Engine, LoadError, Options, Rehearsal, RehearsalError};

use crate::app::App;
use crate::serving::PLATFORM;

/// Instances that live at once: an agent, and the one that takes its place.
const INSTANCES: u32 = 4;

/// The engine of this machine, for one guest at a time.
pub(crate) struct ThisWorkbench {
    pub(crate) app: Arc<App>,
}

fn unloaded(error: &LoadError) -> ApiError {
    ApiError::new(codes::MALFORMED, error.to_string())
        .step("mend what is named, in the sources or in `bottega.toml`, and build it again")
}

fn unplayed(error: RehearsalError) -> ApiError {
    match error {
        RehearsalError::Load(error) => unloaded(&error),
        RehearsalError::Engine(_) | RehearsalError::Folder(_) => {
            ApiError::new(codes::INTERNAL, error.to_string())
        }
    }
}

impl ThisWorkbench {
    fn options(&self) -> Result<Options, ApiError> {
        let cache = Some(self.app.places()?.compiled());
        Ok(Options { instances: INSTANCES, cache, ..Options::default() })
    }
}

#[async_trait]
impl Workbench for ThisWorkbench {
    async fn inspect(&self, wasm: &[u8], manifest: Manifest) -> Result<Vec<Capability>, ApiError> {
        let engine = Engine::new(self.options()?)
            .map_err(|error| ApiError::new(codes::INTERNAL, error.to_string()))?;
        let asked = manifest.clone();
        match asked.world {
            World::Agent => drop(engine.agent(wasm, manifest).map_err(|error| unloaded(&error))?),
            World::Tool => drop(engine.tool(wasm, manifest).map_err(|error| unloaded(&error))?),
            World::Outside => return Ok(Vec::new()),
        }
        engine.asked_for(wasm, &asked).map_err(|error| unloaded(&error))
    }

    async fn rehearse(
        &self,
        wasm: &[u8],
        manifest: Manifest,
    ) -> Result<Box<dyn Rehearsing>, ApiError> {
        let name = format!("{}@{PLATFORM}", manifest.name);
        let name = name
            .parse()
            .map_err(|error| ApiError::new(codes::MALFORMED, format!("`{name}`: {error}")))?;
        let rehearsal = Rehearsal::load(self.options()?, name, wasm, manifest).map_err(unplayed)?;
        Ok(Box::new(Playing(rehearsal)))
    }
}

struct Playing(Rehearsal);

#[async_trait]
impl Rehearsing for Playing {
    async fn play(&mut self, script: &Script) -> Result<Record, ApiError> {
        self.0.play(script).await.map_err(unplayed)
    }
}
