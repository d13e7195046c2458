//! What is taken for a guest and what is not.

use bottega_manifest::World;
use bottega_sandbox_wasm::{Engine, Options};

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, echo_tool, engine, manifest};

#[track_caller]
fn check(wasm: &[u8], world: World, expected: &str) {
    let engine = engine();
    let error = match world {
        World::Agent => engine.agent(wasm, manifest(world, "")).unwrap_err(),
        World::Tool => engine.tool(wasm, manifest(world, "")).unwrap_err(),
        World::Outside => unreachable!("an agent outside has no module"),
    };
    let shown = error.to_string();
    assert!(shown.starts_with(expected), "{shown}");
}

fn parsed(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn what_is_no_guest_is_refused_in_words() {
    check(b"", World::Agent, "this is no WebAssembly guest: it begins neither");
    check(b"#!/bin/sh", World::Agent, "this is no WebAssembly guest: it begins neither");
    check(&parsed("(module)"), World::Agent, "this is no WebAssembly guest: ");
    check(&echo_tool(), World::Agent, "this is no WebAssembly guest: ");
    check(&parsed("(component)"), World::Tool, "the guest is no tool: ");
    check(
        &parsed(
            r#"(component (import "wasi:cli/environment@0.2.6" (instance (export "f" (func)))))"#,
        ),
        World::Agent,
        "the guest imports `wasi:cli/environment@0.2.6`, which is no capability; guests have no WASI",
    );
    check(
        &parsed(
            r#"(component (import "bottega:guest/teleport@0.1.0" (instance (export "f" (func)))))"#,
        ),
        World::Agent,
        "the guest imports `bottega:guest/teleport@0.1.0`, which is no capability",
    );
    check(
        &parsed(r#"(component (import "bottega:guest/log@0.1.0" (instance (export "f" (func)))))"#),
        World::Agent,
        "the guest imports `log`, which was not granted; add `log = true` below [capabilities]",
    );
}

#[test]
fn a_module_that_wants_a_system_is_told_how_to_do_without() {
    let import = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
    let wasm = TextAgent { imports: import, ..TextAgent::default() }.wasm();
    let error = engine().agent(&wasm, manifest(World::Agent, "")).unwrap_err().to_string();
    assert!(error.contains("fd_write") && error.contains("; guests have no WASI: "), "{error}");
}

#[test]
fn a_module_that_is_too_large_is_not_read() {
    let engine = Engine::new(Options { instances: 1, module: 100, ..Options::default() }).unwrap();
    let error = engine.agent(&[0; 101], manifest(World::Agent, "")).unwrap_err();
    assert_eq!(error.to_string(), "the module has 101 bytes; the engine takes up to 100");
}

#[test]
fn a_manifest_of_the_other_world_is_refused() {
    let error = engine().agent(&echo_tool(), manifest(World::Tool, "")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the manifest says `world = \"tool\"`, and a agent was asked for"
    );
}

#[cfg(not(feature = "extism"))]
#[test]
fn a_plug_in_is_refused_by_an_engine_that_takes_none() {
    let lines = "[extism]\ncall = \"go\"";
    let error = engine().tool(&parsed("(module)"), manifest(World::Tool, lines)).unwrap_err();
    assert!(error.to_string().ends_with("build it with `--features extism`"), "{error}");
}

#[tokio::test]
async fn a_component_is_taken_as_it_is() {
    use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
    let mut module = TextAgent::default().wasm();
    let mut worlds = wit_parser::Resolve::default();
    let text = include_str!("../../../../../wit/guest.wit");
    let package = worlds.push_str("guest.wit", text).unwrap();
    let world = worlds.select_world(&[package], Some("agent")).unwrap();
    embed_component_metadata(&mut module, &worlds, world, StringEncoding::UTF8).unwrap();
    let engine = engine();
    // With types of its own in it, and as a component.
    let component = ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    for wasm in [module, component] {
        let guest = engine.agent(&wasm, manifest(World::Agent, "")).unwrap();
        guest.start(SampleHost::default().provision(), "").await.unwrap();
    }
}
