//! Tenders: tasks that agents bid for, and what they said about them.

use std::sync::Arc;

use axum::http::StatusCode;
use bottega_api::{
    AgentEventView, ApiError, ReputationView, SaidView, TenderRequest, TenderView, TraceView, codes,
};

use futures::StreamExt as _;

use super::{Endpoint, Gives, Group, KEY, Parameter, Run, Size, Takes, Verb, schema};
use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::paging::{AFTER, LIMIT, Order, Page};
use crate::principal::Needs;
use crate::{follow, sse};

/// Tenders that are shown where the query says nothing.
const TENDERS: usize = 50;
/// Tenders that are shown at most.
const MOST: usize = 1_000;

const TENDER: Gives =
    Gives::json(StatusCode::OK, "The tender, as it is now.", schema::<TenderView>);

const fn get(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    gives: Gives,
    run: Run,
) -> Endpoint {
    Endpoint::get(Group::Tenders, path, name, summary, gives, run)
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        parameters: &[KEY],
        takes: Some(Takes {
            schema: schema::<TenderRequest>,
            example: r#"{
  "task": "greet Ada",
  "skill": "greeting",
  "budget_usd": 0.25,
  "rule": "cheapest",
  "bidding_ms": 5000
}"#,
            largest: Size::Usual,
        }),
        ..get(
            "/v1/tenders",
            "openTender",
            "Puts a task out to tender among the agents that offer the skill",
            Gives::json(StatusCode::CREATED, "The tender, open for bids.", schema::<TenderView>),
            |call| Box::pin(open(call)),
        )
    },
    Endpoint {
        parameters: &[
            Parameter {
                name: "limit",
                place: "query",
                about: "The latest so many: 1 to 1,000, and 50 when absent.",
                schema: schema::<u32>,
            },
            AFTER,
        ],
        refuses: &[StatusCode::BAD_REQUEST],
        ..get(
            "/v1/tenders",
            "listTenders",
            "The latest tenders, the newest first",
            Gives::json(StatusCode::OK, "The tenders.", schema::<Vec<TenderView>>),
            |call| Box::pin(list(call)),
        )
    },
    get("/v1/tenders/{id}", "showTender", "One tender", TENDER, |call| Box::pin(show(call))),
    Endpoint {
        parameters: &[LIMIT, AFTER],
        refuses: &[StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST],
        ..get(
            "/v1/tenders/{id}/events",
            "listTenderEvents",
            "What happened to a tender, in order",
            Gives::json(StatusCode::OK, "The events.", schema::<Vec<AgentEventView>>),
            |call| Box::pin(events(call)),
        )
    },
    Endpoint {
        parameters: sse::SEEN,
        ..get(
            "/v1/tenders/{id}/events/stream",
            "followTenderEvents",
            "What happened to a tender, and what happens from now on, until it is over",
            Gives::text(sse::MEDIA, "Server-sent events `event`, each with its number as `id`."),
            |call| Box::pin(follow_events(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        refuses: &[StatusCode::NOT_FOUND, StatusCode::CONFLICT],
        ..get("/v1/tenders/{id}/close", "closeTender", "Waits for no more bids", TENDER, |call| {
            Box::pin(close(call))
        })
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        refuses: &[StatusCode::NOT_FOUND, StatusCode::CONFLICT],
        ..get(
            "/v1/tenders/{id}/cancel",
            "cancelTender",
            "Withdraws the task; whoever works on it is told to stop",
            TENDER,
            |call| Box::pin(cancel(call)),
        )
    },
    Endpoint {
        refuses: &[],
        ..get(
            "/v1/reputation",
            "listReputation",
            "What is known of everybody who was ever awarded",
            Gives::json(StatusCode::OK, "By agent and skill.", schema::<Vec<ReputationView>>),
            |call| Box::pin(reputation(call)),
        )
    },
    Endpoint {
        group: Group::Messages,
        parameters: &[LIMIT, AFTER],
        refuses: &[StatusCode::BAD_REQUEST],
        ..get(
            "/v1/conversations/{id}",
            "showConversation",
            "The messages of a conversation that were stored, in order",
            Gives::json(
                StatusCode::OK,
                "The messages; none of a conversation that is not known.",
                schema::<Vec<SaidView>>,
            ),
            |call| Box::pin(conversation(call)),
        )
    },
    Endpoint {
        group: Group::Messages,
        refuses: &[],
        ..get(
            "/v1/traces/{id}",
            "showTrace",
            "What one request caused, step by step: by the trace's name, a conversation or a tender",
            Gives::json(
                StatusCode::OK,
                "The steps, as far as they were stored; none of a trace that is not known.",
                schema::<TraceView>,
            ),
            |call| Box::pin(trace(call)),
        )
    },
];

async fn open(call: Call) -> Result<Reply, Fault> {
    let mut request: TenderRequest = call.json()?;
    request.idempotency_key = call.key(request.idempotency_key)?;
    let tender = call.agents().open_tender(request).await?;
    let reply = Reply::json(StatusCode::CREATED, &tender)?;
    Ok(reply.at(format!("/v1/tenders/{}", tender.id)))
}

/// How many tenders are to be shown.
pub(crate) fn limit(wanted: Option<usize>) -> Result<usize, ApiError> {
    let limit = wanted.unwrap_or(TENDERS);
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    let why = format!("`limit` is 1 to {MOST}, not {limit}");
    Err(ApiError::new(codes::USAGE, why).step("name a number of that range"))
}

async fn list(call: Call) -> Result<Reply, Fault> {
    let page = Page::of(&call.query(&["cursor"], &["limit"])?, TENDERS)?;
    let tenders = call.agents().tenders(page.needs(), page.cursor()).await?;
    // Their ids are sorted by age, and the newest come first.
    page.reply(&call, tenders, |tender| tender.id.clone(), Order::Falling)
}

async fn show(call: Call) -> Result<Reply, Fault> {
    Reply::json(StatusCode::OK, &call.agents().tender(call.part("id")).await?)
}

async fn events(call: Call) -> Result<Reply, Fault> {
    let page = Page::of(&call.query(&["cursor"], &["limit"])?, MOST)?;
    page.growing(&call, call.agents().tender_events(call.part("id")).await?)
}

async fn follow_events(call: Call) -> Result<Reply, Fault> {
    let (id, query) = (call.part("id").to_owned(), call.query(&[], &["after"])?);
    let after = sse::seen(&call.headers, query.number("after"))?;
    // What is not there is told of at once.
    call.agents().tender(&id).await?;
    let events = follow::events(Arc::clone(&call.desk), follow::What::Tender(id), after);
    sse::reply(&call, events.map(|told| told.map(|(number, event)| (number, "event", event))))
}

async fn close(call: Call) -> Result<Reply, Fault> {
    Reply::json(StatusCode::OK, &call.agents().close_tender(call.part("id")).await?)
}

async fn cancel(call: Call) -> Result<Reply, Fault> {
    Reply::json(StatusCode::OK, &call.agents().cancel_tender(call.part("id")).await?)
}

async fn reputation(call: Call) -> Result<Reply, Fault> {
    Reply::json(StatusCode::OK, &call.agents().reputation().await?)
}

async fn trace(call: Call) -> Result<Reply, Fault> {
    Reply::json(StatusCode::OK, &call.agents().trace(call.part("id")).await?)
}

async fn conversation(call: Call) -> Result<Reply, Fault> {
    let page = Page::of(&call.query(&["cursor"], &["limit"])?, MOST)?;
    page.growing(&call, call.agents().conversation(call.part("id")).await?)
}
