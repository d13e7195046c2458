//! Plug-ins of Extism: core modules that speak `extism:host/env` instead of the worlds.
//!
//! A plug-in does not share its memory with the host. Both copy to and from another one, which the host keeps and the
//! plug-in reaches by `load_*` and `store_*`. It counts like the plug-in's own: one limit bounds them together.
//!
//! The interface was read from Extism's own kernel and PDKs (1.x); there is no written standard. Where it differs:
//! * an offset that lies nowhere ends the instance, instead of being read as 0;
//! * variables are what the guest keeps by `key-value`, so they outlive the call and cost a grant;
//! * a request that was refused, or failed, ends the instance, as there: the interface has no way to tell.

mod blocks;
mod env;
mod imports;
mod wasi;

use bottega_manifest::{Extism, World};
use wasmtime::{ExternType, InstancePre, Linker, Module, ResourceLimiter, Store, ValType};

use crate::fault::{Fault, LoadError};
use crate::inside::{Fence, Inside};
use blocks::Blocks;

/// The memory behind the interface grows by whole multiples of this, in bytes: by pages, as the plug-in's own
/// (WebAssembly core 2.0, 4.2.8).
const PAGE: usize = 64 << 10;

/// What a module calls before all else, where it has it: the first of these (`_initialize` calls the second itself).
const BEGINNINGS: [&str; 2] = ["_initialize", "__wasm_call_ctors"];

/// A plug-in that was linked, ready to be called.
#[derive(Clone)]
pub(crate) struct PluginPre {
    pre: InstancePre<Inside>,
    call: Box<str>,
}

/// What the host keeps beside a plug-in's instance.
#[derive(Default)]
pub(crate) struct Plugin {
    /// The memory behind the interface.
    memory: Vec<u8>,
    blocks: Blocks,
    input: Span,
    output: Span,
    /// The block with the words of an error; 0 when there is none.
    error: u64,
    /// Status and headers, as JSON, of the last answer to a request.
    answered: Option<(u16, String)>,
}

/// A part of the memory behind the interface.
#[derive(Clone, Copy, Default)]
struct Span {
    offset: u64,
    length: u64,
}

/// How a plug-in broke off a call of its own accord, on its way through WebAssembly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Breach {
    /// It used the interface as it can't be used.
    #[error("{0}")]
    Malformed(String),
    /// What it asked for was refused.
    #[error("{0}")]
    Refused(String),
    /// There is no memory for what the host has to give.
    #[error("no memory")]
    NoMemory,
    /// `proc_exit` with that code.
    #[error("exit with code {0}")]
    Exit(i32),
}

impl Breach {
    fn no_plugin() -> Self {
        Self::Malformed("this instance is no plug-in".to_owned())
    }

    /// What it means for who called.
    pub(crate) fn fault(&self, inside: &Inside) -> Fault {
        match self {
            Self::Malformed(why) => Fault::Trapped { why: why.clone() },
            Self::Refused(why) => Fault::Refused { why: why.clone() },
            Self::NoMemory => {
                Fault::OutOfMemory { most: bottega_manifest::Size(inside.fence.most()) }
            }
            Self::Exit(code) => Fault::Trapped { why: format!("it left with exit code {code}") },
        }
    }
}

impl PluginPre {
    /// Links what was granted and nothing else, for a module that asks for no more and has what is to be called.
    pub(crate) fn new(
        linker: &Linker<Inside>,
        module: &Module,
        extism: &Extism,
    ) -> Result<Self, LoadError> {
        let wrong = |why| LoadError::WrongWorld { world: World::Tool, why };
        if !module.get_export(&extism.call).is_some_and(|export| callable(&export)) {
            return Err(wrong(missing(module, &extism.call)));
        }
        let pre = linker.instantiate_pre(module).map_err(|error| wrong(format!("{error:#}")))?;
        Ok(Self { pre, call: extism.call.as_str().into() })
    }

    /// Calls it in a fresh instance. `Ok(Err(_))` is what the plug-in itself says went wrong.
    pub(crate) async fn call(
        &self,
        store: &mut Store<Inside>,
        arguments: &str,
    ) -> wasmtime::Result<Result<String, String>> {
        let inside = store.data_mut();
        inside.plugin = Some(Box::default());
        let offset = put(inside, arguments.as_bytes())?;
        let length = arguments.len() as u64;
        inside.plugin()?.input = Span { offset, length };
        let code = match self.run(store).await {
            Ok(code) => code,
            Err(error) => match error.downcast_ref::<Breach>() {
                Some(Breach::Exit(0)) => 0,
                Some(_) | None => return Err(error),
            },
        };
        let inside = store.data_mut();
        if code != 0 {
            let plugin = inside.plugin()?;
            let offset = plugin.error;
            let length = plugin.blocks.length(offset).unwrap_or_default();
            let words = copy(inside, Span { offset, length })?;
            let words = String::from_utf8_lossy(&words).into_owned();
            let none = words.is_empty();
            return Ok(Err(if none { format!("`{}` gave back {code}", self.call) } else { words }));
        }
        let output = inside.plugin()?.output;
        let answer = String::from_utf8(copy(inside, output)?)
            .map_err(|_| Breach::Malformed("its output is no UTF-8".to_owned()))?;
        Ok(Ok(answer))
    }

    async fn run(&self, store: &mut Store<Inside>) -> wasmtime::Result<i32> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let begin = BEGINNINGS.iter().find_map(|name| instance.get_func(&mut *store, name));
        if let Some(begin) = begin {
            begin.typed::<(), ()>(&*store)?.call_async(&mut *store, ()).await?;
        }
        let nothing = || Breach::Malformed(format!("it exports no `{}`", self.call));
        let call = instance.get_func(&mut *store, &self.call).ok_or_else(nothing)?;
        match call.typed::<(), i32>(&*store) {
            Ok(call) => call.call_async(store, ()).await,
            Err(_) => {
                call.typed::<(), ()>(&*store)?.call_async(store, ()).await?;
                Ok(0)
            }
        }
    }
}

/// A linker with what was granted and nothing else, for a module that asks for no more.
pub(crate) fn linker(
    engine: &wasmtime::Engine,
    module: &Module,
    granted: &bottega_manifest::Capabilities,
) -> Result<Linker<Inside>, LoadError> {
    imports::check(module, granted)?;
    let mut linker = Linker::new(engine);
    env::link(&mut linker, granted)
        .and_then(|()| wasi::link(&mut linker, granted))
        .map_err(|error| LoadError::NotAGuest { why: format!("{error:#}") })?;
    Ok(linker)
}

/// The capabilities that a module asks for, in the order of the catalogue.
pub(crate) use imports::asked_for;

/// Whether it can be called: nothing in, and nothing or a code out.
fn callable(export: &ExternType) -> bool {
    let Some(function) = export.func() else { return false };
    let mut results = function.results();
    let code = results.next();
    function.params().len() == 0
        && results.next().is_none()
        && code.is_none_or(|code| matches!(code, ValType::I32))
}

fn missing(module: &Module, call: &str) -> String {
    let there: Vec<_> = module
        .exports()
        .filter(|export| callable(&export.ty()) && !BEGINNINGS.contains(&export.name()))
        .map(|export| format!("`{}`", export.name()))
        .collect();
    let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
    format!("it exports no `{call}` that can be called; `[extism] call` may name {there}")
}

impl Inside {
    /// The plug-in that this instance is.
    fn plugin(&mut self) -> Result<&mut Plugin, Breach> {
        self.plugin.as_deref_mut().ok_or_else(Breach::no_plugin)
    }
}

impl Plugin {
    /// Makes a block of that length. `None` when there is no memory for it.
    fn place(&mut self, length: u64, fence: &mut Fence) -> Option<u64> {
        let Self { memory, blocks, .. } = self;
        blocks.place(length, |bytes| grown(memory, bytes, fence))
    }
}

/// Whether the memory has so many bytes, now or after it grew.
fn grown(memory: &mut Vec<u8>, bytes: u64, fence: &mut Fence) -> bool {
    let Some(bytes) =
        usize::try_from(bytes).ok().and_then(|bytes| bytes.checked_next_multiple_of(PAGE))
    else {
        return false;
    };
    let has = memory.len();
    if bytes <= has {
        return true;
    }
    let fits = fence.memory_growing(has, bytes, None).is_ok_and(|fits| fits)
        && memory.try_reserve(bytes - has).is_ok();
    if fits {
        memory.resize(bytes, 0);
    }
    fits
}

/// Makes a block of that length. `None` when there is no memory for it.
fn place(inside: &mut Inside, length: u64) -> Result<Option<u64>, Breach> {
    let Inside { plugin, fence, .. } = inside;
    Ok(plugin.as_deref_mut().ok_or_else(Breach::no_plugin)?.place(length, fence))
}

/// Gives the plug-in bytes, in a block of their own; the offset of no bytes is 0.
fn put(inside: &mut Inside, bytes: &[u8]) -> Result<u64, Breach> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let length = bytes.len() as u64;
    let offset = place(inside, length)?.ok_or(Breach::NoMemory)?;
    slice(inside, Span { offset, length })?.copy_from_slice(bytes);
    Ok(offset)
}

/// What lies there.
fn slice(inside: &mut Inside, span: Span) -> Result<&mut [u8], Breach> {
    let Span { offset, length } = span;
    let memory = &mut inside.plugin()?.memory;
    let at =
        || Some(usize::try_from(offset).ok()?..usize::try_from(offset.checked_add(length)?).ok()?);
    let lost = || Breach::Malformed(format!("{length} bytes at offset {offset} lie in no block"));
    at().and_then(|range| memory.get_mut(range)).ok_or_else(lost)
}

/// A copy of what lies there, if it is no more than may leave the guest at once.
fn copy(inside: &mut Inside, span: Span) -> wasmtime::Result<Vec<u8>> {
    inside.leaves(span.length)?;
    Ok(slice(inside, span)?.to_vec())
}

/// A copy of the block that begins there, for a call of the host; it counts as one.
fn block(inside: &mut Inside, offset: u64) -> wasmtime::Result<Vec<u8>> {
    let length = match inside.plugin()?.blocks.length(offset) {
        Some(length) => length,
        None if offset == 0 => 0,
        None => {
            return Err(Breach::Malformed(format!("no block begins at offset {offset}")).into());
        }
    };
    inside.called(usize::try_from(length).unwrap_or(usize::MAX))?;
    copy(inside, Span { offset, length })
}

/// As [`block`], for text.
fn text(inside: &mut Inside, offset: u64) -> wasmtime::Result<String> {
    let words = String::from_utf8(block(inside, offset)?);
    Ok(words.map_err(|_| Breach::Malformed(format!("the text at offset {offset} is no UTF-8")))?)
}
