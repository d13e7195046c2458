//! A `bottega` that runs, and one that has ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Long enough for any machine; only a hanging command ever waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A `bottega` that runs. Killed when dropped.
pub(crate) struct Live {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
    read: Vec<String>,
    _input: Option<ChildStdin>,
}

impl Live {
    pub(crate) fn new(mut child: Child, typed: Option<Vec<u8>>) -> Self {
        let mut input = child.stdin.take();
        if let (Some(typed), Some(mut stdin)) = (typed, input.take_if(|_| true)) {
            // A command that reads nothing may have closed it.
            stdin.write_all(&typed).ok();
        }
        let (send, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        reader("out", move || {
            for line in out.split(b'\n').map_while(Result::ok) {
                if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        let (send, errors) = channel();
        let mut err = child.stderr.take().unwrap();
        reader("err", move || {
            let mut bytes = Vec::new();
            // Killing a command may break its pipe; what came before it counts.
            err.read_to_end(&mut bytes).ok();
            send.send(String::from_utf8_lossy(&bytes).into_owned()).ok();
        });
        Self { child, lines, errors, read: Vec::new(), _input: input }
    }

    /// The next line of standard output; nothing at its end.
    pub(crate) fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.read.push(line.clone());
                Some(line)
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                panic!("it hangs after {:?}", self.read)
            }
        }
    }

    /// Reads events until one `is` the one that is waited for.
    pub(crate) fn wait_for(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        while let Some(line) = self.line() {
            let event: Value = serde_json::from_str(&line).unwrap();
            if is(&event) {
                return event;
            }
        }
        panic!("it ended with {:?}", self.read);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        // It may have ended.
        kill_process(pid, signal).ok();
    }

    /// Kills it as a power cut would, and waits until it is gone.
    pub(crate) fn kill(mut self) -> Finished {
        self.signal(Signal::KILL);
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        self.end()
    }

    fn end(&mut self) -> Finished {
        while self.line().is_some() {}
        let status = self.child.wait().unwrap();
        let mut stdout = self.read.join("\n");
        if !stdout.is_empty() {
            stdout.push('\n');
        }
        let stderr = self.errors.recv_timeout(PATIENCE).unwrap_or_default();
        Finished { code: status.code(), signal: status.signal(), stdout, stderr }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn reader(name: &str, read: impl FnOnce() + Send + 'static) {
    // It ends with its pipe.
    std::thread::Builder::new().name(name.to_owned()).spawn(read).unwrap();
}

/// A `bottega` that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Checks that it ended with this code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(
            (self.code, self.signal),
            (Some(code), None),
            "\nstdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Checks that it ended well.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.with_code(0)
    }

    /// The lines of standard output, each parsed.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
