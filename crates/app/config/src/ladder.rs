//! Which model answers when nobody, or somebody, said so.

use std::fmt;

use bottega_llm::ModelRef;

use crate::Settings;
use crate::problem::nearest;
use crate::vendor::{DEFAULT_LOCAL_MODEL, EMBEDDED};

/// A model or a route of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    /// One model.
    Model(ModelRef),
    /// The route of this name in the settings.
    Route(String),
}

impl fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(model) => model.fmt(f),
            Self::Route(name) => f.write_str(name),
        }
    }
}

/// What is known of the machine when a model is chosen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rungs<'r> {
    /// What the command line asks for: a route, `PROVIDER/NAME`, or the name of a local model.
    pub explicit: Option<&'r str>,
    /// The providers whose keys were found, the preferred first (see
    /// [`SecretStore::keyed_providers`](crate::SecretStore::keyed_providers)).
    pub keyed: &'r [String],
    /// The models of a running Ollama; `None` when none runs.
    pub ollama: Option<&'r [String]>,
    /// The names of the local models on disk.
    pub local: &'r [String],
}

/// Why a model was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was asked for.
    Asked,
    /// The settings name it.
    Settings,
    /// A key for its provider was found.
    KeyFound {
        /// The provider.
        provider: String,
    },
    /// Ollama runs and has it.
    OllamaRuns,
    /// It is on disk.
    OnDisk,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("asked for"),
            Self::Settings => f.write_str("`model.default` names it"),
            Self::KeyFound { provider } => write!(f, "a key for {provider} was found"),
            Self::OllamaRuns => f.write_str("Ollama runs and has it"),
            Self::OnDisk => f.write_str("it is on this machine's disk"),
        }
    }
}

/// What comes of looking for a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Take this one.
    Use {
        /// The model or route.
        model: ModelChoice,
        /// Why this one.
        why: Why,
    },
    /// There is none: offer to pull this local model.
    OfferPull {
        /// Its name.
        name: String,
    },
}

/// What was asked for names no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchModel {
    /// Neither a route nor `PROVIDER/NAME`.
    #[error("`{asked}` is neither a route nor `PROVIDER/NAME`{}", hint(.nearest))]
    Name {
        /// As it was written.
        asked: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The part before the slash is no provider.
    #[error("`{asked}` names the provider `{provider}`, and there is none{}", hint(.nearest))]
    Provider {
        /// As it was written.
        asked: String,
        /// The part before the slash.
        provider: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
}

fn hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => String::new(),
    }
}

impl ModelChoice {
    /// The route or model that `asked` names.
    ///
    /// # Errors
    /// When it names neither, or a provider that is not set.
    pub fn named(asked: &str, settings: &Settings) -> Result<Self, NoSuchModel> {
        let routes = &settings.models.routes;
        if routes.contains_key(asked) {
            return Ok(Self::Route(asked.to_owned()));
        }
        let Ok(model) = asked.parse::<ModelRef>() else {
            let nearest = nearest(asked, routes.keys().map(String::as_str));
            return Err(NoSuchModel::Name { asked: asked.to_owned(), nearest });
        };
        let known = settings.providers.keys().map(String::as_str).chain([EMBEDDED]);
        if known.clone().any(|name| name == model.provider) {
            return Ok(Self::Model(model));
        }
        let nearest = nearest(&model.provider, known);
        Err(NoSuchModel::Provider { asked: asked.to_owned(), provider: model.provider, nearest })
    }
}

/// Chooses a model: what was asked for, else what the settings name, else a provider whose key was
/// found, else a running Ollama, else a local model on disk; else one is to be pulled.
///
/// # Errors
/// When what was asked for names nothing. The settings were checked when they were read.
pub fn choose_model(settings: &Settings, rungs: Rungs<'_>) -> Result<Choice, NoSuchModel> {
    if let Some(asked) = rungs.explicit {
        let is_local = rungs.local.iter().any(|name| name == asked);
        let model = match ModelChoice::named(asked, settings) {
            Err(NoSuchModel::Name { .. }) if is_local => embedded(asked),
            Err(NoSuchModel::Name { asked, nearest: None }) => {
                let nearest = nearest(&asked, rungs.local.iter().map(String::as_str));
                return Err(NoSuchModel::Name { asked, nearest });
            }
            named => named?,
        };
        return Ok(Choice::Use { model, why: Why::Asked });
    }
    if let Some(default) = &settings.model.default {
        let model = ModelChoice::named(default, settings)?;
        return Ok(Choice::Use { model, why: Why::Settings });
    }
    let keyed = rungs.keyed.iter().find_map(|name| {
        let model = settings.providers.get(name)?.default_model.clone()?;
        Some((name, ModelChoice::Model(ModelRef { provider: name.clone(), model })))
    });
    if let Some((provider, model)) = keyed {
        return Ok(Choice::Use { model, why: Why::KeyFound { provider: provider.clone() } });
    }
    let ollama = rungs.ollama.and_then(|models| preferred(models, |name| name.contains("coder")));
    if let Some(model) = ollama {
        let model = ModelRef { provider: "ollama".to_owned(), model: model.to_owned() };
        return Ok(Choice::Use { model: ModelChoice::Model(model), why: Why::OllamaRuns });
    }
    Ok(match preferred(rungs.local, |name| name == DEFAULT_LOCAL_MODEL) {
        Some(name) => Choice::Use { model: embedded(name), why: Why::OnDisk },
        None => Choice::OfferPull { name: DEFAULT_LOCAL_MODEL.to_owned() },
    })
}

fn embedded(name: &str) -> ModelChoice {
    ModelChoice::Model(ModelRef { provider: EMBEDDED.to_owned(), model: name.to_owned() })
}

/// The first that is liked, else the first.
fn preferred(names: &[String], is_liked: impl Fn(&str) -> bool) -> Option<&str> {
    names.iter().find(|name| is_liked(name)).or(names.first()).map(String::as_str)
}
