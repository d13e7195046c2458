//! What a run works in: handed in by the app.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bottega_api::ApiError;
use bottega_event::{Limits, ModelFacts};
use bottega_platform::Ground;
use bottega_policy::{AccessMode, Approver};
use bottega_types::Redactor;

/// What a run takes from the settings when the request does not say.
#[derive(Clone, Copy, Debug)]
pub struct RunDefaults {
    /// How much may be done without asking.
    pub mode: AccessMode,
    /// What ends the work.
    pub limits: Limits,
}

/// What a run works in.
#[async_trait]
pub trait Workshop: Send + Sync {
    /// The present workspace's root.
    fn workspace(&self) -> PathBuf;

    /// The agent that works when nobody names one.
    fn agent(&self) -> String;

    /// Knows the secrets that may not get out.
    fn redactor(&self) -> Result<Redactor, ApiError>;

    /// What a run takes from the settings.
    fn defaults(&self) -> RunDefaults;

    /// Tools, files and commands of a workspace, as far as that agent may have them, under a mode, with someone to ask.
    fn ground(
        &self,
        agent: &str,
        workspace: &Path,
        mode: AccessMode,
        approver: Arc<dyn Approver>,
    ) -> Result<Ground, ApiError>;

    /// The model to use: the one that is named, or the first rung of the ladder that holds.
    async fn model(&self, explicit: Option<&str>) -> Result<ModelFacts, ApiError>;
}
