//! A sandbox that runs nothing and answers as it was told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bottega_tool::{
    CageReport, CommandOutcome, CommandSink, CommandSpec, Ending, Sandbox, SandboxError, StreamName,
};
use tokio::sync::Notify;

/// What a command does.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It ends at once.
    Ends(CommandOutcome),
    /// It runs until it is killed.
    Hangs,
    /// It takes the tool down with it.
    Panics,
}

impl Reply {
    /// It exits with `code` after writing `output`.
    #[must_use]
    pub fn exits(code: i32, output: &str) -> Self {
        Self::Ends(CommandOutcome {
            ending: Ending::Exited(code),
            output: output.to_owned(),
            omitted: 0,
            elapsed: Duration::from_millis(1),
        })
    }

    /// It runs past its time, after writing `output`.
    #[must_use]
    pub fn times_out(output: &str) -> Self {
        Self::Ends(CommandOutcome {
            ending: Ending::TimedOut,
            output: output.to_owned(),
            omitted: 0,
            elapsed: Duration::from_secs(1),
        })
    }
}

/// A sandbox that runs nothing, answers as it was told, and remembers.
#[derive(Debug, Default)]
pub struct FakeSandbox {
    replies: Mutex<Vec<(String, Reply)>>,
    ran: Mutex<Vec<CommandSpec>>,
    killed: AtomicUsize,
    started: Notify,
}

impl FakeSandbox {
    /// A sandbox that knows no command yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on a command whose words contain `part` does this; earlier rules come first.
    #[must_use]
    pub fn when(self, part: &str, reply: Reply) -> Self {
        lock(&self.replies).push((part.to_owned(), reply));
        self
    }

    /// The commands that were run, in order.
    #[must_use]
    pub fn ran(&self) -> Vec<CommandSpec> {
        lock(&self.ran).clone()
    }

    /// How many commands were killed because nobody waited for them any more.
    #[must_use]
    pub fn killed(&self) -> usize {
        self.killed.load(Ordering::SeqCst)
    }

    /// Waits until a command has begun that hangs.
    pub async fn hangs(&self) {
        self.started.notified().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a command as killed when the future that runs it is dropped.
struct Killed<'s>(&'s AtomicUsize);

impl Drop for Killed<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Sandbox for FakeSandbox {
    fn report(&self) -> CageReport {
        CageReport {
            features: vec![("fake".to_owned(), Ok("runs nothing".to_owned()))],
            holds: true,
        }
    }

    #[expect(clippy::panic, reason = "a test asked for a tool that panics")]
    async fn run(
        &self,
        command: &CommandSpec,
        sink: &dyn CommandSink,
    ) -> Result<CommandOutcome, SandboxError> {
        lock(&self.ran).push(command.clone());
        let words = command.argv.join(" ");
        let reply = lock(&self.replies)
            .iter()
            .find(|(part, _)| words.contains(part.as_str()))
            .map(|(_, reply)| reply.clone());
        match reply {
            Some(Reply::Ends(outcome)) => {
                sink.output(StreamName::Out, outcome.output.as_bytes());
                Ok(outcome)
            }
            Some(Reply::Hangs) => {
                let _killed = Killed(&self.killed);
                self.started.notify_one();
                std::future::pending().await
            }
            Some(Reply::Panics) => panic!("the fake sandbox was told to panic"),
            None => Err(SandboxError::Unavailable { missing: format!("a reply to `{words}`") }),
        }
    }
}
