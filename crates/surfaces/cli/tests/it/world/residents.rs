//! What the fake entrance knows of agents on a server.

use async_trait::async_trait;
use bottega_api::{
    AgentEventView, AgentStanding, AgentView, AnswerView, ApiError, AskRequest, DeadView,
    DeliveryClass, DeployRequest, MailView, ReceiptView, SendRequest, codes,
};
use bottega_client::Agents;
use serde_json::json;

use super::{Fake, NOW};

fn agents() -> Vec<AgentView> {
    let agent = |name: &str, state, trouble: Option<&str>| AgentView {
        name: name.into(),
        kind: "wasm greeter 0.1.0".into(),
        delivery: DeliveryClass::Durable,
        state,
        waiting: 3,
        capacity: 256,
        under_way: 2,
        handled: 1_204,
        restarts: 1,
        trouble: trouble.map(Into::into),
    };
    vec![
        agent("greeter@local", AgentStanding::Running, None),
        agent("clerk@local", AgentStanding::Failed, Some("trap: \u{1b}[31mout of fuel\nat 0x17")),
    ]
}

fn found(name: &str) -> Result<AgentView, ApiError> {
    let mut agents = agents().into_iter();
    agents
        .find(|agent| agent.name == name || agent.name.strip_suffix("@local") == Some(name))
        .ok_or_else(|| ApiError::new(codes::NO_AGENT, format!("no agent `{name}` lives here")))
}

#[async_trait]
impl Agents for Fake {
    async fn deploy(&self, request: DeployRequest) -> Result<AgentView, ApiError> {
        let DeployRequest { manifest, module, name, config } = request;
        self.note(format!("deploy {manifest:?} {module} {name:?} {config}"));
        found("greeter")
    }

    async fn list(&self) -> Result<Vec<AgentView>, ApiError> {
        Ok(if self.world.nobody { Vec::new() } else { agents() })
    }

    async fn show(&self, name: &str) -> Result<AgentView, ApiError> {
        found(name)
    }

    async fn events(&self, name: &str, limit: usize) -> Result<Vec<AgentEventView>, ApiError> {
        self.note(format!("events {name} {limit}"));
        let event = |seconds: u64, kind: &str, data| AgentEventView {
            at_ms: NOW.as_millis() + seconds * 1_000,
            kind: kind.into(),
            data,
        };
        Ok(vec![
            event(0, "agent.started", json!({"version": "0.1.0"})),
            event(7, "agent.crashed", json!({"why": "\u{1b}[2Jout of fuel"})),
        ])
    }

    async fn start(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("start {name}"));
        found(name)
    }

    async fn stop(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("stop {name}"));
        if self.world.nobody {
            self.ctrl_c.send(bottega_cli::Interrupt::CtrlC).unwrap();
            std::future::pending::<()>().await;
        }
        found(name)
    }

    async fn restart(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("restart {name}"));
        found(name)
    }

    async fn upgrade(&self, name: &str, request: DeployRequest) -> Result<AgentView, ApiError> {
        self.note(format!("upgrade {name} {} {}", request.module, request.config));
        found(name)
    }

    async fn roll_back(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("roll_back {name}"));
        found(name)
    }

    async fn remove(&self, name: &str) -> Result<(), ApiError> {
        self.note(format!("remove {name}"));
        Ok(())
    }

    async fn send(&self, request: SendRequest) -> Result<ReceiptView, ApiError> {
        let SendRequest { message, delivery, idempotency_key } = request;
        self.note(format!("send {message} {delivery:?} {idempotency_key:?}"));
        let stored = delivery == Some(DeliveryClass::Durable);
        let id = stored.then(|| "msg_01k9".to_owned());
        Ok(ReceiptView { id, repeated: idempotency_key.as_deref() == Some("known") })
    }

    async fn ask(&self, request: AskRequest) -> Result<AnswerView, ApiError> {
        self.note(format!("ask {} {:?}", request.message, request.timeout_ms));
        let content = request.message["content"].as_str().unwrap_or_default();
        let message = match content {
            "silence" => None,
            "nonsense" => Some(json!({"performative": "not-understood", "content": "what?"})),
            "number" => Some(json!({"performative": "inform", "content": {"number": 7}})),
            name => {
                let content = format!("Hello, {name}!\u{1b}[2J");
                Some(json!({"performative": "inform", "content": content}))
            }
        };
        Ok(AnswerView { message })
    }

    async fn mail(&self, _name: &str) -> Result<Vec<MailView>, ApiError> {
        let dead = DeadView {
            cause: "poison".into(),
            words: "it crashed three times at it".into(),
            at_ms: NOW.as_millis(),
        };
        let letter = |id: &str, minutes: u64, dead| MailView {
            id: id.into(),
            at_ms: NOW.as_millis() - minutes * 60_000,
            dead,
            message: json!({"performative": "inform", "content": "Ada\nand Grace"}),
        };
        let mail = vec![letter("msg_01k9", 3, None), letter("msg_01k8", 90, Some(dead))];
        Ok(if self.world.nobody { Vec::new() } else { mail })
    }

    async fn resend(&self, name: &str, id: &str) -> Result<(), ApiError> {
        self.note(format!("resend {name} {id}"));
        Ok(())
    }
}
