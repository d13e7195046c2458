//! Messages: what agents are told and asked.

use std::time::Duration;

use axum::http::StatusCode;
use bottega_api::{AnswerView, ApiError, AskRequest, ReceiptView, SendRequest, codes};

use super::{Access, Endpoint, Gives, Group, Parameter, Patience, Size, Takes, Verb, schema};
use crate::call::{Call, IDEMPOTENCY_KEY, Reply};
use crate::fault::Fault;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        verb: Verb::Post,
        path: "/v1/messages",
        name: "sendMessage",
        group: Group::Messages,
        summary: "Sends a message",
        access: Access::Token,
        patience: Patience::Usual,
        parameters: &[Parameter {
            name: IDEMPOTENCY_KEY,
            place: "header",
            about: "Names the message, so that it is stored once however often it is sent; instead of the field of the body.",
            schema: schema::<String>,
        }],
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
        path: "/v1/messages/ask",
        name: "askAgent",
        group: Group::Messages,
        summary: "Sends a message and waits for the first answer",
        access: Access::Token,
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
];

async fn send(call: Call) -> Result<Reply, Fault> {
    let mut request: SendRequest = call.json()?;
    match (call.idempotency_key()?, &request.idempotency_key) {
        (Some(header), Some(body)) if header != *body => {
            let why = "the header `Idempotency-Key` and the body name the message differently";
            let error = ApiError::new(codes::MALFORMED, why).step("say it in one of them");
            return Err(error.into());
        }
        (Some(header), _) => request.idempotency_key = Some(header),
        (None, _) => {}
    }
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

async fn ask(call: Call) -> Result<Reply, Fault> {
    let request: AskRequest = call.json()?;
    is_short_enough(&request, call.desk.limits.long, "timeout_ms")?;
    Reply::json(StatusCode::OK, &call.agents().ask(request).await?)
}
