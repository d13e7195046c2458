//! Plug-ins of Extism: how they are loaded, and what they are given.

mod hostile;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bottega_manifest::{Capability, Host, Level, Manifest, Refusal, World};
use bottega_sandbox_wasm::{Compiled, Description, Engine, Options, Provision, ToolGuest};

use crate::sample_host::SampleHost;
use crate::text_guest::{engine, manifest};

/// All that these plug-ins are made with: `$copy` answers with the block at an offset, `$word` makes a block of what
/// lies in the plug-in's own memory.
const PARTS: &str = r#"
    (memory (export "memory") 1)
    (func $answer (param $at i64) (result i32)
        (call $output_set (local.get $at) (call $length (local.get $at)))
        (i32.const 0))
    (func $word (param $from i32) (param $len i32) (result i64)
        (local $at i64) (local $i i32)
        (local.set $at (call $alloc (i64.extend_i32_u (local.get $len))))
        (block $done (loop $more
            (br_if $done (i32.ge_u (local.get $i) (local.get $len)))
            (call $store_u8 (i64.add (local.get $at) (i64.extend_i32_u (local.get $i)))
                (i32.load8_u (i32.add (local.get $from) (local.get $i))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $more)))
        (local.get $at))
"#;

const IMPORTS: &str = r#"
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "length" (func $length (param i64) (result i64)))
    (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
    (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
    (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
    (import "extism:host/env" "error_set" (func $error_set (param i64)))
"#;

fn wasm(imports: &str, items: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {IMPORTS} {imports} {PARTS} {items} (func (export "go") (result i32) {body}))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn plugin(wasm: &[u8], lines: &str) -> ToolGuest {
    let lines = format!("{lines}\n[extism]\ncall = \"go\"\nconfig = {{ city = \"Rome\" }}");
    engine().tool(wasm, manifest(World::Tool, &lines)).unwrap()
}

#[track_caller]
fn refused(wasm: &[u8], lines: &str, expected: &str) {
    let lines = format!("{lines}\n[extism]\ncall = \"go\"");
    let error = engine().tool(wasm, manifest(World::Tool, &lines)).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

/// Echoes what it was given.
const ECHO: &str = "(call $answer (call $input_offset))";

#[tokio::test]
async fn arguments_go_in_and_the_answer_comes_out() {
    let guest = plugin(&wasm("", "", ECHO), "");
    for arguments in ["{}", "{\"a\": \"äöü\"}"] {
        let answer = guest.call(SampleHost::default().provision(), arguments).await;
        assert_eq!(answer, Ok(Ok(arguments.to_owned())));
    }
    let told = Description {
        name: "sample".to_owned(),
        about: String::new(),
        schema: r#"{"type":"object"}"#.to_owned(),
    };
    assert_eq!(guest.describe().await, Ok(told));
}

#[tokio::test]
async fn what_the_plug_in_says_went_wrong_is_its_answer() {
    let body = "(call $error_set (call $input_offset)) (i32.const 1)";
    let answer =
        plugin(&wasm("", "", body), "").call(SampleHost::default().provision(), "no").await;
    assert_eq!(answer, Ok(Err("no".to_owned())));
    let answer = plugin(&wasm("", "", "(i32.const 7)"), "")
        .call(SampleHost::default().provision(), "")
        .await;
    assert_eq!(answer, Ok(Err("`go` gave back 7".to_owned())));
}

#[tokio::test]
async fn what_was_granted_is_carried_out_by_the_host() {
    let imports = r#"
        (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
        (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
        (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
        (import "extism:host/env" "log_warn" (func $log_warn (param i64)))
        (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
        (import "extism:host/env" "http_status_code" (func $status (result i32)))"#;
    let items = r#"(data (i32.const 0) "city") (data (i32.const 16) "{\"url\":\"https://api.example.org/a\"}")"#;
    let body = r#"
        (call $log_warn (call $config_get (call $word (i32.const 0) (i32.const 4))))
        (call $var_set (call $input_offset) (call $word (i32.const 0) (i32.const 4)))
        (call $var_set (call $input_offset) (i64.const 0))
        (drop (call $http_request (call $word (i32.const 16) (i32.const 35)) (i64.const 0)))
        (if (i32.ne (call $status) (i32.const 204)) (then unreachable))
        (call $answer (call $var_get (call $input_offset)))"#;
    let lines = "[capabilities]\nkey-value = true\nlog = true\nhttp = [\"api.example.org\"]";
    let host = SampleHost::default();
    let answer = plugin(&wasm(imports, items, body), lines).call(host.provision(), "key").await;
    assert_eq!(answer, Ok(Ok("value".to_owned())));
    assert_eq!(
        host.asked(),
        [
            "log Warn Rome",
            "set key Some(\"city\")",
            "set key None",
            "fetch GET https://api.example.org/a",
            "get key",
        ]
    );
}

#[test]
fn an_import_that_was_not_granted_is_named_with_its_grant() {
    let import = |module: &str, name: &str| {
        wasm(&format!(r#"(import "{module}" "{name}" (func))"#), "", "(i32.const 0)")
    };
    for (module, name, grant) in [
        ("extism:host/env", "http_request", "http = "),
        ("extism:host/env", "var_set", "key-value = true"),
        ("extism:host/env", "log_info", "log = true"),
        ("wasi_snapshot_preview1", "fd_write", "log = true"),
        ("wasi_snapshot_preview1", "clock_time_get", "clock = true"),
        ("wasi_snapshot_preview1", "random_get", "random = true"),
    ] {
        let lines = "[extism]\ncall = \"go\"";
        let wasm = import(module, name);
        let error = engine().tool(&wasm, manifest(World::Tool, lines)).unwrap_err().to_string();
        assert!(error.contains(&format!("`{module}::{name}`")), "{error}");
        assert!(error.contains(&format!("add `{grant}")), "{error}");
    }
    for (module, name) in
        [("wasi_snapshot_preview1", "path_open"), ("extism:host/user", "shell"), ("env", "abort")]
    {
        let expected = format!("the plug-in imports `{module}::{name}`, which is not offered");
        refused(&import(module, name), "", &expected);
    }
}

#[test]
fn what_can_not_be_called_is_refused() {
    let module =
        wat::parse_str(r#"(module (func (export "greet")) (func (export "x") (param i32)))"#);
    refused(
        &module.unwrap(),
        "",
        "the guest is no tool: it exports no `go` that can be called; `[extism] call` may name `greet`",
    );
    refused(b"#!/bin/sh", "", "this is no WebAssembly guest: ");
    let lines = "[extism]\ncall = \"go\"";
    let error = engine().agent(&wasm("", "", "(i32.const 0)"), manifest(World::Agent, lines));
    assert!(error.unwrap_err().to_string().starts_with("a plug-in of Extism is a tool: "));
}

/// Steps that hold of the interface, each `left = right`; the plug-in traps at the first that does not.
async fn holds(imports: &str, lines: &str, input: &str, same: &[(&str, &str)]) {
    for (left, right) in same {
        let body = format!("(if (i64.ne {left} {right}) (then unreachable)) (i32.const 0)");
        let answer = plugin(&wasm(imports, "", &body), lines)
            .call(SampleHost::default().provision(), input)
            .await;
        assert_eq!(answer, Ok(Ok(String::new())), "{left} = {right}");
    }
}

#[tokio::test]
async fn memory_input_and_output_are_what_pdks_expect() {
    let imports = r#"
        (import "extism:host/env" "free" (func $free (param i64)))
        (import "extism:host/env" "length_unsafe" (func $length_unsafe (param i64) (result i64)))
        (import "extism:host/env" "memory_bytes" (func $memory_bytes (result i64)))
        (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
        (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
        (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
        (import "extism:host/env" "input_length" (func $input_length (result i64)))
        (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
        (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
        (import "extism:host/env" "output_offset" (func $output_offset (result i64)))
        (import "extism:host/env" "output_length" (func $output_length (result i64)))
        (import "extism:host/env" "error_get" (func $error_get (result i64)))
        (import "extism:host/env" "get_log_level" (func $level (result i32)))"#;
    holds(
        imports,
        "",
        "0123456789",
        &[
            ("(call $input_length)", "(i64.const 10)"),
            ("(call $length (call $input_offset))", "(i64.const 10)"),
            // `01234567` and `23456789`, the lowest byte first.
            ("(call $input_load_u64 (i64.const 0))", "(i64.const 0x3736353433323130)"),
            ("(call $input_load_u64 (i64.const 2))", "(i64.const 0x3938373635343332)"),
            ("(call $load_u64 (call $input_offset))", "(i64.const 0x3736353433323130)"),
            ("(i64.extend_i32_u (call $input_load_u8 (i64.const 9)))", "(i64.const 0x39)"),
            ("(i64.extend_i32_u (call $load_u8 (call $input_offset)))", "(i64.const 0x30)"),
            ("(call $memory_bytes)", "(i64.const 65536)"),
            ("(block (result i64) (drop (call $alloc (i64.const 65536))) (call $memory_bytes))", "(i64.const 131072)"),
            ("(call $length (call $alloc (i64.const 33)))", "(i64.const 33)"),
            ("(call $length_unsafe (call $alloc (i64.const 33)))", "(i64.const 33)"),
            ("(call $length (i64.const 1))", "(i64.const 0)"),
            ("(call $alloc (i64.const 0))", "(i64.const 0)"),
            ("(call $alloc (i64.const -1))", "(i64.const 0)"),
            ("(block (result i64) (call $free (call $input_offset)) (call $input_length))", "(i64.const 0)"),
            ("(block (result i64) (call $free (i64.const 5)) (call $input_length))", "(i64.const 10)"),
            (
                "(block (result i64) (call $free (call $input_offset)) (call $alloc (i64.const 10)))",
                "(call $input_offset)",
            ),
            (
                "(block (result i64) (call $store_u64 (call $input_offset) (i64.const 7)) (call $input_load_u64 (i64.const 0)))",
                "(i64.const 7)",
            ),
            (
                "(block (result i64) (call $output_set (i64.const 70) (i64.const 0)) (call $output_offset))",
                "(i64.const 70)",
            ),
            ("(call $output_length)", "(i64.const 0)"),
            (
                "(block (result i64) (call $error_set (i64.const 9)) (call $error_get))",
                "(i64.const 9)",
            ),
            // Without the grant no line is worth its words.
            ("(i64.extend_i32_u (call $level))", "(i64.const 0x7fffffff)"),
        ],
    )
    .await;
    holds(
        imports,
        "[capabilities]\nlog = true",
        "",
        &[
            ("(i64.extend_i32_u (call $level))", "(i64.const 0)"),
            ("(call $input_length)", "(i64.const 0)"),
            ("(call $input_offset)", "(i64.const 0)"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_module_begins_before_it_is_called() {
    for (name, expected) in [("_initialize", "a"), ("__wasm_call_ctors", "a"), ("other", "")] {
        let items = format!(
            r#"(data (i32.const 0) "a") (func (export "{name}") (drop (call $answer (call $word (i32.const 0) (i32.const 1)))))"#
        );
        let guest = plugin(&wasm("", &items, "(i32.const 0)"), "");
        let answer = guest.call(SampleHost::default().provision(), "{}").await;
        assert_eq!(answer, Ok(Ok(expected.to_owned())), "{name}");
    }
}

#[tokio::test]
async fn a_plug_in_may_leave_by_exit_and_without_a_code() {
    let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
    let body = "(drop (call $answer (call $input_offset))) (call $exit (i32.const 0)) unreachable";
    let guest = plugin(&wasm(exit, "", body), "");
    assert_eq!(
        guest.call(SampleHost::default().provision(), "bye").await,
        Ok(Ok("bye".to_owned()))
    );
    let text = format!(
        r#"(module {IMPORTS} {PARTS} (func (export "go") (drop (call $answer (call $input_offset)))))"#
    );
    let guest = plugin(&wat::parse_str(text).unwrap(), "");
    assert_eq!(
        guest.call(SampleHost::default().provision(), "bye").await,
        Ok(Ok("bye".to_owned()))
    );
}

#[tokio::test]
async fn what_compilers_import_of_a_system_is_there() {
    let imports = r#"
        (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#;
    // Two pieces, and between them they have two lines.
    let items = r#"
        (data (i32.const 0) "\20\00\00\00\04\00\00\00\24\00\00\00\03\00\00\00")
        (data (i32.const 32) "one\ntwo")
        (data (i32.const 64) "\ff\ff\ff\ff\ff\ff\ff\ff")
        (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))"#;
    let body = "
        (call $is (call $fd_write (i32.const 2) (i32.const 0) (i32.const 2) (i32.const 100)) (i32.const 0))
        (call $is (i32.load (i32.const 100)) (i32.const 7))
        (call $is (call $fd_write (i32.const 3) (i32.const 0) (i32.const 2) (i32.const 100)) (i32.const 8))
        (call $is (call $fd_write (i32.const 1) (i32.const 65532) (i32.const 2) (i32.const 100)) (i32.const 21))
        (call $is (call $fd_close (i32.const 1)) (i32.const 8))
        (call $is (call $environ (i32.const 64) (i32.const 68)) (i32.const 0))
        (if (i64.ne (i64.load (i32.const 64)) (i64.const 0)) (then unreachable))
        (call $is (call $environ (i32.const 65534) (i32.const 68)) (i32.const 21))
        (call $is (call $clock (i32.const 0) (i64.const 1) (i32.const 64)) (i32.const 0))
        (if (i64.lt_u (i64.load (i32.const 64)) (i64.const 1700000000000000000)) (then unreachable))
        (call $is (call $clock (i32.const 9) (i64.const 1) (i32.const 64)) (i32.const 28))
        (call $is (call $random (i32.const 200) (i32.const 33)) (i32.const 0))
        (if (i64.eq (i64.load (i32.const 200)) (i64.load (i32.const 208))) (then unreachable))
        (i32.const 0)";
    let lines = "[capabilities]\nlog = true\nclock = true\nrandom = true";
    let host = SampleHost::default();
    let answer = plugin(&wasm(imports, items, body), lines).call(host.provision(), "").await;
    assert_eq!(answer, Ok(Ok(String::new())));
    assert_eq!(host.asked(), ["log Warn one", "log Warn two"]);
}

#[test]
fn a_plug_in_is_compiled_once_and_tells_what_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Some(folder.path().join("code"));
    let options = Options { instances: 4, cache, ..Options::default() };
    let asks = r#"
        (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
        (import "extism:host/env" "var_get" (func (param i64) (result i64)))"#;
    let wasm = wasm(asks, "", ECHO);
    let granted = "[capabilities]\nkey-value = true\nrandom = true\n[extism]\ncall = \"go\"";
    let compiled = || {
        let engine = Engine::new(options.clone()).unwrap();
        engine.tool(&wasm, manifest(World::Tool, granted)).unwrap().compiled().clone()
    };
    assert!(matches!(compiled(), Compiled::NowAndKept));
    assert!(matches!(compiled(), Compiled::Before));
    let ungranted = manifest(World::Tool, "[extism]\ncall = \"go\"");
    let asked = Engine::new(options.clone()).unwrap().asked_for(&wasm, &ungranted).unwrap();
    assert_eq!(asked, [Capability::KeyValue, Capability::Random]);
}

/// Made by Extism's own kit for AssemblyScript, of `extism/vowels.ts`.
#[tokio::test]
async fn a_plug_in_of_the_ecosystem_s_own_kit_is_a_tool() {
    let wasm = include_bytes!("extism/vowels.wasm");
    let lines = "description = \"Counts.\"\n[capabilities]\nkey-value = true\nlog = true\n[extism]\ncall = \"count_vowels\"\nconfig = { vowels = \"aeiouÄ\" }\nschema = { required = [\"text\"] }";
    let manifest = manifest(World::Tool, lines);
    let asked = engine().asked_for(wasm, &manifest).unwrap();
    assert_eq!(asked, manifest.capabilities.granted().collect::<Vec<_>>());
    let guest = engine().tool(wasm, manifest).unwrap();
    let told = Description {
        name: "sample".to_owned(),
        about: "Counts.".to_owned(),
        schema: r#"{"required":["text"]}"#.to_owned(),
    };
    assert_eq!(guest.describe().await, Ok(told));
    let shelf = Shelf::default();
    for (input, expected) in [
        (r#"{"text": "Ärger in der Bottega"}"#, r#"{"count":8,"total":8}"#),
        ("", r#"{"count":0,"total":8}"#),
        ("aeiou, rhythm", r#"{"count":5,"total":13}"#),
    ] {
        let answer = guest.call(shelf.provision(), input).await;
        assert_eq!(answer, Ok(Ok(expected.to_owned())));
    }
    let noted = shelf.0.lock().unwrap();
    assert_eq!(noted.lines, ["8 vowels", "0 vowels", "5 vowels"]);
    assert_eq!(noted.kept["total"], b"13");
}

#[test]
fn the_sample_is_granted_what_it_uses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../guests/extism");
    let text = std::fs::read_to_string(folder.join(Manifest::FILE)).unwrap();
    let manifest = Manifest::parse(&text).unwrap();
    let granted: Vec<_> = manifest.capabilities.granted().collect();
    assert_eq!(granted, [Capability::KeyValue, Capability::Log]);
    let source = std::fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    let call = manifest.extism.unwrap().call;
    assert!(source.contains(&format!("#[plugin_fn]\npub fn {call}(")), "{call}");
}

/// A host that keeps what it is given.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    kept: HashMap<String, Vec<u8>>,
    lines: Vec<String>,
}

impl Shelf {
    fn provision(&self) -> Provision {
        Provision::new(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Host for Shelf {
    async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.lock().unwrap().kept.get(&key).cloned())
    }

    async fn set(&self, key: String, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        let kept = &mut self.0.lock().unwrap().kept;
        drop(match value {
            Some(value) => kept.insert(key, value),
            None => kept.remove(&key),
        });
        Ok(())
    }

    fn log(&self, _level: Level, text: &str) {
        self.0.lock().unwrap().lines.push(text.to_owned());
    }
}
