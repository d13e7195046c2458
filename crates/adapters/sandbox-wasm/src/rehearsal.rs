//! Rehearsals: an agent plays a script on a stage, by the limits of its manifest.

use std::path::Path;
use std::sync::Arc;

use bottega_acl::AgentName;
use bottega_manifest::{Capability, Manifest, ModelBudget, ModelGrant};
use bottega_rehearsal::{Ending, Record, Script, Stage, Step};

use crate::engine::{Engine, EngineError};
use crate::fault::LoadError;
use crate::folder::Home;
use crate::guest::AgentGuest;
use crate::inside::Provision;
use crate::instance::{AgentInstance, Handled};
use crate::options::Options;

/// Why there is no rehearsal.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// There is no engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The bytes are no agent under their manifest.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The folder for its files can't be made.
    #[error("can't set a folder aside for the agent's files: {0}")]
    Folder(#[from] std::io::Error),
}

/// An agent that plays scripts, one after the other.
#[derive(Debug)]
pub struct Rehearsal {
    guest: AgentGuest,
    stage: Arc<Stage>,
}

impl Rehearsal {
    /// Loads the agent. Clock and random numbers are the stage's; of the options all else holds.
    ///
    /// # Errors
    /// There is no engine, or the bytes are no agent under their manifest.
    pub fn load(
        options: Options,
        name: AgentName,
        wasm: &[u8],
        manifest: Manifest,
    ) -> Result<Self, RehearsalError> {
        let stage = Arc::new(Stage::new(name));
        let (clock, entropy) = (stage.clone(), stage.clone());
        let engine = Engine::new(Options { clock, entropy, ..options })?;
        let guest = engine.agent(wasm, manifest)?;
        Ok(Self { guest, stage })
    }

    /// Plays a script and tells what happened. Every instance begins where nothing was before.
    ///
    /// # Errors
    /// The folder for its files can't be made.
    pub async fn play(&mut self, script: &Script) -> Result<Record, RehearsalError> {
        let Self { guest, stage } = self;
        stage.open(script);
        let tokens = guest.manifest().capabilities.model.as_ref().map(ModelGrant::budget);
        let mut provision = Provision::new(stage.clone());
        provision.budget = tokens.map(|tokens| Arc::new(ModelBudget::new(tokens)));
        let home = folder(guest.manifest(), script)?;
        if let Some(home) = &home {
            provision.home = Some(Home::open(home.path())?);
        }
        let mut instance: Option<AgentInstance> = None;
        for (number, step) in script.steps.iter().enumerate() {
            stage.advance(step.advance);
            let ending = match instance.take() {
                Some(present) => {
                    let (present, ending) = hear(present, step).await;
                    instance = (!present.has_ended()).then_some(present);
                    ending
                }
                // At the beginning, and after a failure, as its supervisor would begin it.
                None => match guest.start(provision.clone(), &script.config).await {
                    Ok(begun) if number == 0 => {
                        instance = Some(begun);
                        Ending::Done
                    }
                    Ok(begun) => {
                        let (present, ending) = hear(begun, step).await;
                        instance = (!present.has_ended()).then_some(present);
                        ending
                    }
                    Err(crate::StartError::Refused(why)) => Ending::Refused(why),
                    Err(error) => Ending::Failed(error.to_string()),
                },
            };
            let begun = number > 0 || instance.is_some();
            stage.step(number, ending);
            if !begun {
                break;
            }
        }
        Ok(stage.close())
    }
}

/// The folder of an agent that may touch files, with those of the script.
fn folder(manifest: &Manifest, script: &Script) -> std::io::Result<Option<tempfile::TempDir>> {
    let granted = manifest.capabilities.granted().any(|it| it == Capability::Files);
    let Some(files) = manifest.capabilities.files.as_ref().filter(|_| granted) else {
        return Ok(None);
    };
    let home = tempfile::tempdir()?;
    let below = home.path().join(files.folder.as_str());
    std::fs::create_dir_all(&below)?;
    for (path, content) in &script.files {
        let path = below.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(path, content)?;
    }
    Ok(Some(home))
}

async fn hear(mut instance: AgentInstance, step: &Step) -> (AgentInstance, Ending) {
    if step.upgrade {
        let same = instance.guest().clone();
        if let Err(error) = instance.upgrade(&same).await {
            return (instance, Ending::Failed(error.to_string()));
        }
    }
    let ending = match instance.handle(&step.hear).await {
        Ok(Handled::Done) => Ending::Done,
        Ok(Handled::Refused(why)) => Ending::Refused(why),
        Err(fault) => Ending::Failed(fault.to_string()),
    };
    (instance, ending)
}
