//! Topics, queue groups and the blackboard: what agents say to many.

use axum::http::StatusCode;
use bottega_api::{
    ApiError, EntryView, PublishRequest, PublishedView, SubscribeRequest, SubscriptionView,
    TakeRequest, WriteRequest, codes,
};

use super::{Endpoint, Gives, Group, KEY, Parameter, Run, Size, Takes, Verb, schema};
use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::paging::{self, AFTER, LIMIT, Order, Page};
use crate::principal::Needs;

/// Entries that are shown where the query says nothing.
const ENTRIES: usize = 100;
/// Entries that are shown at most.
const MOST: usize = 1_000;

const ENTRY: Gives = Gives::json(StatusCode::OK, "The entry.", schema::<EntryView>);

const fn get(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    gives: Gives,
    run: Run,
) -> Endpoint {
    Endpoint::get(Group::Groups, path, name, summary, gives, run)
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        parameters: &[KEY],
        takes: Some(Takes {
            schema: schema::<PublishRequest>,
            example: r#"{ "content": "one hinge", "idempotency_key": "order-17" }"#,
            largest: Size::Usual,
        }),
        refuses: &[],
        ..get(
            "/v1/topics/{topic}/messages",
            "publish",
            "Tells all who subscribed to a topic, and of each queue group one",
            Gives::json(StatusCode::ACCEPTED, "Who was told.", schema::<PublishedView>),
            |call| Box::pin(publish(call)),
        )
    },
    Endpoint {
        parameters: &[
            Parameter {
                name: "agent",
                place: "query",
                about: "Those of this agent alone.",
                schema: schema::<String>,
            },
            LIMIT,
            AFTER,
        ],
        refuses: &[StatusCode::BAD_REQUEST],
        ..get(
            "/v1/subscriptions",
            "listSubscriptions",
            "Who is told of what is published",
            Gives::json(StatusCode::OK, "By agent.", schema::<Vec<SubscriptionView>>),
            |call| Box::pin(subscriptions(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        takes: Some(Takes {
            schema: schema::<SubscribeRequest>,
            example: r#"{ "agent": "greeter", "pattern": "orders.*.new", "group": "packers" }"#,
            largest: Size::Usual,
        }),
        ..get(
            "/v1/subscriptions",
            "subscribe",
            "An agent is told of what is published from now on",
            Gives::json(StatusCode::OK, "The subscription.", schema::<SubscriptionView>),
            |call| Box::pin(subscribe(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        takes: Some(Takes {
            schema: schema::<SubscribeRequest>,
            example: r#"{ "agent": "greeter", "pattern": "orders.*.new", "group": "packers" }"#,
            largest: Size::Usual,
        }),
        refuses: &[],
        ..get(
            "/v1/subscriptions/end",
            "unsubscribe",
            "An agent is told no more",
            Gives::nothing("It is told no more, if it was."),
            |call| Box::pin(unsubscribe(call)),
        )
    },
    Endpoint {
        parameters: &[
            Parameter {
                name: "prefix",
                place: "query",
                about: "Those under this name and the names that go on after it; all when absent.",
                schema: schema::<String>,
            },
            Parameter {
                name: "limit",
                place: "query",
                about: "So many at most: 1 to 1,000, and 100 when absent.",
                schema: schema::<u32>,
            },
        ],
        refuses: &[StatusCode::BAD_REQUEST],
        ..get(
            "/v1/blackboard",
            "listEntries",
            "What stands on the blackboard",
            Gives::json(StatusCode::OK, "By name.", schema::<Vec<EntryView>>),
            |call| Box::pin(entries(call)),
        )
    },
    get("/v1/blackboard/{entry}", "readEntry", "What stands under one name", ENTRY, |call| {
        Box::pin(entry(call))
    }),
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        parameters: &[KEY],
        takes: Some(Takes {
            schema: schema::<WriteRequest>,
            example: r#"{ "value": "forge a hinge", "within_ms": 600000, "expected_version": 0 }"#,
            largest: Size::Usual,
        }),
        refuses: &[StatusCode::CONFLICT],
        ..get(
            "/v1/blackboard/{entry}",
            "writeEntry",
            "Writes an entry in the place of what stood there, and tells who subscribed to it",
            ENTRY,
            |call| Box::pin(write(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        parameters: &[KEY],
        takes: Some(Takes {
            schema: schema::<TakeRequest>,
            example: r#"{ "expected_version": 3 }"#,
            largest: Size::Usual,
        }),
        refuses: &[StatusCode::NOT_FOUND, StatusCode::CONFLICT],
        ..get(
            "/v1/blackboard/{entry}/take",
            "takeEntry",
            "Takes an entry away: of several who try one has it",
            ENTRY,
            |call| Box::pin(take(call)),
        )
    },
];

async fn publish(call: Call) -> Result<Reply, Fault> {
    let mut request: PublishRequest = call.json()?;
    request.idempotency_key = call.key(request.idempotency_key)?;
    let published = call.agents().publish(call.part("topic"), request).await?;
    Reply::json(StatusCode::ACCEPTED, &published)
}

async fn subscriptions(call: Call) -> Result<Reply, Fault> {
    let query = call.query(&["agent", "cursor"], &["limit"])?;
    let page = Page::of(&query, paging::MOST)?;
    let all = call.agents().subscriptions(query.word("agent")).await?;
    page.reply(&call, all, key, Order::Rising)
}

/// By what subscriptions are in order: no name holds a space, so these stand in the order of the list.
pub(crate) fn key(one: &SubscriptionView) -> String {
    format!("{} {} {}", one.agent, one.pattern, one.group.as_deref().unwrap_or_default())
}

async fn subscribe(call: Call) -> Result<Reply, Fault> {
    let request: SubscribeRequest = call.json()?;
    Reply::json(StatusCode::OK, &call.agents().subscribe(request).await?)
}

async fn unsubscribe(call: Call) -> Result<Reply, Fault> {
    let request: SubscribeRequest = call.json()?;
    call.agents().unsubscribe(request).await?;
    Ok(Reply::nothing())
}

/// How many entries are to be shown.
pub(crate) fn limit(wanted: Option<usize>) -> Result<usize, ApiError> {
    let limit = wanted.unwrap_or(ENTRIES);
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    let why = format!("`limit` is 1 to {MOST}, not {limit}");
    Err(ApiError::new(codes::USAGE, why).step("name a number of that range"))
}

async fn entries(call: Call) -> Result<Reply, Fault> {
    let query = call.query(&["prefix"], &["limit"])?;
    let limit = limit(query.number("limit"))?;
    let prefix = query.word("prefix").unwrap_or_default();
    Reply::json(StatusCode::OK, &call.agents().entries(prefix, limit).await?)
}

async fn entry(call: Call) -> Result<Reply, Fault> {
    Reply::json(StatusCode::OK, &call.agents().entry(call.part("entry")).await?)
}

async fn write(call: Call) -> Result<Reply, Fault> {
    let mut request: WriteRequest = call.json()?;
    request.idempotency_key = call.key(request.idempotency_key)?;
    Reply::json(StatusCode::OK, &call.agents().write(call.part("entry"), request).await?)
}

async fn take(call: Call) -> Result<Reply, Fault> {
    let mut request: TakeRequest = call.json()?;
    request.idempotency_key = call.key(request.idempotency_key)?;
    Reply::json(StatusCode::OK, &call.agents().take(call.part("entry"), request).await?)
}
