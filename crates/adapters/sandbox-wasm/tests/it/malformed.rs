//! Bytes from anybody: whatever they are, the host answers.

use std::sync::LazyLock;

use bottega_manifest::World;
use bottega_sandbox_wasm::Engine;
use proptest::prelude::*;

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, engine, manifest};

static ENGINE: LazyLock<Engine> = LazyLock::new(engine);
static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| TextAgent::default().wasm());

/// Loads it and, when that works, lets it run.
fn try_out(wasm: &[u8]) {
    let lines = "[limits]\nfuel = 100000\nmemory = \"1MiB\"";
    let _tool = ENGINE.tool(wasm, manifest(World::Tool, lines));
    let Ok(guest) = ENGINE.agent(wasm, manifest(World::Agent, lines)) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if let Ok(mut agent) = guest.start(SampleHost::default().provision(), "").await {
            let _handled = agent.handle("hello").await;
            let _saved = agent.save().await;
        }
    });
}

/// wit-component reads past the end of a module whose last section is shorter than it says.
#[test]
fn a_guest_that_is_shorter_than_it_says_is_refused() {
    let shorter = b"\0asm\x01\0\0\0\x0a\xff\xff\x03\0";
    let refused = ENGINE.agent(shorter, manifest(World::Agent, "")).map(drop).unwrap_err();
    assert!(refused.to_string().contains("at offset"), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_answered(
        kind in prop::sample::select(vec![&b""[..], b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        try_out(&[kind, &bytes].concat());
    }

    #[test]
    fn a_mutilated_guest_is_answered(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut wasm = WHOLE.clone();
        for (at, byte) in changes {
            let at = at.index(wasm.len());
            wasm[at] = byte;
        }
        if let Some(cut) = cut {
            wasm.truncate(cut.index(wasm.len()));
        }
        try_out(&wasm);
    }
}
