//! Messages: what agents are told and asked.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use bottega_api::{
    AnswerView, ApiError, AskRequest, AskStepView, BatchRequest, BatchStepView, ReceiptView,
    SendRequest, codes,
};
use futures::StreamExt as _;

use super::{Access, Endpoint, Gives, Group, KEY, Patience, Size, Takes, Verb, schema};
use crate::answer::no_room;
use crate::call::{Call, LONGEST_KEY, Reply};
use crate::fault::Fault;
use crate::principal::Needs;
use crate::{follow, sse};

/// Messages of a batch at most.
const BATCH: usize = 1_000;
/// A line of JSON for each thing.
const LINES: &str = "application/x-ndjson";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        verb: Verb::Post,
        path: "/v1/messages",
        name: "sendMessage",
        group: Group::Messages,
        summary: "Sends a message",
        access: Access::Token,
        needs: Needs::Speak,
        patience: Patience::Usual,
        parameters: &[KEY],
        takes: Some(Takes {
            schema: schema::<SendRequest>,
            example: r#"{
  "message": { "performative": "inform", "receiver": ["greeter@local"], "content": "Ada" },
  "delivery": "durable",
  "idempotency_key": "order-17"
}"#,
            largest: Size::Usual,
        }),
        gives: Gives::json(StatusCode::ACCEPTED, "It was taken in.", schema::<ReceiptView>),
        refuses: &[StatusCode::NOT_FOUND, StatusCode::CONFLICT],
        otherwise: None,
        run: |call| Box::pin(send(call)),
    },
    Endpoint {
        verb: Verb::Post,
        path: "/v1/messages/batch",
        name: "sendBatch",
        group: Group::Messages,
        summary: "Sends messages one after the other, and tells of each as soon as it is dealt with",
        access: Access::Token,
        needs: Needs::Speak,
        patience: Patience::Usual,
        parameters: &[],
        takes: Some(Takes {
            schema: schema::<BatchRequest>,
            example: r#"{
  "messages": [
    { "message": { "performative": "inform", "receiver": ["greeter@local"], "content": "Ada" }, "idempotency_key": "a-1" },
    { "message": { "performative": "inform", "receiver": ["greeter@local"], "content": "Bob" }, "idempotency_key": "a-2" }
  ]
}"#,
            largest: Size::Usual,
        }),
        gives: Gives {
            status: StatusCode::OK,
            about: "A line of JSON for each message, in their order.",
            media: LINES,
            schema: Some(schema::<BatchStepView>),
        },
        refuses: &[],
        otherwise: None,
        run: |call| Box::pin(batch(call)),
    },
    Endpoint {
        verb: Verb::Post,
        path: "/v1/messages/ask",
        name: "askAgent",
        group: Group::Messages,
        summary: "Sends a message and waits for the first answer",
        access: Access::Token,
        needs: Needs::Speak,
        patience: Patience::Long,
        parameters: &[],
        takes: Some(Takes {
            schema: schema::<AskRequest>,
            example: r#"{
  "message": { "performative": "request", "receiver": ["greeter@local"], "content": "Ada" },
  "timeout_ms": 30000
}"#,
            largest: Size::Usual,
        }),
        gives: Gives::json(
            StatusCode::OK,
            "The answer, or null when none came in time.",
            schema::<AnswerView>,
        ),
        refuses: &[StatusCode::NOT_FOUND, StatusCode::CONFLICT],
        otherwise: None,
        run: |call| Box::pin(ask(call)),
    },
    Endpoint {
        verb: Verb::Post,
        path: "/v1/messages/ask/stream",
        name: "followAsk",
        group: Group::Messages,
        summary: "Sends a message, tells what agents that models play do about it, and at last the first answer",
        access: Access::Token,
        needs: Needs::Speak,
        patience: Patience::Usual,
        parameters: &[],
        takes: Some(Takes {
            schema: schema::<AskRequest>,
            example: r#"{
  "message": { "performative": "request", "receiver": ["scout@local"], "content": "What is new?" },
  "timeout_ms": 300000
}"#,
            largest: Size::Usual,
        }),
        gives: Gives {
            status: StatusCode::OK,
            about: "Server-sent events `step`, each with its number as `id`; the answer is the last.",
            media: sse::MEDIA,
            schema: Some(schema::<AskStepView>),
        },
        refuses: &[],
        otherwise: None,
        run: |call| Box::pin(follow_ask(call)),
    },
];

async fn send(call: Call) -> Result<Reply, Fault> {
    let mut request: SendRequest = call.json()?;
    request.idempotency_key = call.key(request.idempotency_key)?;
    Reply::json(StatusCode::ACCEPTED, &call.agents().send(request).await?)
}

/// Refuses to wait so long for an answer that the request itself, which lasts `longest`, could end first.
pub(crate) fn is_short_enough(
    request: &AskRequest,
    longest: Duration,
    field: &str,
) -> Result<(), ApiError> {
    let most = longest / 2;
    if request.timeout_ms.is_none_or(|ms| Duration::from_millis(ms) <= most) {
        return Ok(());
    }
    let why = format!("an answer is waited for {} s at most", most.as_secs());
    let step = format!("lower `{field}`, or send the message and look for the answer later");
    Err(ApiError::new(codes::MALFORMED, why).step(step))
}

async fn batch(call: Call) -> Result<Reply, Fault> {
    let BatchRequest { messages } = call.json()?;
    is_no_longer(messages.len())?;
    if let Some(long) = messages.iter().position(|it| !is_key_short(it)) {
        let why = format!("message {long}: an idempotency key has 1 to {LONGEST_KEY} characters");
        return Err(ApiError::new(codes::MALFORMED, why).into());
    }
    let place = Arc::clone(&call.desk.streams_at_once).try_acquire_owned();
    let place = place.map_err(|_| no_room())?;
    let told = follow::sent(Arc::clone(&call.desk), messages).map(move |step| {
        let _kept = &place;
        Bytes::from(serde_json::to_string(&step).unwrap_or_default() + "\n")
    });
    Ok(Reply::going_on(LINES, told.boxed()))
}

/// Whether so many messages may be sent at once.
pub(crate) fn is_no_longer(messages: usize) -> Result<(), ApiError> {
    if (1..=BATCH).contains(&messages) {
        return Ok(());
    }
    let why = format!("a batch has 1 to {BATCH} messages, not {messages}");
    Err(ApiError::new(codes::MALFORMED, why).step("send several batches, one after the other"))
}

fn is_key_short(request: &SendRequest) -> bool {
    request.idempotency_key.as_deref().is_none_or(|key| (1..=LONGEST_KEY).contains(&key.len()))
}

async fn ask(call: Call) -> Result<Reply, Fault> {
    let request: AskRequest = call.json()?;
    is_short_enough(&request, call.desk.limits.long, "timeout_ms")?;
    Reply::json(StatusCode::OK, &call.agents().ask(request).await?)
}

async fn follow_ask(call: Call) -> Result<Reply, Fault> {
    let steps = call.agents().ask_following(call.json()?).await?;
    let mut number = 0;
    let told = follow::asked(Arc::clone(&call.desk), steps).map(move |step| {
        number += 1;
        step.map(|step| (number, "step", step))
    });
    sse::reply(&call, told)
}
