//! Who subscribed to what.

use bottega_acl::topic::Subscription;
use serde::{Deserialize, Serialize};

use crate::catalogue::events;

events! {
    /// An event of the stream `topics`.
    TopicEvent {
        /// An agent is to be told of what is published.
        Subscribed(TopicSubscribed) = "topic.subscribed", 1;
        /// It is to be told no more.
        Unsubscribed(TopicUnsubscribed) = "topic.unsubscribed", 1;
    }
}

/// An agent is to be told of what is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicSubscribed {
    /// Who, of what.
    pub subscription: Subscription,
}

/// It is to be told no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicUnsubscribed {
    /// What it was told of.
    pub subscription: Subscription,
}
