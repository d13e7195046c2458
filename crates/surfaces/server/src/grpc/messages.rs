//! Messages: what agents are told and asked, and how those outside hear it.

use std::sync::Arc;

use bottega_api::{
    ApiError, AskRequest, AskStepView, BatchStepView, DeadView, DeliveryClass as Class, MailView,
    Problem, ReceiptView, SaidView, SendRequest, TraceStepKind as Kind, TraceStepView, WaitingView,
    codes,
};
use futures::StreamExt as _;
use tonic::{Request, Response};

use super::wire::follow_ask_response::Step;
use super::wire::message_service_server::MessageService;
use super::wire::send_batch_response::Outcome;
use super::wire::{
    AcknowledgeRequest, AcknowledgeResponse, AclMessage, AskAgentRequest, AskAgentResponse,
    AskProgress, BatchProblem, Dead, DeliveryClass, FollowAskRequest, FollowAskResponse,
    GetConversationRequest, GetConversationResponse, GetTraceRequest, GetTraceResponse,
    ListMailRequest, ListMailResponse, Mail, ReceiveRequest, ReceiveResponse, ResendMailRequest,
    ResendMailResponse, Said, SendBatchRequest, SendBatchResponse, SendMessageRequest,
    SendMessageResponse, TraceStep, TraceStepKind,
};
use super::{Answer, Answers, Service, acl, json, time};
use crate::call::LONGEST_KEY;
use crate::endpoints::messages::{is_no_longer, is_short_enough};
use crate::follow;
use crate::paging::Page;

fn asked_step(step: AskStepView) -> FollowAskResponse {
    let step = match step {
        AskStepView::Progress { agent, event } => {
            let event = serde_json::to_value(&event).ok();
            let event = event.as_ref().and_then(json::object);
            Step::Progress(AskProgress { agent, event })
        }
        AskStepView::Missed { count } => Step::Missed(count),
        AskStepView::Answer { message } => {
            Step::Answer(AskAgentResponse { message: message.and_then(acl::message) })
        }
    };
    FollowAskResponse { step: Some(step) }
}

fn step(step: TraceStepView) -> TraceStep {
    let kind = match step.kind {
        Kind::Message => TraceStepKind::Message,
        Kind::Tender => TraceStepKind::Tender,
        Kind::Session => TraceStepKind::Session,
        Kind::Model => TraceStepKind::Model,
        Kind::Tool => TraceStepKind::Tool,
        Kind::Use => TraceStepKind::Use,
        Kind::Log => TraceStepKind::Log,
    };
    TraceStep {
        kind: kind.into(),
        depth: u32::try_from(step.depth).unwrap_or(u32::MAX),
        name: step.name,
        agent: step.agent.unwrap_or_default(),
        id: step.id.unwrap_or_default(),
        trace: step.trace,
        at: Some(time::time(step.at_ms)),
        waited: step.waited_ms.map(time::span),
        took: step.took_ms.map(time::span),
        outcome: step.outcome,
        tokens: step.tokens,
        cost_usd: step.cost_usd,
    }
}

fn wanted(request: SendMessageRequest) -> Result<SendRequest, ApiError> {
    Ok(SendRequest {
        message: given(request.message)?,
        delivery: class(request.delivery)?,
        idempotency_key: key(request.idempotency_key)?,
    })
}

fn receipt(receipt: ReceiptView) -> SendMessageResponse {
    SendMessageResponse { id: receipt.id, already_stored: receipt.repeated }
}

fn batch_step(step: BatchStepView) -> SendBatchResponse {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let problem = |problem: Problem| BatchProblem {
        code: problem.code,
        detail: problem.detail,
        next_step: problem.next_step,
    };
    let outcome = match (step.receipt, step.problem) {
        (Some(taken_in), _) => Some(Outcome::Receipt(receipt(taken_in))),
        (None, refused) => refused.map(problem).map(Outcome::Problem),
    };
    SendBatchResponse {
        index: count(step.index),
        done: count(step.done),
        of: count(step.of),
        outcome,
    }
}

fn given(message: Option<AclMessage>) -> Result<serde_json::Value, ApiError> {
    message.map(acl::value).ok_or_else(|| {
        ApiError::new(codes::MALFORMED, "there is no `message`")
            .step("send one, with its `performative` and its `receivers`")
    })
}

pub(super) fn key(key: String) -> Result<Option<String>, ApiError> {
    if key.len() > LONGEST_KEY {
        let why = format!("`idempotency_key` has {LONGEST_KEY} bytes at most");
        return Err(ApiError::new(codes::MALFORMED, why).step("choose a shorter one"));
    }
    Ok(super::said(key))
}

pub(super) fn class(class: i32) -> Result<Option<Class>, ApiError> {
    match DeliveryClass::try_from(class) {
        Ok(DeliveryClass::Unspecified) => Ok(None),
        Ok(DeliveryClass::Transient) => Ok(Some(Class::Transient)),
        Ok(DeliveryClass::Durable) => Ok(Some(Class::Durable)),
        Err(_) => {
            let why = format!("there is no way {class} to keep a message");
            Err(ApiError::new(codes::MALFORMED, why)
                .step("choose transient or durable, or neither"))
        }
    }
}

fn mail(view: MailView) -> Mail {
    let dead =
        |DeadView { cause, words, at_ms }| Dead { cause, words, at: Some(time::time(at_ms)) };
    Mail {
        id: view.id,
        at: Some(time::time(view.at_ms)),
        dead: view.dead.map(dead),
        message: acl::message(view.message),
    }
}

fn said(view: SaidView) -> Said {
    Said { id: view.id, at: Some(time::time(view.at_ms)), message: acl::message(view.message) }
}

fn waiting(view: WaitingView) -> ReceiveResponse {
    ReceiveResponse {
        number: view.number,
        id: view.id,
        message: acl::message(view.message),
        traceparent: view.traceparent,
    }
}

#[tonic::async_trait]
impl MessageService for Service {
    type SendBatchStream = Answers<SendBatchResponse>;
    type FollowAskStream = Answers<FollowAskResponse>;
    type ReceiveStream = Answers<ReceiveResponse>;

    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Answer<SendMessageResponse> {
        let sent = async { self.agents().send(wanted(request.into_inner())?).await };
        self.give(sent.await.map(receipt))
    }

    async fn send_batch(
        &self,
        request: Request<SendBatchRequest>,
    ) -> Answer<Self::SendBatchStream> {
        let SendBatchRequest { messages } = request.into_inner();
        let read = is_no_longer(messages.len())
            .and_then(|()| messages.into_iter().map(wanted).collect::<Result<Vec<_>, _>>());
        let messages = read.map_err(|error| self.refused(error))?;
        let sent = follow::sent(Arc::clone(&self.0), messages);
        Ok(Response::new(sent.map(|step| Ok(batch_step(step))).boxed()))
    }

    async fn ask_agent(&self, request: Request<AskAgentRequest>) -> Answer<AskAgentResponse> {
        let AskAgentRequest { message, timeout } = request.into_inner();
        let asked = async {
            let message = given(message)?;
            let span = timeout.map(|span| time::milliseconds("timeout", span)).transpose()?;
            let request = AskRequest { message, timeout_ms: span };
            is_short_enough(&request, self.0.limits.long, "timeout")?;
            self.agents().ask(request).await
        };
        self.give(
            asked
                .await
                .map(|answer| AskAgentResponse { message: answer.message.and_then(acl::message) }),
        )
    }

    async fn follow_ask(
        &self,
        request: Request<FollowAskRequest>,
    ) -> Answer<Self::FollowAskStream> {
        let FollowAskRequest { message, timeout } = request.into_inner();
        let asked = async {
            let message = given(message)?;
            let span = timeout.map(|span| time::milliseconds("timeout", span)).transpose()?;
            self.agents().ask_following(AskRequest { message, timeout_ms: span }).await
        };
        let steps = asked.await.map_err(|error| self.refused(error))?;
        Ok(Response::new(self.follow(follow::asked(Arc::clone(&self.0), steps), asked_step)))
    }

    async fn list_mail(&self, request: Request<ListMailRequest>) -> Answer<ListMailResponse> {
        let ListMailRequest { name, page_size, page_token } = request.into_inner();
        let listed = async {
            let page = Page::called(page_size, page_token)?;
            let mail = self.agents().mail_after(&name, page.after()?, page.wants()).await?;
            Ok::<_, ApiError>(page.placed(mail))
        };
        self.give(listed.await.map(|cut| ListMailResponse {
            mail: cut.shown.into_iter().map(mail).collect(),
            next_page_token: cut.next.unwrap_or_default(),
        }))
    }

    async fn resend_mail(&self, request: Request<ResendMailRequest>) -> Answer<ResendMailResponse> {
        let ResendMailRequest { name, id } = request.into_inner();
        self.give(self.agents().resend(&name, &id).await.map(|()| ResendMailResponse {}))
    }

    async fn get_conversation(
        &self,
        request: Request<GetConversationRequest>,
    ) -> Answer<GetConversationResponse> {
        let GetConversationRequest { id, page_size, page_token } = request.into_inner();
        let listed = async {
            let page = Page::called(page_size, page_token)?;
            page.next(self.agents().conversation(&id).await?)
        };
        self.give(listed.await.map(|cut| GetConversationResponse {
            said: cut.shown.into_iter().map(said).collect(),
            next_page_token: cut.next.unwrap_or_default(),
        }))
    }

    async fn get_trace(&self, request: Request<GetTraceRequest>) -> Answer<GetTraceResponse> {
        let traced = self.agents().trace(&request.into_inner().id).await;
        self.give(traced.map(|trace| GetTraceResponse {
            traces: trace.traces,
            steps: trace.steps.into_iter().map(step).collect(),
            took: Some(time::span(trace.took_ms)),
            tokens: trace.tokens,
            cost_usd: trace.cost_usd,
            cut: trace.cut,
        }))
    }

    async fn receive(&self, request: Request<ReceiveRequest>) -> Answer<Self::ReceiveStream> {
        let name = request.into_inner().name;
        // Whoever has no inbox is told so at once.
        if let Err(error) = self.agents().inbox(&name, 0).await {
            return Err(self.refused(error));
        }
        Ok(Response::new(self.follow(follow::inbox(Arc::clone(&self.0), name), waiting)))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Answer<AcknowledgeResponse> {
        let AcknowledgeRequest { name, number } = request.into_inner();
        let done = self.agents().acknowledge(&name, number).await;
        self.0.acknowledged.notify_waiters();
        self.give(done.map(|()| AcknowledgeResponse {}))
    }
}
