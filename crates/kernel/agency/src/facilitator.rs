//! The directory facilitator (SC00023): who offers what, asked by everybody and kept in the journal.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bottega_acl::directory::{
    Directory, DirectoryChange, DirectoryEntry, DirectoryRefusal, SearchConstraints,
    ServiceTemplate, Template,
};
use bottega_acl::{AgentName, Aid, Performative};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use bottega_event::{DirectoryChanged, DirectoryEvent, Revision, StreamId};
use bottega_store::{Append, Batch, Expected, Journal, StoreError};
use bottega_types::{Clock, CommandId, Entropy, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::AgencyError;
use crate::request::{requested, say};

/// What the facilitator is called, before the `@` (SC00023, reserved name).
pub(crate) const NAME: &str = "df";
/// What a content must look like.
const EXAMPLE: &str = r#"{"action":"search","template":{"services":[{"type":"greeting"}]}}"#;
/// Records that are read at a time.
const PAGE: usize = 1_000;

/// Knows who offers what.
pub struct Facilitator {
    table: RwLock<Directory>,
    /// Held between a decision and its folding.
    turn: Mutex<()>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Facilitator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facilitator").finish_non_exhaustive()
    }
}

/// Why the directory stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unchanged {
    #[error(transparent)]
    Refused(#[from] DirectoryRefusal),
    #[error(transparent)]
    Agency(#[from] AgencyError),
}

impl Facilitator {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { table: RwLock::default(), turn: Mutex::default(), journal, clock, entropy }
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn read<T>(&self, look: impl FnOnce(&Directory) -> T) -> T {
        look(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Folds in what an earlier process was told.
    pub(crate) async fn restore(&self) -> Result<(), StoreError> {
        let (stream, mut after) = (StreamId::directory(), Revision(0));
        loop {
            let page = self.journal.read_stream(&stream, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.revision;
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            for record in &page {
                if let Ok(DirectoryEvent::Changed(changed)) = DirectoryEvent::decode(&record.event)
                {
                    table.evolve(&changed.change);
                }
            }
        }
    }

    /// Everybody who offers a service of this type, by name.
    #[must_use]
    pub fn who_offers(&self, kind: &str, now: Timestamp) -> Vec<AgentName> {
        let template =
            Template { services: vec![ServiceTemplate::of_kind(kind)], ..Template::default() };
        self.read(|table| {
            let found = table.search(&template, SearchConstraints::default(), now);
            found.into_iter().map(|entry| entry.agent.name().clone()).collect()
        })
    }

    /// The entries that match, in the order of the agents' names.
    #[must_use]
    pub fn search(
        &self,
        template: &Template,
        constraints: SearchConstraints,
        now: Timestamp,
    ) -> Vec<DirectoryEntry> {
        self.read(|table| table.search(template, constraints, now).into_iter().cloned().collect())
    }

    /// An agent is listed with what it offers, whatever it said before; one that offers nothing is not listed.
    pub(crate) async fn list(&self, entry: DirectoryEntry) -> Result<(), AgencyError> {
        let agent = entry.agent.name().clone();
        if entry.services.is_empty() {
            return self.forget(&agent).await;
        }
        let changed = self.change(|table, now| match table.get(&agent, now) {
            Some(_) => table.modify(entry, now),
            None => table.register(entry, now),
        });
        match changed.await {
            Ok(()) => Ok(()),
            Err(Unchanged::Refused(why)) => Err(AgencyError::Malformed(why.to_string())),
            Err(Unchanged::Agency(error)) => Err(error),
        }
    }

    /// An agent is listed no more, if it was.
    pub(crate) async fn forget(&self, agent: &AgentName) -> Result<(), AgencyError> {
        match self.change(|table, now| table.deregister(agent, now)).await {
            Ok(()) | Err(Unchanged::Refused(_)) => Ok(()),
            Err(Unchanged::Agency(error)) => Err(error),
        }
    }

    /// Decides, stores, and folds in.
    async fn change(
        &self,
        decide: impl FnOnce(&Directory, Timestamp) -> Result<DirectoryChange, DirectoryRefusal>,
    ) -> Result<(), Unchanged> {
        let _turn = self.turn.lock().await;
        let at = self.clock.now();
        let (mut changes, change) = self.read(|table| {
            // Those whose lease is over make room first.
            let over = table.expire(at).into_iter().map(DirectoryChange::Deregistered);
            (over.collect::<Vec<_>>(), decide(table, at))
        });
        changes.push(change?);
        let event = |change: &DirectoryChange| {
            DirectoryEvent::from(DirectoryChanged { change: change.clone() }).encode()
        };
        let batch = Batch {
            stream: StreamId::directory(),
            expected: Expected::Any,
            events: changes.iter().map(event).collect(),
        };
        let command = CommandId::new(at, self.entropy.as_ref());
        let append = Append { command, at, batches: vec![batch] };
        self.journal.append(append).await.map_err(AgencyError::from)?;
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        changes.iter().for_each(|change| table.evolve(change));
        Ok(())
    }
}

/// What the facilitator is asked for: the content of a `request`, as JSON.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
enum Action {
    Register {
        entry: DirectoryEntry,
    },
    Modify {
        entry: DirectoryEntry,
    },
    Deregister {},
    Search {
        #[serde(default)]
        template: Template,
        #[serde(default)]
        constraints: SearchConstraints,
    },
}

/// The facilitator as those see it who talk to it.
pub(crate) struct Clerk(pub(crate) Arc<Facilitator>);

#[async_trait]
impl Resident for Clerk {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let message = &letter.message;
        let takes = "the directory takes a request to register, modify, deregister or search";
        let action: Action = match requested(message, takes, EXAMPLE) {
            Ok(action) => action,
            Err(why) => return say(office, message.not_understood(office.me(), &why)).await,
        };
        let answer = |act, content: String| Some(message.reply(act, office.me()).about(content));
        let came = match self.carry_out(action, message.sender.as_ref()).await {
            Ok(content) => answer(Performative::Inform, content),
            Err(Unchanged::Refused(refusal)) => {
                answer(Performative::Refuse, format!("{}: {refusal}", refusal.reason()))
            }
            Err(Unchanged::Agency(AgencyError::Malformed(why))) => {
                answer(Performative::Refuse, format!("unauthorised: {why}"))
            }
            Err(Unchanged::Agency(error)) => return Err(Trouble(error.to_string())),
        };
        say(office, came).await
    }
}

impl Clerk {
    /// Does what was asked; what is said about it.
    async fn carry_out(&self, action: Action, sender: Option<&Aid>) -> Result<String, Unchanged> {
        let Self(facilitator) = self;
        let own = |entry: &DirectoryEntry| match sender {
            Some(sender) if sender.name() == entry.agent.name() => Ok(()),
            _ => Err(AgencyError::Malformed("an agent speaks of itself alone".to_owned())),
        };
        let done = || r#"{"done":true}"#.to_owned();
        match action {
            Action::Register { entry } => {
                own(&entry)?;
                facilitator.change(|table, now| table.register(entry, now)).await?;
                Ok(done())
            }
            Action::Modify { entry } => {
                own(&entry)?;
                facilitator.change(|table, now| table.modify(entry, now)).await?;
                Ok(done())
            }
            Action::Deregister {} => {
                let sender =
                    sender.ok_or_else(|| AgencyError::Malformed("nobody says this".to_owned()))?;
                let agent = sender.name();
                facilitator.change(|table, now| table.deregister(agent, now)).await?;
                Ok(done())
            }
            Action::Search { template, constraints } => {
                let now = facilitator.clock.now();
                let found = facilitator.search(&template, constraints, now);
                // Entries came as JSON, so they go as JSON.
                Ok(serde_json::to_string(&found).unwrap_or_default())
            }
        }
    }
}
