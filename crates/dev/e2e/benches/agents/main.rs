//! Agents that talk, next to their peers in one run and in turns: what a whole FIPA-ACL message costs through admission,
//! routing and mailbox, next to the bare tell of kameo and ractor (`--features peers`); durable messages next to bare
//! SQLite with the same batches and next to NATS; questions, Contract Net, restarts, births and memory next to Erlang. A
//! peer that is a process of its own and is not installed is said to be absent.
//!
//! `cargo xtask bench agents` prints a table and writes `bench/results/agents.json`. Bounded in count and time; everything
//! lies on the disk of the build folder, where a sync costs what it costs.

#![expect(clippy::disallowed_methods, reason = "bare tasks send, as users of a library would")]

mod bare;
mod bare_server;
#[path = "../../tests/it/binary.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the suite's own way to the binary")]
mod binary;
mod contract;
mod durable;
mod erlang;
mod nats;
#[cfg(feature = "peers")]
mod peers;
mod row;
mod serving;
mod spade;
mod transient;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::{AgentName, Aid, Message, Performative};
use bottega_agency::{Agency, HostSpec, Options};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use bottega_journal_sqlite::{Options as JournalOptions, SqliteStore};
use bottega_types::{SystemClock, SystemEntropy};
use tokio::sync::mpsc;

/// What can be measured by itself: `cargo xtask bench agents -- tells`. Memory comes first, while nothing was freed that
/// would be used again.
const PARTS: [&str; 6] = ["living", "tells", "questions", "contract", "durable", "serving"];

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Counts what it hears, and says so when it has heard enough. Crashes over `boom`.
pub(crate) struct Counter {
    heard: u64,
    enough: u64,
    done: mpsc::UnboundedSender<()>,
}

#[async_trait]
impl Resident for Counter {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        self.heard += 1;
        if self.heard == self.enough {
            // The measurement waits for it.
            let _ = self.done.send(());
        }
        let performative = letter.message.performative;
        if performative == Performative::QueryRef {
            let answer = letter.message.reply(Performative::InformRef, office.me());
            office.send(answer).await.map_err(|error| Trouble(error.to_string()))
        } else if performative == Performative::Cancel {
            Err(Trouble("boom".to_owned()))
        } else {
            Ok(())
        }
    }
}

pub(crate) fn name(number: usize) -> Result<AgentName, Failure> {
    Ok(format!("agent-{number}@bench").parse()?)
}

pub(crate) fn message(to: &AgentName) -> Result<Message, Failure> {
    let me: Aid = "bench@bench".parse()?;
    let message = Message::new(Performative::Inform).from(me).to(Aid::new(to.clone()));
    Ok(message.about("one message of a usual length, as agents say them to each other"))
}

/// An agency over a journal of its own.
pub(crate) fn agency(folder: &Path) -> Result<(Arc<Agency>, Arc<SqliteStore>), Failure> {
    let store = Arc::new(SqliteStore::open(&JournalOptions::new(folder.join("journal.db")))?);
    let agency = Agency::new(Options {
        platform: "bench".to_owned(),
        journal: store.clone(),
        views: store.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        largest: 1 << 20,
        receivers: 16,
    });
    Ok((Arc::new(agency), store))
}

pub(crate) fn spec(
    number: usize,
    enough: u64,
    done: &mpsc::UnboundedSender<()>,
) -> Result<HostSpec, Failure> {
    let done = done.clone();
    let make =
        move || -> Box<dyn Resident> { Box::new(Counter { heard: 0, enough, done: done.clone() }) };
    let mut spec = HostSpec::new(name(number)?, make);
    spec.capacity = 1_024;
    spec.intensity.restarts = u32::MAX;
    Ok(spec)
}

fn main() -> Result<(), Failure> {
    let as_json = std::env::args().any(|word| word == "--json");
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::env::override_temp_dir(disk).map_err(|was| format!("already {}", was.display()))?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if words.first().is_some_and(|word| word == bare_server::WORD) {
        return runtime.block_on(bare_server::serve());
    }
    if let Some(unknown) = words.iter().find(|word| !PARTS.contains(&word.as_str())) {
        return Err(format!("no part `{unknown}`; there is: {}", PARTS.join(", ")).into());
    }
    let wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let rows = runtime.block_on(async {
        let mut rows = Vec::new();
        for part in PARTS.into_iter().filter(|part| wanted(part)) {
            rows.extend(match part {
                "living" => transient::living().await?,
                "tells" => transient::messages().await?,
                "questions" => transient::questions().await?,
                "contract" => contract::measure().await?,
                "durable" => durable::measure().await?,
                _ => serving::measure().await?,
            });
        }
        Ok::<_, Failure>(rows)
    })?;
    row::print(&rows, as_json)
}
