//! [`Groups`] over an exchange and a blackboard in the same process.

use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::blackboard::{BoardRefusal, Entry, Take, Write};
use bottega_acl::topic::{Misnamed, Subscription, TopicName};
use bottega_acl::{AgentName, Aid, Message, Performative};
use bottega_agency::Delivery;
use bottega_api::{
    ApiError, DeliveryClass, EntryView, MissedView, PublishRequest, PublishedView,
    SubscribeRequest, SubscriptionView, TakeRequest, WriteRequest, codes,
};
use bottega_groups::{Carried, GroupError, Publication, Published, Wish};
use bottega_types::Timestamp;

use crate::hosted::{HostedAgents, OPERATOR, keyed};
use crate::{Groups, agency_error};

/// What the errors of topics and the blackboard are to a user.
#[must_use]
pub fn group_error(error: GroupError) -> ApiError {
    let code = match &error {
        GroupError::Misnamed(_) | GroupError::Malformed(_) => codes::MALFORMED,
        GroupError::TooMany(_) => codes::LIMIT,
        GroupError::Unknown(_) => codes::NO_AGENT,
        GroupError::Board(refusal) => match refusal {
            BoardRefusal::Absent { .. } => codes::NO_ENTRY,
            BoardRefusal::Conflict { .. } => codes::OTHER_VERSION,
            BoardRefusal::Full { .. } | BoardRefusal::NoRoom { .. } => codes::LIMIT,
            BoardRefusal::Over { .. } | BoardRefusal::TooLarge { .. } => codes::MALFORMED,
        },
        GroupError::Refused(_) => codes::OTHER_VERSION,
        GroupError::Broken => codes::INTERNAL,
        GroupError::Store(_) | GroupError::Append(_) => codes::STORE,
        GroupError::Agency(_) => {
            let GroupError::Agency(error) = error else {
                return ApiError::new(codes::INTERNAL, error.to_string());
            };
            return agency_error(error);
        }
    };
    let told = ApiError::new(code, error.to_string());
    match code {
        codes::LIMIT => told.step("take back what is not needed any more, then repeat"),
        _ => told,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
fn misnamed(error: Misnamed) -> ApiError {
    ApiError::new(codes::MALFORMED, error.to_string()).step(
        "write dotted words, as in `orders.eu.new`; patterns may hold `*`, and `>` at the end",
    )
}

fn topic(name: &str) -> Result<TopicName, ApiError> {
    name.parse().map_err(misnamed)
}

fn subscribed(subscription: Subscription) -> SubscriptionView {
    SubscriptionView {
        agent: subscription.agent.to_string(),
        pattern: subscription.pattern.to_string(),
        group: subscription.group.map(|group| group.to_string()),
    }
}

fn shown(name: &TopicName, entry: Entry) -> EntryView {
    EntryView {
        name: name.to_string(),
        value: entry.value,
        author: entry.author.to_string(),
        version: entry.version,
        at_ms: entry.at.as_millis(),
        expires_ms: entry.expires.map(Timestamp::as_millis),
    }
}

impl HostedAgents {
    fn subscription(&self, request: &SubscribeRequest) -> Result<Subscription, ApiError> {
        Ok(Subscription {
            agent: self.name(&request.agent)?,
            pattern: request.pattern.parse().map_err(misnamed)?,
            group: request.group.as_deref().map(str::parse).transpose().map_err(misnamed)?,
        })
    }

    fn author(&self, by: Option<&str>) -> Result<AgentName, ApiError> {
        self.name(by.unwrap_or(OPERATOR))
    }

    async fn carry_out(&self, wish: Wish, key: Option<&str>) -> Result<EntryView, ApiError> {
        let (kind, of) = match &wish {
            Wish::Write(write) => ("board write", write.name.as_str()),
            Wish::Take(take) => ("board take", take.name.as_str()),
        };
        let id = key.map(|key| keyed(kind, of, key));
        let carried = self.blackboard().carry_out(wish, id).await;
        match carried.map_err(group_error)? {
            Carried::Written { name, entry } | Carried::Taken { name, entry } => {
                Ok(shown(&name, entry))
            }
        }
    }
}

#[async_trait]
impl Groups for HostedAgents {
    async fn subscribe(&self, request: SubscribeRequest) -> Result<SubscriptionView, ApiError> {
        let subscription = self.subscription(&request)?;
        self.exchange().subscribe(subscription.clone()).await.map_err(group_error)?;
        Ok(subscribed(subscription))
    }

    async fn unsubscribe(&self, request: SubscribeRequest) -> Result<(), ApiError> {
        let subscription = self.subscription(&request)?;
        self.exchange().unsubscribe(subscription).await.map(drop).map_err(group_error)
    }

    async fn subscriptions(&self, agent: Option<&str>) -> Result<Vec<SubscriptionView>, ApiError> {
        let agent = agent.map(|agent| self.name(agent)).transpose()?;
        let all = self.exchange().subscriptions(agent.as_ref());
        Ok(all.into_iter().map(subscribed).collect())
    }

    async fn publish(
        &self,
        name: &str,
        request: PublishRequest,
    ) -> Result<PublishedView, ApiError> {
        let PublishRequest { content, delivery, idempotency_key } = request;
        let content = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
        let publication = Publication {
            topic: topic(name)?,
            message: Message::new(Performative::Inform).about(content),
            by: Aid::new(self.name(OPERATOR)?),
            id: idempotency_key.as_deref().map(|key| keyed("publication", name, key)),
            class: delivery.map(|class| match class {
                DeliveryClass::Transient => Delivery::Transient,
                DeliveryClass::Durable => Delivery::Durable,
            }),
        };
        let published = self.exchange().publish(publication).await;
        let Published { reached, missed } = published.map_err(group_error)?;
        let missed = missed
            .into_iter()
            .map(|(agent, why)| MissedView { agent: agent.to_string(), why: why.to_string() });
        Ok(PublishedView {
            reached: reached.iter().map(AgentName::to_string).collect(),
            missed: missed.collect(),
        })
    }

    async fn entries(&self, prefix: &str, limit: usize) -> Result<Vec<EntryView>, ApiError> {
        let entries = self.blackboard().list(prefix, limit);
        Ok(entries.into_iter().map(|(name, entry)| shown(&name, entry)).collect())
    }

    async fn entry(&self, name: &str) -> Result<EntryView, ApiError> {
        let name = topic(name)?;
        let entry = self.blackboard().read(&name);
        let absent = || group_error(BoardRefusal::Absent { name: name.clone() }.into());
        entry.map(|entry| shown(&name, entry)).ok_or_else(absent)
    }

    async fn write(&self, name: &str, request: WriteRequest) -> Result<EntryView, ApiError> {
        let wish = Write {
            name: topic(name)?,
            value: request.value,
            author: self.author(request.by.as_deref())?,
            expires: request.within_ms.map(|ms| self.now().plus(Duration::from_millis(ms))),
            expected_version: request.expected_version,
        };
        self.carry_out(Wish::Write(wish), request.idempotency_key.as_deref()).await
    }

    async fn take(&self, name: &str, request: TakeRequest) -> Result<EntryView, ApiError> {
        let wish = Take {
            name: topic(name)?,
            by: self.author(request.by.as_deref())?,
            expected_version: request.expected_version,
        };
        self.carry_out(Wish::Take(wish), request.idempotency_key.as_deref()).await
    }
}
