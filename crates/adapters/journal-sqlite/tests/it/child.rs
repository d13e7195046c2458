//! A second process: this test binary again, running [`writer`] as told on its standard input.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use bottega_event::{NewEvent, StreamId};
use bottega_store::{Append, Batch, Blobs, Expected, Journal};
use bottega_types::{CommandId, Timestamp};

use crate::open;

/// Appends that are under way at the same time in one child.
const TASKS: u64 = 8;

/// What each of a child's appends holds: three events in two streams, each saying whose it is.
pub(crate) fn append(command: CommandId) -> Append {
    let event = |n: u32| NewEvent {
        kind: "test.happened".into(),
        version: 1,
        data: format!(r#"{{"command":"{command}","n":{n},"of":3}}"#).into(),
    };
    let batch = |stream: &str, events| Batch {
        stream: StreamId::new(stream).unwrap(),
        expected: Expected::Any,
        events,
    };
    let batches = vec![batch("one", vec![event(0), event(1)]), batch("two", vec![event(2)])];
    Append { command, at: Timestamp::from_millis(1), batches }
}

/// What the child with this seed gives as its `n`-th command.
pub(crate) fn command(seed: u64, n: u64) -> CommandId {
    CommandId::from_bits(seed.into()).nth(n)
}

#[test]
#[ignore = "the other tests start it as a process of its own"]
fn writer() {
    let mut told = String::new();
    std::io::stdin().lock().read_line(&mut told).unwrap();
    let words: Vec<&str> = told.split_whitespace().collect();
    // Somebody runs all ignored tests.
    let [path, seed, count] = words[..] else { return };
    let (seed, count): (u64, u64) = (seed.parse().unwrap(), count.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = open(Path::new(path));
        let writing = (0..TASKS).map(async |task| {
            for n in (task..count).step_by(TASKS as usize) {
                let command = command(seed, n);
                if n % 5 == 0 {
                    let blob = store.put(command.to_string().as_bytes()).await.unwrap();
                    say(&format!("blob {blob}"));
                }
                store.append(append(command)).await.unwrap();
                say(&format!("stored {command}"));
            }
        });
        futures::future::join_all(writing).await;
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("the parent listens");
}

/// A running child.
pub(crate) struct Writer {
    child: Child,
    out: BufReader<ChildStdout>,
}

/// One line of a child: what it was told `Ok` for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Stored(CommandId),
    Blob(bottega_types::Digest),
}

impl Writer {
    /// Starts a process that appends `count` times.
    pub(crate) fn start(path: &Path, seed: u64, count: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "child::writer", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{} {seed} {count}", path.display()).unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// What it says next; nothing when it has ended.
    pub(crate) fn next(&mut self) -> Option<Said> {
        loop {
            let mut line = String::new();
            self.out.read_line(&mut line).unwrap();
            if line.is_empty() {
                return None;
            }
            if let Some(said) = parse(&line) {
                return Some(said);
            }
        }
    }

    /// Kills it with SIGKILL and returns what it still had said.
    pub(crate) fn kill(mut self) -> Vec<Said> {
        self.child.kill().unwrap();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap();
        rest.split_inclusive('\n').filter_map(parse).collect()
    }

    /// Waits for its end and returns what it still had said.
    pub(crate) fn finish(mut self) -> Vec<Said> {
        let rest = std::iter::from_fn(|| self.next()).collect();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

/// Lines of the test harness, and a line that was cut, say nothing.
fn parse(line: &str) -> Option<Said> {
    let whole = line.strip_suffix('\n')?;
    // The harness prints `test … ...` without a line end before the first line.
    let at = whole.find("stored ").or_else(|| whole.find("blob "))?;
    match whole[at..].split_once(' ')? {
        ("stored", command) => command.parse().ok().map(Said::Stored),
        ("blob", digest) => digest.parse().ok().map(Said::Blob),
        _ => None,
    }
}
