//! What one command cost: time, processor and memory of it and of every process that it waited for.
//!
//! The command is run by a process that does nothing else: Linux counts the memory that a process had before it
//! became another program as its own, so a large parent would stand in the child's figures.

#![expect(unsafe_code, reason = "two system calls that fill a structure have no safe form here")]

use std::fs::File;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use serde_json::{Value, json};

use crate::Failure;

/// The word by which this program is told to run a command and to report.
pub(crate) const WORD: &str = "run-and-report";

/// Longer than any of the sessions; only one that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a command cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    /// Milliseconds from before it was started until it had ended.
    pub(crate) wall: f64,
    /// Milliseconds of processor time.
    pub(crate) cpu: f64,
    /// MiB: the largest that one of its processes was.
    pub(crate) peak: f64,
    /// When it was started.
    pub(crate) started: Instant,
}

/// Runs a command to its end. What it prints is kept for the complaint, in `folder`.
///
/// # Errors
///
/// When it hangs, fails, or can't be started.
pub(crate) fn of(command: &Command, folder: &Path) -> Result<Costs, Failure> {
    let (report, printed) = (folder.join("costs.json"), folder.join("printed.txt"));
    let output = File::create(&printed)?;
    let (clock, now) = (monotonic()?, Instant::now());
    let mut child = Command::new(std::env::current_exe()?)
        .args([WORD.as_ref(), report.as_os_str(), command.get_program()])
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(command.get_current_dir().unwrap_or(folder))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()?;
    let (pid, patience) = (Pid::from_child(&child), i64::try_from(PATIENCE.as_secs())?);
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let ended = poll(
        &mut [PollFd::new(&process, PollFlags::IN)],
        Some(&Timespec { tv_sec: patience, tv_nsec: 0 }),
    )?;
    if ended == 0 {
        kill_process_group(pid, Signal::KILL)?;
        child.wait()?;
        return Err(format!("it hangs: {}", last_words(&printed)).into());
    }
    if !child.wait()?.success() {
        return Err(format!("it could not be run: {}", last_words(&printed)).into());
    }
    let costs: Value = serde_json::from_slice(&std::fs::read(&report)?)?;
    if costs["code"] != 0 {
        return Err(format!("exit code {}: {}", costs["code"], last_words(&printed)).into());
    }
    let figure = |name: &str| costs[name].as_f64().ok_or("the report is not whole");
    let after =
        Duration::from_nanos(u64::try_from(costs["started"].as_i64().unwrap_or(0) - clock)?);
    Ok(Costs {
        wall: figure("wall")?,
        cpu: figure("cpu")?,
        peak: figure("peak")?,
        started: now + after,
    })
}

/// The end of what was printed, on one line.
fn last_words(printed: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(printed) {
        // What can't be read is not there to be told.
        file.read_to_end(&mut text).ok();
    }
    let text = String::from_utf8_lossy(&text).replace(char::is_control, " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let start = text.ceil_char_boundary(text.len().saturating_sub(120));
    text.get(start..).unwrap_or_default().to_owned()
}

/// The other side: the words are a file for the report, a program and its words.
pub(crate) fn run_and_report(words: &[String]) -> Result<(), Failure> {
    let [report, program, words @ ..] = words else { return Err("a file and a program".into()) };
    let (started, began) = (monotonic()?, Instant::now());
    let status = Command::new(program).args(words).status()?;
    let wall = began.elapsed();
    let used = used_by_children()?;
    let millis = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    let costs = json!({
        "wall": wall.as_secs_f64() * 1e3,
        "cpu": millis(used.ru_utime) + millis(used.ru_stime),
        "peak": used.ru_maxrss as f64 / 1024.0,
        "started": started,
        "code": status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
    });
    std::fs::write(report, costs.to_string())?;
    Ok(())
}

/// What the children that were waited for have used, and theirs.
fn used_by_children() -> Result<libc::rusage, Failure> {
    // SAFETY: `rusage` is plain numbers, for which zeros are valid.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the structure lives across the call, which writes nothing else.
    let done = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut used) };
    if done == 0 { Ok(used) } else { Err(std::io::Error::last_os_error().into()) }
}

/// Nanoseconds of the clock that all processes share, the one under `Instant`.
fn monotonic() -> Result<i64, Failure> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure lives across the call, which writes nothing else.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    if done != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(now.tv_sec * 1_000_000_000 + now.tv_nsec)
}
