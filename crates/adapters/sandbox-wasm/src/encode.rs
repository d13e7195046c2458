//! From what a compiler made to a component.

use std::panic::catch_unwind;

use bottega_manifest::World;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::fault::LoadError;

/// The worlds, as they stand in `wit/guest.wit`.
pub(crate) const WORLDS: &str = include_str!("../../../../wit/guest.wit");

/// The first bytes of a core module and of a component (WebAssembly core 2.0, 5.5.16; component model, Binary.md).
const CORE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A component: the bytes themselves, or what a core module becomes with the types of its world.
///
/// So a guest needs only a compiler for `wasm32-unknown-unknown`, and no tool beside it. A module that brings its own
/// types (`wit-bindgen` puts them in) keeps them.
pub(crate) fn component(
    engine: &wasmtime::Engine,
    wasm: &[u8],
    world: World,
) -> Result<Vec<u8>, LoadError> {
    if wasm.starts_with(COMPONENT) {
        return Ok(wasm.to_vec());
    }
    let not_a_guest = |why| LoadError::NotAGuest { why };
    if !wasm.starts_with(CORE) {
        return Err(not_a_guest("it begins neither like a module nor like a component".to_owned()));
    }
    // The encoder takes sections as long as they say they are, and what stands in them for valid.
    wasmtime::Module::validate(engine, wasm).map_err(|error| not_a_guest(format!("{error:#}")))?;
    // The types that a module brings along are no part of what was validated.
    match catch_unwind(|| encode(wasm, world)) {
        Ok(encoded) => encoded.map_err(not_a_guest),
        Err(_) => {
            Err(not_a_guest("no component can be made of it: its types are damaged".to_owned()))
        }
    }
}

fn encode(wasm: &[u8], world: World) -> Result<Vec<u8>, String> {
    let mut module = wasm.to_vec();
    if !has_types(wasm) {
        let mut worlds = Resolve::default();
        let package = worlds.push_str("guest.wit", WORLDS).map_err(|error| format!("{error:#}"))?;
        let world = worlds
            .select_world(&[package], Some(&world.to_string()))
            .map_err(|error| format!("{error:#}"))?;
        embed_component_metadata(&mut module, &worlds, world, StringEncoding::UTF8)
            .map_err(|error| format!("{error:#}"))?;
    }
    let encoder = ComponentEncoder::default().module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| format!("{error:#}"))
}

/// Whether a module has a custom section with the types of its world.
fn has_types(mut wasm: &[u8]) -> bool {
    wasm = wasm.get(CORE.len()..).unwrap_or_default();
    while let Some((id, rest)) = wasm.split_first() {
        let Some((size, rest)) = leb128(rest) else { return false };
        let Some((section, rest)) = rest.split_at_checked(size) else { return false };
        if *id == 0
            && let Some((length, name)) = leb128(section)
            && name.get(..length).is_some_and(|name| name.starts_with(b"component-type"))
        {
            return true;
        }
        wasm = rest;
    }
    false
}

/// An unsigned number of up to 32 bits (WebAssembly core 2.0, 5.2.2).
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}
