//! Builds the parts when a command first needs them. The only place that names adapters.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_agent::LlmAgent;
use bottega_api::{ApiError, codes};
use bottega_behaviour::embody;
use bottega_client::{
    Agents, Entrance, InProcess, Machine, Models, ServeRequest, Serving, Sessions, Told, Tools,
    Whereabouts, Workbench, api_error,
};
use bottega_coder::{CODER, coder};
use bottega_config::{EMBEDDED, Purse, SecretError, Settings};
use bottega_egress::WebClient;
use bottega_gateway::{
    Budgets, Gateway, Patience, Price, PriceTable, Provider, Rates, Retries, Route,
};
use bottega_journal_sqlite::{Options as JournalOptions, SqliteStore};
use bottega_llm::ToolDeclaration;
use bottega_local_model::{EngineOptions, Library, LibraryOptions, LocalModels};
use bottega_platform::{MindMaker, Minds, Platform, PlatformError};
use bottega_policy::Budget;
use bottega_providers::{CapabilityOverride, Options as ProviderOptions, Protocol};
use bottega_types::{SystemClock, SystemEntropy, Tokens};
use futures::future::BoxFuture;
use tokio::sync::{Mutex, OnceCell};

use crate::app::App;
use crate::collector::Sending;
use crate::grounds::Grounds;
use crate::hiring::Hiring;
use crate::machine::ThisMachine;
use crate::models::ThisLibrary;
use crate::outland::{Outland, webhooks};
use crate::serving::{self, Parts};
use crate::tools::{self, ThisToolbox};
use crate::workbench::ThisWorkbench;

/// Opens what a command needs, when it needs it.
pub(crate) struct Assembly {
    app: Arc<App>,
    sending: Option<Arc<Sending>>,
    opened: OnceCell<Opened>,
}

struct Opened {
    store: Arc<SqliteStore>,
    sessions: Arc<dyn Sessions>,
    minds: Arc<Minds>,
    gateway: Gateway,
    grounds: Arc<Grounds>,
}

impl Assembly {
    pub(crate) fn new(app: Arc<App>, sending: Option<Arc<Sending>>) -> Self {
        Self { app, sending, opened: OnceCell::new() }
    }

    /// Settles what is still promised to models. Called once, at the end.
    pub(crate) async fn close(&self) {
        if let Some(opened) = self.opened.get() {
            opened.gateway.close().await;
        }
    }

    async fn open(&self) -> Result<Opened, ApiError> {
        let settings = self.app.config()?.settings();
        let library = library(&self.app)?;
        let local = local(settings, library.clone());
        let store = Arc::new(open_store(&self.app)?);
        let Connected { providers, keyless } = connect_providers(&self.app, local.clone())?;
        let gateway = gateway(settings, providers, store.clone())?;
        let declarations = declarations(&self.app)?;
        let agent: Arc<LlmAgent> = Arc::new(coder(&declarations, coder_options(settings)));
        let make: MindMaker = Arc::new(move || embody(agent.clone()));
        let minds = Arc::new(Minds::of(CODER, make));
        let platform = Platform {
            journal: store.clone(),
            blobs: store.clone(),
            views: store.clone(),
            leases: store.clone(),
            gateway: gateway.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            minds: minds.clone(),
        };
        let grounds = Grounds {
            app: self.app.clone(),
            blobs: store.clone(),
            minds: minds.clone(),
            gateway: gateway.clone(),
            library,
            local,
            keyless,
        };
        let grounds = Arc::new(grounds);
        let sessions = Arc::new(InProcess::new(platform, grounds.clone()));
        Ok(Opened { store, sessions, minds, gateway, grounds })
    }
}

#[async_trait]
impl Entrance for Assembly {
    async fn sessions(&self) -> Result<Arc<dyn Sessions>, ApiError> {
        let opened = self.opened.get_or_try_init(|| self.open()).await?;
        Ok(opened.sessions.clone())
    }

    async fn models(&self) -> Result<Arc<dyn Models>, ApiError> {
        let library = library(&self.app)?;
        Ok(Arc::new(ThisLibrary { app: self.app.clone(), library }))
    }

    fn machine(&self) -> Result<Arc<dyn Machine>, ApiError> {
        Ok(Arc::new(ThisMachine { app: self.app.clone() }))
    }

    fn workbench(&self) -> Result<Arc<dyn Workbench>, ApiError> {
        Ok(Arc::new(ThisWorkbench { app: self.app.clone() }))
    }

    fn tools(&self) -> Result<Arc<dyn Tools>, ApiError> {
        Ok(Arc::new(ThisToolbox { app: self.app.clone() }))
    }

    async fn agents(&self, at: &Whereabouts) -> Result<Arc<dyn Agents>, ApiError> {
        serving::connect(&self.app, at)
    }

    async fn serve(
        &self,
        request: ServeRequest,
        ready: &(dyn Fn(Serving) + Send + Sync),
        stop: BoxFuture<'static, ()>,
    ) -> Result<(), ApiError> {
        let opened = self.opened.get_or_try_init(|| self.open()).await?;
        let told = Told::default();
        let hiring = Hiring {
            sessions: opened.sessions.clone(),
            minds: opened.minds.clone(),
            app: self.app.clone(),
            options: coder_options(self.app.config()?.settings()),
            told: told.clone(),
        };
        let own = self.app.config()?.settings().server.webhook_hosts.clone();
        let outland = Outland {
            grounds: opened.grounds.clone(),
            gateway: opened.gateway.clone(),
            web: WebClient::default(),
            costs: told.costs.clone(),
            webhooks: webhooks(&own),
            own,
            benches: Mutex::default(),
        };
        let parts = Parts {
            store: opened.store.clone(),
            hiring: Arc::new(hiring),
            outland: Arc::new(outland),
            told,
            sending: self.sending.clone(),
        };
        serving::serve(&self.app, parts, request, ready, stop).await
    }
}

/// The journal of this user.
fn open_store(app: &App) -> Result<SqliteStore, ApiError> {
    SqliteStore::open(&JournalOptions::new(app.places()?.journal()))
        .map_err(|error| api_error(PlatformError::Store(error)))
}

/// The models on this machine's disk.
pub(crate) fn library(app: &App) -> Result<Library, ApiError> {
    let settings = app.config()?.settings();
    let places = app.places()?;
    let folder = match &settings.local_model.folder {
        Some(folder) => places.expand(folder),
        None => places.models(),
    };
    let mut options = LibraryOptions::new(folder);
    if let Some(endpoint) = app.environment.get("HF_ENDPOINT") {
        options.hub = endpoint.parse().map_err(|error| {
            ApiError::new(
                codes::SETTINGS,
                format!("HF_ENDPOINT `{endpoint}` is no address: {error}"),
            )
        })?;
    }
    if let Some(registry) = &settings.local_model.ollama_registry {
        options.ollama = Some(registry.parse().map_err(|error| {
            ApiError::new(
                codes::SETTINGS,
                format!("local_model.ollama_registry `{registry}` is no address: {error}"),
            )
        })?);
    }
    options.hub_token =
        app.environment.get("HF_TOKEN").map(|token| bottega_types::Secret::new(token.to_owned()));
    Ok(Library::new(options))
}

/// What an engine is built with.
pub(crate) fn engine_options(settings: &Settings, name: &str, path: &Path) -> EngineOptions {
    let mut options = EngineOptions::new(name, path);
    options.threads = settings.local_model.threads;
    options.gpu_layers = settings.local_model.gpu_layers;
    if let Some(context) = settings.local_model.context {
        options.window = context;
    }
    options
}

/// Every local model as one provider.
fn local(settings: &Settings, library: Library) -> LocalModels {
    let settings = settings.clone();
    LocalModels::new(
        library,
        Arc::new(move |model| engine_options(&settings, &model.name, &model.path)),
    )
}

/// The providers that there are, by name.
struct Connected {
    providers: BTreeMap<String, Provider>,
    /// Those whose key can't be had, with what asking for one of their models says.
    keyless: BTreeMap<String, ApiError>,
}

/// A secret that a provider's settings speak of can't be had.
fn no_secret(setting: &str, error: &SecretError) -> ApiError {
    let fault = ApiError::new(codes::SECRET, format!("{setting}: {error}"));
    match error {
        SecretError::Missing { name, .. } => fault.step(format!("run `bottega secret set {name}`")),
        SecretError::Name(_)
        | SecretError::Empty
        | SecretError::Exposed { .. }
        | SecretError::Locked { .. }
        | SecretError::Damaged { .. }
        | SecretError::Busy
        | SecretError::Disk { .. }
        | SecretError::Keyring(_) => fault,
    }
}

/// Every provider of the settings, and the embedded one. A provider whose key can't be had is left out; asking
/// for one of its models says so.
fn connect_providers(app: &App, local: LocalModels) -> Result<Connected, ApiError> {
    let settings = app.config()?.settings();
    let secrets = app.secrets()?;
    let mut keyless = BTreeMap::new();
    let mut providers = BTreeMap::new();
    for (name, provider) in &settings.providers {
        // One provider's missing secret is no reason why another, or a look at the costs, should fail.
        let key = match secrets.key_of(provider) {
            Ok(key) => key,
            Err(error) => {
                keyless.insert(name.clone(), no_secret(&format!("providers.{name}.key"), &error));
                continue;
            }
        };
        let mut options =
            ProviderOptions::new(protocol(provider.protocol), provider.base_url.clone());
        options.key = key;
        options.connect_timeout = settings.models.connect_timeout.0;
        options.idle_timeout = settings.models.idle_timeout.0;
        for (header, template) in &provider.headers {
            let value = secrets.fill(template).map_err(|error| {
                no_secret(&format!("providers.{name}.headers.{header}"), &error)
            })?;
            options.headers.push((header.clone(), value));
        }
        options.capabilities = provider.models.iter().map(capability).collect();
        let model = bottega_providers::build(&options).map_err(|error| {
            ApiError::new(codes::SETTINGS, format!("providers.{name}: {error}"))
        })?;
        let mut built = Provider::new(model);
        built.max_concurrency = usize::try_from(provider.max_concurrency).unwrap_or(1);
        built.requests_per_minute = provider.requests_per_minute;
        providers.insert(name.clone(), built);
    }
    let mut embedded = Provider::new(Arc::new(local));
    // One engine answers one question at a time; more wait in its own queue.
    embedded.max_concurrency = 1;
    providers.insert(EMBEDDED.to_owned(), embedded);
    Ok(Connected { providers, keyless })
}

const fn protocol(protocol: bottega_config::Protocol) -> Protocol {
    match protocol {
        bottega_config::Protocol::Anthropic => Protocol::Anthropic,
        bottega_config::Protocol::Openai => Protocol::Responses,
        bottega_config::Protocol::OpenaiCompatible => Protocol::ChatCompletions,
        bottega_config::Protocol::Gemini => Protocol::Gemini,
        bottega_config::Protocol::Ollama => Protocol::Ollama,
    }
}

fn capability(
    (model, facts): (&String, &bottega_config::ModelFacts),
) -> (String, CapabilityOverride) {
    let tokens = |count: Option<u32>| count.map(|count| Tokens::new(count.into()));
    let facts = CapabilityOverride {
        context_window: tokens(facts.context_window),
        max_output: tokens(facts.max_output),
        native_schema: facts.native_schema,
        tools: facts.tools,
        images: facts.images,
        documents: facts.documents,
        small: facts.small,
    };
    (model.clone(), facts)
}

/// Routes, retries, limits, prices and budgets over the providers.
fn gateway(
    settings: &Settings,
    providers: BTreeMap<String, Provider>,
    store: Arc<SqliteStore>,
) -> Result<Gateway, ApiError> {
    let mut options = bottega_gateway::Options::new(
        settings.model.default.clone().unwrap_or_default(),
        providers,
    );
    options.plain = plain_route(settings);
    for (name, route) in &settings.models.routes {
        let mut built = options.plain.clone();
        built.models = route.models.clone();
        built.retries.most = route.retries.unwrap_or(built.retries.most);
        if let Some(idle) = route.idle_timeout {
            built.patience.idle = idle.0;
        }
        if let Some(deadline) = route.deadline {
            built.deadline = deadline.0;
        }
        built.max_output = route.max_output.or(built.max_output);
        built.sampling = route.sampling_over(built.sampling);
        options.routes.insert(name.clone(), built);
    }
    options.prices = prices(settings)?;
    options.budgets = Budgets {
        day: budget(&settings.budget.per_day),
        agent: budget(&settings.budget.per_agent),
    };
    Ok(Gateway::new(options, store, Arc::new(SystemClock), Arc::new(SystemEntropy)))
}

fn plain_route(settings: &Settings) -> Route {
    let models = &settings.models;
    Route {
        retries: Retries {
            most: models.retries,
            wait: models.retry_wait.0,
            wait_most: models.retry_wait_max.0,
        },
        patience: Patience { first: models.idle_timeout.0, idle: models.idle_timeout.0 },
        deadline: models.deadline.0,
        max_output: settings.model.max_output,
        sampling: settings.model.sampling,
        ..Route::new(Vec::new())
    }
}

fn prices(settings: &Settings) -> Result<PriceTable, ApiError> {
    let own = settings
        .models
        .prices
        .iter()
        .map(|(model, price)| {
            let rates = Rates {
                // Without a price of its own the prompt counts as dear as the answer.
                input: price.input.unwrap_or(price.output).0,
                output: price.output.0,
                cached: price.cached.map(|price| price.0),
                cache_write: price.cache_write.map(|price| price.0),
            };
            (model.clone(), Price { rates, above: Vec::new() })
        })
        .collect();
    PriceTable::shipped()
        .and_then(|shipped| shipped.with(own))
        .map_err(|error| ApiError::new(codes::SETTINGS, error.to_string()))
}

/// A purse of the settings as a budget.
pub(crate) fn budget(purse: &Purse) -> Budget {
    Budget { tokens: purse.tokens.map(Tokens::new), money: purse.money.map(|money| money.0) }
}

fn coder_options(settings: &Settings) -> bottega_coder::Options {
    let repeats = usize::try_from(settings.limits.repeats).unwrap_or(usize::MAX);
    bottega_coder::Options { repeats, effort: settings.model.effort }
}

/// The tools as models are told about them.
pub(crate) fn declarations(app: &Arc<App>) -> Result<Arc<[ToolDeclaration]>, ApiError> {
    Ok(bottega_toolhost::declarations(&tools::catalogue(app)?))
}
