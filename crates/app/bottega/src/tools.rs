//! The tools of this machine: the built-in ones, and those that a person added.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_actor::Place;
use bottega_api::{ApiError, ToolAnswer, ToolView, codes};
use bottega_client::Tools;
use bottega_coder::BUILT_IN;
use bottega_egress::WebClient;
use bottega_event::ToolOutcome;
use bottega_llm::ToolCall;
use bottega_manifest::{Host, HttpRequest, HttpResponse, Level, Refusal};
use bottega_policy::AccessMode;
use bottega_sandbox_wasm::{Added, Options, Toolbox, ToolboxError};
use bottega_store::MemoryStore;
use bottega_tool::{Tool, ToolCatalogue};
use bottega_toolhost::SessionScope;
use bottega_types::{CallId, Clock as _, Digest, SessionId, SystemClock, SystemEntropy};

use crate::app::App;
use crate::grounds;
use crate::outland::{Deaf, Nobody, open};

/// The tools that were added, ready to be called. Made once a process, so that what was loaded stays.
pub(crate) fn toolbox(app: &App) -> Result<Arc<Toolbox>, ApiError> {
    let places = app.places()?;
    let make = || {
        let options = Options { cache: Some(places.compiled()), ..Options::default() };
        Arc::new(Toolbox::new(places.tools(), options))
    };
    Ok(Arc::clone(app.toolbox.get_or_init(make)))
}

/// Which tools were added, so that whoever keeps a catalogue knows when it is out of date.
pub(crate) fn added(app: &App) -> Result<Vec<Digest>, ApiError> {
    let found = toolbox(app)?.list().map_err(|error| fault(&error))?;
    Ok(found.tools.iter().map(|tool| tool.digest).collect())
}

/// What is offered to agents: the tools that the settings leave on.
pub(crate) fn catalogue(app: &Arc<App>) -> Result<ToolCatalogue, ApiError> {
    let disabled = &app.config()?.settings().tools.disabled;
    let beyond: Arc<dyn Host> = Arc::new(Web { app: app.clone(), client: WebClient::default() });
    let found = toolbox(app)?.tools(&beyond).map_err(|error| fault(&error))?;
    for error in found.wrong {
        tracing::warn!("a tool is not offered: {error}");
    }
    let all = ToolCatalogue::new(BUILT_IN).with(found.tools);
    Ok(all.only(|tool| !disabled.iter().any(|name| name == tool.name())))
}

/// The way to the web of tools that were granted some of it. What they need was judged before they were called.
struct Web {
    app: Arc<App>,
    client: WebClient,
}

#[async_trait]
impl Host for Web {
    fn log(&self, level: Level, text: &str) {
        // Without settings that can be read nobody knows what is secret.
        let Ok(redactor) = self.app.redactor() else { return };
        // In the log it is one line, whatever it is.
        let line = redactor.clean(text).replace(char::is_control, " ");
        match level {
            Level::Debug => tracing::debug!("{line}"),
            Level::Info => tracing::info!("{line}"),
            Level::Warn => tracing::warn!("{line}"),
            Level::Error => tracing::error!("{line}"),
        }
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        let rules = grounds::rules(&self.app);
        let rules = rules.map_err(|error| Refusal::Unavailable(error.message))?;
        open(&rules, request.url.target())?;
        self.client.send(request).await
    }
}

fn fault(error: &ToolboxError) -> ApiError {
    let (code, step) = match error {
        ToolboxError::Manifest(_)
        | ToolboxError::Load(_)
        | ToolboxError::Uncompiled(_)
        | ToolboxError::Undescribed(_)
        | ToolboxError::Description { .. }
        | ToolboxError::Taken { .. }
        | ToolboxError::Another { .. }
        | ToolboxError::Long { .. }
        | ToolboxError::Capability { .. } => (
            codes::MALFORMED,
            "mend what is named, build it again, then repeat; nothing was changed",
        ),
        ToolboxError::Missing { .. } | ToolboxError::Replaced { .. } => {
            (codes::NO_TOOL, codes::NO_TOOL.next_step)
        }
        ToolboxError::Damaged { .. } => {
            (codes::FILE, "add the tool again, or take it away with `bottega tool rm`")
        }
        ToolboxError::Disk { .. } => (codes::FILE, codes::FILE.next_step),
        ToolboxError::Engine(_) => (codes::INTERNAL, codes::INTERNAL.next_step),
    };
    ApiError::new(code, error.to_string()).step(step)
}

/// The tools as the client's trait wants them.
pub(crate) struct ThisToolbox {
    pub(crate) app: Arc<App>,
}

impl ThisToolbox {
    fn enabled(&self, name: &str) -> Result<bool, ApiError> {
        let disabled = &self.app.config()?.settings().tools.disabled;
        Ok(!disabled.iter().any(|other| other == name))
    }

    fn built_in(&self, tool: &dyn Tool) -> Result<ToolView, ApiError> {
        let mut schema = tool.schema();
        let about = schema.as_object_mut().and_then(|root| root.shift_remove("description"));
        let about = about.and_then(|text| text.as_str().map(str::to_owned));
        Ok(ToolView {
            name: tool.name().to_owned(),
            about: about.unwrap_or_default(),
            from: ToolView::BUILT_IN.to_owned(),
            may: Vec::new(),
            hosts: Vec::new(),
            enabled: self.enabled(tool.name())?,
            schema,
        })
    }

    fn added(&self, added: Added) -> Result<ToolView, ApiError> {
        let Added { description, schema, manifest, digest: _ } = added;
        let capabilities = &manifest.capabilities;
        Ok(ToolView {
            enabled: self.enabled(&description.name)?,
            name: description.name,
            about: description.about,
            from: format!("{} {}", manifest.name, manifest.version),
            may: capabilities.granted().map(|it| it.to_string()).collect(),
            hosts: capabilities.http.iter().map(|pattern| pattern.0.to_string()).collect(),
            schema,
        })
    }

    fn not_built_in(&self, name: &str, verb: &str) -> Result<(), ApiError> {
        if BUILT_IN.iter().any(|tool| tool.name() == name) {
            let why = format!("`{name}` is built in and can't be {verb}");
            let step =
                format!("`bottega config set tools.disabled '[\"{name}\"]'` takes it from agents");
            return Err(ApiError::new(codes::USAGE, why).step(step));
        }
        Ok(())
    }
}

#[async_trait]
impl Tools for ThisToolbox {
    async fn list(&self) -> Result<(Vec<ToolView>, Vec<String>), ApiError> {
        let mut views = Vec::new();
        for tool in BUILT_IN {
            views.push(self.built_in(*tool)?);
        }
        let found = toolbox(&self.app)?.list().map_err(|error| fault(&error))?;
        for tool in found.tools {
            views.push(self.added(tool)?);
        }
        Ok((views, found.wrong.iter().map(ToString::to_string).collect()))
    }

    async fn show(&self, name: &str) -> Result<ToolView, ApiError> {
        match BUILT_IN.iter().find(|tool| tool.name() == name) {
            Some(tool) => self.built_in(*tool),
            None => self.added(toolbox(&self.app)?.find(name).map_err(|error| fault(&error))?),
        }
    }

    async fn add(&self, manifest: String, wasm: Vec<u8>) -> Result<ToolView, ApiError> {
        let places = self.app.places()?;
        places.create().map_err(|error| ApiError::new(codes::FILE, error.to_string()))?;
        // The loop of every agent has a way to end by itself.
        let built_in = BUILT_IN.iter().map(|tool| tool.name());
        let taken: Vec<&str> = built_in.chain([bottega_agent::FINISH]).collect();
        let added = toolbox(&self.app)?
            .add(&manifest, &wasm, &taken)
            .await
            .map_err(|error| fault(&error))?;
        self.added(added)
    }

    async fn remove(&self, name: &str) -> Result<(), ApiError> {
        self.not_built_in(name, "taken away")?;
        toolbox(&self.app)?.remove(name).map_err(|error| fault(&error))
    }

    async fn call(&self, name: &str, arguments: String) -> Result<ToolAnswer, ApiError> {
        self.not_built_in(name, "called by hand")?;
        toolbox(&self.app)?.find(name).map_err(|error| fault(&error))?;
        let blobs = Arc::new(MemoryStore::default());
        let folder = &self.app.workspace;
        let tooled = grounds::tooled(&self.app, blobs, folder, Arc::new(Nobody), |it| it == name)?;
        let session = SessionId::new(SystemClock.now(), &SystemEntropy);
        // Whoever types it has allowed what the manifest grants; what a rule denies stays denied.
        let scope = SessionScope::new(session, AccessMode::Full);
        let call = CallId::new(SystemClock.now(), &SystemEntropy);
        let request = ToolCall { id: call.to_string(), name: name.to_owned(), arguments };
        let place: Place = scope.place();
        let report = tooled.tools.call(&scope, place, call, &request, Arc::new(Deaf)).await;
        let succeeded = match report.outcome {
            ToolOutcome::Succeeded => true,
            ToolOutcome::CommandFailed
            | ToolOutcome::Failed
            | ToolOutcome::Denied
            | ToolOutcome::Interrupted => false,
        };
        Ok(ToolAnswer {
            name: name.to_owned(),
            succeeded,
            text: report.text,
            elapsed_ms: report.elapsed_ms,
        })
    }
}
