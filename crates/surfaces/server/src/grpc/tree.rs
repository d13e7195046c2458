//! The tree: everything that lives here, and what it takes.

use bottega_api::{ActorState as Stands, ActorView, TreeView};
use tonic::Request;

use super::agents::agent;
use super::wire::tree_service_server::TreeService;
use super::wire::{Actor, ActorState, GetTreeRequest, Tree};
use super::{Answer, Service, time};

fn tree(view: TreeView) -> Tree {
    Tree {
        version: view.version,
        at: Some(time::time(view.at_ms)),
        begun_at: Some(time::time(view.begun_ms)),
        memory_bytes: view.memory_bytes,
        actors: view.actors.into_iter().map(actor).collect(),
        absent: view.absent.into_iter().map(agent).collect(),
    }
}

fn actor(view: ActorView) -> Actor {
    let state = match view.state {
        Stands::Starting => ActorState::Starting,
        Stands::Running => ActorState::Running,
        Stands::Stopping => ActorState::Stopping,
        Stands::Resting => ActorState::Resting,
        Stands::Stopped => ActorState::Stopped,
        Stands::Failed => ActorState::Failed,
    };
    Actor {
        id: view.id,
        parent: view.parent,
        name: view.name,
        kind: view.kind,
        agent: view.agent,
        state: state.into(),
        waiting: view.waiting as u64,
        capacity: view.capacity as u64,
        under_way: view.under_way.map(|under_way| under_way as u64),
        handled: view.handled,
        restarts: view.restarts,
        begun_at: view.begun_ms.map(time::time),
        trouble: view.trouble,
        memory_bytes: view.memory_bytes,
        cost_usd: view.cost_usd,
    }
}

#[tonic::async_trait]
impl TreeService for Service {
    async fn get_tree(&self, _: Request<GetTreeRequest>) -> Answer<Tree> {
        self.give(self.agents().tree().await.map(tree))
    }
}
