//! Agents that a Markdown file defines: played by a language model, worked on in sessions.

use std::sync::Arc;

use bottega_behaviour::{DefinitionLoader, Guest, embody};
use bottega_client::{SessionGuest, Sessions, Told};
use bottega_coder::{Options, hired};
use bottega_config::EMBEDDED;
use bottega_manifest::AgentDefinition;
use bottega_platform::{MindMaker, Minds};

use crate::app::App;
use crate::provision::declarations;

/// What it takes to play an agent.
pub(crate) struct Hiring {
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) minds: Arc<Minds>,
    /// Knows the tools that there are.
    pub(crate) app: Arc<App>,
    pub(crate) options: Options,
    /// Who is told what agents do, and what that costs.
    pub(crate) told: Told,
}

impl Hiring {
    /// A provider that nobody knows is told at once, not with the first question. Keys and models may come later.
    fn can_be_reached(&self, model: &str) -> Result<(), String> {
        let settings = self.app.config().map_err(|error| error.to_string())?.settings();
        match model.split_once('/') {
            Some((provider, _))
                if provider != EMBEDDED
                    && !settings.providers.contains_key(provider)
                    && !settings.models.routes.contains_key(model) =>
            {
                let known: Vec<&str> = settings.providers.keys().map(String::as_str).collect();
                Err(format!(
                    "`model: {model}` is of a provider that the settings don't have; there is: {EMBEDDED}, {}",
                    known.join(", ")
                ))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl DefinitionLoader for Hiring {
    fn load(&self, name: &str, definition: AgentDefinition) -> Result<Arc<dyn Guest>, String> {
        if let Some(model) = &definition.model {
            self.can_be_reached(model)?;
        }
        // Looked up anew for each, since a person may add tools while the server runs.
        let tools = declarations(&self.app).map_err(|error| error.to_string())?;
        let agent = hired(name, &definition, &tools, self.options);
        let agent = Arc::new(agent.map_err(|error| error.to_string())?);
        let tools = agent.definition().tools.iter().map(|tool| tool.name.clone()).collect();
        let mind: MindMaker = Arc::new(move || embody(agent.clone()));
        let (sessions, minds, told) =
            (self.sessions.clone(), self.minds.clone(), self.told.clone());
        let name = name.to_owned();
        Ok(Arc::new(SessionGuest::new(name, definition, sessions, minds, told, mind, tools)))
    }
}
