//! Tasks that are put out to tender: the trait through which every surface works with them.

use async_trait::async_trait;
use bottega_api::{
    AgentEventView, ApiError, ReputationView, SaidView, TenderRequest, TenderView, TraceView,
};

/// Tasks that are put out to tender among the agents of a server, and what agents said to each other.
#[async_trait]
pub trait Tenders: Send + Sync {
    /// Puts a task out to tender. Returns when it is stored; what follows is seen by [`Self::tender`].
    async fn open_tender(&self, request: TenderRequest) -> Result<TenderView, ApiError>;

    /// The latest tenders, or those that are older than the one named `before`, at most `limit`, the newest first.
    async fn tenders(
        &self,
        limit: usize,
        before: Option<&str>,
    ) -> Result<Vec<TenderView>, ApiError>;

    /// One tender.
    async fn tender(&self, id: &str) -> Result<TenderView, ApiError>;

    /// What happened to a tender, in order.
    async fn tender_events(&self, id: &str) -> Result<Vec<AgentEventView>, ApiError>;

    /// Waits for no more bids.
    async fn close_tender(&self, id: &str) -> Result<TenderView, ApiError>;

    /// Withdraws the task.
    async fn cancel_tender(&self, id: &str) -> Result<TenderView, ApiError>;

    /// What is known of everybody who was ever awarded.
    async fn reputation(&self) -> Result<Vec<ReputationView>, ApiError>;

    /// The messages of a conversation that were stored, in order. A tender's id names its conversation too.
    async fn conversation(&self, id: &str) -> Result<Vec<SaidView>, ApiError>;

    /// What one request caused, as far as it was stored: of the trace of this name, or of those that a conversation or a
    /// tender belongs to.
    async fn trace(&self, id: &str) -> Result<TraceView, ApiError>;
}
