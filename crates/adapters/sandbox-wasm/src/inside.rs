//! What the host keeps beside each instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bottega_manifest::{Host, Manifest, ModelBudget, Refusal};
use bottega_types::{Clock, Entropy};
use tokio::time::Instant;
use wasmtime::ResourceLimiter;

use crate::engine::Core;
use crate::fault::Stop;
use crate::folder::Home;

/// What all instances of one guest share.
pub(crate) struct Terms {
    pub(crate) manifest: Manifest,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Used where the platform hands in no budget of its own.
    pub(crate) budget: Arc<ModelBudget>,
    pub(crate) most_instances: u32,
    /// Ticks of the engine in which the guest may compute, per message.
    pub(crate) ticks: u32,
    /// The smaller of the manifest's and the engine's bound on memory, in bytes.
    pub(crate) memory: u64,
    /// Bytes that all living instances hold together.
    pub(crate) held: Arc<AtomicU64>,
    pub(crate) core: Arc<Core>,
}

/// What stands behind one guest's capabilities.
///
/// Cheap to clone; everything in it is shared.
#[derive(Clone)]
pub struct Provision {
    /// Who carries out what was granted.
    pub host: Arc<dyn Host>,
    /// The folder that is set aside for the guest; a grant of files is below it.
    pub home: Option<Home>,
    /// Tokens that are left. When absent, all instances of the loaded guest share what its manifest grants.
    pub budget: Option<Arc<ModelBudget>>,
}

impl Provision {
    /// With a host, without files of its own.
    #[must_use]
    pub fn new(host: Arc<dyn Host>) -> Self {
        Self { host, home: None, budget: None }
    }
}

impl std::fmt::Debug for Provision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host: _, home, budget } = self;
        f.debug_struct("Provision")
            .field("home", home)
            .field("budget", budget)
            .finish_non_exhaustive()
    }
}

/// The data of one instance's store.
pub(crate) struct Inside {
    pub(crate) terms: Arc<Terms>,
    pub(crate) provision: Provision,
    pub(crate) fence: Fence,
    /// Calls of the host that are left for the present message.
    calls: u32,
    /// Ticks that are left.
    ticks: u32,
    /// Whether the host was waited for since the last tick: then that one was not the guest's.
    waited: AtomicBool,
    deadline: Instant,
    /// What a plug-in of Extism has beside its instance.
    #[cfg(feature = "extism")]
    pub(crate) plugin: Option<Box<crate::plugin::Plugin>>,
}

impl Inside {
    pub(crate) fn new(terms: Arc<Terms>, provision: Provision) -> Self {
        let fence = Fence::new(terms.memory, Arc::clone(&terms.held));
        Self {
            terms,
            provision,
            fence,
            calls: 0,
            ticks: 0,
            waited: AtomicBool::new(false),
            deadline: Instant::now(),
            #[cfg(feature = "extism")]
            plugin: None,
        }
    }

    /// A message begins: its limits are whole again.
    pub(crate) fn begin(&mut self) {
        let limits = &self.terms.manifest.limits;
        self.calls = limits.calls.get();
        self.ticks = self.terms.ticks;
        self.deadline = Instant::now() + limits.deadline.0;
        self.fence.denied = false;
    }

    /// The guest computed through one tick of the engine.
    pub(crate) fn tick(&mut self) -> Result<(), Stop> {
        if Instant::now() >= self.deadline {
            return Err(Stop::Deadline);
        }
        if !std::mem::take(self.waited.get_mut()) {
            self.ticks = self.ticks.checked_sub(1).ok_or(Stop::Compute)?;
        }
        Ok(())
    }

    /// The guest calls its host with so many bytes.
    pub(crate) fn called(&mut self, bytes: usize) -> Result<(), Stop> {
        self.calls = self.calls.checked_sub(1).ok_or(Stop::Calls)?;
        self.leaves(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    /// So many bytes leave the guest at once.
    pub(crate) fn leaves(&self, bytes: u64) -> Result<(), Stop> {
        if bytes <= self.terms.manifest.limits.output.0 { Ok(()) } else { Err(Stop::Output) }
    }

    /// Waits for the host, as long as the message has time.
    pub(crate) async fn waited<T>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send,
    ) -> Result<Result<T, Refusal>, Stop> {
        self.waited.store(true, Ordering::Relaxed);
        tokio::time::timeout_at(self.deadline, work).await.map_err(|_elapsed| Stop::Deadline)
    }

    pub(crate) fn budget(&self) -> &ModelBudget {
        self.provision.budget.as_ref().unwrap_or(&self.terms.budget)
    }
}

/// Ticks of `tick` that make up at least `span`.
pub(crate) fn ticks_in(span: Duration, tick: Duration) -> u32 {
    let ticks = span.as_nanos().div_ceil(tick.as_nanos().max(1));
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// Keeps a guest from more memory than it may have.
pub(crate) struct Fence {
    most: u64,
    /// Bytes of all its memories together.
    used: u64,
    denied: bool,
    /// What it and others of its guest hold together.
    held: Arc<AtomicU64>,
}

impl Drop for Fence {
    fn drop(&mut self) {
        self.held.fetch_sub(self.used, Ordering::Relaxed);
    }
}

impl Fence {
    pub(crate) const fn new(most: u64, held: Arc<AtomicU64>) -> Self {
        Self { most, used: 0, denied: false, held }
    }

    /// Whether it was denied memory since the message began. Then a trap is the guest's way to say so.
    pub(crate) const fn denied(&self) -> bool {
        self.denied
    }

    pub(crate) const fn most(&self) -> u64 {
        self.most
    }
}

impl ResourceLimiter for Fence {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX);
        let fits = self.used.saturating_add(more) <= self.most;
        if fits {
            self.used += more;
            self.held.fetch_add(more, Ordering::Relaxed);
        } else {
            self.denied = true;
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The pool's tables have a size that none outgrows.
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_of_an_instance_are_bounded_together() {
        let held = Arc::<AtomicU64>::default();
        let mut fence = Fence::new(10, Arc::clone(&held));
        assert!(fence.memory_growing(0, 6, None).unwrap());
        assert!(fence.memory_growing(0, 3, None).unwrap());
        assert!(!fence.denied());
        assert!(!fence.memory_growing(3, 5, None).unwrap());
        assert!(fence.denied());
        assert!(fence.memory_growing(6, 7, None).unwrap());
        assert_eq!(held.load(Ordering::Relaxed), 10);
        drop(fence);
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_span_is_rounded_up_to_ticks() {
        let tick = Duration::from_millis(10);
        for (millis, ticks) in [(1, 1), (10, 1), (11, 2), (u64::MAX, u32::MAX)] {
            assert_eq!(ticks_in(Duration::from_millis(millis), tick), ticks);
        }
    }
}
