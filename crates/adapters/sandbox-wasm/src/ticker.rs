//! The engine's clock: its epoch rises while guests compute.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wasmtime::Engine;

use crate::engine::Core;

/// Raises an engine's epoch once a tick, as long as a guest is at work. Else its thread sleeps.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Guests at work.
    running: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
}

/// A guest at work, until it is dropped.
pub(crate) struct Working(Arc<Core>);

impl Working {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        core.ticker.begin();
        Self(core)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.ticker.shared.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    pub(crate) fn start(engine: Engine, tick: Duration) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("wasm-epoch".into())
            .spawn(move || theirs.keep(&engine, tick))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    fn begin(&self) {
        // Either this sees that the thread is asleep, or the thread sees that somebody runs: both sides write
        // before they read, in one order for all.
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Shared {
    fn keep(&self, engine: &Engine, tick: Duration) {
        while !self.stop.load(Ordering::SeqCst) {
            if self.running.load(Ordering::SeqCst) == 0 {
                self.asleep.store(true, Ordering::SeqCst);
                let idle = self.running.load(Ordering::SeqCst) == 0;
                if idle && !self.stop.load(Ordering::SeqCst) {
                    thread::park();
                }
                self.asleep.store(false, Ordering::SeqCst);
                continue;
            }
            let until = Instant::now() + tick;
            // A wake-up that came late for an earlier sleep must not make this tick shorter.
            while !self.stop.load(Ordering::SeqCst) {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                thread::park_timeout(left);
            }
            engine.increment_epoch();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // It panics at nothing; there is nobody to tell.
            let _ended = thread.join();
        }
    }
}
