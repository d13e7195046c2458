//! Agents: their life, and what became of it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bottega_api::{
    AgentEventView, AgentStanding, AgentView, ApiError, DeliveryClass as Class, DeployRequest,
};
use serde_json::Value;
use tonic::{Request, Response};

use super::wire::agent_service_server::AgentService;
use super::wire::{
    Agent, AgentState, DeliveryClass, DeployAgentRequest, Event, FollowAgentEventsRequest,
    FollowAgentEventsResponse, GetAgentRequest, ListAgentEventsRequest, ListAgentEventsResponse,
    ListAgentsRequest, ListAgentsResponse, RemoveAgentRequest, RemoveAgentResponse,
    RestartAgentRequest, RollBackAgentRequest, StartAgentRequest, StopAgentRequest,
    UpgradeAgentRequest,
};
use super::{Answer, Answers, Service, json, time};
use crate::endpoints::agents::limit;
use crate::follow;
use crate::paging::{Cut, Order, Page};

pub(super) fn agent(view: AgentView) -> Agent {
    let state = match view.state {
        AgentStanding::Starting => AgentState::Starting,
        AgentStanding::Running => AgentState::Running,
        AgentStanding::Resting => AgentState::Resting,
        AgentStanding::Stopped => AgentState::Stopped,
        AgentStanding::Failed => AgentState::Failed,
    };
    let delivery = match view.delivery {
        Class::Transient => DeliveryClass::Transient,
        Class::Durable => DeliveryClass::Durable,
    };
    Agent {
        name: view.name,
        kind: view.kind,
        delivery: delivery.into(),
        state: state.into(),
        waiting: view.waiting as u64,
        capacity: view.capacity as u64,
        under_way: view.under_way as u64,
        handled: view.handled,
        restarts: view.restarts,
        trouble: view.trouble,
        memory_bytes: view.memory_bytes,
        cost_usd: view.cost_usd,
    }
}

pub(super) fn event(view: AgentEventView) -> Event {
    Event { at: Some(time::time(view.at_ms)), kind: view.kind, data: json::object(&view.data) }
}

fn deployment(
    manifest: String,
    module: &[u8],
    name: Option<String>,
    config: Option<prost_types::Struct>,
) -> DeployRequest {
    let config = config.map_or(Value::Null, json::value);
    DeployRequest { manifest, module: STANDARD.encode(module), name, config }
}

#[tonic::async_trait]
impl AgentService for Service {
    type FollowAgentEventsStream = Answers<FollowAgentEventsResponse>;

    async fn deploy_agent(&self, request: Request<DeployAgentRequest>) -> Answer<Agent> {
        let DeployAgentRequest { manifest, module, name, config } = request.into_inner();
        let request = deployment(manifest, &module, super::said(name), config);
        drop(module);
        self.give(self.agents().deploy(request).await.map(agent))
    }

    async fn list_agents(&self, request: Request<ListAgentsRequest>) -> Answer<ListAgentsResponse> {
        let ListAgentsRequest { page_size, page_token } = request.into_inner();
        let listed = async {
            let page = Page::called(page_size, page_token)?;
            let agents = self.agents().list().await?;
            Ok::<_, ApiError>(page.cut(agents, |agent| agent.name.clone(), Order::Rising))
        };
        self.give(listed.await.map(|cut| ListAgentsResponse {
            agents: cut.shown.into_iter().map(agent).collect(),
            next_page_token: cut.next.unwrap_or_default(),
        }))
    }

    async fn get_agent(&self, request: Request<GetAgentRequest>) -> Answer<Agent> {
        self.give(self.agents().show(&request.into_inner().name).await.map(agent))
    }

    async fn start_agent(&self, request: Request<StartAgentRequest>) -> Answer<Agent> {
        self.give(self.agents().start(&request.into_inner().name).await.map(agent))
    }

    async fn stop_agent(&self, request: Request<StopAgentRequest>) -> Answer<Agent> {
        self.give(self.agents().stop(&request.into_inner().name).await.map(agent))
    }

    async fn restart_agent(&self, request: Request<RestartAgentRequest>) -> Answer<Agent> {
        self.give(self.agents().restart(&request.into_inner().name).await.map(agent))
    }

    async fn upgrade_agent(&self, request: Request<UpgradeAgentRequest>) -> Answer<Agent> {
        let UpgradeAgentRequest { name, manifest, module, config } = request.into_inner();
        let request = deployment(manifest, &module, None, config);
        drop(module);
        self.give(self.agents().upgrade(&name, request).await.map(agent))
    }

    async fn roll_back_agent(&self, request: Request<RollBackAgentRequest>) -> Answer<Agent> {
        self.give(self.agents().roll_back(&request.into_inner().name).await.map(agent))
    }

    async fn remove_agent(
        &self,
        request: Request<RemoveAgentRequest>,
    ) -> Answer<RemoveAgentResponse> {
        let removed = self.agents().remove(&request.into_inner().name).await;
        self.give(removed.map(|()| RemoveAgentResponse {}))
    }

    async fn list_agent_events(
        &self,
        request: Request<ListAgentEventsRequest>,
    ) -> Answer<ListAgentEventsResponse> {
        let ListAgentEventsRequest { name, limit: wanted, page_size, page_token } =
            request.into_inner();
        let listed = async {
            if page_size == 0 && page_token.is_empty() {
                let limit = limit(Some(wanted as usize).filter(|wanted| *wanted > 0))?;
                let shown = self.agents().events(&name, limit).await?;
                return Ok(Cut { shown, next: None });
            }
            let page = Page::called(page_size, page_token)?;
            let after = page.after()?;
            let events = self.agents().events_after(&name, after, page.wants()).await?;
            Ok::<_, ApiError>(page.placed((after.saturating_add(1)..).zip(events).collect()))
        };
        self.give(listed.await.map(|cut| ListAgentEventsResponse {
            events: cut.shown.into_iter().map(event).collect(),
            next_page_token: cut.next.unwrap_or_default(),
        }))
    }

    async fn follow_agent_events(
        &self,
        request: Request<FollowAgentEventsRequest>,
    ) -> Answer<Self::FollowAgentEventsStream> {
        let FollowAgentEventsRequest { name, after } = request.into_inner();
        // Whoever is not there is told of at once.
        if let Err(error) = self.agents().show(&name).await {
            return Err(self.refused(error));
        }
        let events = follow::events(Arc::clone(&self.0), follow::What::Agent(name), after);
        Ok(Response::new(self.follow(events, |(number, view)| FollowAgentEventsResponse {
            number,
            event: Some(event(view)),
        })))
    }
}
