//! Hours of work in minutes: agents that crash at random, in a process that is killed at random, under half of the load that they
//! can take. Nothing that was acknowledged may be lost, and memory may not grow.
//!
//! `cargo xtask bench soak` takes half an hour and writes `bench/results/soak.json`; `-- --minutes 5` takes less. First the most is
//! measured that the agents take. For half of the time the process that hosts them is killed again and again; for the other half
//! it lives on, and its memory is looked at. In the end the journal is held against what senders were told.

#![expect(clippy::disallowed_methods, reason = "a measurement starts tasks and processes itself")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement tells what it found")]

mod account;
mod host;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bottega_types::{Entropy as _, Seeded};
use serde_json::json;

use account::Account;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long the most is measured.
const MEASURED: Duration = Duration::from_secs(10);
/// How long a life lasts before it is killed, at least and at most, in milliseconds.
const LIVES: std::ops::Range<u64> = 1_000..15_000;
/// How long the long life runs before its memory is looked at: caches fill.
const WARM: Duration = Duration::from_secs(60);
/// By what memory may have grown in the last fifth of the long life.
const GROWTH: f64 = 1.15;

/// What a process of agents told until it ended.
#[derive(Default)]
struct Told {
    /// Numbers that a sender was told are stored, the latest of each: `RUN SENDER`.
    stored: std::collections::BTreeMap<String, u64>,
    count: u64,
    crashes: u64,
    /// When, and bytes.
    memory: Vec<(Instant, f64)>,
}

/// A process of agents at work.
struct Life {
    child: Child,
    told: Arc<Mutex<Told>>,
    reader: std::thread::JoinHandle<()>,
}

impl Life {
    /// `rate` messages a second, as many as possible without one; none at all when it is zero, until all is handled.
    fn begin(journal: &Path, rate: Option<u64>, told: &Arc<Mutex<Told>>) -> Result<Self, Failure> {
        let rate = rate.map_or_else(|| "most".to_owned(), |rate| rate.to_string());
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--host", &journal.display().to_string(), &rate])
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let noted = Arc::clone(told);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                note(&mut noted.lock().unwrap_or_else(PoisonError::into_inner), &line);
            }
        });
        Ok(Self { child, told: Arc::clone(told), reader })
    }

    fn count(&self) -> u64 {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// Killed, at whatever it is.
    fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        self.reader.join().map_err(|_| "the reader panicked")?;
        Ok(())
    }

    /// Waits for its own end.
    fn end(mut self) -> Result<(), Failure> {
        let ended = self.child.wait()?;
        self.reader.join().map_err(|_| "the reader panicked")?;
        if ended.success() {
            Ok(())
        } else {
            Err(format!("the last process ended with {ended}").into())
        }
    }
}

/// A line that was cut off by a kill says nothing.
fn note(told: &mut Told, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["stored", run, sender, number, "."] => {
            if let Ok(number) = number.parse() {
                told.stored.insert(format!("{run} {sender}"), number);
                told.count += 1;
            }
        }
        ["crash", "."] => told.crashes += 1,
        ["memory", bytes, "."] => {
            told.memory.extend(bytes.parse().ok().map(|bytes: f64| (Instant::now(), bytes)));
        }
        _ => {}
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How many are told that they are stored in a second, at most.
fn most(folder: &Path) -> Result<u64, Failure> {
    let told = Arc::<Mutex<Told>>::default();
    let life = Life::begin(&folder.join("most.db"), None, &told)?;
    std::thread::sleep(Duration::from_secs(2));
    let before = life.count();
    std::thread::sleep(MEASURED);
    let rate = (life.count() - before) / MEASURED.as_secs();
    life.kill()?;
    Ok(rate)
}

fn soak(minutes: u64, seed: u64) -> Result<Vec<serde_json::Value>, Failure> {
    let folder = tempfile::tempdir()?;
    let (journal, chance) = (folder.path().join("journal.db"), Seeded::new(seed));
    let most = most(folder.path())?;
    let rate = (most / 2).max(1);
    let half = Duration::from_secs(minutes * 30);
    eprintln!("the most is {most} a second; {rate} for {minutes} minutes");
    let told = Arc::<Mutex<Told>>::default();
    let (begun, mut kills) = (Instant::now(), 0_u64);
    while begun.elapsed() < half {
        let life = Life::begin(&journal, Some(rate), &told)?;
        std::thread::sleep(Duration::from_millis(
            LIVES.start + chance.bits() % (LIVES.end - LIVES.start),
        ));
        life.kill()?;
        kills += 1;
    }
    eprintln!("killed {kills} times; now it lives on");
    let (long, life) = (Instant::now(), Life::begin(&journal, Some(rate), &told)?);
    std::thread::sleep(half.max(WARM * 2));
    life.kill()?;
    let over = Instant::now();
    Life::begin(&journal, Some(0), &told)?.end()?;
    eprintln!("everything is handled; the journal is read");
    let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    let account = Account::of(&journal)?;
    let lost = account.lost(&told.stored);
    let fifth = (over - long - WARM) / 5;
    let between = |from: Instant, to: Instant| {
        let within = told.memory.iter().filter(|(at, _)| (from..to).contains(at));
        median(within.map(|(_, bytes)| bytes / 1e6).collect())
    };
    let (early, late) = (between(long + WARM, long + WARM + fifth), between(over - fifth, over));
    let row = |metric: &str, unit: &str, value: f64| {
        json!({"metric": metric, "unit": unit, "value": value, "peer": null, "peer_value": null,
               "ratio": null, "goal": null, "met": null})
    };
    let goal = |mut row: serde_json::Value, goal: &str, met: bool| {
        row["goal"] = goal.into();
        row["met"] = met.into();
        row
    };
    let left = account.unhandled as f64;
    Ok(vec![
        row("length", "min", minutes as f64),
        row("durable messages a second, half of the most", "1/s", rate as f64),
        row("processes killed", "", kills as f64),
        row("agents crashed", "", told.crashes as f64),
        row("messages acknowledged", "", told.count as f64),
        goal(row("acknowledged and not stored", "", lost as f64), "= 0", lost == 0),
        goal(row("stored and neither handled nor a dead letter", "", left), "= 0", left == 0.0),
        goal(
            row("out of their order", "", account.disordered as f64),
            "= 0",
            account.disordered == 0,
        ),
        row("dead letters", "", account.dead as f64),
        row("memory of the long life, its first fifth", "MB", early),
        {
            let mut row = row("memory of the long life, its last fifth", "MB", late);
            row["peer"] = "its first fifth".into();
            row["peer_value"] = early.into();
            row["ratio"] = (late / early).into();
            goal(row, &format!("ratio <= {GROWTH}"), late / early <= GROWTH)
        },
    ])
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| words.iter().position(|word| word == name).map(|at| at + 1);
    if let Some(at) = after("--host") {
        let (journal, rate) =
            (words.get(at).ok_or("no journal")?, words.get(at + 1).ok_or("no rate")?);
        return host::run(Path::new(journal), rate.parse().ok());
    }
    let number = |name: &str, usual: u64| -> Result<u64, Failure> {
        match after(name).and_then(|at| words.get(at)) {
            Some(word) => Ok(word.parse()?),
            None => Ok(usual),
        }
    };
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::env::override_temp_dir(disk).map_err(|was| format!("already {}", was.display()))?;
    let rows = soak(number("--minutes", 30)?.max(1), number("--seed", 1)?)?;
    let as_json = words.iter().any(|word| word == "--json");
    for row in &rows {
        match as_json {
            true => println!("{row}"),
            false => println!("{}: {} {}", row["metric"], row["value"], row["goal"]),
        }
    }
    if rows.iter().any(|row| row["met"] == false) && !as_json {
        return Err("a goal was missed".into());
    }
    Ok(())
}
