//! wasmtime alone: the same module, a pool of the same size, no limits, no futures.

use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, TypedFunc};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::{Failure, LIVE};

type Takes<'t> = TypedFunc<(&'t str,), (Result<(), String>,)>;

pub(crate) struct Bare {
    engine: Engine,
    pre: InstancePre<()>,
    init: ComponentExportIndex,
    handle: ComponentExportIndex,
}

pub(crate) struct BareAgent {
    store: Store<()>,
    handle: Takes<'static>,
}

impl Bare {
    pub(crate) fn new(wasm: &[u8]) -> Result<Self, Failure> {
        let live = u32::try_from(LIVE)? + 1;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(live)
            .total_core_instances(live * 4)
            .total_memories(live)
            .total_tables(live * 3);
        let mut config = Config::new();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config)?;
        let mut module = wasm.to_vec();
        let mut worlds = wit_parser::Resolve::default();
        let text = include_str!("../../../../../wit/guest.wit");
        let package = worlds.push_str("guest.wit", text)?;
        let world = worlds.select_world(&[package], Some("agent"))?;
        embed_component_metadata(&mut module, &worlds, world, StringEncoding::UTF8)?;
        let component = ComponentEncoder::default().module(&module)?.encode()?;
        let component = Component::new(&engine, &component)?;
        let behaviour = component.get_export_index(None, "bottega:guest/behaviour@0.1.0");
        let export = |name| component.get_export_index(behaviour.as_ref(), name).ok_or(name);
        let (init, handle) = (export("init")?, export("handle-message")?);
        let pre = Linker::new(&engine).instantiate_pre(&component)?;
        Ok(Self { engine, pre, init, handle })
    }

    pub(crate) fn start(&self) -> Result<BareAgent, Failure> {
        let mut store = Store::new(&self.engine, ());
        let instance = self.pre.instantiate(&mut store)?;
        let init: Takes<'_> = instance.get_typed_func(&mut store, self.init)?;
        let handle = instance.get_typed_func(&mut store, self.handle)?;
        init.call(&mut store, ("",))?.0?;
        Ok(BareAgent { store, handle })
    }
}

impl BareAgent {
    pub(crate) fn handle(&mut self, message: &str) -> Result<(), Failure> {
        // The function is the same for a message of any lifetime.
        let handle: Takes<'_> = self.handle;
        handle.call(&mut self.store, (message,))?.0?;
        Ok(())
    }
}
