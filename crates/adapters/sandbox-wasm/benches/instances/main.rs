//! Starts, messages and memory of agents, next to wasmtime alone with the same module, in one run and in turns.
//!
//! `cargo bench -p bottega-sandbox-wasm` prints a table, with `-- --json` one JSON document of rows.

mod bare;
mod report;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bare::Bare;
use bottega_manifest::{Manifest, NoHost};
use bottega_sandbox_wasm::{AgentGuest, Engine, Options, Provision};
use report::{Goal, Row};

/// Each side works this long before it is the other's turn.
const SLICE: Duration = Duration::from_millis(50);

/// Turns of each side.
const TURNS: usize = 40;

/// Instances that live at once for the memory.
const LIVE: usize = 10_000;

/// What a message is: 256 bytes.
const MESSAGE: &str = "................................................................\
................................................................\
................................................................\
................................................................";

const MANIFEST: &str = "name = \"sample\"\nversion = \"1.0.0\"\nworld = \"agent\"\n";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Takes a message, looks at its first byte, is done.
const GUEST: &str = r#"(module
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
        (global.get $top)
        (global.set $top (i32.add (global.get $top) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8)))))
    (func $ok (result i32)
        (global.set $top (i32.const 1024)) (i32.store8 (i32.const 16) (i32.const 0)) (i32.const 16))
    (func (export "bottega:guest/behaviour@0.1.0#init") (param i32 i32) (result i32) (call $ok))
    (func (export "bottega:guest/behaviour@0.1.0#handle-message") (param $ptr i32) (param $len i32) (result i32)
        (if (i32.eqz (i32.load8_u (local.get $ptr))) (then unreachable)) (call $ok))
    (func (export "bottega:guest/behaviour@0.1.0#save-state") (result i32)
        (i64.store (i32.const 20) (i64.const 0)) (call $ok))
    (func (export "bottega:guest/behaviour@0.1.0#restore-state") (param i32 i32 i32 i32) (result i32) (call $ok)))"#;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let wasm = wat::parse_str(GUEST)?;
    let bare = Bare::new(&wasm)?;
    let engine = Engine::new(Options::default())?;
    let guest = engine.agent(&wasm, Manifest::parse(MANIFEST)?)?;
    let mut rows = runtime.block_on(speed(&guest, &bare))?;
    rows.extend(runtime.block_on(memory(&guest, &bare))?);
    report::print(&rows, std::env::args().any(|argument| argument == "--json"))
}

fn provision() -> Provision {
    Provision::new(Arc::new(NoHost))
}

async fn speed(guest: &AgentGuest, bare: &Bare) -> Result<Vec<Row>, Failure> {
    let (mut our_starts, mut bare_starts) = (Vec::new(), Vec::new());
    let (mut our_messages, mut bare_messages) = (Vec::new(), Vec::new());
    let mut ours = guest.start(provision(), "").await?;
    let mut theirs = bare.start()?;
    for _ in 0..TURNS {
        let (began, mut count) = (Instant::now(), 0_u32);
        while began.elapsed() < SLICE {
            drop(guest.start(provision(), "").await?);
            count += 1;
        }
        our_starts.push(microseconds(began, count));
        let (began, mut count) = (Instant::now(), 0_u32);
        while began.elapsed() < SLICE {
            drop(bare.start()?);
            count += 1;
        }
        bare_starts.push(microseconds(began, count));
        let began = Instant::now();
        for _ in 0..MESSAGES {
            ours.handle(MESSAGE).await?;
        }
        our_messages.push(microseconds(began, MESSAGES));
        let began = Instant::now();
        for _ in 0..MESSAGES {
            theirs.handle(MESSAGE)?;
        }
        bare_messages.push(microseconds(began, MESSAGES));
    }
    Ok(vec![
        Row {
            goal: Some(Goal::Value(10.0)),
            ..Row::new("warm start, init and end", "µs", median(our_starts), median(bare_starts))
        },
        Row {
            goal: Some(Goal::Beside(1.0)),
            ..Row::new("message of 256 bytes", "µs", median(our_messages), median(bare_messages))
        },
    ])
}

/// Messages of each turn.
const MESSAGES: u32 = 50_000;

async fn memory(guest: &AgentGuest, bare: &Bare) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let before = resident()?;
    let mut theirs = Vec::with_capacity(LIVE);
    for _ in 0..LIVE {
        theirs.push(bare.start()?);
    }
    let bare_idle = (resident()? - before) / LIVE as f64;
    for agent in &mut theirs {
        agent.handle(MESSAGE)?;
    }
    let bare_used = (resident()? - before) / LIVE as f64;
    // They stay alive, so that ours get no memory that was theirs.
    let before = resident()?;
    let mut ours = Vec::with_capacity(LIVE);
    for _ in 0..LIVE {
        ours.push(guest.start(provision(), "").await?);
    }
    let our_idle = (resident()? - before) / LIVE as f64;
    for agent in &mut ours {
        agent.handle(MESSAGE).await?;
    }
    let our_used = (resident()? - before) / LIVE as f64;
    rows.push(Row::new("resident for each of 10,000, started", "KB", our_idle, bare_idle));
    rows.push(Row {
        goal: Some(Goal::Value(16.0)),
        ..Row::new("resident for each of 10,000, after a message", "KB", our_used, bare_used)
    });
    drop((ours, theirs));
    Ok(rows)
}

/// Thousands of bytes of this process that are in memory, those of files it shares excepted.
fn resident() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let of = |key: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    let kibibytes = of("RssAnon:").zip(of("RssFile:")).zip(of("RssShmem:"));
    let ((anonymous, file), shared) = kibibytes.ok_or("no figures of memory")?;
    Ok((anonymous + file + shared) * 1.024)
}

fn microseconds(began: Instant, count: u32) -> f64 {
    began.elapsed().as_secs_f64() * 1e6 / f64::from(count.max(1))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
