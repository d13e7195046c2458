//! What the fake entrance knows of guests that are made here: it plays a script by saying back what it hears.

use async_trait::async_trait;
use bottega_api::{ApiError, codes};
use bottega_client::{Rehearsing, Workbench};
use bottega_manifest::{Capability, Host as _, Manifest};
use bottega_rehearsal::{Ending, Record, Script, Stage};

use super::Fake;

#[async_trait]
impl Workbench for Fake {
    async fn inspect(&self, wasm: &[u8], manifest: Manifest) -> Result<Vec<Capability>, ApiError> {
        self.note(format!("inspect {} {}", String::from_utf8_lossy(wasm), manifest.name));
        match manifest.capabilities.send {
            true => Ok(vec![Capability::Send]),
            false => Err(ApiError::new(
                codes::MALFORMED,
                "the guest imports `send`, which was not granted",
            )),
        }
    }

    async fn rehearse(
        &self,
        wasm: &[u8],
        manifest: Manifest,
    ) -> Result<Box<dyn Rehearsing>, ApiError> {
        self.note(format!("rehearse {} {}", String::from_utf8_lossy(wasm), manifest.name));
        Ok(Box::new(Echo(Stage::new(format!("{}@local", manifest.name).parse().unwrap()))))
    }
}

/// Says back what it hears.
struct Echo(Stage);

#[async_trait]
impl Rehearsing for Echo {
    async fn play(&mut self, script: &Script) -> Result<Record, ApiError> {
        self.0.open(script);
        for (number, step) in script.steps.iter().enumerate() {
            self.0.advance(step.advance);
            if number > 0 {
                self.0.send(step.hear.clone()).await.unwrap();
            }
            self.0.step(number, Ending::Done);
        }
        Ok(self.0.close())
    }
}
