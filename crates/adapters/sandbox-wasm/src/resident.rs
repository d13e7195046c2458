//! A guest as a resident: one instance in the hands of an agent's supervisor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::{Performative, json};
use bottega_behaviour::{Guest, GuestLoader, Letter, Office, Resident, Trouble};
use bottega_manifest::{Capability, Host, Level, Manifest};
use bottega_types::Tokens;
use semver::Version;

use crate::engine::Engine;
use crate::folder::Home;
use crate::guest::AgentGuest;
use crate::inside::Provision;
use crate::instance::{AgentInstance, Handled};
use crate::upgrade::Saved;

impl GuestLoader for Engine {
    fn load(&self, module: &[u8], manifest: Manifest) -> Result<Arc<dyn Guest>, String> {
        let guest = self.agent(module, manifest).map_err(|error| error.to_string())?;
        Ok(Arc::new(guest))
    }
}

impl Guest for AgentGuest {
    fn manifest(&self) -> &Manifest {
        Self::manifest(self)
    }

    fn goes_on_from(&self, before: &dyn Guest) {
        self.budget().spend(Tokens::new(before.spent()));
    }

    fn spent(&self) -> u64 {
        self.granted().get().saturating_sub(self.budget().left().get())
    }

    fn memory(&self) -> Option<u64> {
        Some(Self::memory(self))
    }

    fn resident(&self, host: Arc<dyn Host>, home: &Path, config: &str) -> Box<dyn Resident> {
        Box::new(WasmResident {
            guest: self.clone(),
            host,
            home: home.to_owned(),
            config: config.to_owned(),
            instance: None,
        })
    }
}

struct WasmResident {
    guest: AgentGuest,
    host: Arc<dyn Host>,
    home: PathBuf,
    config: String,
    instance: Option<AgentInstance>,
}

fn trouble(error: impl std::fmt::Display) -> Trouble {
    Trouble(error.to_string())
}

impl WasmResident {
    fn provision(&self) -> Result<Provision, Trouble> {
        let mut provision = Provision::new(Arc::clone(&self.host));
        // A folder is made only for one that may touch files.
        if self.guest.manifest().capabilities.granted().any(|it| it == Capability::Files) {
            std::fs::create_dir_all(&self.home).map_err(trouble)?;
            provision.home = Some(Home::open(&self.home).map_err(trouble)?);
        }
        Ok(provision)
    }

    fn instance(&mut self) -> Result<&mut AgentInstance, Trouble> {
        self.instance.as_mut().ok_or_else(|| Trouble("it has not begun".to_owned()))
    }
}

#[async_trait]
impl Resident for WasmResident {
    async fn begin(&mut self, _: &dyn Office) -> Result<(), Trouble> {
        let provision = self.provision()?;
        self.instance = Some(self.guest.start(provision, &self.config).await.map_err(trouble)?);
        Ok(())
    }

    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let message = json::encode(&letter.marked());
        match self.instance()?.handle(&message).await.map_err(trouble)? {
            Handled::Done => Ok(()),
            // It goes on; who asked learns why. What tells of an error itself is not answered.
            Handled::Refused(why) => {
                let said = letter.message.performative;
                if !said.ends_talk() && letter.message.sender.is_some() {
                    // What was asked for failed; what was only told made no sense.
                    let act = if said.wants_answer() {
                        Performative::Failure
                    } else {
                        Performative::NotUnderstood
                    };
                    let answer = letter.message.reply(act, office.me());
                    // The sender may be gone, or be no agent, which is no trouble of this agent's.
                    if let Err(error) = office.send(answer.about(why.clone())).await {
                        let line = format!("refused, and nobody was told: {why} ({error})");
                        self.instance()?.provision().host.log(Level::Warn, &line);
                    }
                }
                Ok(())
            }
        }
    }

    async fn save(&mut self) -> Result<Vec<u8>, Trouble> {
        let saved = self.instance()?.save().await.map_err(trouble)?.map_err(Trouble)?;
        Ok([saved.version.to_string().as_bytes(), b"\n", &saved.state].concat())
    }

    fn is_over(&self) -> bool {
        self.instance.as_ref().is_some_and(AgentInstance::has_ended)
    }

    async fn restore(&mut self, saved: &[u8]) -> Result<(), Trouble> {
        let mut parts = saved.splitn(2, |byte| *byte == b'\n');
        let version = parts.next().and_then(|version| std::str::from_utf8(version).ok());
        let version: Version = version.unwrap_or_default().parse().map_err(trouble)?;
        let state = parts.next().unwrap_or_default().to_vec();
        let saved = Saved { version, state };
        self.instance()?.take_over(&saved).await.map_err(trouble)
    }
}
