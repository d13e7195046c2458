//! Agents over a real journal, in a process that is killed at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::{Aid, Message, Performative};
use bottega_agency::{Agency, HostSpec, Options};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use bottega_event::{MailEvent, Position};
use bottega_journal_sqlite::{Options as JournalOptions, SqliteStore};
use bottega_store::Journal;
use bottega_types::{Entropy, Seeded, SystemClock, SystemEntropy};

const KILLS: u64 = 200;
/// Where the child finds its journal.
const PLACE: &str = "BOTTEGA_TEST_AGENTS";

/// Writes down what it hears, before it says that it has dealt with it.
struct Writer;

#[async_trait]
impl Resident for Writer {
    async fn hear(&mut self, letter: &Letter, _: &dyn Office) -> Result<(), Trouble> {
        say("heard", letter.message.content.as_ref().and_then(|it| it.as_text()).unwrap_or("?"));
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "what a child has done is told on its standard output")]
fn say(what: &str, which: &str) {
    println!("{what} {which}");
    std::io::stdout().flush().unwrap();
}

fn agency(path: &Path) -> (Arc<SqliteStore>, Agency) {
    let store = Arc::new(SqliteStore::open(&JournalOptions::new(path)).unwrap());
    let options = Options {
        platform: "here".to_owned(),
        journal: store.clone(),
        views: store.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        largest: 1 << 20,
        receivers: 16,
    };
    (store, Agency::new(options))
}

fn writer() -> HostSpec {
    HostSpec::new("writer@here".parse().unwrap(), || Box::new(Writer)).durable()
}

/// The child: says numbers to an agent without end, and tells which of them were acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other test starts it as a process of its own"]
async fn one_who_talks_until_killed() {
    // Somebody runs all ignored tests.
    #[expect(clippy::disallowed_methods, reason = "a child of a test is told by its environment")]
    let Some(place) = std::env::var_os(PLACE) else { return };
    let (_store, agency) = agency(Path::new(&place));
    agency.host(writer()).await.unwrap();
    let first = u64::from(std::process::id()) << 20;
    for number in first.. {
        let to: Aid = "writer@here".parse().unwrap();
        let me: Aid = "me@here".parse().unwrap();
        let message = Message::new(Performative::Inform).from(me).to(to).about(number.to_string());
        agency.send(message, None, None).await.unwrap();
        say("stored", &number.to_string());
    }
}

#[tokio::test]
async fn no_durable_message_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let entropy = Seeded::new(11);
    let (mut stored, mut heard) = (Vec::<u64>::new(), Vec::<u64>::new());
    let mut note = |line: &str| match line.split_once(' ') {
        Some(("stored", number)) => stored.push(number.parse().unwrap()),
        Some(("heard", number)) => heard.push(number.parse().unwrap()),
        // The test harness has its own lines; the last one may be cut off.
        Some(_) | None => {}
    };
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "agents_killed::one_who_talks_until_killed",
                "--nocapture",
            ])
            .env(PLACE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.by_ref().take(usize::try_from(entropy.bits() % 60).unwrap()) {
            note(&line.unwrap());
        }
        child.kill().unwrap();
        // What it said before it died was said.
        lines.map_while(Result::ok).for_each(|line| note(&line));
        child.wait().unwrap();
    }
    let (store, agency) = agency(&path);
    agency.host(writer()).await.unwrap();
    let handled = async {
        while agency.list()[0].under_way > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::live::PATIENCE, handled).await.unwrap();
    agency.shutdown(Duration::from_secs(10)).await;

    // What this process heard stands on its own standard output; the journal says what was handled in all of them.
    let records = store.read_all(Position(0), usize::MAX).await.unwrap();
    let mut accepted = BTreeMap::new();
    let mut handled = BTreeSet::new();
    for record in records.iter().filter(|record| record.stream.as_str().starts_with("mail/")) {
        match MailEvent::decode(&record.event).unwrap() {
            MailEvent::Accepted(mail) => {
                let message = mail.letter.open().unwrap();
                let number: u64 = message.content.unwrap().as_text().unwrap().parse().unwrap();
                assert!(accepted.insert(mail.id, number).is_none(), "{number} is stored twice");
            }
            MailEvent::Handled(mail) => handled.extend(mail.ids),
            MailEvent::Died(_) | MailEvent::Resent(_) => panic!("nothing dies here"),
        }
    }
    let known: BTreeSet<u64> = accepted.values().copied().collect();
    assert!(stored.iter().all(|number| known.contains(number)), "an acknowledged one is lost");
    assert!(accepted.keys().all(|id| handled.contains(id)), "one was never handed over");
    assert!(heard.iter().all(|number| known.contains(number)), "one was heard and not stored");
    assert!(stored.len() as u64 > KILLS, "{} acknowledged", stored.len());
    assert!(heard.len() as u64 > KILLS, "{} heard", heard.len());
    // Heard in their order, apart from those that are heard again by the next process.
    let mut seen = BTreeSet::new();
    let first: Vec<u64> = heard.iter().copied().filter(|number| seen.insert(*number)).collect();
    let in_order: Vec<u64> =
        accepted_in_order(&records).into_iter().filter(|n| seen.contains(n)).collect();
    assert_eq!(first, in_order);
}

fn accepted_in_order(records: &[bottega_event::Record]) -> Vec<u64> {
    let accepted = records.iter().filter_map(|record| match MailEvent::decode(&record.event) {
        Ok(MailEvent::Accepted(mail)) => mail.letter.open().ok()?.content?.as_text()?.parse().ok(),
        Ok(_) | Err(_) => None,
    });
    accepted.collect()
}
