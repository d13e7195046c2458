//! The traits through which every surface works.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_api::{
    ApiError, AuditReport, CostBy, CostReport, DoctorReport, GrantView, NoticeView, RunEvent,
    RunRequest, SecretView, SessionDetail, SessionSummary, SettingView, SourceView, UndoView,
};
use bottega_llm::{LocalModel, PullProgress, Recommendation};
use bottega_policy::Approver;
use bottega_types::{Secret, SessionId};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::{Agents, ServeRequest, Serving, Tools, Whereabouts, Workbench};

/// A run under way.
pub struct Run {
    /// The session it belongs to.
    pub session: SessionId,
    /// What happens, ending with [`RunEvent::Ended`]. Dropping it stops the run; the session can be resumed.
    pub events: BoxStream<'static, RunEvent>,
    /// Steers it.
    pub control: Arc<dyn RunControl>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Steers a run.
#[async_trait]
pub trait RunControl: Send + Sync {
    /// Stops the work under way. Its events end with `Ended { ending: Interrupted }`; nothing is lost.
    async fn interrupt(&self);
}

/// Sessions: running, going on, looking back.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Gives an agent a task, in a new session or in the one that is named.
    async fn run(&self, request: RunRequest, approver: Arc<dyn Approver>) -> Result<Run, ApiError>;

    /// Goes on with work whose process ended. `request.task` may be empty.
    async fn resume(
        &self,
        request: RunRequest,
        approver: Arc<dyn Approver>,
    ) -> Result<Run, ApiError>;

    /// The model or route that `name` means, as a request would take it. Nobody is asked anything.
    async fn model(&self, name: &str) -> Result<String, ApiError>;

    /// The sessions, the latest first, at most `limit`; of one workspace only when it is named.
    async fn list(
        &self,
        workspace: Option<&Path>,
        limit: usize,
    ) -> Result<Vec<SessionSummary>, ApiError>;

    /// The session that `text` names: its id, a unique beginning or end of one, or `last`.
    async fn find(&self, text: &str) -> Result<SessionId, ApiError>;

    /// One session, whole.
    async fn show(&self, session: SessionId) -> Result<SessionDetail, ApiError>;

    /// A new session with the same history, up to `revision` when it is named.
    async fn fork(
        &self,
        session: SessionId,
        revision: Option<u64>,
    ) -> Result<SessionSummary, ApiError>;

    /// Takes back the file changes of the last `steps` changing calls; of all when absent. Files that somebody
    /// else changed since are left alone.
    async fn undo(&self, session: SessionId, steps: Option<usize>) -> Result<UndoView, ApiError>;

    /// Shortens what the model reads of a session that is not at work; the journal keeps it whole. Returns how many
    /// messages stay as they are.
    async fn compact(&self, session: SessionId) -> Result<u32, ApiError>;

    /// Every record of a session, each one line of JSON.
    async fn export(&self, session: SessionId) -> Result<Vec<String>, ApiError>;

    /// Takes a session out of the lists and forgets its blobs. Its records stay: the chain needs them.
    async fn remove(&self, session: SessionId) -> Result<(), ApiError>;

    /// What was spent.
    async fn costs(&self, by: CostBy) -> Result<CostReport, ApiError>;

    /// What people allowed for more than one call and did not revoke; of one project only when it is named.
    async fn grants(&self, project: Option<&Path>) -> Result<Vec<GrantView>, ApiError>;

    /// Ends grants: all must hold now, or none is ended. Runs under way ask again from their next call on.
    async fn revoke(&self, ids: &[String]) -> Result<Vec<GrantView>, ApiError>;

    /// Verifies the chain of the whole journal. `progress` is told how many records were verified.
    async fn verify(&self, progress: &(dyn Fn(u64) + Send + Sync))
    -> Result<AuditReport, ApiError>;

    /// Writes every record of the journal as JSONL. Returns how many.
    async fn export_all(&self, to: &mut (dyn std::io::Write + Send)) -> Result<u64, ApiError>;
}

/// What a bench of the embedded engine measured.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelBench {
    /// The model.
    pub model: String,
    /// Threads that decoded.
    pub threads: u32,
    /// Prompt tokens per second.
    pub prompt_per_second: f64,
    /// Answer tokens per second.
    pub decode_per_second: f64,
    /// The same by a bare loop over the library in the same run: prompt, decode.
    pub bare: Option<(f64, f64)>,
}

/// What became of the default model when a model was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelRemoved {
    /// It was not the default.
    Other,
    /// It was the default: `model.default` is taken out of this file of the user's.
    WasDefault {
        /// The file.
        file: String,
    },
    /// `model.default` still names it, in a place that is not the user's own file.
    StillDefault {
        /// The place: a file with its line, or a variable.
        origin: String,
    },
}

/// Models on this machine.
#[async_trait]
pub trait Models: Send + Sync {
    /// What is on disk.
    async fn list(&self) -> Result<Vec<LocalModel>, ApiError>;

    /// Names that can be pulled without saying where from.
    async fn catalogue(&self) -> Result<Vec<String>, ApiError>;

    /// One model on disk.
    async fn show(&self, name: &str) -> Result<LocalModel, ApiError>;

    /// Brings a model here.
    async fn pull(
        &self,
        source: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalModel, ApiError>;

    /// Deletes one, and takes it out of the user's settings where it is the default.
    async fn remove(&self, name: &str) -> Result<ModelRemoved, ApiError>;

    /// Makes a model the default in the user's settings; returns the file that was changed.
    async fn use_default(&self, model: &str) -> Result<String, ApiError>;

    /// Which model suits this machine.
    async fn recommend(&self) -> Result<Recommendation, ApiError>;

    /// Measures the embedded engine with a model.
    async fn bench(&self, name: &str) -> Result<ModelBench, ApiError>;
}

/// Settings, secrets and health of this machine.
#[async_trait]
pub trait Machine: Send + Sync {
    /// Every setting with its value and origin.
    fn settings(&self) -> Result<Vec<SettingView>, ApiError>;

    /// One setting, or all below a path.
    fn setting(&self, path: &str) -> Result<Vec<SettingView>, ApiError>;

    /// Changes a setting in a layer's file: `user`, `project` or `local`. Returns the file.
    fn set(&self, path: &str, value: &str, layer: &str) -> Result<String, ApiError>;

    /// The places that settings may come from.
    fn sources(&self) -> Result<Vec<SourceView>, ApiError>;

    /// What a person should know of the settings before work begins, although nothing is wrong.
    fn notices(&self) -> Result<Vec<NoticeView>, ApiError>;

    /// Trusts the settings of the workspace as they are now. Returns its folder.
    fn trust(&self) -> Result<String, ApiError>;

    /// Names of the secrets that are kept.
    fn secrets(&self) -> Result<Vec<SecretView>, ApiError>;

    /// Keeps a secret. Returns where.
    fn set_secret(&self, name: &str, value: Secret<String>) -> Result<String, ApiError>;

    /// Forgets a secret.
    fn remove_secret(&self, name: &str) -> Result<(), ApiError>;

    /// Looks at everything that work depends on. The chain of the journal is verified from its beginning when
    /// `full`, else the latest records only.
    async fn doctor(&self, full: bool) -> Result<DoctorReport, ApiError>;
}

/// Opens what a command needs, when it needs it.
#[async_trait]
pub trait Entrance: Send + Sync {
    /// Sessions; opens the journal.
    async fn sessions(&self) -> Result<Arc<dyn Sessions>, ApiError>;

    /// Models on disk; opens nothing.
    async fn models(&self) -> Result<Arc<dyn Models>, ApiError>;

    /// Settings and secrets.
    fn machine(&self) -> Result<Arc<dyn Machine>, ApiError>;

    /// Guests that are made on this machine; opens nothing.
    fn workbench(&self) -> Result<Arc<dyn Workbench>, ApiError>;

    /// The tools of this machine; opens nothing.
    fn tools(&self) -> Result<Arc<dyn Tools>, ApiError>;

    /// The agents of the server at that place.
    async fn agents(&self, at: &Whereabouts) -> Result<Arc<dyn Agents>, ApiError>;

    /// Serves agents until `stop` ends. `ready` is told where, once it listens.
    async fn serve(
        &self,
        request: ServeRequest,
        ready: &(dyn Fn(Serving) + Send + Sync),
        stop: BoxFuture<'static, ()>,
    ) -> Result<(), ApiError>;
}
