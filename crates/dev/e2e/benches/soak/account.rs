//! What the journal says became of every message.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use bottega_event::{MailEvent, Position};
use bottega_journal_sqlite::{Options as JournalOptions, SqliteStore};
use bottega_store::Journal as _;

use crate::Failure;

/// Records that are read at a time.
const PAGE: usize = 10_000;

/// What became of every message.
#[derive(Default)]
pub(crate) struct Account {
    /// The latest number of each sender in each run that was taken in.
    latest: BTreeMap<String, u64>,
    /// Numbers that came after a later one, or left one out.
    pub(crate) disordered: u64,
    /// Taken in, and neither handled nor given up.
    pub(crate) unhandled: u64,
    /// Given up, and kept.
    pub(crate) dead: u64,
}

impl Account {
    pub(crate) fn of(journal: &Path) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let store = SqliteStore::open(&JournalOptions::new(journal))?;
            let (mut account, mut open) = (Self::default(), HashSet::new());
            let mut after = Position(0);
            loop {
                let page = store.read_all(after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.position;
                for record in page.iter().filter(|it| it.stream.as_str().starts_with("mail/")) {
                    match MailEvent::decode(&record.event)? {
                        MailEvent::Accepted(mail) => {
                            let content = mail.letter.open()?.content.ok_or("no content")?;
                            account.take(content.as_text().unwrap_or_default());
                            open.insert(mail.id);
                        }
                        MailEvent::Handled(handled) => {
                            for id in handled.ids {
                                open.remove(&id);
                            }
                        }
                        MailEvent::Died(died) => {
                            account.dead += u64::from(open.remove(&died.id));
                        }
                        MailEvent::Resent(_) => {}
                    }
                }
            }
            account.unhandled = open.len() as u64;
            Ok(account)
        })
    }

    /// One more of a sender: each follows the one before.
    fn take(&mut self, content: &str) {
        let Some((sender, number)) = content.rsplit_once(' ') else { return };
        let Ok(number) = number.parse::<u64>() else { return };
        let expected = self.latest.get(sender).map_or(0, |latest| latest + 1);
        self.disordered += u64::from(number != expected);
        self.latest.insert(sender.to_owned(), number);
    }

    /// How many senders were told were stored, and were not.
    pub(crate) fn lost(&self, told: &BTreeMap<String, u64>) -> u64 {
        let missing = |(sender, number): (&String, &u64)| match self.latest.get(sender) {
            Some(latest) => number.saturating_sub(*latest),
            None => number + 1,
        };
        told.iter().map(missing).sum()
    }
}
