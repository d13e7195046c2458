//! Each misdeed of a plug-in ends that instance, says what it was, and nothing else happens.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;

use async_trait::async_trait;
use bottega_manifest::{Host, Period, Refusal, Size, World};
use bottega_sandbox_wasm::{Engine, Fault, Options, Provision, ToolGuest};
use proptest::prelude::*;
use tokio::sync::Notify;

use super::{plugin, wasm};
use crate::sample_host::SampleHost;
use crate::text_guest::{engine, manifest};

const VAR_GET: &str =
    r#"(import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))"#;
const HTTP: &str =
    r#"(import "extism:host/env" "http_request" (func $request (param i64 i64) (result i64)))"#;
const FOREVER: &str = "(loop $again (br $again)) (i32.const 0)";

/// A host that lets one caller go on each time that its gate is opened.
#[derive(Clone, Default)]
struct Gate(Arc<Notify>);

impl Gate {
    fn provision(&self) -> Provision {
        Provision::new(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Host for Gate {
    async fn get(&self, _key: String) -> Result<Option<Vec<u8>>, Refusal> {
        self.0.notified().await;
        Ok(Some(b"through".to_vec()))
    }
}

/// A plug-in that asks its host.
fn asker(engine: &Engine, lines: &str) -> ToolGuest {
    let wasm = wasm(VAR_GET, "", "(call $answer (call $var_get (call $input_offset)))");
    let lines = format!("[capabilities]\nkey-value = true\n{lines}\n[extism]\ncall = \"go\"");
    engine.tool(&wasm, manifest(World::Tool, &lines)).unwrap()
}

/// A plug-in with that body ends so, each time. Its sister on the same engine, half-way through a call, does not notice.
async fn ends(imports: &str, items: &str, body: &str, lines: &str, expected: Fault) {
    let engine = engine();
    let (sister, gate) = (asker(&engine, ""), Gate::default());
    let mut half_way = pin!(sister.call(gate.provision(), "key"));
    let begun = poll_fn(|context| Poll::Ready(half_way.as_mut().poll(context))).await;
    assert_eq!(begun, Poll::Pending);

    let lines = format!("{lines}\n[extism]\ncall = \"go\"");
    let hostile = engine.tool(&wasm(imports, items, body), manifest(World::Tool, &lines)).unwrap();
    let host = SampleHost::default();
    for _ in 0..2 {
        assert_eq!(hostile.call(host.provision(), "{}").await, Err(expected.clone()));
    }
    gate.0.notify_one();
    assert_eq!(half_way.await, Ok(Ok("through".to_owned())));
}

#[tokio::test]
async fn a_loop_without_end_is_ended_by_fuel_and_by_time() {
    ends("", "", FOREVER, "[limits]\nfuel = 100000", Fault::OutOfFuel { most: 100_000 }).await;
    let most: Period = "20ms".parse().unwrap();
    let lines = format!("[limits]\nfuel = {}\ncompute = \"20ms\"", i64::MAX);
    ends("", "", FOREVER, &lines, Fault::OutOfCompute { most }).await;
    let lines = format!("[limits]\nfuel = {}\ncompute = \"1h\"\ndeadline = \"20ms\"", i64::MAX);
    ends("", "", FOREVER, &lines, Fault::PastDeadline { most }).await;
    // It may not begin without end either.
    let begin = r#"(func (export "_initialize") (loop $again (br $again)))"#;
    let lines = "[limits]\nfuel = 100000";
    ends("", begin, "(i32.const 0)", lines, Fault::OutOfFuel { most: 100_000 }).await;
    let start = "(func $start (loop $again (br $again))) (start $start)";
    ends("", start, "(i32.const 0)", lines, Fault::OutOfFuel { most: 100_000 }).await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_answers_is_not_waited_for_past_the_deadline() {
    let guest = asker(&engine(), "[limits]\ndeadline = \"1h\"");
    let ended = guest.call(Gate::default().provision(), "key").await;
    assert_eq!(ended, Err(Fault::PastDeadline { most: Period::seconds(3600) }));
}

#[tokio::test]
async fn memory_is_bounded_on_both_sides_of_the_interface() {
    let lines = "[limits]\nmemory = \"1MiB\"";
    let most = Size::mebibytes(1);
    let own = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    ends("", "", own, lines, Fault::OutOfMemory { most }).await;
    for bytes in [1, 1_000, 1 << 19] {
        let theirs = format!(
            "(loop $more (br_if $more (i64.ne (call $alloc (i64.const {bytes})) (i64.const 0)))) unreachable"
        );
        ends("", "", &theirs, lines, Fault::OutOfMemory { most }).await;
    }
    // Half of it here, and half of it there, is all of it.
    let both = "
        (if (i32.eq (memory.grow (i32.const 7)) (i32.const -1)) (then (return (i32.const 1))))
        (if (i64.eqz (call $alloc (i64.const 400000))) (then (return (i32.const 2))))
        (if (i64.eqz (call $alloc (i64.const 131072))) (then unreachable))
        (i32.const 0)";
    ends("", "", both, lines, Fault::OutOfMemory { most }).await;
    // Nor does the host give it more than it may have.
    let guest = plugin(&wasm("", "", "(i32.const 0)"), lines);
    let much = "x".repeat(1 << 20);
    let ended = guest.call(SampleHost::default().provision(), &much).await;
    assert_eq!(ended, Err(Fault::OutOfMemory { most }));
}

#[tokio::test]
async fn a_flood_of_output_ends_its_instance() {
    let most = Size(4 << 10);
    let lines = "[limits]\noutput = \"4KiB\"";
    let answer = "(call $answer (call $alloc (i64.const 5000)))";
    ends("", "", answer, lines, Fault::TooMuchOutput { most }).await;
    let error = "(call $error_set (call $alloc (i64.const 5000))) (i32.const 1)";
    ends("", "", error, lines, Fault::TooMuchOutput { most }).await;
    let log = r#"(import "extism:host/env" "log_info" (func $log (param i64)))"#;
    let lines = format!("[capabilities]\nlog = true\n{lines}\ncalls = 10");
    let line = "(call $log (call $alloc (i64.const 5000))) (i32.const 0)";
    ends(log, "", line, &lines, Fault::TooMuchOutput { most }).await;
    let endless = "(loop $again (call $log (i64.const 0)) (br $again)) (i32.const 0)";
    ends(log, "", endless, &lines, Fault::TooManyCalls { most: 10 }).await;
    // A thousand lines at once are a thousand calls.
    let write = r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#;
    let items = r#"(data (i32.const 0) "\08\00\00\00\e8\03\00\00")"#;
    let feeds = "(memory.fill (i32.const 8) (i32.const 10) (i32.const 1000))
        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 4))";
    ends(write, items, feeds, &lines, Fault::TooManyCalls { most: 10 }).await;
    let random = r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#;
    let lines = "[capabilities]\nrandom = true\n[limits]\noutput = \"4KiB\"";
    let numbers = "(call $random (i32.const 0) (i32.const -1))";
    ends(random, "", numbers, lines, Fault::TooMuchOutput { most }).await;
}

#[tokio::test]
async fn a_plug_in_that_traps_ends() {
    let trapped = |why: &str| Fault::Trapped { why: why.to_owned() };
    let why = "wasm `unreachable` instruction executed, in `deep`";
    ends("", "(func $deep unreachable)", "(call $deep) (i32.const 0)", "", trapped(why)).await;
    let deep = "(func $deep (param i32) (result i32)
        (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))";
    ends("", deep, "(call $deep (i32.const 0))", "", Fault::StackExhausted).await;
    let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
    let body = "(call $exit (i32.const 3)) unreachable";
    ends(exit, "", body, "", trapped("it left with exit code 3")).await;
}

#[tokio::test]
async fn a_plug_in_that_misuses_its_interface_ends() {
    let imports = r#"
        (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
        (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
        (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
        (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))"#;
    let bytes = r#"(data (i32.const 0) "\ff")"#;
    for (body, why) in [
        (
            "(call $output_set (i64.const -8) (i64.const 16))",
            "16 bytes at offset 18446744073709551608 lie in no block",
        ),
        (
            "(call $output_set (i64.const 64) (i64.const -1))",
            "18446744073709551615 bytes at offset 64 lie in no block",
        ),
        (
            "(call $store_u8 (i64.const 70000) (i32.const 1))",
            "1 bytes at offset 70000 lie in no block",
        ),
        ("(drop (call $load_u64 (i64.const 65529)))", "8 bytes at offset 65529 lie in no block"),
        ("(drop (call $input_load_u8 (i64.const 2)))", "byte 2 of an input of 2"),
        (
            "(drop (call $input_load_u64 (i64.const -4)))",
            "byte 18446744073709551612 of an input of 2",
        ),
        ("(drop (call $config_get (i64.const 3)))", "no block begins at offset 3"),
        (
            "(drop (call $config_get (i64.add (call $input_offset) (i64.const 1))))",
            "no block begins at offset 65",
        ),
        (
            "(drop (call $config_get (call $word (i32.const 0) (i32.const 1))))",
            "the text at offset 144 is no UTF-8",
        ),
        (
            "(drop (call $answer (call $word (i32.const 0) (i32.const 1))))",
            "its output is no UTF-8",
        ),
    ] {
        let body = format!("{body} (i32.const 0)");
        ends(imports, bytes, &body, "", Fault::Trapped { why: why.to_owned() }).await;
    }
    let lines = "[capabilities]\nhttp = [\"api.example.org\"]";
    let request = "(drop (call $request (call $input_offset) (i64.const 0))) (i32.const 0)";
    let why = "its request has no `url`".to_owned();
    ends(HTTP, "", request, lines, Fault::Trapped { why }).await;
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_not_reached() {
    let items = r#"(data (i32.const 0) "{\"url\":\"https://evil.example/\"}")"#;
    let body = "(drop (call $request (call $word (i32.const 0) (i32.const 31)) (i64.const 0))) (i32.const 0)";
    let lines = "[capabilities]\nhttp = [\"api.example.org\"]";
    let guest = plugin(&wasm(HTTP, items, body), lines);
    let host = SampleHost::default();
    let ended = guest.call(host.provision(), "{}").await.unwrap_err();
    assert!(
        matches!(&ended, Fault::Refused { why } if why.contains("evil.example") && why.contains("was not granted")),
        "{ended}"
    );
    assert_eq!(host.asked(), [""; 0]);
}

#[tokio::test]
async fn there_is_room_for_as_many_as_the_engine_was_made_for() {
    let engine = Engine::new(Options { instances: 2, ..Options::default() }).unwrap();
    let (guest, gate) = (asker(&engine, ""), Gate::default());
    let mut calls: Vec<_> = (0..2).map(|_| Box::pin(guest.call(gate.provision(), "key"))).collect();
    for call in &mut calls {
        let begun = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        assert_eq!(begun, Poll::Pending);
    }
    assert_eq!(guest.call(gate.provision(), "key").await, Err(Fault::NoRoom { most: 2 }));
    // Whoever goes makes room.
    drop(calls.pop());
    gate.0.notify_waiters();
    for call in calls {
        assert_eq!(call.await, Ok(Ok("through".to_owned())));
    }
}

/// Every function of the interface that takes numbers, with two places for them.
const CALLS: [&str; 15] = [
    "(drop (call $alloc (i64.const A)))",
    "(call $free (i64.const A))",
    "(drop (call $length (i64.const A)))",
    "(call $store_u8 (i64.const A) (i32.const 7))",
    "(call $store_u64 (i64.const A) (i64.const B))",
    "(drop (call $load_u64 (i64.const A)))",
    "(drop (call $input_load_u64 (i64.const A)))",
    "(call $output_set (i64.const A) (i64.const B))",
    "(call $error_set (i64.const A))",
    "(drop (call $config_get (i64.const A)))",
    "(drop (call $var_get (i64.const A)))",
    "(call $var_set (i64.const A) (i64.const B))",
    "(drop (call $request (i64.const A) (i64.const B)))",
    "(drop (call $write (i32.const 1) (i32.wrap_i64 (i64.const A)) (i32.wrap_i64 (i64.const B)) (i32.const 0)))",
    "(drop (call $random (i32.wrap_i64 (i64.const A)) (i32.wrap_i64 (i64.const B))))",
];

/// Numbers at which something begins or ends, and any others.
fn number() -> impl Strategy<Value = i64> {
    const EDGES: [i64; 16] =
        [0, 1, 15, 16, 63, 64, 65, 66, 80, 144, 65_535, 65_536, 1 << 20, 1 << 31, i64::MAX, -1];
    prop_oneof![4 => prop::sample::select(&EDGES[..]), 1 => any::<i64>()]
}

/// Calls a plug-in in whose code nothing may be as it should.
fn try_out(wasm: &[u8]) -> Option<Result<Result<String, String>, Fault>> {
    static ENGINE: LazyLock<Engine> = LazyLock::new(engine);
    let lines =
        "[capabilities]\nkey-value = true\nlog = true\nrandom = true\nhttp = [\"api.example.org\"]
        [limits]\nfuel = 100000\nmemory = \"1MiB\"\n[extism]\ncall = \"go\"";
    let guest = ENGINE.tool(wasm, manifest(World::Tool, lines)).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Some(runtime.block_on(guest.call(SampleHost::default().provision(), "{}")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_numbers_a_plug_in_gives_it_is_answered(
        calls in prop::collection::vec((prop::sample::select(&CALLS[..]), number(), number()), 1..12),
    ) {
        let imports = format!(r#"{VAR_GET} {HTTP}
            (import "extism:host/env" "free" (func $free (param i64)))
            (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
            (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
            (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
            (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
            (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#);
        let line = |(call, a, b): (&str, i64, i64)| {
            call.replace('A', &a.to_string()).replace('B', &b.to_string())
        };
        let body: String = calls.into_iter().map(line).chain(["(i32.const 0)".to_owned()]).collect();
        let ended = try_out(&wasm(&imports, "", &body)).expect("it is a plug-in");
        // Nothing that it does is the host's fault, or takes its room.
        prop_assert!(!matches!(ended, Err(Fault::NoRoom { .. } | Fault::Ended)), "{ended:?}");
    }

    #[test]
    fn a_mutilated_plug_in_is_answered(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut wasm = wasm("", "", super::ECHO);
        for (at, byte) in changes {
            let at = at.index(wasm.len());
            wasm[at] = byte;
        }
        if let Some(cut) = cut {
            wasm.truncate(cut.index(wasm.len()));
        }
        let _ended = try_out(&wasm);
    }
}
