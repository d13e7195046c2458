//! Bytes as a guest: refused, or loaded and run within its bounds, whatever it does.

#![no_main]

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bottega_manifest::{Host, Manifest};
use bottega_sandbox_wasm::{Engine, Options, Provision};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

/// Offers nothing.
struct Nobody;

#[async_trait]
impl Host for Nobody {}

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Options { instances: 4, ..Options::default() }).unwrap());

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

const MANIFEST: &str = "name = \"any\"\nversion = \"0.1.0\"\nworld = \"agent\"\n\
                        [limits]\nfuel = 100000\nmemory = \"1MiB\"\n";

/// The host contains panics of the encoder. Those that nobody contains still end the run, as they come out of the target.
static CONTAINED: LazyLock<()> = LazyLock::new(|| std::panic::set_hook(Box::new(|_| {})));

fuzz_target!(|bytes: &[u8]| {
    LazyLock::force(&CONTAINED);
    let manifest = Manifest::parse(MANIFEST).unwrap();
    let Ok(guest) = ENGINE.agent(bytes, manifest) else { return };
    RUNTIME.block_on(async {
        if let Ok(mut agent) = guest.start(Provision::new(Arc::new(Nobody)), "").await {
            let _handled = agent.handle("hello").await;
            let _saved = agent.save().await;
        }
    });
});
