//! A guest that could not be loaded: what is deployed under its name can still be seen, upgraded and removed.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_behaviour::{Guest, Letter, Office, Resident, Trouble};
use bottega_manifest::{AgentDefinition, Host, Manifest, World};

/// What stands in the place of a guest that could not be loaded.
pub(crate) struct BrokenGuest {
    manifest: Manifest,
    why: String,
}

impl BrokenGuest {
    /// Of what was deployed, by as much of its text as can be read.
    pub(crate) fn new(text: &str, why: String) -> Option<Self> {
        let nothing =
            || Some(Manifest::new("unreadable".parse().ok()?, "0.0.0".parse().ok()?, World::Agent));
        let definition = || AgentDefinition::parse(text).ok().map(|it| it.manifest());
        let manifest = Manifest::parse(text).ok().or_else(definition).or_else(nothing)?;
        Some(Self { manifest, why })
    }
}

impl Guest for BrokenGuest {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn resident(&self, _: Arc<dyn Host>, _: &Path, _: &str) -> Box<dyn Resident> {
        Box::new(Nobody(self.why.clone()))
    }
}

/// One that never begins, and says why.
struct Nobody(String);

#[async_trait]
impl Resident for Nobody {
    async fn begin(&mut self, _: &dyn Office) -> Result<(), Trouble> {
        Err(Trouble(self.0.clone()))
    }

    async fn hear(&mut self, _: &Letter, _: &dyn Office) -> Result<(), Trouble> {
        Err(Trouble(self.0.clone()))
    }
}
