//! WASM agents that live here from one server to the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bottega_acl::directory::{DirectoryEntry, ServiceDescription};
use bottega_acl::{AgentName, Aid};
use bottega_actor::{Backoff, Circuit, Intensity, OnStuck, Restart};
use bottega_behaviour::{DefinitionLoader, Guest, GuestLoader};
use bottega_event::{AgentDeployed, AgentEvent, Record, Revision, StreamId};
use bottega_manifest::{self as manifest, AgentDefinition, Manifest, Webhook, World};
use bottega_store::{Blobs, Change, Leases, Projection, Rows, catch_up};

use serde::{Deserialize, Serialize};

use crate::beyond::Beyond;
use crate::blueprint::{Delivery, HostSpec, Maker};
use crate::broken::BrokenGuest;
use crate::guest_host::GuestHost;
use crate::outside::{Counter, OutsideGuest};
use crate::question::is_question;
use crate::webhook::{Courier, HOST};
use crate::{Agency, AgencyError};

/// The lease that is shared from when a blob is put until an event names it.
const BLOBS: &str = "blobs";
/// Names of agents that the platform itself needs.
pub(crate) const RESERVED: &[&str] = &["ams", "blackboard", "df", "market", "operator", "topics"];
/// How long an agent that could not be kept may take to end.
const ENDING: std::time::Duration = std::time::Duration::from_secs(1);
/// How long an agent rests after its first crash; each time longer.
const FIRST_REST: std::time::Duration = std::time::Duration::from_millis(10);

/// What is to live here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The text of its `bottega.toml`, or of the Markdown file that defines it.
    pub manifest: String,
    /// Its module; empty where a definition is all.
    pub module: Vec<u8>,
    /// The part of its name before the `@`; the manifest's name when absent.
    pub name: Option<String>,
    /// Its own settings, as JSON text.
    pub config: String,
}

/// Where deployments are kept.
#[derive(Clone)]
pub struct Shelf {
    /// Their modules.
    pub blobs: Arc<dyn Blobs>,
    /// Keeps others from forgetting a module that no event names yet.
    pub leases: Arc<dyn Leases>,
    /// Makes guests of modules.
    pub loader: Arc<dyn GuestLoader>,
    /// Makes guests of definitions.
    pub definitions: Arc<dyn DefinitionLoader>,
    /// What guests reach who were granted some of it.
    pub beyond: Arc<dyn Beyond>,
    /// The folder in which each agent's own folder is made.
    pub homes: PathBuf,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("homes", &self.homes).finish_non_exhaustive()
    }
}

/// An agent that was deployed before and could not be begun now. It stays deployed.
#[derive(Debug)]
pub struct NotBegun {
    /// Which.
    pub name: String,
    /// Why not.
    pub why: AgencyError,
}

/// Lets WASM agents live here from one server to the next.
pub struct Deployments {
    agency: Arc<Agency>,
    shelf: Shelf,
    /// Of those who live outside.
    counters: Mutex<BTreeMap<AgentName, Arc<Counter>>>,
    /// What each agent is made of now.
    guests: Mutex<BTreeMap<AgentName, Arc<dyn Guest>>>,
    /// How the hosts of webhooks did lately.
    hosts: Mutex<BTreeMap<String, Circuit>>,
    /// Who is being changed.
    turns: Mutex<BTreeMap<AgentName, Arc<tokio::sync::Mutex<()>>>>,
}

impl std::fmt::Debug for Deployments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deployments").field("agency", &self.agency).finish_non_exhaustive()
    }
}

/// A deployment that was read and compiled.
struct Loaded {
    name: AgentName,
    kind: String,
    guest: Arc<dyn Guest>,
    make: Maker,
    outside: Option<Outside>,
}

/// Where an agent that lives outside gets its messages.
struct Outside {
    counter: Arc<Counter>,
    courier: Option<Arc<Courier>>,
}

impl Outside {
    /// Its messages go with its courier from now on. Gives back the one before.
    fn serve(&self) -> Option<Arc<Courier>> {
        self.counter.serve(self.courier.clone())
    }
}

impl Deployments {
    /// Over an agency.
    #[must_use]
    pub const fn new(agency: Arc<Agency>, shelf: Shelf) -> Self {
        Self {
            agency,
            shelf,
            counters: Mutex::new(BTreeMap::new()),
            guests: Mutex::new(BTreeMap::new()),
            hosts: Mutex::new(BTreeMap::new()),
            turns: Mutex::new(BTreeMap::new()),
        }
    }

    /// The agency that the agents live in.
    #[must_use]
    pub const fn agency(&self) -> &Arc<Agency> {
        &self.agency
    }

    /// Begins everybody again who was deployed and not removed.
    ///
    /// # Errors
    /// When what was deployed can't be read. An agent that can't be begun is told and keeps nobody else back.
    pub async fn restore(&self) -> Result<Vec<NotBegun>, AgencyError> {
        let (journal, views) = (&self.agency.desk().journal, self.agency.views());
        catch_up(&DeploymentView, journal.as_ref(), views.as_ref()).await?;
        let mut not_begun = Vec::new();
        let mut after = None::<String>;
        loop {
            let page = views.rows(DeploymentView.name(), "", after.as_deref(), 256).await?;
            let Some((last, _)) = page.last() else { return Ok(not_begun) };
            after = Some(last.clone());
            for (_, row) in page {
                let Ok(present) = serde_json::from_slice::<Present>(&row) else { continue };
                let name = present.deployed.name.clone();
                if let Err(why) = self.begin_again(present).await {
                    not_begun.push(NotBegun { name, why });
                }
            }
        }
    }

    async fn begin_again(&self, present: Present) -> Result<(), AgencyError> {
        let AgentDeployed { name, manifest, module, config } = present.deployed;
        let kept = self.shelf.blobs.get(module).await?;
        let lost = kept.is_none();
        let local = name.split('@').next().map(str::to_owned);
        let module_bytes = kept.unwrap_or_default();
        let deployment = Deployment { manifest, module: module_bytes, name: local, config };
        let loaded = match lost {
            false => self.load(&deployment).await,
            true => {
                let why = format!("the module {module} of `{name}` is not kept any more");
                Err(AgencyError::Malformed(why))
            }
        };
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(why) => {
                self.shelter_broken(&name, &deployment, present.stopped, &why).await?;
                return Err(why);
            }
        };
        if present.stopped {
            self.agency.shelter(spec(&loaded), None).await?;
            self.moved(&loaded);
            return Ok(());
        }
        let hosted = self.hosted(&loaded).await;
        if let Err(AgencyError::NotBegun { why, .. }) = &hosted {
            // It lives here all the same: it is shown with its trouble, can be begun, upgraded and removed, and its mail waits.
            self.agency.shelter(spec(&loaded), Some(why.clone())).await?;
            self.moved(&loaded);
        }
        hosted
    }

    /// Keeps the place of one that can't be loaded, so that it is shown with why, and can be upgraded and removed.
    async fn shelter_broken(
        &self,
        name: &str,
        deployment: &Deployment,
        stopped: bool,
        why: &AgencyError,
    ) -> Result<(), AgencyError> {
        let name = name.parse().map_err(|error: bottega_acl::NotAnAgentName| {
            AgencyError::Malformed(error.to_string())
        })?;
        let Some(guest) = BrokenGuest::new(&deployment.manifest, why.to_string()) else {
            return Ok(());
        };
        let kind = format!("unloaded {}", guest.manifest().name);
        let loaded = self.loaded(name, kind, Arc::new(guest), deployment);
        let trouble = (!stopped).then(|| why.to_string());
        self.agency.shelter(spec(&loaded), trouble).await?;
        self.moved(&loaded);
        Ok(())
    }

    async fn hosted(&self, loaded: &Loaded) -> Result<(), AgencyError> {
        self.agency.host(spec(loaded)).await?;
        self.moved(loaded);
        Ok(())
    }

    fn moved(&self, loaded: &Loaded) {
        self.guests().insert(loaded.name.clone(), Arc::clone(&loaded.guest));
        if let Some(outside) = &loaded.outside {
            outside.serve();
        }
    }

    /// Lets an agent live here. Returns its name when its first incarnation is up.
    ///
    /// # Errors
    /// When the manifest, the module or the settings are not what they should be, the name is taken, or it could not
    /// begin; then it does not live here.
    pub async fn deploy(&self, deployment: Deployment) -> Result<AgentName, AgencyError> {
        let loaded = self.load(&deployment).await?;
        self.admit(&loaded)?;
        self.hosted(&loaded).await?;
        self.moved_in(&loaded);
        let kept = match self.keep(&loaded.name, deployment).await {
            Ok(()) => self.agency.directory().list(listed(&loaded)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            // What could not be kept does not live on as if it were. Where nothing can be stored, it is stopped at least.
            let _ = self.remove(&loaded.name, ENDING).await;
            return Err(error);
        }
        Ok(loaded.name)
    }

    /// Whether an agent was deployed; others are parts of the server itself.
    #[must_use]
    pub fn has(&self, name: &AgentName) -> bool {
        self.guests().contains_key(name)
    }

    /// Takes an agent away, as [`Agency::remove`] does, and what it left at work beyond.
    ///
    /// # Errors
    /// When nobody of that name lives here, and when the store fails.
    pub async fn remove(
        &self,
        name: &AgentName,
        span: std::time::Duration,
    ) -> Result<(), AgencyError> {
        let turn = self.turn(name);
        let _turn = turn.lock().await;
        let removed = self.agency.remove(name, span).await;
        if removed.is_ok() {
            // Whoever is deployed under this name next knows nothing of what this one kept.
            if let Err(why) = self.agency.keep().forget(name).await {
                tracing::warn!(agent = %name, %why, "what it kept could not be forgotten");
            }
            self.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            self.guests().remove(name);
            // Whoever is deployed under this name next has its own courier from its first message on.
            self.counters().remove(name);
        }
        self.shelf.beyond.gone(name).await;
        removed
    }

    /// Stops an agent, as [`Agency::stop`] does, and what it left at work beyond.
    ///
    /// # Errors
    /// When nobody of that name lives here.
    pub async fn stop(
        &self,
        name: &AgentName,
        span: std::time::Duration,
    ) -> Result<(), AgencyError> {
        let stopped = self.agency.stop(name, span).await;
        self.shelf.beyond.gone(name).await;
        stopped
    }

    /// Lets another version of an agent take over.
    ///
    /// # Errors
    /// As [`Self::deploy`]; the version before goes on.
    pub async fn upgrade(
        &self,
        name: &AgentName,
        deployment: Deployment,
    ) -> Result<(), AgencyError> {
        let local = Some(name.local().to_owned());
        let deployment = Deployment { name: local, ..deployment };
        let loaded = self.load(&deployment).await?;
        self.admit(&loaded)?;
        let turn = self.turn(name);
        let _turn = turn.lock().await;
        self.take_over(name, deployment, loaded, Knowledge::Kept).await
    }

    /// Whoever changes what an agent is has its turn, from the agent to what is stored of it: what lives is what comes back
    /// with the next server.
    fn turn(&self, name: &AgentName) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(name.clone()).or_default())
    }

    async fn take_over(
        &self,
        name: &AgentName,
        deployment: Deployment,
        loaded: Loaded,
        knowledge: Knowledge,
    ) -> Result<(), AgencyError> {
        let listed = listed(&loaded);
        if let Some(before) = self.guests().get(name) {
            loaded.guest.goes_on_from(before.as_ref());
        }
        // A message that is under way goes the new way at once: it may be the old one that leads nowhere.
        let before = loaded.outside.as_ref().map(Outside::serve);
        let (kind, make) = (loaded.kind.clone(), loaded.make.clone());
        // Of those who live outside nothing is here but the counter, which every version of them has.
        let lives_outside = |guest: &dyn Guest| guest.manifest().world == World::Outside;
        let stays = self.guests().get(name).is_some_and(|before| lives_outside(before.as_ref()))
            && lives_outside(loaded.guest.as_ref());
        // What a model's agent knows means nothing to a module, and the other way round.
        let family = |kind: &str| kind.split(' ').next().unwrap_or_default().to_owned();
        let knowledge = match self.agency.kind(name) {
            Some(before) if family(&before) != family(&kind) => {
                tracing::info!(agent = %name, before, after = kind, "another kind of agent begins anew");
                Knowledge::Lost
            }
            Some(_) | None => knowledge,
        };
        // First, so that one who is begun anew over it is begun as its manifest says.
        let shaped = self.agency.reshape(name, spec(&loaded)).await?;
        let upgraded = match knowledge {
            Knowledge::Kept if stays => self.agency.adopt(name, kind, make).await,
            Knowledge::Kept => self.agency.upgrade(name, kind, make).await,
            Knowledge::Lost => self.agency.begin_as(name, kind, make, ENDING).await,
        };
        if let (Err(_), Some(outside), Some(before)) = (&upgraded, &loaded.outside, before) {
            outside.counter.serve(before);
        }
        if let Err(error) = upgraded {
            self.agency.reshape(name, shaped).await?;
            return Err(error);
        }
        self.guests().insert(name.clone(), Arc::clone(&loaded.guest));
        self.moved_in(&loaded);
        self.keep(name, deployment).await?;
        self.agency.directory().list(listed).await
    }

    /// Lets the version take over that was deployed before the present one.
    ///
    /// # Errors
    /// When there was none, and when it could not take over.
    pub async fn roll_back(&self, name: &AgentName) -> Result<(), AgencyError> {
        let journal = &self.agency.desk().journal;
        let mut deployed: Vec<AgentDeployed> = Vec::new();
        let mut after = Revision(0);
        loop {
            let page = journal.read_stream(&StreamId::agent(name), after, 1_000).await?;
            let Some(last) = page.last() else { break };
            after = last.revision;
            for record in &page {
                match AgentEvent::decode(&record.event) {
                    Ok(AgentEvent::Deployed(one)) => deployed.push(one),
                    Ok(AgentEvent::Removed(_)) => deployed.clear(),
                    Ok(_) | Err(_) => {}
                }
            }
        }
        let [.., before, _] = deployed.as_slice() else {
            return Err(AgencyError::NoVersion(name.clone()));
        };
        let AgentDeployed { name: _, manifest, module, config } = before.clone();
        let module = self.shelf.blobs.get(module).await?.ok_or_else(|| {
            AgencyError::Malformed(format!("the module {module} is not kept any more"))
        })?;
        let local = Some(name.local().to_owned());
        let deployment = Deployment { manifest, module, name: local, config };
        let loaded = self.load(&deployment).await?;
        self.admit(&loaded)?;
        let turn = self.turn(name);
        let _turn = turn.lock().await;
        let again = deployment.clone();
        match self.take_over(name, deployment, loaded, Knowledge::Kept).await {
            // The version that is to go may be unable to tell what it knows: then the one before begins without it.
            Err(AgencyError::RolledBack { why, .. }) => {
                tracing::warn!(agent = %name, why, "rolled back without what the later version knew");
                let loaded = self.load(&again).await?;
                self.take_over(name, again, loaded, Knowledge::Lost).await
            }
            done => done,
        }
    }

    async fn load(&self, deployment: &Deployment) -> Result<Loaded, AgencyError> {
        if AgentDefinition::is_meant(&deployment.manifest) {
            return self.load_definition(deployment);
        }
        let malformed = AgencyError::Malformed;
        let manifest = Manifest::parse(&deployment.manifest)
            .map_err(|problems| malformed(format!("the manifest is not right: {problems}")))?;
        match manifest.world {
            World::Agent => {}
            World::Tool => {
                let why = "the manifest says `world = \"tool\"`; an agent is deployed";
                return Err(malformed(why.to_owned()));
            }
            World::Outside => return self.load_outside(deployment, manifest),
        }
        if manifest.webhook.is_some() {
            let why = "only an agent with `world = \"outside\"` has a webhook";
            return Err(malformed(why.to_owned()));
        }
        serde_json::from_str::<serde_json::Value>(&deployment.config)
            .map_err(|error| malformed(format!("the settings are no JSON: {error}")))?;
        let name = self.name(deployment, &manifest)?;
        let kind = format!("wasm {} {}", manifest.name, manifest.version);
        let (loader, module) = (Arc::clone(&self.shelf.loader), deployment.module.clone());
        // Compiling takes as long as it takes, and nobody else waits for it.
        let loaded = tokio::task::spawn_blocking(move || loader.load(&module, manifest)).await;
        let guest = loaded
            .map_err(|error| malformed(format!("the module could not be compiled: {error}")))?
            .map_err(malformed)?;
        Ok(self.loaded(name, kind, guest, deployment))
    }

    /// One that lives in a process of its own.
    fn load_outside(
        &self,
        deployment: &Deployment,
        manifest: Manifest,
    ) -> Result<Loaded, AgencyError> {
        if !deployment.module.is_empty() || manifest.module.is_some() {
            let why = "an agent that lives outside has no module";
            return Err(AgencyError::Malformed(why.to_owned()));
        }
        let name = self.name(deployment, &manifest)?;
        let kind = format!("outside {} {}", manifest.name, manifest.version);
        let now = self.agency.desk().clock.now();
        let fresh = || Arc::new(Counter::begun(now));
        let counter = Arc::clone(self.counters().entry(name.clone()).or_insert_with(fresh));
        let courier =
            manifest.webhook.clone().map(|webhook| Arc::new(self.courier(&name, webhook)));
        let guest = Arc::new(OutsideGuest { manifest, counter: Arc::clone(&counter) });
        let loaded = self.loaded(name, kind, guest, deployment);
        Ok(Loaded { outside: Some(Outside { counter, courier }), ..loaded })
    }

    fn courier(&self, to: &AgentName, webhook: Webhook) -> Courier {
        let host = webhook.url.target().to_string();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let circuit = hosts.entry(host).or_insert_with(|| Circuit::new(HOST)).clone();
        Courier {
            to: to.clone(),
            webhook,
            beyond: Arc::clone(&self.shelf.beyond),
            circuit,
            desk: Arc::clone(self.agency.desk()),
            entries: self.agency.entries().clone(),
        }
    }

    /// Looks whether messages can be brought to where the agent wants them.
    fn admit(&self, loaded: &Loaded) -> Result<(), AgencyError> {
        let Some(webhook) = &loaded.guest.manifest().webhook else { return Ok(()) };
        let admitted = self.shelf.beyond.admits(webhook);
        admitted.map_err(|why| AgencyError::Malformed(format!("the webhook can't be used: {why}")))
    }

    /// Whoever hears by itself now needs no counter any more.
    fn moved_in(&self, loaded: &Loaded) {
        if loaded.guest.manifest().world != World::Outside {
            self.counters().remove(&loaded.name);
        }
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn counters(&self) -> MutexGuard<'_, BTreeMap<AgentName, Arc<Counter>>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn guests(&self) -> MutexGuard<'_, BTreeMap<AgentName, Arc<dyn Guest>>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of memory that an agent holds in a sandbox of its own; nothing where it has none.
    #[must_use]
    pub fn memory(&self, name: &AgentName) -> Option<u64> {
        self.guests().get(name)?.memory()
    }

    /// Where an agent that lives outside fetches its messages.
    ///
    /// # Errors
    /// When nobody of that name lives outside.
    pub fn counter(&self, name: &AgentName) -> Result<Arc<Counter>, AgencyError> {
        // The list of agents would wait for whoever stops or upgrades one, and that may wait for an acknowledgement.
        if !self.agency.knows(name) {
            return Err(AgencyError::Unknown(name.clone()));
        }
        self.counters().get(name).cloned().ok_or_else(|| {
            AgencyError::Malformed(format!("`{name}` lives here, and hears by itself"))
        })
    }

    /// One that a language model plays.
    fn load_definition(&self, deployment: &Deployment) -> Result<Loaded, AgencyError> {
        let malformed = AgencyError::Malformed;
        let definition = AgentDefinition::parse(&deployment.manifest)
            .map_err(|problems| malformed(format!("the definition is not right: {problems}")))?;
        if !deployment.module.is_empty() {
            let why = "an agent that a Markdown file defines has no module";
            return Err(malformed(why.to_owned()));
        }
        let name = self.name(deployment, &definition.manifest())?;
        let kind = format!("model {} {}", definition.name, definition.version);
        let guest = self.shelf.definitions.load(name.as_str(), definition).map_err(malformed)?;
        Ok(self.loaded(name, kind, guest, deployment))
    }

    fn name(&self, deployment: &Deployment, manifest: &Manifest) -> Result<AgentName, AgencyError> {
        let local = deployment.name.clone().unwrap_or_else(|| manifest.name.to_string());
        if RESERVED.contains(&local.as_str()) || is_question(&local) {
            let why = format!("the name `{local}` is the platform's own; choose another");
            return Err(AgencyError::Malformed(why));
        }
        format!("{local}@{}", self.agency.platform())
            .parse()
            .map_err(|error: bottega_acl::NotAnAgentName| AgencyError::Malformed(error.to_string()))
    }

    fn loaded(
        &self,
        name: AgentName,
        kind: String,
        guest: Arc<dyn Guest>,
        deployment: &Deployment,
    ) -> Loaded {
        let (desk, entries) = (Arc::clone(self.agency.desk()), self.agency.entries().clone());
        let views = Arc::clone(self.agency.views());
        let facilitator = Arc::clone(self.agency.directory());
        let home = self.shelf.homes.join(local_folder(&name));
        let beyond = Arc::clone(&self.shelf.beyond);
        let (of, config, own) = (Arc::clone(&guest), deployment.config.clone(), name.clone());
        let make: Maker = Arc::new(move || {
            let (name, desk, entries) = (own.clone(), Arc::clone(&desk), entries.clone());
            let (views, facilitator) = (Arc::clone(&views), Arc::clone(&facilitator));
            let (beyond, home_of) = (Arc::clone(&beyond), home.clone());
            let host = GuestHost { name, desk, views, facilitator, entries, beyond, home: home_of };
            of.resident(Arc::new(host), &home, &config)
        });
        Loaded { name, kind, guest, make, outside: None }
    }

    /// Keeps what lives here for the next server.
    async fn keep(&self, name: &AgentName, deployment: Deployment) -> Result<(), AgencyError> {
        // Until the event stands, nobody may take the module for one that is not needed. Whoever forgets blobs now is
        // done in a moment.
        let mut share = self.shelf.leases.share(BLOBS)?;
        while share.is_none() {
            bottega_actor::sleep(std::time::Duration::from_millis(20)).await;
            share = self.shelf.leases.share(BLOBS)?;
        }
        let module = self.shelf.blobs.put(&deployment.module).await?;
        let deployed = AgentDeployed {
            name: name.to_string(),
            manifest: deployment.manifest,
            module,
            config: deployment.config,
        };
        self.agency.store(name, deployed.into()).await
    }
}

/// A folder name that is the agent's alone, whatever its name holds.
fn local_folder(name: &AgentName) -> String {
    let local = name.local();
    let plain =
        local.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if plain { local.to_owned() } else { bottega_types::Digest::of(local.as_bytes()).to_string() }
}

/// What the directory says of a guest, as its manifest has it.
fn listed(loaded: &Loaded) -> DirectoryEntry {
    let manifest = loaded.guest.manifest();
    let service = |offer: &manifest::Service| {
        let name = offer.name.clone().unwrap_or_else(|| manifest.name.to_string());
        ServiceDescription::new(name, offer.kind.clone())
    };
    let mut entry = DirectoryEntry::new(Aid::new(loaded.name.clone()));
    entry.services = manifest.services.iter().map(service).collect();
    entry
}

/// What becomes of what a version knows when another takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knowledge {
    /// The next one takes it over, or does not come.
    Kept,
    Lost,
}

/// How a guest is hosted, as its manifest says.
fn spec(loaded: &Loaded) -> HostSpec {
    let manifest = loaded.guest.manifest();
    let supervision = manifest.supervision;
    let make = Arc::clone(&loaded.make);
    HostSpec {
        kind: loaded.kind.clone(),
        delivery: match manifest.delivery {
            manifest::Delivery::Transient => Delivery::Transient,
            manifest::Delivery::Durable => Delivery::Durable,
        },
        restart: match supervision.restart {
            manifest::Restart::Permanent => Restart::Permanent,
            manifest::Restart::Transient => Restart::Transient,
            manifest::Restart::Temporary => Restart::Temporary,
        },
        intensity: Intensity { restarts: supervision.most, within: supervision.within.0 },
        // One that can't begin is not begun as fast as the machine can.
        backoff: Backoff { first: FIRST_REST, ..Backoff::default() },
        stuck: supervision.stuck_after.map(|span| (span.0, OnStuck::Kill)),
        ..HostSpec::new(loaded.name.clone(), move || make())
    }
}

/// What is kept of an agent that was deployed.
#[derive(Debug, Serialize, Deserialize)]
struct Present {
    deployed: AgentDeployed,
    /// Whether somebody stopped it, and nobody began it again.
    stopped: bool,
}

/// What is deployed: the latest [`AgentDeployed`] of each agent that was not removed, and whether it was stopped, under its
/// stream.
#[derive(Clone, Copy, Debug)]
pub struct DeploymentView;

impl Projection for DeploymentView {
    fn name(&self) -> &'static str {
        "deployments"
    }

    fn version(&self) -> u32 {
        2
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        let concerns = matches!(
            &*record.event.kind,
            "agent.deployed" | "agent.removed" | "agent.stopped" | "agent.started"
        );
        if concerns { vec![record.stream.to_string()] } else { Vec::new() }
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let key = record.stream.to_string();
        let present = rows.get(&key).and_then(|row| serde_json::from_slice::<Present>(row).ok());
        match AgentEvent::decode(&record.event) {
            Ok(AgentEvent::Deployed(deployed)) => {
                let stopped = present.is_some_and(|present| present.stopped);
                vec![row(key, &Present { deployed, stopped })]
            }
            Ok(AgentEvent::Removed(_)) => vec![Change { key, value: None }],
            Ok(event @ (AgentEvent::Stopped(_) | AgentEvent::Started(_))) => {
                let stopped = matches!(event, AgentEvent::Stopped(_));
                let changed = present.filter(|present| present.stopped != stopped);
                changed
                    .map(|present| row(key, &Present { stopped, ..present }))
                    .into_iter()
                    .collect()
            }
            Ok(_) | Err(_) => Vec::new(),
        }
    }
}

fn row(key: String, present: &Present) -> Change {
    Change { key, value: serde_json::to_vec(present).ok() }
}
