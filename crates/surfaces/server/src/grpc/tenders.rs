//! Tenders: tasks that agents bid for.

use std::sync::Arc;

use bottega_api::{
    ApiError, BidView, ReputationView, TenderRequest, TenderStanding, TenderView, codes,
};
use tonic::{Request, Response};

use super::wire::tender_service_server::TenderService;
use super::wire::{
    Bid, CancelTenderRequest, CloseTenderRequest, FollowTenderEventsRequest,
    FollowTenderEventsResponse, GetTenderRequest, ListReputationRequest, ListReputationResponse,
    ListTenderEventsRequest, ListTenderEventsResponse, ListTendersRequest, ListTendersResponse,
    OpenTenderRequest, Reputation, Tender, TenderState,
};
use super::{Answer, Answers, Service, agents::event, time};
use crate::endpoints::tenders::limit;
use crate::follow;
use crate::paging::{Order, Page};

fn tender(view: TenderView) -> Tender {
    let state = match view.state {
        TenderStanding::Bidding => TenderState::Bidding,
        TenderStanding::Working => TenderState::Working,
        TenderStanding::Done => TenderState::Done,
        TenderStanding::NoBids => TenderState::NoBids,
        TenderStanding::Exhausted => TenderState::Exhausted,
        TenderStanding::Cancelled => TenderState::Cancelled,
    };
    Tender {
        id: view.id,
        conversation: view.conversation,
        by: view.by,
        task: view.task,
        skill: view.skill,
        budget_usd: view.budget_usd,
        rule: view.rule,
        state: state.into(),
        opened_at: Some(time::time(view.opened_ms)),
        ended_at: view.ended_ms.map(time::time),
        called: view.called,
        bids: view.bids.into_iter().map(bid).collect(),
        winner: view.winner,
        pay_usd: view.pay_usd,
        awards: view.awards,
        result: view.result,
    }
}

fn bid(view: BidView) -> Bid {
    Bid {
        by: view.by,
        price_usd: view.price_usd,
        takes: Some(time::span(view.takes_ms)),
        confidence: view.confidence,
        at: Some(time::time(view.at_ms)),
        fate: view.fate,
    }
}

fn reputation(view: ReputationView) -> Reputation {
    Reputation {
        agent: view.agent,
        skill: view.skill,
        done: view.done,
        failed: view.failed,
        success: view.success,
        price_ratio: view.price_ratio,
        time_ratio: view.time_ratio,
    }
}

fn order(request: OpenTenderRequest) -> Result<TenderRequest, ApiError> {
    let rounds = request.rounds.map(u8::try_from).transpose().map_err(|_| {
        ApiError::new(codes::MALFORMED, "`rounds` is 1 to 16").step("ask for fewer rounds")
    })?;
    let span =
        |field, span: Option<_>| span.map(|span| time::milliseconds(field, span)).transpose();
    Ok(TenderRequest {
        task: request.task,
        skill: request.skill,
        needs: request.needs,
        budget_usd: request.budget_usd,
        within_ms: span("within", request.within)?,
        rule: super::said(request.rule),
        bidding_ms: span("bidding", request.bidding)?,
        rounds,
        reserve: request.reserve.map(|reserve| reserve as usize),
        hour_usd: request.hour_usd,
        among: Some(request.among).filter(|among| !among.is_empty()),
        idempotency_key: super::messages::key(request.idempotency_key)?,
    })
}

#[tonic::async_trait]
impl TenderService for Service {
    type FollowTenderEventsStream = Answers<FollowTenderEventsResponse>;

    async fn open_tender(&self, request: Request<OpenTenderRequest>) -> Answer<Tender> {
        let request = request.into_inner();
        let opened = async { self.agents().open_tender(order(request)?).await };
        self.give(opened.await.map(tender))
    }

    async fn list_tenders(
        &self,
        request: Request<ListTendersRequest>,
    ) -> Answer<ListTendersResponse> {
        let ListTendersRequest { limit: wanted, page_token } = request.into_inner();
        let tenders = async {
            let limit = limit(Some(wanted as usize).filter(|wanted| *wanted > 0))?;
            let page = Page::called(i32::try_from(limit).unwrap_or(i32::MAX), page_token)?;
            let tenders = self.agents().tenders(page.needs(), page.cursor()).await?;
            // Their ids are sorted by age, and the newest come first.
            Ok::<_, ApiError>(page.cut(tenders, |tender| tender.id.clone(), Order::Falling))
        };
        self.give(tenders.await.map(|cut| ListTendersResponse {
            tenders: cut.shown.into_iter().map(tender).collect(),
            next_page_token: cut.next.unwrap_or_default(),
        }))
    }

    async fn get_tender(&self, request: Request<GetTenderRequest>) -> Answer<Tender> {
        self.give(self.agents().tender(&request.into_inner().id).await.map(tender))
    }

    async fn list_tender_events(
        &self,
        request: Request<ListTenderEventsRequest>,
    ) -> Answer<ListTenderEventsResponse> {
        let events = self.agents().tender_events(&request.into_inner().id).await;
        self.give(events.map(|events| ListTenderEventsResponse {
            events: events.into_iter().map(event).collect(),
        }))
    }

    async fn follow_tender_events(
        &self,
        request: Request<FollowTenderEventsRequest>,
    ) -> Answer<Self::FollowTenderEventsStream> {
        let FollowTenderEventsRequest { id, after } = request.into_inner();
        // What is not there is told of at once.
        if let Err(error) = self.agents().tender(&id).await {
            return Err(self.refused(error));
        }
        let events = follow::events(Arc::clone(&self.0), follow::What::Tender(id), after);
        Ok(Response::new(self.follow(events, |(number, view)| FollowTenderEventsResponse {
            number,
            event: Some(event(view)),
        })))
    }

    async fn close_tender(&self, request: Request<CloseTenderRequest>) -> Answer<Tender> {
        self.give(self.agents().close_tender(&request.into_inner().id).await.map(tender))
    }

    async fn cancel_tender(&self, request: Request<CancelTenderRequest>) -> Answer<Tender> {
        self.give(self.agents().cancel_tender(&request.into_inner().id).await.map(tender))
    }

    async fn list_reputation(
        &self,
        _: Request<ListReputationRequest>,
    ) -> Answer<ListReputationResponse> {
        let all = self.agents().reputation().await;
        self.give(all.map(|all| ListReputationResponse {
            reputation: all.into_iter().map(reputation).collect(),
        }))
    }
}
