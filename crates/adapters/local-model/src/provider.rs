//! Every model of a library as one provider: `local/NAME` loads `NAME` at its first use.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bottega_llm::{
    Capabilities, ChatModel, ChatRequest, ErrorKind, EventStream, LocalModel, ModelError,
};
use bottega_types::Tokens;

use crate::engine::options::EngineOptions;
use crate::engine::stats::EngineStats;
use crate::engine::{Engine, capabilities};
use crate::library::Library;

/// Makes the options of an engine for one model of the library.
pub type ConfigureEngine = Arc<dyn Fn(&LocalModel) -> EngineOptions + Send + Sync>;

/// Engines by model, the latest used last.
type Engines = Vec<(String, Arc<Engine>)>;

/// Answers with the models of a library. At most [`Self::LOADED`] are in memory at once; the one
/// that was not used for longest makes room, after it has finished what it is doing.
#[derive(Clone)]
pub struct LocalModels {
    library: Library,
    configure: ConfigureEngine,
    engines: Arc<Mutex<Engines>>,
}

impl std::fmt::Debug for LocalModels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalModels").field("library", &self.library).finish_non_exhaustive()
    }
}

impl LocalModels {
    /// Models in memory at once.
    pub const LOADED: usize = 2;

    /// Serves `library`; `configure` says how each model is run.
    pub fn new(library: Library, configure: ConfigureEngine) -> Self {
        Self { library, configure, engines: Arc::default() }
    }

    /// The engine of one model; its file is not loaded before the first request.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the library has no such model.
    pub fn engine(&self, name: &str) -> Result<Arc<Engine>, ModelError> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = engines.iter().position(|(known, _)| known == name) {
            let entry = engines.remove(index);
            let engine = Arc::clone(&entry.1);
            engines.push(entry);
            return Ok(engine);
        }
        let model = self.library.find(name).ok_or_else(|| {
            let why =
                format!("`{name}` is not on this machine; fetch it: `bottega model pull {name}`");
            ModelError::new(ErrorKind::NotFound, why)
        })?;
        let engine = Engine::new((self.configure)(&model)).map_err(|error| {
            let again = format!("remove it with `bottega model rm {name}` and fetch it again");
            ModelError::new(error.kind, format!("{}; {again}", error.message))
        });
        let engine = Arc::new(engine?);
        if engines.len() >= Self::LOADED {
            let (_, oldest) = engines.remove(0);
            retire(oldest);
        }
        engines.push((name.to_owned(), Arc::clone(&engine)));
        Ok(engine)
    }

    /// What the engines in use are doing, by model.
    #[must_use]
    pub fn stats(&self) -> Vec<(String, EngineStats)> {
        let engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.iter().map(|(name, engine)| (name.clone(), engine.stats())).collect()
    }
}

/// Lets go of an engine once its last answer is done, without making anybody wait.
fn retire(engine: Arc<Engine>) {
    let _ = std::thread::Builder::new().name("engine retires".to_owned()).spawn(move || {
        while engine.stats().busy || engine.stats().waiting > 0 {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        drop(engine);
    });
}

#[async_trait]
impl ChatModel for LocalModels {
    fn capabilities(&self, model: &str) -> Capabilities {
        // From the record alone: asking must not load one model or push out another.
        match self.library.find(model) {
            Some(found) => {
                let window = (self.configure)(&found).window;
                capabilities(found.context_window.get(), found.parameters, window)
            }
            None => capabilities(0, 0, 0),
        }
    }

    async fn stream(&self, request: Arc<ChatRequest>) -> Result<EventStream, ModelError> {
        self.engine(&request.model)?.stream(request).await
    }

    fn count(&self, request: &ChatRequest) -> Option<Tokens> {
        self.engine(&request.model).ok()?.count(request)
    }
}
