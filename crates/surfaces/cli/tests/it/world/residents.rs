//! What the fake entrance knows of agents on a server.

use async_trait::async_trait;
use bottega_api::{
    ActorState, ActorView, AgentEventView, AgentStanding, AgentView, AnswerView, ApiError,
    AskRequest, AskStepView, BidView, DeadView, DeliveryClass, DeployRequest, EntryView, InboxView,
    MailView, MissedView, PublishRequest, PublishedView, ReceiptView, ReputationView, RunEvent,
    SaidView, SendRequest, SubscribeRequest, SubscriptionView, TakeRequest, TenderRequest,
    TenderStanding, TenderView, TraceStepKind, TraceStepView, TraceView, TreeView, WaitingView,
    WriteRequest, codes,
};
use bottega_client::{Agents, AskSteps, Groups, Tenders};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::{Fake, NOW, Step};

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
        memory_bytes: Some(1_179_648),
        cost_usd: Some(0.25),
    };
    vec![
        agent("greeter@local", AgentStanding::Running, None),
        agent("clerk@local", AgentStanding::Failed, Some("trap: \u{1b}[31mout of fuel\nat 0x17")),
    ]
}

/// The first of [`agents`] under its supervisor; the second was given up.
fn tree() -> TreeView {
    let [greeter, clerk] = agents().try_into().unwrap();
    let keeper = ActorView {
        id: "act_1".into(),
        parent: None,
        name: Some("keeper of greeter@local".into()),
        kind: "supervisor".into(),
        agent: None,
        state: ActorState::Running,
        waiting: 0,
        capacity: 64,
        under_way: None,
        handled: 2,
        restarts: 0,
        begun_ms: Some(NOW.as_millis() - 300_000),
        trouble: None,
        memory_bytes: Some(1_179_648),
        cost_usd: Some(0.25),
    };
    let greeter = ActorView {
        id: "act_2".into(),
        parent: Some("act_1".into()),
        name: Some(greeter.name),
        kind: "agent".into(),
        agent: Some(greeter.kind),
        waiting: greeter.waiting,
        capacity: greeter.capacity,
        under_way: Some(greeter.under_way),
        handled: greeter.handled,
        restarts: greeter.restarts,
        ..keeper.clone()
    };
    TreeView {
        version: "0.1.0".into(),
        at_ms: NOW.as_millis(),
        begun_ms: NOW.as_millis() - 302_000,
        memory_bytes: Some(98_357_248),
        actors: vec![keeper, greeter],
        absent: vec![clerk],
    }
}

impl Fake {
    /// What the next step of the script lets be seen; without one, all that is there.
    fn look(&self) -> Result<TreeView, ApiError> {
        let number = self.left.lock().unwrap().calls.iter().filter(|call| *call == "look").count();
        self.note("look".into());
        match self.world.steps.get(number) {
            Some(Step::CtrlC) => {
                self.ctrl_c.send(bottega_cli::Interrupt::CtrlC).unwrap();
                Ok(tree())
            }
            Some(Step::Silence) => {
                Err(ApiError::new(codes::NO_SERVER, "nobody answers at http://127.0.0.1:7437"))
            }
            Some(_) | None => Ok(tree()),
        }
    }
}

fn gone_away() -> ApiError {
    ApiError::new(codes::NO_SERVER, "nobody answers at http://127.0.0.1:7437")
}

fn found(name: &str) -> Result<AgentView, ApiError> {
    let mut agents = agents().into_iter();
    agents
        .find(|agent| agent.name == name || agent.name.strip_suffix("@local") == Some(name))
        .ok_or_else(|| ApiError::new(codes::NO_AGENT, format!("no agent `{name}` lives here")))
}

#[async_trait]
impl Agents for Fake {
    fn place(&self) -> String {
        "http://127.0.0.1:7437".into()
    }

    async fn deploy(&self, request: DeployRequest) -> Result<AgentView, ApiError> {
        let DeployRequest { manifest, module, name, config } = request;
        self.note(format!("deploy {manifest:?} {module} {name:?} {config}"));
        found("greeter")
    }

    async fn list(&self) -> Result<Vec<AgentView>, ApiError> {
        Ok(if self.world.nobody { Vec::new() } else { agents() })
    }

    async fn tree(&self) -> Result<TreeView, ApiError> {
        self.look()
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

    async fn ask_following(&self, request: AskRequest) -> Result<AskSteps, ApiError> {
        let answer = self.ask(request).await?;
        let turn = RunEvent::Turn { number: 1 };
        let call = RunEvent::ToolCall {
            call: "call_1".into(),
            tool: "grep".into(),
            arguments: r#"{"pattern":"new"}"#.into(),
        };
        let steps = [
            AskStepView::Progress { agent: "scout@local".into(), event: turn },
            AskStepView::Progress { agent: "scout@local".into(), event: call },
            AskStepView::Missed { count: 2 },
            AskStepView::Answer { message: answer.message },
        ];
        Ok(futures::stream::iter(steps.map(Ok)).boxed())
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

    async fn inbox(&self, name: &str, wait_ms: u64) -> Result<InboxView, ApiError> {
        found(name)?;
        let number = {
            let calls = self.left.lock().unwrap();
            calls.calls.iter().filter(|call| call.starts_with("acknowledge")).count() as u64 + 1
        };
        self.note(format!("inbox {name} {wait_ms}"));
        // Once nothing comes in time; whoever waits asks again.
        let looks = {
            let left = self.left.lock().unwrap();
            left.calls.iter().filter(|call| call.starts_with("inbox")).count()
        };
        if looks == 2 {
            return Ok(InboxView { waiting: None });
        }
        let durable = (name == "clerk").then(|| format!("msg_{number}"));
        if name == "clerk" && matches!(looks, 3..=5) {
            return Err(gone_away());
        }
        let message = json!({
            "performative": "cfp",
            "sender": "market@local",
            "receiver": [name],
            "content": format!("number {number}\u{1b}[2J"),
        });
        Ok(InboxView {
            waiting: Some(WaitingView { number, id: durable, traceparent: None, message }),
        })
    }

    async fn acknowledge(&self, name: &str, number: u64) -> Result<(), ApiError> {
        // The server goes away between what the clerk is told first and its word that it has it.
        let first = self.left.lock().unwrap().calls.iter().all(|call| !call.starts_with("tried"));
        if name == "clerk" && first {
            self.note(format!("tried {name} {number}"));
            return Err(gone_away());
        }
        self.note(format!("acknowledge {name} {number}"));
        Ok(())
    }

    async fn resend(&self, name: &str, id: &str) -> Result<(), ApiError> {
        self.note(format!("resend {name} {id}"));
        Ok(())
    }
}

fn tender(id: &str) -> Result<TenderView, ApiError> {
    if id == "tnd_none" {
        return Err(ApiError::new(codes::NO_TENDER, "there is no tender tnd_none"));
    }
    let bid = |by: &str, price_usd, fate: Option<&str>| BidView {
        by: by.into(),
        price_usd,
        takes_ms: 90_000,
        confidence: 0.9,
        at_ms: NOW.as_millis() + 1_000,
        fate: fate.map(Into::into),
    };
    Ok(TenderView {
        id: "tnd_01k9".into(),
        conversation: "cnv_01k9".into(),
        by: "operator@local".into(),
        task: "greet Ada\u{1b}[2J\nand Grace".into(),
        skill: "greeting".into(),
        budget_usd: Some(0.5),
        rule: "cheapest".into(),
        state: TenderStanding::Done,
        opened_ms: NOW.as_millis(),
        ended_ms: Some(NOW.as_millis() + 65_000),
        called: vec!["clerk@local".into(), "greeter@local".into()],
        bids: vec![
            bid("clerk@local", 0.02, Some("failed")),
            bid("greeter@local", 0.3, Some("done")),
        ],
        winner: Some("greeter@local".into()),
        pay_usd: Some(0.3),
        awards: 2,
        result: Some("Hello, Ada!\u{1b}[2J".into()),
    })
}

fn subscription() -> SubscriptionView {
    let (agent, pattern) = ("echo@local".into(), "orders.>".into());
    SubscriptionView { agent, pattern, group: Some("packers".into()) }
}

fn published() -> PublishedView {
    let missed = MissedView { agent: "ann@local".into(), why: "the agent is stopped".into() };
    PublishedView { reached: vec!["echo@local".into()], missed: vec![missed] }
}

fn entry() -> EntryView {
    EntryView {
        name: "work.hinge".into(),
        value: "forge a hinge".into(),
        author: "operator@local".into(),
        version: 3,
        at_ms: 1_000,
        expires_ms: Some(61_000),
    }
}

#[async_trait]
impl Groups for Fake {
    async fn subscribe(&self, request: SubscribeRequest) -> Result<SubscriptionView, ApiError> {
        self.note(format!("subscribe {}", serde_json::to_string(&request).unwrap()));
        Ok(subscription())
    }

    async fn unsubscribe(&self, request: SubscribeRequest) -> Result<(), ApiError> {
        self.note(format!("unsubscribe {}", serde_json::to_string(&request).unwrap()));
        Ok(())
    }

    async fn subscriptions(&self, agent: Option<&str>) -> Result<Vec<SubscriptionView>, ApiError> {
        self.note(format!("subscriptions {agent:?}"));
        Ok(if self.world.nobody { Vec::new() } else { vec![subscription()] })
    }

    async fn publish(
        &self,
        topic: &str,
        request: PublishRequest,
    ) -> Result<PublishedView, ApiError> {
        self.note(format!("publish {topic} {}", serde_json::to_string(&request).unwrap()));
        match topic {
            "nobody.hears" => Ok(PublishedView { reached: Vec::new(), missed: Vec::new() }),
            "nobody.can" => Ok(PublishedView { reached: Vec::new(), ..published() }),
            _ => Ok(published()),
        }
    }

    async fn entries(&self, prefix: &str, limit: usize) -> Result<Vec<EntryView>, ApiError> {
        self.note(format!("entries {prefix:?} {limit}"));
        Ok(if self.world.nobody { Vec::new() } else { vec![entry()] })
    }

    async fn entry(&self, name: &str) -> Result<EntryView, ApiError> {
        self.note(format!("entry {name}"));
        Ok(entry())
    }

    async fn write(&self, name: &str, request: WriteRequest) -> Result<EntryView, ApiError> {
        self.note(format!("write {name} {}", serde_json::to_string(&request).unwrap()));
        Ok(entry())
    }

    async fn take(&self, name: &str, request: TakeRequest) -> Result<EntryView, ApiError> {
        self.note(format!("take {name} {}", serde_json::to_string(&request).unwrap()));
        match name {
            "gone" => Err(ApiError::new(codes::NO_ENTRY, "there is no `gone`")),
            _ => Ok(entry()),
        }
    }
}

#[async_trait]
impl Tenders for Fake {
    async fn open_tender(&self, request: TenderRequest) -> Result<TenderView, ApiError> {
        self.note(format!("open {}", serde_json::to_string(&request).unwrap()));
        let whole = tender("tnd_01k9")?;
        if request.task == "impossible" {
            let state = TenderStanding::NoBids;
            return Ok(TenderView { id: "tnd_lost".into(), state, ..whole });
        }
        let (state, bids) = (TenderStanding::Bidding, Vec::new());
        let (winner, pay_usd, result, ended_ms) = (None, None, None, None);
        Ok(TenderView { state, bids, winner, pay_usd, result, ended_ms, awards: 0, ..whole })
    }

    async fn tenders(&self, limit: usize, _: Option<&str>) -> Result<Vec<TenderView>, ApiError> {
        self.note(format!("tenders {limit}"));
        if self.world.nobody {
            return Ok(Vec::new());
        }
        let done = tender("tnd_01k9")?;
        let state = TenderStanding::Bidding;
        let (winner, pay_usd) = (None, None);
        let open = TenderView { id: "tnd_01k8".into(), state, winner, pay_usd, ..done.clone() };
        Ok(vec![open, done])
    }

    async fn tender(&self, id: &str) -> Result<TenderView, ApiError> {
        let whole = tender(id)?;
        if id == "tnd_lost" {
            let (state, bids, result) = (TenderStanding::NoBids, Vec::new(), None);
            let (winner, pay_usd) = (None, None);
            return Ok(TenderView { id: id.into(), state, bids, result, winner, pay_usd, ..whole });
        }
        Ok(whole)
    }

    async fn tender_events(&self, id: &str) -> Result<Vec<AgentEventView>, ApiError> {
        self.note(format!("tender events {id}"));
        if id == "tnd_lost" {
            return Ok(Vec::new());
        }
        let bid = |by: &str, price: u64| {
            let bid = json!({"price": price, "takes_ms": 90_000, "confidence": 900});
            ("tender.bidden", json!({"by": by, "bid": bid}))
        };
        let learned = |agent: &str, kept: &str| {
            let outcome = json!({"agent": agent, "result": {"kept": kept}});
            ("tender.learned", json!({"outcome": outcome}))
        };
        let awarded = |to: &str, pay: u64| ("tender.awarded", json!({"to": to, "pay": pay}));
        let happened = [
            bid("clerk@local", 20_000_000),
            ("tender.heard", json!({})),
            bid("greeter@local", 300_000_000),
            ("tender.out", json!({"agent": "smith@local", "how": "silent"})),
            awarded("clerk@local", 20_000_000),
            learned("clerk@local", "failed"),
            awarded("greeter@local", 300_000_000),
            ("tender.out", json!({"agent": "porter@local", "how": "rejected"})),
            learned("greeter@local", "done"),
        ];
        let view = |(kind, data): (&str, Value)| AgentEventView {
            at_ms: NOW.as_millis(),
            kind: kind.into(),
            data,
        };
        Ok(happened.into_iter().map(view).collect())
    }

    async fn close_tender(&self, id: &str) -> Result<TenderView, ApiError> {
        self.note(format!("close {id}"));
        tender(id)
    }

    async fn cancel_tender(&self, id: &str) -> Result<TenderView, ApiError> {
        self.note(format!("cancel {id}"));
        tender(id)
    }

    async fn reputation(&self) -> Result<Vec<ReputationView>, ApiError> {
        let known = |agent: &str, done, failed| ReputationView {
            agent: agent.into(),
            skill: "greeting".into(),
            done,
            failed,
            success: 0.75,
            price_ratio: 1.25,
            time_ratio: 0.5,
        };
        let known = vec![known("clerk@local", 0, 1), known("greeter@local", 12, 0)];
        Ok(if self.world.nobody { Vec::new() } else { known })
    }

    async fn trace(&self, id: &str) -> Result<TraceView, ApiError> {
        self.note(format!("trace {id}"));
        let step = |depth, kind, name: &str, at_ms, took_ms| TraceStepView {
            kind,
            depth,
            name: name.into(),
            agent: None,
            id: None,
            trace: "0af7651916cd43dd8448eb211c80319c".into(),
            at_ms: NOW.as_millis() + at_ms,
            waited_ms: None,
            took_ms,
            outcome: if took_ms.is_some() { "ok".into() } else { "under way".into() },
            tokens: None,
            cost_usd: None,
        };
        let paid = |tokens, cost, step| TraceStepView {
            tokens: Some(tokens),
            cost_usd: Some(cost),
            ..step
        };
        let (message, session) = (TraceStepKind::Message, TraceStepKind::Session);
        let (model, tool) = (TraceStepKind::Model, TraceStepKind::Tool);
        let award =
            step(1, message, "accept-proposal market@local → scout@local", 400, Some(9_000));
        let steps = vec![
            step(0, TraceStepKind::Tender, "tender review by ada@local", 0, Some(9_900)),
            step(1, message, "cfp market@local → scout@local", 3, Some(2)),
            step(2, message, "propose scout@local → market@local", 5, Some(1)),
            TraceStepView { waited_ms: Some(500), ..award },
            paid(1_204, 0.0031, step(2, session, "session of scout@local", 901, Some(8_990))),
            paid(1_204, 0.0031, step(3, model, "anthropic/claude-haiku-4-5", 902, Some(6_100))),
            step(3, tool, "read_file", 7_100, Some(20)),
            step(2, message, "inform scout@local → \u{1b}[2Jmarket@local", 9_895, None),
        ];
        Ok(TraceView {
            traces: vec!["0af7651916cd43dd8448eb211c80319c".into()],
            steps: if self.world.nobody { Vec::new() } else { steps },
            took_ms: 9_900,
            tokens: 1_204,
            cost_usd: 0.0031,
            cut: false,
        })
    }

    async fn conversation(&self, id: &str) -> Result<Vec<SaidView>, ApiError> {
        self.note(format!("conversation {id}"));
        let said = |from: &str, to: &str, act: &str, content| SaidView {
            id: "msg_01k9".into(),
            at_ms: NOW.as_millis(),
            message: json!({"performative": act, "sender": from, "receiver": [to], "content": content}),
        };
        let said = vec![
            said("market@local", "greeter@local", "cfp", json!("{\"task\":\"greet Ada\"}")),
            said("greeter@local", "market@local", "propose", json!("line\n\u{1b}[2Jtwo")),
            said("market@local", "greeter@local", "reject-proposal", json!(null)),
        ];
        Ok(if self.world.nobody { Vec::new() } else { said })
    }
}
