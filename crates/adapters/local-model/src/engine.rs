//! The embedded engine: one GGUF model, one thread that owns it, a bounded queue before it.
//!
//! One answer: [`Engine::stream`] → the queue → [`writer`] (prompt → tokens → logits → token →
//! text → events) → the stream. Modules are the stages of that way.

pub(crate) mod bench;
mod constraint;
mod grammar;
pub(crate) mod llama;
mod model;
pub(crate) mod options;
mod prompt;
mod reader;
mod sampler;
mod shelf;
pub(crate) mod stats;
mod template;
pub(crate) mod threads;
mod untrusted;
mod utf8;
mod writer;

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use async_trait::async_trait;
use bottega_llm::{
    Capabilities, ChatModel, ChatRequest, ErrorKind, EventStream, ModelError, StreamEvent,
};
use bottega_types::Tokens;
use futures::Stream;
use tokio::sync::mpsc;

use crate::hardware;
use crate::library::gguf;
use model::Model;
use options::EngineOptions;
use stats::{EngineStats, Shared};
use writer::{Job, Writer};

/// Events that may wait for a slow listener before the engine waits for it.
const EVENTS: usize = 64;
/// A window smaller than this is of no use to anybody.
const SMALLEST: u32 = 256;
/// Models with fewer weights than this count as small.
const SMALL: u64 = 9_000_000_000;

/// One model in this process. It is loaded at its first use and stays until the engine is dropped.
///
/// Answers are written one after the other; others wait in a bounded queue, and when that is full
/// a request fails with [`ErrorKind::Overloaded`].
pub struct Engine {
    options: Arc<EngineOptions>,
    capabilities: Capabilities,
    parts: Arc<Parts>,
    worker: Mutex<Option<Worker>>,
}

/// What the engine and its thread share.
struct Parts {
    options: Arc<EngineOptions>,
    model: OnceLock<Result<Arc<Model>, String>>,
    shared: Arc<Shared>,
    /// Set when the engine is dropped; aborts the answer under way.
    closing: AtomicBool,
    /// The answer under way.
    current: Mutex<Option<Arc<AtomicBool>>>,
}

struct Worker {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
}

/// What a model of this size can do in a window of at most `window` tokens.
pub(crate) fn capabilities(trained: u64, parameters: u64, window: u32) -> Capabilities {
    let window = u64::from(window);
    let window = if trained == 0 { window } else { window.min(trained) };
    Capabilities {
        context_window: Tokens::new(window),
        max_output: Tokens::new(window / 2),
        native_schema: true,
        tools: true,
        images: false,
        documents: false,
        small: parameters < SMALL,
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Engine {
    /// Reads the header of the file and nothing more.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the file is no readable GGUF file.
    pub fn new(options: EngineOptions) -> Result<Self, ModelError> {
        let header = gguf::read(&options.path)
            .map_err(|why| ModelError::new(ErrorKind::NotFound, why.to_string()))?;
        let capabilities = capabilities(header.context_window, header.parameters, options.window);
        let options = Arc::new(options);
        let parts = Arc::new(Parts {
            options: Arc::clone(&options),
            model: OnceLock::new(),
            shared: Arc::default(),
            closing: AtomicBool::new(false),
            current: Mutex::new(None),
        });
        Ok(Self { options, capabilities, parts, worker: Mutex::new(None) })
    }

    /// What it does at this moment. Costs a few memory reads.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        self.parts.shared.stats()
    }

    /// Loads the model now, so that the first request doesn't wait for it. Blocks meanwhile.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the file can't be loaded.
    pub fn load(&self) -> Result<(), ModelError> {
        self.parts.model().map(|_| ())
    }

    fn submit(&self, job: Job) -> Result<(), ModelError> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = worker.as_ref().is_some_and(|worker| worker.thread.is_finished());
        if gone || worker.is_none() {
            *worker = Some(self.start()?);
        }
        let Some(worker) = &*worker else {
            return Err(ModelError::new(ErrorKind::Internal, "the engine has no thread"));
        };
        let waiting = self.parts.shared.waiting.fetch_add(1, Ordering::Relaxed);
        worker.jobs.try_send(job).map_err(|refused| {
            self.parts.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => ModelError::new(
                    ErrorKind::Overloaded,
                    format!("{waiting} requests wait for `{}` already", self.options.name),
                ),
                TrySendError::Disconnected(_) => {
                    ModelError::new(ErrorKind::Internal, "the engine's thread ended")
                }
            }
        })
    }

    fn start(&self) -> Result<Worker, ModelError> {
        let (jobs, inbox) = sync_channel(self.options.queue);
        let parts = Arc::clone(&self.parts);
        let thread = std::thread::Builder::new()
            .name(format!("model {}", self.options.name))
            .spawn(move || parts.work(&inbox))
            .map_err(|error| {
                ModelError::new(ErrorKind::Internal, format!("no thread for the engine: {error}"))
            })?;
        Ok(Worker { jobs, thread })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.parts.closing.store(true, Ordering::Relaxed);
        if let Some(current) = &*self.parts.current.lock().unwrap_or_else(PoisonError::into_inner) {
            current.store(true, Ordering::Relaxed);
        }
        let worker = self.worker.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Worker { jobs, thread }) = worker {
            drop(jobs);
            // Short: the evaluation under way was told to stop.
            let _ = thread.join();
        }
    }
}

impl Parts {
    fn model(&self) -> Result<Arc<Model>, ModelError> {
        self.model
            .get_or_init(|| Model::load(&self.options).map(Arc::new))
            .clone()
            .map_err(|why| ModelError::new(ErrorKind::Unsupported, why))
    }

    /// The life of the engine's thread.
    fn work(&self, inbox: &Receiver<Job>) {
        let mut writer = None;
        while let Ok(job) = inbox.recv() {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            if self.closing.load(Ordering::Relaxed) || job.cancelled.load(Ordering::Relaxed) {
                continue;
            }
            self.shared.busy.store(1, Ordering::Relaxed);
            self.set_current(Some(Arc::clone(&job.cancelled)));
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                self.serve(&mut writer, &job)
            }));
            self.set_current(None);
            self.shared.busy.store(0, Ordering::Relaxed);
            let error = match outcome {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(_) => {
                    // What it holds may be half changed; the next request begins with a fresh one.
                    writer = None;
                    ModelError::new(ErrorKind::Internal, "the engine failed and starts afresh")
                }
            };
            job.fail(error);
        }
    }

    fn set_current(&self, job: Option<Arc<AtomicBool>>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = job;
    }

    fn serve(&self, writer: &mut Option<Writer>, job: &Job) -> Result<(), ModelError> {
        if writer.is_none() {
            let model = self.model()?;
            let window = self.window(&model);
            let made =
                Writer::new(model, Arc::clone(&self.options), window, Arc::clone(&self.shared));
            *writer = Some(made.map_err(|why| ModelError::new(ErrorKind::Internal, why))?);
        }
        if let Some(writer) = writer {
            writer.answer(job);
        }
        Ok(())
    }

    /// The window that the model, the settings and the free memory allow.
    fn window(&self, model: &Model) -> u32 {
        let trained = model.weights.trained_window().max(SMALLEST);
        let wanted = self.options.window.min(trained);
        let each = model.weights.cache_bytes_per_token(self.options.cache).max(1);
        // Half of what is free: the rest belongs to compilers, tests and everybody else.
        let fits = hardware::free_memory() / 2 / each;
        wanted.min(u32::try_from(fits).unwrap_or(u32::MAX)).max(SMALLEST)
    }
}

#[async_trait]
impl ChatModel for Engine {
    fn capabilities(&self, _model: &str) -> Capabilities {
        self.capabilities
    }

    async fn stream(&self, request: Arc<ChatRequest>) -> Result<EventStream, ModelError> {
        let (sender, events) = mpsc::channel(EVENTS);
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut listener = Listener { events, cancelled: Arc::clone(&cancelled), first: None };
        self.submit(Job { request, events: sender, cancelled })?;
        // The engine's first word tells whether the request can be answered at all.
        match listener.events.recv().await {
            Some(Ok(event)) => {
                listener.first = Some(event);
                Ok(Box::pin(listener))
            }
            Some(Err(error)) => Err(error),
            None => Err(ModelError::new(ErrorKind::Internal, "the engine was closed")),
        }
    }

    /// Exact. Loads the model when it isn't yet, which blocks for a second or more.
    fn count(&self, request: &ChatRequest) -> Option<Tokens> {
        let model = self.parts.model().ok()?;
        let histories = self.parts.shared.histories();
        model.count(request, &histories).ok().map(|count| Tokens::new(count as u64))
    }
}

/// The receiving end of an answer. Dropping it stops the engine within one operation.
struct Listener {
    events: mpsc::Receiver<Result<StreamEvent, ModelError>>,
    cancelled: Arc<AtomicBool>,
    first: Option<StreamEvent>,
}

impl Stream for Listener {
    type Item = Result<StreamEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(event) = self.first.take() {
            return Poll::Ready(Some(Ok(event)));
        }
        self.events.poll_recv(context)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}
