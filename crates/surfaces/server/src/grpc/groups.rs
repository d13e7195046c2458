//! Topics, queue groups and the blackboard: what agents say to many.

use bottega_api::{
    ApiError, EntryView, PublishRequest as Publication, PublishedView, SubscribeRequest as Wish,
    SubscriptionView, TakeRequest, WriteRequest,
};
use tonic::Request;

use super::messages::{self, class};
use super::wire::group_service_server::GroupService;
use super::wire::{
    Entry, GetEntryRequest, ListEntriesRequest, ListEntriesResponse, ListSubscriptionsRequest,
    ListSubscriptionsResponse, Missed, PublishRequest, PublishResponse, SubscribeRequest,
    Subscription, TakeEntryRequest, UnsubscribeRequest, UnsubscribeResponse, WriteEntryRequest,
};
use super::{Answer, Service, json, said, time};
use crate::endpoints::groups::{key, limit};
use crate::paging::{Order, Page};

fn subscription(view: SubscriptionView) -> Subscription {
    Subscription { agent: view.agent, pattern: view.pattern, group: view.group }
}

fn published(view: PublishedView) -> PublishResponse {
    let missed = view.missed.into_iter().map(|it| Missed { agent: it.agent, why: it.why });
    PublishResponse { reached: view.reached, missed: missed.collect() }
}

fn entry(view: EntryView) -> Entry {
    Entry {
        name: view.name,
        value: Some(json::carried(&view.value)),
        author: view.author,
        version: view.version,
        at: Some(time::time(view.at_ms)),
        expires_at: view.expires_ms.map(time::time),
    }
}

/// Any JSON; null where nothing was sent.
fn value(value: Option<prost_types::Value>) -> serde_json::Value {
    value.map_or(serde_json::Value::Null, json::read)
}

#[tonic::async_trait]
impl GroupService for Service {
    async fn publish(&self, request: Request<PublishRequest>) -> Answer<PublishResponse> {
        let request = request.into_inner();
        let told = async {
            let publication = Publication {
                content: value(request.content),
                delivery: class(request.delivery)?,
                idempotency_key: messages::key(request.idempotency_key)?,
            };
            self.agents().publish(&request.topic, publication).await
        };
        self.give(told.await.map(published))
    }

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Answer<Subscription> {
        let SubscribeRequest { agent, pattern, group } = request.into_inner();
        let wish = Wish { agent, pattern, group: said(group) };
        self.give(self.agents().subscribe(wish).await.map(subscription))
    }

    async fn unsubscribe(
        &self,
        request: Request<UnsubscribeRequest>,
    ) -> Answer<UnsubscribeResponse> {
        let UnsubscribeRequest { agent, pattern, group } = request.into_inner();
        let wish = Wish { agent, pattern, group: said(group) };
        self.give(self.agents().unsubscribe(wish).await.map(|()| UnsubscribeResponse {}))
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Answer<ListSubscriptionsResponse> {
        let ListSubscriptionsRequest { agent, page_size, page_token } = request.into_inner();
        let listed = async {
            let page = Page::called(page_size, page_token)?;
            let all = self.agents().subscriptions(said(agent).as_deref()).await?;
            Ok::<_, ApiError>(page.cut(all, key, Order::Rising))
        };
        self.give(listed.await.map(|cut| ListSubscriptionsResponse {
            subscriptions: cut.shown.into_iter().map(subscription).collect(),
            next_page_token: cut.next.unwrap_or_default(),
        }))
    }

    async fn list_entries(
        &self,
        request: Request<ListEntriesRequest>,
    ) -> Answer<ListEntriesResponse> {
        let ListEntriesRequest { prefix, limit: wanted } = request.into_inner();
        let entries = async {
            let limit = limit(Some(wanted as usize).filter(|wanted| *wanted > 0))?;
            self.agents().entries(&prefix, limit).await
        };
        self.give(entries.await.map(|entries| ListEntriesResponse {
            entries: entries.into_iter().map(entry).collect(),
        }))
    }

    async fn get_entry(&self, request: Request<GetEntryRequest>) -> Answer<Entry> {
        self.give(self.agents().entry(&request.into_inner().name).await.map(entry))
    }

    async fn write_entry(&self, request: Request<WriteEntryRequest>) -> Answer<Entry> {
        let request = request.into_inner();
        let written = async {
            let within = request.within.map(|span| time::milliseconds("within", span));
            let write = WriteRequest {
                value: value(request.value),
                within_ms: within.transpose()?,
                expected_version: request.expected_version,
                by: said(request.by),
                idempotency_key: messages::key(request.idempotency_key)?,
            };
            self.agents().write(&request.name, write).await
        };
        self.give(written.await.map(entry))
    }

    async fn take_entry(&self, request: Request<TakeEntryRequest>) -> Answer<Entry> {
        let request = request.into_inner();
        let taken = async {
            let take = TakeRequest {
                expected_version: request.expected_version,
                by: said(request.by),
                idempotency_key: messages::key(request.idempotency_key)?,
            };
            self.agents().take(&request.name, take).await
        };
        self.give(taken.await.map(entry))
    }
}
