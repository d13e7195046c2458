//! The process that is killed: agents that crash now and then, and senders who tell what they were told.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::{Aid, Message, Performative};
use bottega_agency::{Agency, HostSpec, Options};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use bottega_journal_sqlite::{Options as JournalOptions, SqliteStore};
use bottega_types::{Entropy as _, SystemClock, SystemEntropy};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::Failure;

/// Agents, and as many senders, one for each.
const AGENTS: u64 = 64;
/// One message in so many ends its agent.
const CRASHES: u64 = 2_000;

/// Deals with messages, or crashes over them.
struct Listener(mpsc::UnboundedSender<String>);

#[async_trait]
impl Resident for Listener {
    async fn hear(&mut self, _: &Letter, _: &dyn Office) -> Result<(), Trouble> {
        if SystemEntropy.bits().is_multiple_of(CRASHES) {
            // Whoever reads this may be gone.
            let _ = self.0.send("crash .\n".to_owned());
            return Err(Trouble("at random".to_owned()));
        }
        Ok(())
    }
}

/// Lines go out together, and never after what they tell of is over.
fn tell(mut lines: mpsc::UnboundedReceiver<String>) {
    let mut out = std::io::stdout().lock();
    while let Some(line) = lines.blocking_recv() {
        let mut text = line;
        while let Ok(more) = lines.try_recv() {
            text.push_str(&more);
        }
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

/// Resident bytes of this process (`proc_pid_statm(5)`).
fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split(' ').nth(1)?.parse::<u64>().ok()? * 4_096)
}

pub(crate) fn run(journal: &Path, rate: Option<u64>) -> Result<(), Failure> {
    // A crash is told by its supervisor; its words need not stand on the terminal each time.
    std::panic::set_hook(Box::new(|_| ()));
    let (lines, told) = mpsc::unbounded_channel();
    let telling = std::thread::spawn(move || tell(told));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let worked = runtime.block_on(work(journal, rate, lines));
    drop(runtime);
    telling.join().map_err(|_| "telling panicked")?;
    worked
}

async fn work(
    journal: &Path,
    rate: Option<u64>,
    lines: mpsc::UnboundedSender<String>,
) -> Result<(), Failure> {
    let store = Arc::new(SqliteStore::open(&JournalOptions::new(journal))?);
    let agency = Arc::new(Agency::new(Options {
        platform: "soak".to_owned(),
        journal: store.clone(),
        views: store,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        largest: 1 << 20,
        receivers: 16,
    }));
    for number in 0..AGENTS {
        let told = lines.clone();
        let make = move || -> Box<dyn Resident> { Box::new(Listener(told.clone())) };
        let mut spec = HostSpec::new(format!("agent-{number}@soak").parse()?, make).durable();
        // They crash as often as they are asked to; how often they may is tested elsewhere.
        spec.intensity.restarts = u32::MAX;
        agency.host(spec).await?;
    }
    if rate == Some(0) {
        while agency.list().iter().any(|row| row.under_way > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        agency.shutdown(Duration::from_secs(60)).await;
        return Ok(());
    }
    let run = format!("{:x}", SystemEntropy.bits());
    for sender in 0..AGENTS {
        let pause = rate.map(|rate| Duration::from_secs_f64(AGENTS as f64 / rate as f64));
        let talking = talk(Arc::clone(&agency), run.clone(), sender, pause, lines.clone());
        tokio::spawn(talking);
    }
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(bytes) = memory() {
            lines.send(format!("memory {bytes} .\n"))?;
        }
    }
}

/// Says one number after the other to one agent, and tells each that is stored.
async fn talk(
    agency: Arc<Agency>,
    run: String,
    sender: u64,
    pause: Option<Duration>,
    lines: mpsc::UnboundedSender<String>,
) -> Result<(), Failure> {
    let to: Aid = format!("agent-{sender}@soak").parse()?;
    let me: Aid = format!("sender-{sender}@soak").parse()?;
    let mut pace = pause.map(tokio::time::interval);
    if let Some(pace) = &mut pace {
        // What was missed is made up for, so that the rate is what it should be.
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    }
    let mut number = 0_u64;
    loop {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let content = format!("{run} {sender} {number}");
        let message = Message::new(Performative::Inform).from(me.clone()).to(to.clone());
        match agency.send(message.about(content), None, None).await {
            Ok(_) => {
                lines.send(format!("stored {run} {sender} {number} .\n"))?;
                number += 1;
            }
            // Its agent has more to do than it may have; the same number is said again.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}
