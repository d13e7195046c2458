//! Another version of an agent in the place of a running one, and the way back.
//!
//! The mailbox is not touched: it belongs to whoever hands the messages over, who holds the next one back while
//! this runs.

use semver::Version;

use crate::fault::{Fault, StartError};
use crate::guest::AgentGuest;
use crate::instance::AgentInstance;

/// What an instance saved of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Saved {
    /// The version of the guest that saved it.
    pub version: Version,
    /// Its own form.
    pub state: Vec<u8>,
}

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { version, state } = self;
        write!(f, "Saved({version}, {} bytes)", state.len())
    }
}

/// Why a running agent was not upgraded. It goes on as it is, unless it has ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// The running version ended when it was asked for its state.
    #[error("the running version can't give its state: {0}")]
    Old(#[source] Fault),
    /// The running version does not give its state.
    #[error("the running version keeps its state: {0}")]
    NotSaved(String),
    /// The new version did not start or did not take the state.
    #[error("the new version did not take over: {0}")]
    New(#[source] StartError),
}

/// The way back from an upgrade.
#[derive(Clone, Debug)]
pub struct Rollback {
    guest: AgentGuest,
    config: Box<str>,
    saved: Saved,
}

impl AgentInstance {
    /// Puts another version in the place of this one, with its state, config and provision.
    ///
    /// Only when the new version has taken over is the old one let go. On any failure, and when the future is
    /// dropped before, this instance is still the old one.
    pub async fn upgrade(&mut self, to: &AgentGuest) -> Result<Rollback, UpgradeError> {
        let saved =
            self.save().await.map_err(UpgradeError::Old)?.map_err(UpgradeError::NotSaved)?;
        let provision = self.provision().clone();
        let new = to.restore(provision, &self.config, &saved).await.map_err(UpgradeError::New)?;
        let Self { guest, config, .. } = std::mem::replace(self, new);
        Ok(Rollback { guest, config, saved })
    }

    /// Puts the version from before an upgrade back, with the state that it had then. What happened since is lost
    /// to it; to keep that, upgrade to the old guest instead.
    pub async fn roll_back(&mut self, to: &Rollback) -> Result<(), StartError> {
        let provision = self.provision().clone();
        let Rollback { guest, config, saved } = to;
        *self = guest.restore(provision, config, saved).await?;
        Ok(())
    }
}

impl Rollback {
    /// The version that it leads back to.
    #[must_use]
    pub const fn version(&self) -> &Version {
        &self.saved.version
    }
}
