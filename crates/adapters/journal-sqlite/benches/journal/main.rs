//! The journal next to bare SQLite that inserts the same rows, in one run and in turns.
//!
//! `cargo bench -p bottega-journal-sqlite` prints a table, with `-- --json` one JSON document of rows.

mod bare;
mod ours;
mod report;

use std::time::{Duration, Instant};

use bare::Bare;
use ours::Ours;
use report::{Row, Times};

/// Each side writes this long before it is the other's turn: short, so that what else the machine does
/// meets both alike.
const SLICE: Duration = Duration::from_millis(100);

/// Turns of each side.
const TURNS: usize = 30;

/// Writers that share one sync in the second run.
const WRITERS: usize = 64;

/// Records that are verified and folded at least.
const LENGTH: u64 = 200_000;

/// How fast appends of our side and of the peer must be next to each other.
const GOAL: f64 = 0.7;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What one event of the runs says: 512 bytes.
fn data() -> String {
    format!(r#"{{"text":"{}"}}"#, "x".repeat(501))
}

fn main() -> Result<(), Failure> {
    // On the disk of the build: the folder for temporary files is often memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let mut rows = Vec::new();
    for writers in [1, WRITERS] {
        let mut ours = Ours::open(&folder.path().join(format!("ours-{writers}.db")))?;
        let mut bare = Bare::open(&folder.path().join(format!("bare-{writers}.db")))?;
        let (mut our_times, mut bare_times) = (Times::default(), Times::default());
        for _ in 0..TURNS {
            our_times.add(runtime.block_on(ours.append(writers, SLICE))?);
            bare_times.add(bare.append(writers, SLICE)?);
        }
        rows.push(Row {
            goal: Some(GOAL),
            ..Row::compare(
                format!("durable appends, {writers} at a time"),
                "1/s",
                our_times.rate(),
                bare_times.rate(),
            )
        });
        for (name, part) in [("median", 0.5), ("99th percentile", 0.99)] {
            let (our_wait, bare_wait) = (our_times.wait(part), bare_times.wait(part));
            let metric = format!("wait for one append, {name}, {writers} at a time");
            rows.push(Row::compare(metric, "µs", our_wait, bare_wait));
        }
        if writers == WRITERS {
            rows.extend(runtime.block_on(read(&mut ours, &mut bare))?);
        }
    }
    report::print(&rows, std::env::args().any(|argument| argument == "--json"))?;
    Ok(())
}

/// Verifies and folds what was written.
async fn read(ours: &mut Ours, bare: &mut Bare) -> Result<Vec<Row>, Failure> {
    ours.fill_to(LENGTH).await?;
    bare.fill_to(LENGTH)?;
    let per_second = |count: u64, began: Instant| count as f64 / began.elapsed().as_secs_f64();
    let began = Instant::now();
    let scanned = per_second(bare.scan()?, began);
    let began = Instant::now();
    let verified = per_second(ours.verify().await?, began);
    let began = Instant::now();
    let rebuilt = per_second(ours.rebuild().await?, began);
    let seconds_per_million = |rate: f64| 1e6 / rate;
    Ok(vec![
        Row::compare("records folded into a view".into(), "1/s", rebuilt, scanned)
            .against("SQLite that reads the rows"),
        Row::compare(
            "verification of a million records".into(),
            "s",
            seconds_per_million(verified),
            seconds_per_million(scanned),
        )
        .against("SQLite that reads the rows"),
    ])
}
