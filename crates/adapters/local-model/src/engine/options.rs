//! What can be set about an engine.

use std::path::PathBuf;
use std::sync::Arc;

use bottega_llm::Sampling;
use bottega_types::{Clock, Entropy, SystemClock, SystemEntropy};

/// How keys and values of the window are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheType {
    /// Sixteen bits a number: exact, and quickest on a processor.
    #[default]
    F16,
    /// Eight bits a number: half the memory.
    Q8,
}

/// What can be set about an engine. `Options::new` gives what suits most machines.
#[derive(Clone)]
pub struct EngineOptions {
    /// The GGUF file.
    pub path: PathBuf,
    /// The name under which it answers.
    pub name: String,
    /// Tokens of prompt and answer together, at most; the model's own window and the free memory
    /// may make it less.
    pub window: u32,
    /// How keys and values are kept.
    pub cache: CacheType,
    /// Requests that may wait while one is answered; one more is refused.
    pub queue: usize,
    /// Threads for the arithmetic. Absent: measured from the free cores, again and again.
    pub threads: Option<u32>,
    /// Layers to put on an accelerator. Absent: all of them where one was built in and found.
    pub gpu_layers: Option<u32>,
    /// Bytes of memory for conversations that are not the present one, so that coming back to one
    /// costs no reading.
    pub parked_bytes: usize,
    /// Characters of free text that a required tool call may begin with; zero for none.
    pub thought: usize,
    /// What a request's absent sampling choices mean.
    pub sampling: Sampling,
    /// Tells templates what day it is.
    pub clock: Arc<dyn Clock>,
    /// Draws the seed of requests that bring none.
    pub entropy: Arc<dyn Entropy>,
}

impl EngineOptions {
    /// What suits most machines: a window of 16,384 tokens, everything else measured.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            name: name.into(),
            window: 16_384,
            cache: CacheType::F16,
            queue: 16,
            threads: None,
            gpu_layers: None,
            parked_bytes: 512 << 20,
            thought: 0,
            sampling: Sampling {
                temperature: Some(0.7),
                top_p: Some(0.8),
                top_k: Some(20),
                seed: None,
            },
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl std::fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineOptions")
            .field("name", &self.name)
            .field("path", &self.path)
            .field("window", &self.window)
            .field("cache", &self.cache)
            .field("queue", &self.queue)
            .field("threads", &self.threads)
            .field("gpu_layers", &self.gpu_layers)
            .finish_non_exhaustive()
    }
}
