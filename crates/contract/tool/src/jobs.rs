//! The port to commands that go on while the agent does other things.

use std::time::Duration;

use async_trait::async_trait;
use bottega_policy::Need;

use crate::{CommandSpec, Ending};

/// What a job has done since somebody last looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLook {
    /// Its command, as it was given.
    pub line: String,
    /// What it wrote since the last look, standard output and standard error as they came.
    pub output: String,
    /// Bytes of that which nobody looked at in time and which are gone.
    pub omitted: u64,
    /// How it ended, or why it could not be run; nothing while it runs.
    pub ended: Option<Result<Ending, String>>,
}

/// Why no job was started. A model reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{running} jobs run already, which is the most; stop one first")]
pub struct TooManyJobs {
    /// How many run.
    pub running: usize,
}

/// Commands that go on while the agent does other things.
///
/// Every implementation promises: a job ends at the latest with its session, with all that it started; what it wrote
/// is kept within bounds; a job whose end was seen is forgotten.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Starts a command, and gives its number. `sources` say where what it writes comes from.
    fn start(
        &self,
        command: CommandSpec,
        line: &str,
        sources: Vec<Need>,
    ) -> Result<u32, TooManyJobs>;

    /// Where what a job writes comes from, as it was told when it started.
    fn sources(&self, job: u32) -> Vec<Need>;

    /// What a job did since the last look. Waits at most `patience` for it to write something or to end. Nothing when
    /// there is no such job.
    async fn look(&self, job: u32, patience: Duration) -> Option<JobLook>;

    /// Kills a job with all that it started, and forgets it. Nothing when there is no such job.
    async fn stop(&self, job: u32) -> Option<JobLook>;

    /// The numbers of the jobs there are, with their commands.
    fn all(&self) -> Vec<(u32, String)>;
}
