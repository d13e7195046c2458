//! Loaded guests: compiled, linked, ready to be started.

use std::sync::Arc;

use bottega_manifest::{Manifest, ModelBudget};
use bottega_types::Tokens;

use crate::bindings::{agent::AgentPre, tool::ToolPre};
use crate::fault::{Fault, StartError};
use crate::inside::{Inside, Provision, Terms};
use crate::instance::{AgentInstance, Body};
use crate::upgrade::Saved;

/// Where a guest's compiled code came from.
#[derive(Clone, Debug)]
pub enum Compiled {
    /// It was compiled now, by an engine that keeps nothing.
    Now,
    /// It was compiled now, and is in the cache for the next time.
    NowAndKept,
    /// It was compiled now, and could not be put into the cache.
    NowAndNotKept(Arc<std::io::Error>),
    /// It was in the cache.
    Before,
}

/// A loaded agent. Cheap to clone; all its instances share its code.
#[derive(Clone)]
pub struct AgentGuest {
    pre: AgentPre<Inside>,
    terms: Arc<Terms>,
    compiled: Compiled,
}

/// A loaded tool. Cheap to clone.
#[derive(Clone)]
pub struct ToolGuest {
    way: Way,
    terms: Arc<Terms>,
    compiled: Compiled,
}

/// How a tool is called.
#[derive(Clone)]
pub(crate) enum Way {
    /// By the world `tool`.
    World(ToolPre<Inside>),
    /// As a plug-in of Extism.
    #[cfg(feature = "extism")]
    Plugin(crate::plugin::PluginPre),
}

/// What a tool tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// What it does and when to use it.
    pub about: String,
    /// JSON Schema of its arguments, as the guest wrote it.
    pub schema: String,
}

impl AgentGuest {
    pub(crate) fn new(pre: AgentPre<Inside>, terms: Terms, compiled: Compiled) -> Self {
        Self { pre, terms: Arc::new(terms), compiled }
    }

    /// What it is and may do.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.terms.manifest
    }

    /// Where its code came from.
    #[must_use]
    pub const fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The tokens that its manifest grants it for models.
    #[must_use]
    pub fn granted(&self) -> Tokens {
        let model = &self.terms.manifest.capabilities.model;
        model.as_ref().map_or(Tokens::ZERO, bottega_manifest::ModelGrant::budget)
    }

    /// The tokens that its instances share where their provision names no budget.
    #[must_use]
    pub fn budget(&self) -> &ModelBudget {
        &self.terms.budget
    }

    /// Bytes of memory that all its living instances hold together.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.terms.held.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Starts an instance and lets it `init`. Dropping the future ends it.
    pub async fn start(
        &self,
        provision: Provision,
        config: &str,
    ) -> Result<AgentInstance, StartError> {
        let mut instance = self.begin(provision, config).await?;
        instance.init(config).await?;
        Ok(instance)
    }

    /// Starts an instance that goes on from what another one saved.
    pub async fn restore(
        &self,
        provision: Provision,
        config: &str,
        saved: &Saved,
    ) -> Result<AgentInstance, StartError> {
        let mut instance = self.start(provision, config).await?;
        instance.take_over(saved).await?;
        Ok(instance)
    }

    async fn begin(&self, provision: Provision, config: &str) -> Result<AgentInstance, Fault> {
        let mut body = Body::new(&self.terms, provision);
        let working = body.begin()?;
        let bindings = self.pre.instantiate_async(&mut body.store).await;
        let bindings = body.end(working, bindings)?;
        Ok(AgentInstance::new(self.clone(), body, bindings, config))
    }
}

impl ToolGuest {
    pub(crate) fn new(way: Way, terms: Terms, compiled: Compiled) -> Self {
        Self { way, terms: Arc::new(terms), compiled }
    }

    /// What it is and may do.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.terms.manifest
    }

    /// Where its code came from.
    #[must_use]
    pub const fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// What the tool says of itself. Asks a fresh instance, which gets nothing from its host; a plug-in can't say, so its
    /// manifest does.
    pub async fn describe(&self) -> Result<Description, Fault> {
        match &self.way {
            Way::World(pre) => self.asked(pre).await,
            #[cfg(feature = "extism")]
            Way::Plugin(_) => Ok(told(self.manifest())),
        }
    }

    async fn asked(&self, pre: &ToolPre<Inside>) -> Result<Description, Fault> {
        let mut body = Body::new(&self.terms, Provision::new(Arc::new(bottega_manifest::NoHost)));
        let working = body.begin()?;
        let described = async {
            let tool = pre.instantiate_async(&mut body.store).await?;
            tool.bottega_guest_callable().call_describe(&mut body.store).await
        };
        let described = described.await;
        let described = body.end(working, described)?;
        Ok(Description { name: described.name, about: described.about, schema: described.schema })
    }

    /// Calls the tool in a fresh instance. `Ok(Err(_))` is what the tool itself says went wrong. Dropping the future
    /// ends the instance.
    pub async fn call(
        &self,
        provision: Provision,
        arguments: &str,
    ) -> Result<Result<String, String>, Fault> {
        let mut body = Body::new(&self.terms, provision);
        let working = body.begin()?;
        let answered = async {
            match &self.way {
                Way::World(pre) => {
                    let tool = pre.instantiate_async(&mut body.store).await?;
                    tool.bottega_guest_callable().call_call(&mut body.store, arguments).await
                }
                #[cfg(feature = "extism")]
                Way::Plugin(pre) => pre.call(&mut body.store, arguments).await,
            }
        };
        let answered = answered.await;
        body.end(working, answered)
    }
}

/// What a plug-in's manifest tells of it.
#[cfg(feature = "extism")]
fn told(manifest: &Manifest) -> Description {
    let schema = manifest.extism.as_ref().map(bottega_manifest::Extism::schema);
    Description {
        // A tool's name has no `-`.
        name: manifest.name.to_string().replace('-', "_"),
        about: manifest.description.clone(),
        schema: schema.unwrap_or_default().to_string(),
    }
}

macro_rules! shown_by_name {
    ($guest:ident) => {
        impl std::fmt::Debug for $guest {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let Manifest { name, version, .. } = self.manifest();
                write!(f, concat!(stringify!($guest), "({} {})"), name, version)
            }
        }
    };
}

shown_by_name!(AgentGuest);
shown_by_name!(ToolGuest);
