//! The capabilities as guests see them: one file each, and the table that links what was granted.

mod clock;
mod directory;
mod files;
mod http;
mod key_value;
mod log;
mod model;
mod random;
mod send;
mod tools;

use bottega_manifest::{Capabilities, Capability, Refusal};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::guest;
use crate::fault::LoadError;
use crate::inside::Inside;

/// What every interface's name begins with.
const PACKAGE: &str = "bottega:guest/";

/// What a guest says it was refused, in its own type.
pub(crate) type Refused = guest::types::Refusal;

impl guest::types::Host for Inside {}

/// A linker in which there is what was granted and nothing else, for a component that asks for no more.
pub(crate) fn linker(
    engine: &wasmtime::Engine,
    component: &Component,
    granted: &Capabilities,
) -> Result<Linker<Inside>, LoadError> {
    for (name, import) in component.component_type().imports(engine) {
        match named(name) {
            Some(Import::Types) => {}
            Some(Import::Capability(capability)) if granted.grant(capability) => {}
            Some(Import::Capability(capability)) => {
                // An interface of which only types are used asks for nothing.
                if functions(&import.ty, engine) {
                    return Err(LoadError::Ungranted { capability });
                }
            }
            None => return Err(LoadError::UnknownImport { name: name.to_owned() }),
        }
    }
    let mut linker = Linker::new(engine);
    for capability in granted.granted() {
        link(&mut linker, capability).map_err(|error| LoadError::UnknownImport {
            name: format!("{capability}: {error:#}"),
        })?;
    }
    Ok(linker)
}

/// The capabilities that a component asks for, in the order of the worlds.
pub(crate) fn asked_for(engine: &wasmtime::Engine, component: &Component) -> Vec<Capability> {
    let imports = component.component_type();
    let asked: Vec<Capability> = imports
        .imports(engine)
        .filter(|(_, import)| functions(&import.ty, engine))
        .filter_map(|(name, _)| match named(name)? {
            Import::Capability(capability) => Some(capability),
            Import::Types => None,
        })
        .collect();
    Capability::ALL.into_iter().filter(|capability| asked.contains(capability)).collect()
}

/// Puts one capability into a linker.
fn link(linker: &mut Linker<Inside>, capability: Capability) -> wasmtime::Result<()> {
    type Data = HasSelf<Inside>;
    match capability {
        Capability::Send => guest::send::add_to_linker::<_, Data>(linker, |inside| inside),
        Capability::Directory => {
            guest::directory::add_to_linker::<_, Data>(linker, |inside| inside)
        }
        Capability::KeyValue => guest::key_value::add_to_linker::<_, Data>(linker, |inside| inside),
        Capability::Log => guest::log::add_to_linker::<_, Data>(linker, |inside| inside),
        Capability::Clock => guest::clock::add_to_linker::<_, Data>(linker, |inside| inside),
        Capability::Random => guest::random::add_to_linker::<_, Data>(linker, |inside| inside),
        Capability::Http => guest::http::add_to_linker::<_, Data>(linker, |inside| inside),
        Capability::Model => guest::model::add_to_linker::<_, Data>(linker, |inside| inside),
        Capability::Tools => guest::tools::add_to_linker::<_, Data>(linker, |inside| inside),
        Capability::Files => guest::files::add_to_linker::<_, Data>(linker, |inside| inside),
    }
}

enum Import {
    Types,
    Capability(Capability),
}

/// What an import of `bottega:guest/NAME@VERSION` is.
fn named(import: &str) -> Option<Import> {
    let name = import.strip_prefix(PACKAGE)?;
    let name = name.split_once('@').map_or(name, |(name, _version)| name);
    if name == "types" {
        return Some(Import::Types);
    }
    Capability::of_key(name).map(Import::Capability)
}

fn functions(item: &ComponentItem, engine: &wasmtime::Engine) -> bool {
    match item {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .any(|(_name, export)| !matches!(export.ty, ComponentItem::Type(_))),
        ComponentItem::ComponentFunc(_)
        | ComponentItem::CoreFunc(_)
        | ComponentItem::Module(_)
        | ComponentItem::Component(_)
        | ComponentItem::Type(_)
        | ComponentItem::Resource(_) => true,
    }
}

/// The host's refusal as the guest reads it.
pub(crate) fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Denied(why) => Refused::Denied(why),
        Refusal::Malformed(why) => Refused::Malformed(why),
        Refusal::Exhausted(why) => Refused::Exhausted(why),
        Refusal::Unavailable(why) => Refused::Unavailable(why),
    }
}
