//! What a run works in: the workspace's files, its sandbox, its tools, and the model of the ladder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bottega_api::{ApiError, codes};
use bottega_client::{RunDefaults, Workshop};
use bottega_coder::{CODER, WorkspaceSurveyor};
use bottega_config::{Choice, EMBEDDED, ModelChoice, Rungs, Settings, choose_model};
use bottega_egress::{EgressProxy, WebClient};
use bottega_event::{Limits, ModelFacts};
use bottega_gateway::Gateway;
use bottega_llm::ModelLibrary;
use bottega_local_model::{Library, LocalModels};
use bottega_platform::{Ground, Minds};
use bottega_policy::{AccessMode, Approver, Rule, Rules};
use bottega_sandbox_linux::LinuxSandbox;
use bottega_store::Blobs;
use bottega_tool::Sandbox;
use bottega_toolhost::ToolHost;
use bottega_types::{Redactor, SystemClock};
use bottega_workspace::DiskWorkspace;

use crate::app::App;
use crate::{provision, tools};

/// Milliseconds within which an Ollama on this machine has to answer.
const OLLAMA_PATIENCE: std::time::Duration = std::time::Duration::from_millis(300);

/// What a run works in.
pub(crate) struct Grounds {
    pub(crate) app: Arc<App>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) gateway: Gateway,
    pub(crate) library: Library,
    pub(crate) local: LocalModels,
    /// Who may call which tools.
    pub(crate) minds: Arc<Minds>,
    /// Providers whose key can't be had, with what asking for one of their models says.
    pub(crate) keyless: BTreeMap<String, ApiError>,
}

/// A local model that is not on this machine, with those that are.
pub(crate) async fn not_here(library: &Library, name: &str) -> ApiError {
    let known = match library.list().await {
        Ok(models) => models.into_iter().map(|model| model.name).collect::<Vec<_>>(),
        Err(error) => return ApiError::new(codes::LIBRARY, error.to_string()),
    };
    let here = match known.as_slice() {
        [] => "none is yet".to_owned(),
        known => format!("these are: {}", known.join(", ")),
    };
    let why = format!("the model `{name}` is not on this machine; {here}");
    let pull = match bottega_local_model::CATALOGUE.iter().any(|entry| entry.name == name) {
        true => format!("run `bottega model pull {name}`"),
        false => "run `bottega model list` for the names, or pull one by its source".to_owned(),
    };
    ApiError::new(codes::NO_MODEL, why).step(pull)
}

/// What to do when a name means no model: how names are written, and which there are.
pub(crate) fn names(settings: &Settings) -> String {
    let providers = settings.providers.keys().map(String::as_str).chain([EMBEDDED]);
    let mut providers: Vec<&str> = providers.collect();
    providers.sort_unstable();
    let mut step = format!("write PROVIDER/NAME, with a provider of {}", providers.join(", "));
    let routes: Vec<&str> = settings.models.routes.keys().map(String::as_str).collect();
    if !routes.is_empty() {
        step.push_str(&format!("; or a route of {}", routes.join(", ")));
    }
    step
}

/// The sandbox of this machine, as the settings want it.
pub(crate) fn sandbox(app: &App) -> Result<LinuxSandbox, ApiError> {
    Ok(LinuxSandbox::new(sandbox_options(app)?))
}

fn sandbox_options(app: &App) -> Result<bottega_sandbox_linux::Options, ApiError> {
    let settings = app.config()?.settings();
    let places = app.places()?;
    let mut options = bottega_sandbox_linux::Options::new(places.cache.join("cage"));
    options.environment =
        app.environment.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    options.pass = settings.tools.shell.environment.clone();
    let shell = &settings.tools.shell;
    options.memory = bound(shell.memory.map(|size| size.0), options.memory);
    options.file_size = bound(shell.file_size.map(|size| size.0), options.file_size);
    options.processes = bound(shell.processes, options.processes);
    options.home = places.home.clone();
    options.commands = app.commands.clone();
    options.egress = Some(Arc::new(EgressProxy::default()));
    options.unreadable = vec![
        places.config.clone(),
        places.data.clone(),
        places.state.clone(),
        places.cache.clone(),
    ];
    Ok(options)
}

/// The sandbox of work in a folder.
fn sandbox_over(app: &App, folder: &Path) -> Result<LinuxSandbox, ApiError> {
    let mut options = sandbox_options(app)?;
    // Without it git finds nothing in a linked worktree.
    options.readable.extend(bottega_workspace::linked_repository(folder));
    Ok(LinuxSandbox::new(options))
}

/// The limit that is set, where 0 is none; else the usual one.
const fn bound(set: Option<u64>, usual: Option<u64>) -> Option<u64> {
    match set {
        Some(0) => None,
        Some(most) => Some(most),
        None => usual,
    }
}

impl Grounds {
    /// The models of a running Ollama; `None` when none runs. Asked only when nothing above it on the ladder
    /// holds.
    async fn ollama(&self, settings: &Settings) -> Option<Vec<String>> {
        let provider = settings.providers.get("ollama")?;
        if !bottega_providers::is_running(&provider.base_url, OLLAMA_PATIENCE).await {
            return None;
        }
        let protocol = bottega_providers::Protocol::Ollama;
        let options = bottega_providers::Options::new(protocol, provider.base_url.clone());
        bottega_providers::list_models(&options).await.ok()
    }

    async fn choose(&self, explicit: Option<&str>) -> Result<ModelChoice, ApiError> {
        let settings = self.app.config()?.settings();
        let no_model = |error: bottega_config::NoSuchModel| {
            ApiError::new(codes::NO_MODEL, error.to_string()).step(names(settings))
        };
        // The upper rungs cost nothing to look at; the lower ones a directory and a connection.
        let above = explicit
            .is_some_and(|name| name.contains('/') || settings.models.routes.contains_key(name))
            || explicit.is_none() && settings.model.default.is_some();
        let keyed = if above { Vec::new() } else { self.app.secrets()?.keyed_providers(settings) };
        let below = !above && (explicit.is_some() || keyed.is_empty());
        let local: Vec<String> = if below {
            let models = self.library.list().await;
            let models =
                models.map_err(|error| ApiError::new(codes::LIBRARY, error.to_string()))?;
            models.into_iter().map(|model| model.name).collect()
        } else {
            Vec::new()
        };
        let ollama = if below && explicit.is_none() { self.ollama(settings).await } else { None };
        let rungs = Rungs { explicit, keyed: &keyed, ollama: ollama.as_deref(), local: &local };
        match choose_model(settings, rungs).map_err(no_model)? {
            Choice::Use { model, .. } => Ok(model),
            Choice::OfferPull { name } => Err(ApiError::new(
                codes::NO_MODEL,
                "no model is set, no API key was found, no Ollama runs, and no local model is on disk",
            )
            .step(format!(
                "run `bottega model pull {name}` (no account needed), or set a provider's API key"
            ))),
        }
    }

    /// Makes sure that a local model is on this machine and can be used.
    async fn here(&self, name: &str) -> Result<(), ApiError> {
        if self.library.find(name).is_none() {
            return Err(not_here(&self.library, name).await);
        }
        let engine = self.local.engine(name).map(|_| ());
        engine.map_err(|error| ApiError::new(codes::NO_MODEL, error.message))
    }

    /// Makes sure that no provider lacks the key that its settings speak of.
    fn keyed(&self, choice: &ModelChoice, settings: &Settings) -> Result<(), ApiError> {
        let models = match choice {
            ModelChoice::Model(model) => std::slice::from_ref(model),
            ModelChoice::Route(name) => {
                settings.models.routes.get(name).map_or(&[][..], |route| &route.models)
            }
        };
        let mut faults = models.iter().filter_map(|model| self.keyless.get(&model.provider));
        faults.next().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    pub(crate) fn rules(&self) -> Result<Rules, ApiError> {
        rules(&self.app)
    }
}

/// The rules of the settings.
pub(crate) fn rules(app: &App) -> Result<Rules, ApiError> {
    let (access, places) = (&app.config()?.settings().access, app.places()?);
    let expanded = |rule: Rule| match rule.0.split_once(':') {
        Some((kind @ ("read" | "write"), glob)) => {
            Rule(format!("{kind}:{}", places.expand(glob).display()))
        }
        Some(_) | None => rule,
    };
    let rules = Rules::from(&access.rules);
    Ok(Rules {
        outflow: access.outflow,
        deny: rules.deny.into_iter().map(expanded).collect(),
        ask: rules.ask.into_iter().map(expanded).collect(),
        ..rules
    })
}

fn workspace_options(app: &App) -> Result<bottega_workspace::Options, ApiError> {
    let places = app.places()?;
    let protected = vec![places.config.clone(), places.data.clone(), places.state.clone()];
    let more = &app.config()?.settings().access.protected;
    let more = more.iter().map(|glob| places.expand(glob).to_string_lossy().into_owned());
    Ok(bottega_workspace::Options {
        home: places.home.clone(),
        protected,
        protected_globs: more.collect(),
        rules: rules(app)?,
        ..bottega_workspace::Options::default()
    })
}

/// A folder with what works in it.
pub(crate) struct Tooled {
    pub(crate) files: Arc<DiskWorkspace>,
    pub(crate) tools: ToolHost,
    pub(crate) redactor: Arc<Redactor>,
}

/// The tools that are allowed, over a folder.
pub(crate) fn tooled(
    app: &Arc<App>,
    blobs: Arc<dyn Blobs>,
    folder: &Path,
    approver: Arc<dyn Approver>,
    allowed: impl Fn(&str) -> bool,
) -> Result<Tooled, ApiError> {
    let settings = app.config()?.settings();
    let files = DiskWorkspace::open(folder, &workspace_options(app)?)
        .map_err(|error| ApiError::new(codes::FILE, error.to_string()))?;
    let files: Arc<DiskWorkspace> = Arc::new(files);
    let sandbox: Arc<dyn Sandbox> = Arc::new(sandbox_over(app, folder)?);
    let redactor = Arc::new(app.redactor()?);
    let tools = ToolHost::new(
        bottega_toolhost::Options {
            output_limit: usize::try_from(settings.limits.tool_output.0).unwrap_or(usize::MAX),
            ..bottega_toolhost::Options::default()
        },
        bottega_toolhost::Parts {
            catalogue: tools::catalogue(app)?.only(|tool| allowed(tool.name())),
            workspace: files.clone(),
            sandbox,
            web: Arc::new(WebClient::default()),
            blobs,
            approver,
            rules: files.rules().clone(),
            redactor: redactor.clone(),
            clock: Arc::new(SystemClock),
        },
    );
    Ok(Tooled { files, tools, redactor })
}

impl Grounds {
    /// The tools that are allowed, over a folder.
    pub(crate) fn tools(
        &self,
        folder: &Path,
        approver: Arc<dyn Approver>,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<Tooled, ApiError> {
        tooled(&self.app, self.blobs.clone(), folder, approver, allowed)
    }
}

impl Grounds {
    /// The route or model that is asked where `named` is what was said: the ladder's own choice when nothing was.
    pub(crate) async fn route(&self, named: Option<&str>) -> Result<String, ApiError> {
        let choice = self.choose(named).await?;
        let settings = self.app.config()?.settings();
        if let ModelChoice::Model(model) = &choice
            && model.provider == EMBEDDED
        {
            self.here(&model.model).await?;
        }
        self.keyed(&choice, settings)?;
        Ok(choice.to_string())
    }
}

#[async_trait]
impl Workshop for Grounds {
    fn workspace(&self) -> PathBuf {
        self.app.workspace.clone()
    }

    fn agent(&self) -> String {
        CODER.to_owned()
    }

    fn redactor(&self) -> Result<Redactor, ApiError> {
        self.app.redactor()
    }

    fn defaults(&self) -> RunDefaults {
        let settings = match self.app.config() {
            Ok(config) => config.settings().clone(),
            // They were read before anything was opened; without them there is no run.
            Err(_) => Settings::default(),
        };
        RunDefaults {
            mode: settings.access.mode,
            limits: Limits {
                turns: settings.limits.turns,
                seconds: settings.limits.time.0.as_secs(),
                budget: provision::budget(&settings.budget.per_run),
            },
        }
    }

    fn ground(
        &self,
        agent: &str,
        workspace: &Path,
        mode: AccessMode,
        approver: Arc<dyn Approver>,
    ) -> Result<Ground, ApiError> {
        let settings = self.app.config()?.settings();
        if !workspace.is_dir() {
            let why = format!("the folder `{}` is not there", workspace.display());
            let step = "bring it back, or begin a new session in another folder";
            return Err(ApiError::new(codes::FILE, why).step(step));
        }
        let Tooled { files, tools, redactor } =
            self.tools(workspace, approver, |tool| self.minds.may_call(agent, tool))?;
        Ok(Ground {
            tools: Arc::new(tools),
            mode,
            surveyor: Arc::new(WorkspaceSurveyor::new(files.clone(), Arc::new(SystemClock))),
            workspace: files,
            redactor,
            parallel_tools: usize::try_from(settings.limits.parallel_tools).unwrap_or(1),
        })
    }

    async fn model(&self, explicit: Option<&str>) -> Result<ModelFacts, ApiError> {
        let settings = self.app.config()?.settings();
        let no_model = |why: String| ApiError::new(codes::NO_MODEL, why).step(names(settings));
        let route = self.route(explicit).await?;
        let purses = &settings.budget;
        let purses = [&purses.per_run, &purses.per_agent, &purses.per_day];
        if purses.iter().any(|purse| purse.money.is_some()) {
            let unpriced = |why: String| {
                ApiError::new(codes::NO_MODEL, why)
                    .step("add its price to the settings, or leave out the limit in dollars")
            };
            self.gateway.priced(&route).map_err(|error| unpriced(error.to_string()))?;
        }
        self.gateway.facts(&route).map_err(|error| no_model(error.to_string()))
    }
}
