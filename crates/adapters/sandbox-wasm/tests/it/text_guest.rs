//! Guests as text: a core module for a world, with one's own imports and bodies.

use bottega_manifest::{Manifest, World};
use bottega_sandbox_wasm::{Engine, Options};

/// What every guest here begins with: memory, an allocator that forgets all after each message, and answers.
///
/// Below 4096 lie answers: at 16 that of the guest, at 64 that of the host.
const PROLOGUE: &str = r#"
    (global $top (mut i32) (i32.const 4096))
    (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.set $top (i32.add (local.get $at) (local.get $size)))
        (block $fits
            (loop $more
                (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
                (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
                (br $more)))
        (local.get $at))
    (func $ok (result i32)
        (global.set $top (i32.const 4096))
        (i32.store8 (i32.const 16) (i32.const 0))
        (i32.const 16))
    ;; What the guest says through its refusal: the tests' way to look inside.
    (func $say (param $ptr i32) (param $len i32) (result i32)
        (global.set $top (i32.const 4096))
        (i32.store8 (i32.const 16) (i32.const 1))
        (i32.store (i32.const 20) (local.get $ptr))
        (i32.store (i32.const 24) (local.get $len))
        (i32.const 16))
    ;; Says why the host refused, when it did (its answer is at 64, its payload so many bytes on).
    (func $told (param $payload i32) (result i32)
        (if (result i32) (i32.load8_u (i32.const 64))
            (then (call $say
                (i32.load offset=68 (local.get $payload))
                (i32.load offset=72 (local.get $payload))))
            (else (call $ok))))
"#;

/// An agent in parts.
#[derive(Clone, Copy)]
pub(crate) struct TextAgent<'t> {
    /// Imports of capabilities.
    pub(crate) imports: &'t str,
    /// Pages of memory at first.
    pub(crate) pages: u32,
    /// Globals, data, functions.
    pub(crate) items: &'t str,
    /// `$ptr` and `$len` are the message.
    pub(crate) handle: &'t str,
    /// Answers with a pointer to `result<list<u8>, string>`.
    pub(crate) save: &'t str,
    /// `$version`, `$version_len`, `$state` and `$state_len` are what was saved.
    pub(crate) restore: &'t str,
}

impl Default for TextAgent<'_> {
    fn default() -> Self {
        Self {
            imports: "",
            pages: 1,
            items: "",
            handle: "(call $ok)",
            save: "(call $say (i32.const 0) (i32.const 0))",
            restore: "(call $ok)",
        }
    }
}

impl TextAgent<'_> {
    /// The core module.
    pub(crate) fn wasm(self) -> Vec<u8> {
        let Self { imports, pages, items, handle, save, restore } = self;
        let text = format!(
            r#"(module {imports} (memory (export "memory") {pages}) {PROLOGUE} {items}
            (func (export "bottega:guest/behaviour@0.1.0#init") (param $ptr i32) (param $len i32) (result i32)
                ;; A config that begins with `!` is refused with itself.
                (if (result i32) (i32.and (i32.gt_u (local.get $len) (i32.const 0))
                        (i32.eq (i32.load8_u (local.get $ptr)) (i32.const 33)))
                    (then (call $say (local.get $ptr) (local.get $len)))
                    (else (call $ok))))
            (func $handle (export "bottega:guest/behaviour@0.1.0#handle-message") (param $ptr i32) (param $len i32) (result i32)
                {handle})
            (func (export "bottega:guest/behaviour@0.1.0#save-state") (result i32) {save})
            (func (export "bottega:guest/behaviour@0.1.0#restore-state") (param $version i32) (param $version_len i32)
                (param $state i32) (param $state_len i32) (result i32) {restore}))"#
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

/// A tool in parts.
#[derive(Clone, Copy)]
pub(crate) struct TextTool<'t> {
    /// Imports of capabilities.
    pub(crate) imports: &'t str,
    pub(crate) name: &'t str,
    pub(crate) about: &'t str,
    pub(crate) schema: &'t str,
    /// Globals, data, functions.
    pub(crate) items: &'t str,
    /// `$ptr` and `$len` are the arguments. Answers with a pointer to `result<string, string>`.
    pub(crate) call: &'t str,
}

impl Default for TextTool<'_> {
    /// Answers with its arguments; those that begin with `!` are refused with themselves.
    fn default() -> Self {
        Self {
            imports: "",
            name: "echo",
            about: "gives back its arguments",
            schema: "{}",
            items: "",
            call: "(drop (call $say (local.get $ptr) (local.get $len)))
            (i32.store8 (i32.const 16) (i32.eq (i32.load8_u (local.get $ptr)) (i32.const 33)))
            (i32.const 16)",
        }
    }
}

impl TextTool<'_> {
    /// The core module.
    pub(crate) fn wasm(self) -> Vec<u8> {
        let Self { imports, name, about, schema, items, call } = self;
        let told = format!("{name}{about}{schema}");
        let data: String = told.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        // What it tells of itself lies on the second page.
        let place = |at: i32, start: usize, length: usize| {
            format!(
                "(i32.store (i32.const {at}) (i32.const {})) (i32.store (i32.const {}) (i32.const {length}))",
                65_536 + start,
                at + 4
            )
        };
        let places = [
            place(16, 0, name.len()),
            place(24, name.len(), about.len()),
            place(32, name.len() + about.len(), schema.len()),
        ];
        let text = format!(
            r#"(module {imports} (memory (export "memory") 3) {PROLOGUE} {items}
            (data (i32.const 65536) "{data}")
            (global $calls (mut i32) (i32.const 0))
            (func (export "bottega:guest/callable@0.1.0#describe") (result i32)
                {} (i32.const 16))
            (func (export "bottega:guest/callable@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
                ;; A second call in the same instance would trap.
                (if (global.get $calls) (then unreachable))
                (global.set $calls (i32.const 1))
                {call}))"#,
            places.join(" ")
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

/// A tool that answers with its arguments.
pub(crate) fn echo_tool() -> Vec<u8> {
    TextTool::default().wasm()
}

/// An engine of a size for tests.
pub(crate) fn engine() -> Engine {
    Engine::new(Options { instances: 32, ..Options::default() }).unwrap()
}

/// A manifest of that world with these lines.
pub(crate) fn manifest(world: World, lines: &str) -> Manifest {
    let text = format!("name = \"sample\"\nversion = \"1.0.0\"\nworld = \"{world}\"\n{lines}");
    Manifest::parse(&text).unwrap_or_else(|problems| panic!("{problems}"))
}
