//! Writers that are killed at any moment.

use std::collections::HashMap;

use bottega_event::{Position, Record};
use bottega_journal_sqlite::SqliteStore;
use bottega_store::{Blobs, Journal};
use bottega_types::{CommandId, Digest, Entropy, Seeded};

use crate::child::{Said, Writer, append};
use crate::{open, verified};

const KILLS: u64 = 200;

/// What the parent has seen so far.
#[derive(Default)]
struct Ledger {
    position: Position,
    stored: HashMap<CommandId, Vec<Record>>,
    acknowledged: u64,
}

impl Ledger {
    /// Reads what was appended since, and compares it with what a killed child had been told.
    async fn balance(&mut self, store: &SqliteStore, said: &[Said]) {
        let new = store.read_all(self.position, usize::MAX).await.unwrap();
        for record in new {
            assert_eq!(record.position, Position(self.position.0 + 1), "no gap");
            self.position = record.position;
            self.stored.entry(record.command).or_default().push(record);
        }
        for said in said {
            match said {
                Said::Stored(command) => {
                    assert!(
                        self.stored.contains_key(command),
                        "{command} was acknowledged and is lost"
                    );
                    self.acknowledged += 1;
                }
                Said::Blob(digest) => {
                    let kept =
                        store.get(*digest).await.unwrap().expect("the blob was acknowledged");
                    assert_eq!(Digest::of(&kept), *digest);
                }
            }
        }
        for (command, records) in &self.stored {
            let expected = append(*command).batches.into_iter().flat_map(|batch| batch.events);
            let events = records.iter().map(|record| record.event.clone());
            assert!(events.eq(expected), "{command} is stored in part");
        }
        // Whole ones stay whole: nobody can add to a command.
        self.stored.retain(|_, records| records.len() != 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_nothing_and_leave_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let store = open(&path);
    let mut ledger = Ledger::default();
    let entropy = Seeded::new(7);
    for seed in 1..=KILLS {
        // From before it has opened the file until in the middle of its work.
        let patience = entropy.bits() % 24;
        let path = path.clone();
        let killing = tokio::task::spawn_blocking(move || {
            let mut child = Writer::start(&path, seed, u64::MAX);
            let mut said: Vec<_> = (0..patience).map_while(|_| child.next()).collect();
            said.extend(child.kill());
            said
        });
        let said = killing.await.unwrap();
        assert!(said.len() as u64 >= patience, "it was not alive before it was killed");
        ledger.balance(&store, &said).await;
    }
    assert!(ledger.acknowledged > KILLS, "{} acknowledged", ledger.acknowledged);
    assert_eq!(verified(&store).await.unwrap().position, ledger.position);
    assert_eq!(store.check_file().await, Ok(()));
}
