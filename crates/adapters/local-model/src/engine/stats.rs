//! What an engine tells about itself while it works.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::llama::Token;

/// An engine's state at one moment. Rates are those since it was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineStats {
    /// Requests that wait, the one being answered not counted.
    pub waiting: usize,
    /// Whether a request is being answered.
    pub busy: bool,
    /// Tokens of prompt and answer that fit; zero before the model was loaded.
    pub window: usize,
    /// Threads in use for the arithmetic; zero before the model was loaded.
    pub threads: u32,
    /// Prompt tokens read, those found in the prefix cache not counted.
    pub prompt_tokens: u64,
    /// Prompt tokens read per second.
    pub prompt_rate: f64,
    /// Answer tokens written.
    pub output_tokens: u64,
    /// Answer tokens written per second.
    pub output_rate: f64,
}

/// The shared state behind [`EngineStats`], written by the engine's thread.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) waiting: AtomicUsize,
    pub(crate) busy: AtomicUsize,
    window: AtomicUsize,
    threads: AtomicU32,
    prompt: Rate,
    output: Rate,
    histories: Mutex<Vec<Arc<[Token]>>>,
}

#[derive(Debug, Default)]
struct Rate {
    tokens: AtomicU64,
    micros: AtomicU64,
}

impl Rate {
    fn add(&self, tokens: usize, time: Duration) {
        self.tokens.fetch_add(tokens as u64, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn per_second(&self) -> f64 {
        let micros = self.micros.load(Ordering::Relaxed);
        if micros == 0 {
            return 0.0;
        }
        self.tokens.load(Ordering::Relaxed) as f64 / (micros as f64 / 1e6)
    }
}

impl Shared {
    pub(crate) fn started(&self, window: usize, threads: u32) {
        self.window.store(window, Ordering::Relaxed);
        self.set_threads(threads);
    }

    pub(crate) fn set_threads(&self, threads: u32) {
        self.threads.store(threads, Ordering::Relaxed);
    }

    pub(crate) fn read_prompt(&self, tokens: usize, time: Duration) {
        self.prompt.add(tokens, time);
    }

    pub(crate) fn wrote(&self, tokens: usize, time: Duration) {
        self.output.add(tokens, time);
    }

    pub(crate) fn histories(&self) -> Vec<Arc<[Token]>> {
        self.histories.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_histories(&self, histories: Vec<Arc<[Token]>>) {
        *self.histories.lock().unwrap_or_else(PoisonError::into_inner) = histories;
    }

    pub(crate) fn stats(&self) -> EngineStats {
        EngineStats {
            waiting: self.waiting.load(Ordering::Relaxed),
            busy: self.busy.load(Ordering::Relaxed) > 0,
            window: self.window.load(Ordering::Relaxed),
            threads: self.threads.load(Ordering::Relaxed),
            prompt_tokens: self.prompt.tokens.load(Ordering::Relaxed),
            prompt_rate: self.prompt.per_second(),
            output_tokens: self.output.tokens.load(Ordering::Relaxed),
            output_rate: self.output.per_second(),
        }
    }
}
