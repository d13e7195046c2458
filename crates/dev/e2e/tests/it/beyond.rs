//! What WASM agents reach beyond their server: models and tools, each as far as it was granted.

use bottega_testkit::{Saying, ScriptedServer};

use crate::home::Home;
use crate::live::Live;
use crate::provider::Provider;

/// What every guest here gives its host, to write to its memory. It takes nothing back.
pub(crate) const ALLOCATOR: &str = r#"
    (global $top (mut i32) (i32.const 8192))
    (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.set $top (i32.add (local.get $at) (local.get $size)))
        (local.get $at))"#;

/// An agent that answers each message with what `$reach` brings: the address of a text's place and length.
fn guest(imports: &str, data: &str, reach: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
        {imports}
        (memory (export "memory") 1)
        {data}
        {ALLOCATOR}
        (func $fine (result i32)
            (i32.store8 (i32.const 16) (i32.const 0))
            (i32.const 16))
        ;; `Err` at 16 with the text whose place and length stand there.
        (func $say (param $at i32) (result i32)
            (i32.store8 (i32.const 16) (i32.const 1))
            (i32.store (i32.const 20) (i32.load (local.get $at)))
            (i32.store (i32.const 24) (i32.load (i32.add (local.get $at) (i32.const 4))))
            (i32.const 16))
        (func $reach (result i32) {reach})
        (func (export "bottega:guest/behaviour@0.1.0#init") (param i32 i32) (result i32)
            (call $fine))
        (func (export "bottega:guest/behaviour@0.1.0#handle-message") (param i32 i32) (result i32)
            (call $say (call $reach)))
        (func (export "bottega:guest/behaviour@0.1.0#save-state") (result i32) (call $fine))
        (func (export "bottega:guest/behaviour@0.1.0#restore-state") (param i32 i32 i32 i32)
            (result i32) (call $fine)))"#
    );
    wat::parse_str(text).unwrap()
}

/// Asks a model `how?`, for 50 tokens at most.
fn asker() -> Vec<u8> {
    let import = r#"(import "bottega:guest/model@0.1.0" "ask"
        (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    let data = r#"(data (i32.const 512) "You answer.how?")"#;
    // No route; a result at 64 whose texts stand 8 behind it, or 12 where it is a refusal.
    let reach =
        "(call $ask (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512) (i32.const 11)
                            (i32.const 523) (i32.const 4) (i32.const 50) (i32.const 64))
                 (if (result i32) (i32.load8_u (i32.const 64))
                     (then (i32.const 76)) (else (i32.const 72)))";
    guest(import, data, reach)
}

/// Calls a tool with these arguments.
pub(crate) fn worker(tool: &str, arguments: &str) -> Vec<u8> {
    let import = r#"(import "bottega:guest/tools@0.1.0" "call"
        (func $call (param i32 i32 i32 i32 i32)))"#;
    let escaped = arguments.replace('\\', "\\\\").replace('"', "\\\"");
    let data = format!(r#"(data (i32.const 512) "{tool}") (data (i32.const 1024) "{escaped}")"#);
    let reach = format!(
        "(call $call (i32.const 512) (i32.const {}) (i32.const 1024) (i32.const {}) (i32.const 64))
         (if (result i32) (i32.load8_u (i32.const 64)) (then (i32.const 72)) (else (i32.const 68)))",
        tool.len(),
        arguments.len()
    );
    guest(import, &data, &reach)
}

pub(crate) fn deploy(home: &Home, name: &str, grants: &str, module: Vec<u8>) {
    let manifest = format!(
        "name = \"{name}\"\nversion = \"0.1.0\"\nworld = \"agent\"\n[capabilities]\n{grants}\n"
    );
    home.write(&format!("{name}/bottega.toml"), manifest);
    home.write(&format!("{name}/{name}.wasm"), module);
    home.bottega(&["agent", "deploy", name]).finish().done();
}

/// What an agent says to anything.
pub(crate) fn said(home: &Home, name: &str) -> String {
    home.bottega(&["message", "ask", name, "go"]).finish().with_code(1).stdout.trim().to_owned()
}

fn logs(home: &Home, name: &str) -> String {
    home.bottega(&["agent", "logs", name]).finish().done().stdout
}

pub(crate) fn serve(home: &Home, provider: &Provider<'_>) -> Live {
    let words = ["serve", "--listen", "127.0.0.1:0", "--json"];
    let mut server = home.bottega(&words).with(provider).start();
    server.wait_for(|event| event["serving"]["url"].is_string());
    server
}

#[test]
fn an_agent_asks_a_model_within_its_budget() {
    let home = Home::new();
    let server = ScriptedServer::of_turns([Saying::text("By trying.")]).unwrap();
    let provider = Provider::usual(&server);
    let _live = serve(&home, &provider);
    let model = |tokens: u32| {
        format!("model = {{ tokens = {tokens}, routes = [\"openrouter/scripted-large\"] }}")
    };
    deploy(&home, "rich", "model = { tokens = 20000 }", asker());
    assert_eq!(said(&home, "rich"), "By trying.");
    deploy(&home, "poor", &model(3), asker());
    let before = server.asked().len();
    let refused = said(&home, "poor");
    assert!(refused.contains("token"), "{refused}");
    assert_eq!(server.asked().len(), before, "nothing was asked that can't be paid");
    assert!(logs(&home, "rich").contains("model"), "{}", logs(&home, "rich"));
}

#[test]
fn an_agent_calls_the_tools_that_it_was_granted_in_its_own_folder() {
    let home = Home::new();
    let server = ScriptedServer::of_turns([]).unwrap();
    let provider = Provider::usual(&server);
    let _live = serve(&home, &provider);
    let write = r#"{"path":"note.md","content":"hello\n"}"#;
    deploy(&home, "writer", "tools = [\"write_file\"]", worker("write_file", write));
    let told = said(&home, "writer");
    let own = crate::home::files_below(&home.own_files());
    let made: Vec<_> = own.iter().filter(|(path, _)| path.ends_with("writer/note.md")).collect();
    assert_eq!(made.len(), 1, "{told}: {own:?}");
    deploy(&home, "thief", "tools = [\"write_file\"]", worker("shell", r#"{"command":"id"}"#));
    assert!(said(&home, "thief").contains("not granted"), "{}", said(&home, "thief"));
    let outside = r#"{"path":"/etc/hosts"}"#;
    deploy(&home, "reader", "tools = [\"read_file\"]", worker("read_file", outside));
    let refused = said(&home, "reader");
    assert!(!refused.contains("localhost"), "{refused}");
    // A command runs in the cage, or is refused for want of a person; either way it reaches nothing outside.
    let shell = r#"{"command":"cat ../writer/note.md"}"#;
    deploy(&home, "snoop", "tools = [\"shell\"]", worker("shell", shell));
    let told = said(&home, "snoop");
    assert!(!told.contains("hello"), "{told}");
    assert!(logs(&home, "writer").contains("write_file"), "{}", logs(&home, "writer"));
}
