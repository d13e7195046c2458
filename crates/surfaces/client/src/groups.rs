//! Agents that speak to many: the trait through which every surface works with topics and the blackboard.

use async_trait::async_trait;
use bottega_api::{
    ApiError, EntryView, PublishRequest, PublishedView, SubscribeRequest, SubscriptionView,
    TakeRequest, WriteRequest,
};

/// Topics, queue groups and the blackboard of a server.
#[async_trait]
pub trait Groups: Send + Sync {
    /// An agent is told of what is published from now on. Once more does no harm.
    async fn subscribe(&self, request: SubscribeRequest) -> Result<SubscriptionView, ApiError>;

    /// It is told no more. That it was not does no harm.
    async fn unsubscribe(&self, request: SubscribeRequest) -> Result<(), ApiError>;

    /// All subscriptions, or those of one agent.
    async fn subscriptions(&self, agent: Option<&str>) -> Result<Vec<SubscriptionView>, ApiError>;

    /// Tells all who subscribed. Returns when each has it, or can't be told.
    async fn publish(
        &self,
        topic: &str,
        request: PublishRequest,
    ) -> Result<PublishedView, ApiError>;

    /// What stands on the blackboard under a name and the names that go on after it, at most `limit`; everything for the
    /// empty text.
    async fn entries(&self, prefix: &str, limit: usize) -> Result<Vec<EntryView>, ApiError>;

    /// What stands under one name.
    async fn entry(&self, name: &str) -> Result<EntryView, ApiError>;

    /// Writes an entry, in the place of what stood there.
    async fn write(&self, name: &str, request: WriteRequest) -> Result<EntryView, ApiError>;

    /// Takes an entry away; what stood there. Of several who try one has it.
    async fn take(&self, name: &str, request: TakeRequest) -> Result<EntryView, ApiError>;
}
