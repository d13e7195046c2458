//! Who subscribed to what, folded from the stream `topics`.

use bottega_acl::topic::Subscription;
use bottega_event::{Record, StreamId, TopicEvent};
use bottega_store::{Change, Projection, Rows};

/// Every subscription that stands, under itself as JSON.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionView;

impl SubscriptionView {
    /// Its name.
    pub(crate) const NAME: &'static str = "subscriptions";
}

fn row(subscription: &Subscription, stands: bool) -> Vec<Change> {
    // It came as JSON.
    let Ok(key) = serde_json::to_string(subscription) else { return Vec::new() };
    let value = stands.then(|| key.clone().into_bytes());
    vec![Change { key, value }]
}

impl Projection for SubscriptionView {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, _: &Record) -> Vec<String> {
        // The last word counts, whatever was there before.
        Vec::new()
    }

    fn apply(&self, record: &Record, _: &Rows) -> Vec<Change> {
        if record.stream != StreamId::topics() {
            return Vec::new();
        }
        match TopicEvent::decode(&record.event) {
            Ok(TopicEvent::Subscribed(told)) => row(&told.subscription, true),
            Ok(TopicEvent::Unsubscribed(told)) => row(&told.subscription, false),
            Err(_) => Vec::new(),
        }
    }
}
