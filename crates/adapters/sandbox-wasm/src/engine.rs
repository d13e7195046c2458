//! The one engine, and the way from bytes to a guest.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use bottega_manifest::{Capability, Manifest, ModelBudget, World};
use bottega_types::{Digest, Tokens};
#[cfg(feature = "extism")]
use wasmtime::Module;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::{agent::AgentPre, tool::ToolPre};
use crate::cache::{Cache, CacheError};
use crate::fault::LoadError;
use crate::guest::{AgentGuest, Compiled, ToolGuest, Way};
use crate::inside::{Inside, Terms, ticks_in};
use crate::options::Options;
#[cfg(feature = "extism")]
use crate::plugin;
use crate::ticker::Ticker;
use crate::{capability, encode};

/// Core instances and tables that one component may have. A module that was encoded here has three core instances
/// (itself, the shim for its imports, and who fills the shim in) and two tables; Python has some forty instances.
const PARTS: u32 = 64;

/// Memories that one component may have. Most have one; JavaScript has three.
const MEMORIES: u32 = 4;

/// Elements of a table; Python's has some ten thousand.
const TABLE: usize = 32_768;

/// Stack of a guest, and of the thread that it runs on, in bytes.
const GUEST_STACK: usize = 512 << 10;
const THREAD_STACK: usize = 1 << 20;

/// Address space for each memory: all that 32 bits can name, so that no access needs a check of its own.
const WIDE: u64 = 4 << 30;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The pool can't be made.
    #[error("can't set aside memory for {instances} instances: {why}; make fewer")]
    Pool {
        /// The instances that were asked for.
        instances: u32,
        /// What wasmtime says.
        why: String,
    },
    /// Its clock can't be started.
    #[error("can't start the engine's clock")]
    Clock(#[source] std::io::Error),
    /// The folder of compiled guests can't be trusted or used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Compiles guests and gives their instances room. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    core: Arc<Core>,
}

pub(crate) struct Core {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) ticker: Ticker,
    cache: Option<Cache>,
    options: Options,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("options", &self.core.options).finish_non_exhaustive()
    }
}

/// The one place that says how guests are compiled and run, so that compiled code never disagrees with its host.
fn config(options: &Options, reservation: u64) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    let memory = usize::try_from(options.memory).unwrap_or(usize::MAX);
    pool.total_component_instances(options.instances)
        .total_core_instances(options.instances.saturating_mul(PARTS))
        .total_memories(options.instances.saturating_add(8 * MEMORIES))
        .total_tables(options.instances.saturating_mul(3).saturating_add(8 * PARTS))
        // A store keeps the stack of its last call until it is dropped.
        .total_stacks(options.instances)
        .max_core_instances_per_component(PARTS)
        .max_memories_per_component(MEMORIES)
        .max_memories_per_module(1)
        .max_tables_per_component(PARTS)
        .max_tables_per_module(4)
        .table_elements(TABLE)
        .max_memory_size(memory);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_reservation(reservation)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(THREAD_STACK)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false);
    config
}

impl Engine {
    /// An engine. Sets aside address space for all instances that may live, and memory for none.
    ///
    /// Where the system gives less address space, the instances' accesses are checked one by one instead.
    pub fn new(options: Options) -> Result<Self, EngineError> {
        let cache = match &options.cache {
            Some(folder) => Some(Cache::open(folder, options.cache_most)?),
            None => None,
        };
        let narrow = options.memory.next_multiple_of(64 << 10);
        let engine = wasmtime::Engine::new(&config(&options, WIDE))
            .or_else(|_| wasmtime::Engine::new(&config(&options, narrow)))
            .map_err(|error| EngineError::Pool {
                instances: options.instances,
                why: format!("{error:#}"),
            })?;
        let ticker = Ticker::start(engine.clone(), options.tick).map_err(EngineError::Clock)?;
        Ok(Self { core: Arc::new(Core { engine, ticker, cache, options }) })
    }

    /// Makes an agent of a component, or of a core module for `wasm32-unknown-unknown`. Takes seconds of computing
    /// for a guest that is not in the cache, so call it where that hurts nobody.
    pub fn agent(&self, wasm: &[u8], manifest: Manifest) -> Result<AgentGuest, LoadError> {
        if manifest.extism.is_some() {
            return Err(LoadError::PluginAgent);
        }
        let (component, linker, compiled) = self.load(wasm, &manifest, World::Agent)?;
        let wrong = |error: wasmtime::Error| wrong_world(World::Agent, &error);
        let pre = linker.instantiate_pre(&component).map_err(wrong)?;
        let pre = AgentPre::new(pre).map_err(wrong)?;
        Ok(AgentGuest::new(pre, self.terms(manifest), compiled))
    }

    /// Makes a tool, as [`Engine::agent`] makes an agent; of a plug-in, where the manifest has `[extism]`.
    pub fn tool(&self, wasm: &[u8], manifest: Manifest) -> Result<ToolGuest, LoadError> {
        #[cfg(feature = "extism")]
        if let Some(extism) = manifest.extism.clone() {
            return self.plugin(wasm, manifest, &extism);
        }
        #[cfg(not(feature = "extism"))]
        if manifest.extism.is_some() {
            return Err(LoadError::NoPlugins);
        }
        let (component, linker, compiled) = self.load(wasm, &manifest, World::Tool)?;
        let wrong = |error: wasmtime::Error| wrong_world(World::Tool, &error);
        let pre = linker.instantiate_pre(&component).map_err(wrong)?;
        let pre = ToolPre::new(pre).map_err(wrong)?;
        Ok(ToolGuest::new(Way::World(pre), self.terms(manifest), compiled))
    }

    #[cfg(feature = "extism")]
    fn plugin(
        &self,
        wasm: &[u8],
        manifest: Manifest,
        extism: &bottega_manifest::Extism,
    ) -> Result<ToolGuest, LoadError> {
        self.admit(wasm, &manifest, World::Tool)?;
        let (module, compiled) = self.core.compiled_plugin(wasm)?;
        let linker = plugin::linker(&self.core.engine, &module, &manifest.capabilities)?;
        let pre = plugin::PluginPre::new(&linker, &module, extism)?;
        Ok(ToolGuest::new(Way::Plugin(pre), self.terms(manifest), compiled))
    }

    /// The capabilities that a guest of that manifest asks for, whatever it is granted. Compiles it, as [`Engine::agent`] does.
    pub fn asked_for(
        &self,
        wasm: &[u8],
        manifest: &Manifest,
    ) -> Result<Vec<Capability>, LoadError> {
        #[cfg(feature = "extism")]
        if manifest.extism.is_some() {
            let (module, _compiled) = self.core.compiled_plugin(wasm)?;
            return Ok(plugin::asked_for(&module));
        }
        let (component, _compiled) = self.core.compiled(wasm, manifest.world)?;
        Ok(capability::asked_for(&self.core.engine, &component))
    }

    fn load(
        &self,
        wasm: &[u8],
        manifest: &Manifest,
        asked: World,
    ) -> Result<(Component, Linker<Inside>, Compiled), LoadError> {
        self.admit(wasm, manifest, asked)?;
        let (component, compiled) = self.core.compiled(wasm, asked)?;
        let linker = capability::linker(&self.core.engine, &component, &manifest.capabilities)?;
        Ok((component, linker, compiled))
    }

    /// Refuses what need not be looked at.
    fn admit(&self, wasm: &[u8], manifest: &Manifest, asked: World) -> Result<(), LoadError> {
        if manifest.world != asked {
            return Err(LoadError::OtherWorld { asked, found: manifest.world });
        }
        let most = self.core.options.module;
        if wasm.len() > most {
            return Err(LoadError::TooLarge { bytes: wasm.len(), most });
        }
        Ok(())
    }

    fn terms(&self, manifest: Manifest) -> Terms {
        let options = &self.core.options;
        let granted = manifest.capabilities.model.as_ref();
        let tokens = granted.map_or(Tokens::ZERO, bottega_manifest::ModelGrant::budget);
        Terms {
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            budget: Arc::new(ModelBudget::new(tokens)),
            most_instances: options.instances,
            ticks: ticks_in(manifest.limits.compute.0, options.tick),
            memory: manifest.limits.memory.0.min(options.memory),
            held: Arc::default(),
            core: Arc::clone(&self.core),
            manifest,
        }
    }
}

impl Core {
    /// The compiled form of a guest, from the cache where it is there.
    fn compiled(&self, wasm: &[u8], world: World) -> Result<(Component, Compiled), LoadError> {
        let key = self.key(wasm, &world.to_string());
        self.kept(key, deserialize, || self.compile(wasm, world), Component::serialize)
    }

    /// The compiled form of a plug-in, from the cache where it is there.
    #[cfg(feature = "extism")]
    fn compiled_plugin(&self, wasm: &[u8]) -> Result<(Module, Compiled), LoadError> {
        let key = self.key(wasm, "extism");
        let compile = || {
            Module::from_binary(&self.engine, wasm)
                .map_err(|error| LoadError::NotAGuest { why: format!("{error:#}") })
        };
        self.kept(key, deserialize_module, compile, Module::serialize)
    }

    /// What the cache has under a key, or else what is made now, which is then kept.
    fn kept<C>(
        &self,
        key: Digest,
        read: impl FnOnce(&wasmtime::Engine, &[u8]) -> Option<C>,
        make: impl FnOnce() -> Result<C, LoadError>,
        write: impl FnOnce(&C) -> wasmtime::Result<Vec<u8>>,
    ) -> Result<(C, Compiled), LoadError> {
        let Some(cache) = &self.cache else {
            return Ok((make()?, Compiled::Now));
        };
        if let Some(code) = cache.get(key) {
            // A cache of another build of wasmtime has other keys; what it says no to is compiled anew.
            if let Some(guest) = read(&self.engine, &code) {
                return Ok((guest, Compiled::Before));
            }
        }
        let guest = make()?;
        let stored = write(&guest).map_err(|error| std::io::Error::other(error.to_string()));
        let compiled = match stored.and_then(|code| cache.put(key, &code)) {
            Ok(()) => Compiled::NowAndKept,
            Err(error) => Compiled::NowAndNotKept(Arc::new(error)),
        };
        Ok((guest, compiled))
    }

    fn compile(&self, wasm: &[u8], world: World) -> Result<Component, LoadError> {
        let component = encode::component(&self.engine, wasm, world)?;
        Component::new(&self.engine, &component)
            .map_err(|error| LoadError::NotAGuest { why: format!("{error:#}") })
    }

    /// Bytes, world and all that decides how they are compiled: configuration, processor, version of wasmtime.
    fn key(&self, wasm: &[u8], world: &str) -> Digest {
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        let compatible = hasher.finish().to_le_bytes();
        Digest::of_parts(&[&compatible, encode::WORLDS.as_bytes(), world.as_bytes(), wasm])
    }
}

#[expect(unsafe_code, reason = "wasmtime can't check that compiled code is what it once made")]
fn deserialize(engine: &wasmtime::Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: `code` was written by `Component::serialize` of an engine with the same key: it comes from `Cache::get`,
    // which returns only bytes whose digest is that which this user's process stored with them, from a folder that
    // nobody else can write to.
    unsafe { Component::deserialize(engine, code) }.ok()
}

#[cfg(feature = "extism")]
#[expect(unsafe_code, reason = "wasmtime can't check that compiled code is what it once made")]
fn deserialize_module(engine: &wasmtime::Engine, code: &[u8]) -> Option<Module> {
    // SAFETY: as for `deserialize`: `code` was written by `Module::serialize` under the same key.
    unsafe { Module::deserialize(engine, code) }.ok()
}

fn wrong_world(world: World, error: &wasmtime::Error) -> LoadError {
    LoadError::WrongWorld { world, why: format!("{error:#}") }
}
