//! The port to whoever looks over a workspace before the first question.

use async_trait::async_trait;
use bottega_event::Survey;

/// Looks over a workspace.
///
/// Every implementation promises: it changes nothing, it is bounded in time and size, and what it can't
/// read it leaves out.
#[async_trait]
pub trait Surveyor: Send + Sync {
    /// What there is.
    async fn survey(&self) -> Survey;
}
