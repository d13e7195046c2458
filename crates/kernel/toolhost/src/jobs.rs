//! Commands that go on between calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bottega_actor::{Running, TaskKind, spawn, within};
use bottega_policy::Need;
use bottega_tool::{
    CommandSink, CommandSpec, Ending, JobLook, Jobs, Sandbox, StreamName, TooManyJobs,
};
use tokio::sync::Notify;

/// Jobs of a session at most.
const MOST: usize = 8;
/// Bytes of output that are kept until somebody looks; older ones go first.
const KEPT: usize = 256 << 10;
/// After so long without a word of it, whoever waits for a job's output is told what there is.
const QUIET: Duration = Duration::from_millis(300);

/// The jobs of one session. Dropping it ends them.
#[derive(Debug, Default)]
pub(crate) struct JobTable(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u32,
    jobs: BTreeMap<u32, Job>,
}

#[derive(Debug)]
struct Job {
    line: String,
    /// Where what it writes comes from.
    sources: Vec<Need>,
    state: Arc<State>,
    /// Dropping it kills the command.
    _running: Running<()>,
}

/// What a job did that nobody has looked at.
#[derive(Debug, Default)]
struct State {
    unseen: Mutex<Unseen>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Unseen {
    bytes: Vec<u8>,
    omitted: u64,
    ended: Option<Result<Ending, String>>,
}

/// Every change under these locks is one step, so a poisoned one still guards whole data.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CommandSink for State {
    fn output(&self, _: StreamName, bytes: &[u8]) {
        let mut unseen = lock(&self.unseen);
        unseen.bytes.extend_from_slice(bytes);
        if let Some(over) = unseen.bytes.len().checked_sub(KEPT).filter(|over| *over > 0) {
            unseen.bytes.drain(..over);
            unseen.omitted += over as u64;
        }
        drop(unseen);
        self.changed.notify_waiters();
    }
}

impl State {
    fn has_news(&self) -> bool {
        let unseen = lock(&self.unseen);
        !unseen.bytes.is_empty() || unseen.ended.is_some()
    }

    async fn news(&self) {
        loop {
            // Made before the look, so that what comes in between wakes it.
            let changed = self.changed.notified();
            if self.has_news() {
                return;
            }
            changed.await;
        }
    }

    /// Waits for news, and then until nothing comes for a while or it has ended: words rarely come alone.
    async fn gathered(&self) {
        self.news().await;
        loop {
            let changed = self.changed.notified();
            if lock(&self.unseen).ended.is_some() || within(QUIET, changed).await.is_none() {
                return;
            }
        }
    }

    fn end(&self, how: Result<Ending, String>) {
        lock(&self.unseen).ended = Some(how);
        self.changed.notify_waiters();
    }

    /// Takes what nobody has looked at. A character of which only a part has come stays.
    fn take(&self, line: &str) -> JobLook {
        let mut unseen = lock(&self.unseen);
        let whole = match std::str::from_utf8(&unseen.bytes) {
            Err(error) if error.error_len().is_none() && unseen.ended.is_none() => {
                error.valid_up_to()
            }
            Ok(_) | Err(_) => unseen.bytes.len(),
        };
        let bytes: Vec<u8> = unseen.bytes.drain(..whole).collect();
        JobLook {
            line: line.to_owned(),
            output: String::from_utf8_lossy(&bytes).into_owned(),
            omitted: std::mem::take(&mut unseen.omitted),
            ended: unseen.ended.clone(),
        }
    }
}

/// The jobs of a session, for one call.
pub(crate) struct SessionJobs {
    pub(crate) table: Arc<JobTable>,
    pub(crate) sandbox: Arc<dyn Sandbox>,
}

impl SessionJobs {
    fn find(&self, job: u32) -> Option<(String, Arc<State>)> {
        let table = lock(&self.table.0);
        table.jobs.get(&job).map(|job| (job.line.clone(), Arc::clone(&job.state)))
    }
}

#[async_trait]
impl Jobs for SessionJobs {
    fn start(
        &self,
        command: CommandSpec,
        line: &str,
        sources: Vec<Need>,
    ) -> Result<u32, TooManyJobs> {
        let mut table = lock(&self.table.0);
        let runs = |job: &&Job| lock(&job.state.unseen).ended.is_none();
        let running = table.jobs.values().filter(runs).count();
        if running >= MOST {
            return Err(TooManyJobs { running });
        }
        let state = Arc::<State>::default();
        let (sandbox, told) = (Arc::clone(&self.sandbox), Arc::clone(&state));
        let running = spawn(TaskKind::ToolCall, async move {
            let outcome = sandbox.run(&command, &*told).await;
            told.end(outcome.map(|outcome| outcome.ending).map_err(|error| error.to_string()));
        });
        table.last += 1;
        let number = table.last;
        table.jobs.insert(number, Job { line: line.to_owned(), sources, state, _running: running });
        Ok(number)
    }

    fn sources(&self, job: u32) -> Vec<Need> {
        let table = lock(&self.table.0);
        table.jobs.get(&job).map(|job| job.sources.clone()).unwrap_or_default()
    }

    async fn look(&self, job: u32, patience: Duration) -> Option<JobLook> {
        let (line, state) = self.find(job)?;
        if !patience.is_zero() {
            // Whether something came or not, the look tells.
            let _ = within(patience, state.gathered()).await;
        }
        let look = state.take(&line);
        if look.ended.is_some() {
            lock(&self.table.0).jobs.remove(&job);
        }
        Some(look)
    }

    async fn stop(&self, job: u32) -> Option<JobLook> {
        let (line, state) = self.find(job)?;
        lock(&self.table.0).jobs.remove(&job);
        Some(state.take(&line))
    }

    fn all(&self) -> Vec<(u32, String)> {
        let table = lock(&self.table.0);
        table.jobs.iter().map(|(number, job)| (*number, job.line.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use bottega_testkit::{FakeSandbox, Reply};

    use super::*;

    fn jobs() -> (SessionJobs, Arc<FakeSandbox>) {
        let sandbox =
            FakeSandbox::new().when("make", Reply::exits(3, "made\n")).when("serve", Reply::Hangs);
        let sandbox = Arc::new(sandbox);
        (SessionJobs { table: Arc::default(), sandbox: sandbox.clone() }, sandbox)
    }

    fn command(line: &str) -> CommandSpec {
        CommandSpec {
            argv: vec![line.to_owned()],
            directory: "/w".into(),
            writable: Vec::new(),
            guarded: bottega_tool::Guarded::default(),
            environment: BTreeMap::new(),
            network: false,
            hosts: Vec::new(),
            caged: true,
            timeout: Duration::from_secs(1),
            keep_output: 0,
        }
    }

    #[tokio::test]
    async fn what_a_job_wrote_is_seen_once_and_its_end_last() {
        let (jobs, _) = jobs();
        assert_eq!(jobs.start(command("make"), "make", Vec::new()), Ok(1));
        let look = jobs.look(1, Duration::from_secs(60)).await.unwrap();
        let rest = match look.ended {
            Some(_) => look.clone(),
            None => jobs.look(1, Duration::from_secs(60)).await.unwrap(),
        };
        assert_eq!((look.line.as_str(), look.output.as_str()), ("make", "made\n"));
        assert_eq!(rest.ended, Some(Ok(Ending::Exited(3))));
        assert_eq!(jobs.look(1, Duration::ZERO).await, None);
        assert!(jobs.all().is_empty());
    }

    /// On a clock that stands still while anything can go on.
    #[tokio::test(start_paused = true)]
    async fn words_that_follow_each_other_are_told_together() {
        let (jobs, sandbox) = jobs();
        jobs.start(command("serve"), "serve", Vec::new()).unwrap();
        sandbox.hangs().await;
        let (_, state) = jobs.find(1).unwrap();
        let writes = async {
            for word in ["a", "b", "c"] {
                state.output(StreamName::Out, word.as_bytes());
                bottega_actor::sleep(QUIET / 2).await;
            }
            bottega_actor::sleep(QUIET * 2).await;
            state.output(StreamName::Out, b"late");
        };
        let (look, ()) = tokio::join!(jobs.look(1, Duration::from_secs(60)), writes);
        assert_eq!(look.unwrap().output, "abc");
        assert_eq!(jobs.look(1, Duration::from_secs(60)).await.unwrap().output, "late");
    }

    #[tokio::test]
    async fn a_job_ends_when_it_is_stopped_and_with_its_session() {
        let (jobs, sandbox) = jobs();
        for number in 1..=2 {
            assert_eq!(jobs.start(command("serve"), "serve", Vec::new()), Ok(number));
            sandbox.hangs().await;
        }
        assert_eq!(jobs.look(1, Duration::ZERO).await.unwrap().ended, None);
        assert_eq!(jobs.stop(1).await.unwrap().ended, None);
        assert_eq!((jobs.stop(1).await, jobs.all().len()), (None, 1));
        drop(jobs);
        while sandbox.killed() < 2 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn only_so_many_run_at_a_time() {
        let (jobs, _) = jobs();
        for _ in 0..MOST {
            jobs.start(command("serve"), "serve", Vec::new()).unwrap();
        }
        assert_eq!(
            jobs.start(command("serve"), "serve", Vec::new()),
            Err(TooManyJobs { running: MOST })
        );
    }

    #[test]
    fn output_is_kept_within_bounds_and_characters_whole() {
        let state = State::default();
        state.output(StreamName::Out, &vec![b'x'; KEPT]);
        state.output(StreamName::Err, "yé".as_bytes().split_at(2).0);
        let look = state.take("");
        assert_eq!((look.omitted, look.output.len()), (2, KEPT - 1));
        state.output(StreamName::Err, &"é".as_bytes()[1..]);
        assert_eq!(state.take("").output, "é");
    }
}
