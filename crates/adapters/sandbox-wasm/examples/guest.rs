//! Runs a guest from its folder, as a developer of guests does: `guest FOLDER [MESSAGE …]`.
//!
//! The guest's `bottega.toml` is read, its module loaded, and each message handled; what it sends, logs and asks for is
//! printed. An agent is then put in the place of itself, with its state, and handles the last message once more.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use bottega_manifest::{Host, Level, Manifest, Refusal, World};
use bottega_sandbox_wasm::{Engine, Options, Provision};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Prints what it is asked, and keeps what is to be kept until it ends.
#[derive(Default)]
struct Printer(Mutex<HashMap<String, Vec<u8>>>);

fn say(text: &str) {
    // Nobody is left to tell when standard output is closed.
    let _written = writeln!(std::io::stdout().lock(), "{text}");
}

#[async_trait]
impl Host for Printer {
    async fn send(&self, message: String) -> Result<(), Refusal> {
        say(&format!("sends: {message}"));
        Ok(())
    }

    async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned())
    }

    async fn set(&self, key: String, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(match value {
            Some(value) => kept.insert(key, value),
            None => kept.remove(&key),
        });
        Ok(())
    }

    fn log(&self, level: Level, text: &str) {
        say(&format!("logs: {level:?} {text}"));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("failed: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let messages: Vec<String> = arguments.collect();
    let manifest =
        Manifest::parse(&std::fs::read_to_string(Path::new(&folder).join(Manifest::FILE))?)?;
    let wasm = std::fs::read(Path::new(&folder).join(manifest.module_file()))?;
    let engine = Engine::new(Options { instances: 8, ..Options::default() })?;
    let provision = Provision::new(Arc::new(Printer::default()));
    let began = Instant::now();
    match manifest.world {
        World::Outside => return Err("an agent that lives outside has no module".into()),
        World::Agent => {
            let guest = engine.agent(&wasm, manifest)?;
            say(&format!("loaded {} bytes in {:?}", wasm.len(), began.elapsed()));
            let began = Instant::now();
            let mut agent = guest.start(provision, "{}").await?;
            say(&format!("started in {:?}", began.elapsed()));
            for message in &messages {
                let began = Instant::now();
                let handled = agent.handle(message).await?;
                say(&format!("{handled:?} in {:?}", began.elapsed()));
            }
            if let Some(message) = messages.last() {
                let rollback = agent.upgrade(&guest).await?;
                say(&format!(
                    "upgraded from {}: {:?}",
                    rollback.version(),
                    agent.handle(message).await?
                ));
                agent.roll_back(&rollback).await?;
                say(&format!("rolled back: {:?}", agent.handle(message).await?));
            }
        }
        World::Tool => {
            let guest = engine.tool(&wasm, manifest)?;
            say(&format!("loaded {} bytes in {:?}", wasm.len(), began.elapsed()));
            say(&format!("{:?}", guest.describe().await?));
            for message in &messages {
                say(&format!("{:?}", guest.call(provision.clone(), message).await?));
            }
        }
    }
    Ok(())
}
