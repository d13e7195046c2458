//! Agents that are only told of, a server over them, and a client that sends any bytes.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bottega_api::{
    ActorState, ActorView, AgentEventView, AgentStanding, AgentView, AnswerView, ApiError,
    AskRequest, AskStepView, BidView, DeadView, DeliveryClass, DeployRequest, EntryView, InboxView,
    MailView, MissedView, PublishRequest, PublishedView, ReceiptView, ReputationView, RunEvent,
    SaidView, SendRequest, SubscribeRequest, SubscriptionView, TakeRequest, TenderRequest,
    TenderStanding, TenderView, TraceStepKind, TraceStepView, TraceView, TreeView, WaitingView,
    WriteRequest, codes,
};
use bottega_client::{Agents, AskSteps, Groups, Remote, Tenders};
use bottega_server::{Limits, Options, Server, TlsFiles};
use bottega_types::Secret;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Two agents, what was asked of them, and how they refuse.
#[derive(Default)]
pub(crate) struct Told {
    pub calls: Mutex<Vec<String>>,
    /// What the next calls fail with.
    pub refusals: Mutex<VecDeque<ApiError>>,
    /// A call of `restart` tells that it began, and waits here.
    pub begun: Notify,
    pub gate: Notify,
    /// What happened after the first event of an agent, and of a tender.
    pub news: Mutex<Vec<AgentEventView>>,
    /// How many messages were acknowledged: the first that waits has the number 7.
    pub acknowledged: AtomicU64,
    /// Nobody is left, and every tender is over.
    pub over: AtomicBool,
    /// A look at what happened panics.
    pub panics: AtomicBool,
    /// Who waited for a message that never came has gone away.
    pub left: Notify,
}

/// Tells when it is dropped.
struct Leaving<'t>(&'t Told);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.left.notify_one();
    }
}

impl Told {
    pub(crate) fn refuse(&self, error: ApiError) {
        self.refusals.lock().unwrap().push_back(error);
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    fn note(&self, call: String) -> Result<(), ApiError> {
        self.calls.lock().unwrap().push(call);
        self.refusals.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }

    /// What happened, the first event being of this kind.
    fn happened(&self, kind: &str, data: Value) -> Vec<AgentEventView> {
        let mut events = vec![AgentEventView { at_ms: 1_000, kind: kind.into(), data }];
        events.extend(self.news.lock().unwrap().iter().cloned());
        events
    }

    pub(crate) fn happens(&self, kind: &str) {
        let event = AgentEventView { at_ms: 2_500, kind: kind.into(), data: json!({"n": 1}) };
        self.news.lock().unwrap().push(event);
    }

    fn found(&self, name: &str) -> Result<AgentView, ApiError> {
        let agents = if self.over.load(Ordering::Relaxed) { Vec::new() } else { agents() };
        let found = agents
            .into_iter()
            .find(|agent| agent.name == name || agent.name.strip_suffix("@local") == Some(name));
        found.ok_or_else(|| ApiError::new(codes::NO_AGENT, format!("no agent `{name}` lives here")))
    }
}

pub(crate) fn agents() -> Vec<AgentView> {
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
        agent("echo@local", AgentStanding::Running, None),
        agent("od\"d\\name@local", AgentStanding::Failed, Some("out of fuel")),
    ]
}

pub(crate) fn tree() -> TreeView {
    let [alive, absent] = agents().try_into().unwrap();
    let keeper = ActorView {
        id: "act_1".into(),
        parent: None,
        name: Some("keeper of echo@local".into()),
        kind: "supervisor".into(),
        agent: None,
        state: ActorState::Running,
        waiting: 0,
        capacity: 64,
        under_way: None,
        handled: 2,
        restarts: 0,
        begun_ms: Some(1_500),
        trouble: None,
        memory_bytes: Some(1_179_648),
        cost_usd: Some(0.25),
    };
    let echo = ActorView {
        id: "act_2".into(),
        parent: Some("act_1".into()),
        name: Some(alive.name),
        kind: "agent".into(),
        agent: Some(alive.kind),
        begun_ms: None,
        under_way: Some(alive.under_way),
        trouble: Some("trap".into()),
        memory_bytes: Some(1_179_648),
        cost_usd: Some(0.25),
        ..keeper
    };
    TreeView {
        version: "0.1.0".into(),
        at_ms: 3_000,
        begun_ms: 1_000,
        memory_bytes: Some(98_357_248),
        actors: vec![keeper, echo],
        absent: vec![absent],
    }
}

pub(crate) fn mail() -> Vec<MailView> {
    let dead = DeadView { cause: "poison".into(), words: "it was given up".into(), at_ms: 2_000 };
    let message = json!({"performative": "inform", "content": "x"});
    vec![
        MailView { id: "m1".into(), at_ms: 1_000, dead: None, message: message.clone() },
        MailView { id: "m2".into(), at_ms: 1_500, dead: Some(dead), message },
    ]
}

pub(crate) fn tender() -> TenderView {
    TenderView {
        id: "tnd_1".into(),
        conversation: "cnv_1".into(),
        by: "operator@local".into(),
        task: "greet Ada".into(),
        skill: "greeting".into(),
        budget_usd: Some(0.5),
        rule: "cheapest".into(),
        state: TenderStanding::Working,
        opened_ms: 1_000,
        ended_ms: None,
        called: vec!["echo@local".into()],
        bids: vec![BidView {
            by: "echo@local".into(),
            price_usd: 0.25,
            takes_ms: 9_000,
            confidence: 0.9,
            at_ms: 1_500,
            fate: Some("awarded".into()),
        }],
        winner: Some("echo@local".into()),
        pay_usd: Some(0.25),
        awards: 1,
        result: None,
    }
}

pub(crate) fn subscription() -> SubscriptionView {
    let (agent, pattern) = ("echo@local".into(), "orders.>".into());
    SubscriptionView { agent, pattern, group: Some("packers".into()) }
}

pub(crate) fn published() -> PublishedView {
    let missed = MissedView { agent: "ann@local".into(), why: "the agent is stopped".into() };
    PublishedView { reached: vec!["echo@local".into()], missed: vec![missed] }
}

pub(crate) fn entry() -> EntryView {
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
impl Groups for Told {
    async fn subscribe(&self, request: SubscribeRequest) -> Result<SubscriptionView, ApiError> {
        self.note(format!("subscribe {}", serde_json::to_string(&request).unwrap()))?;
        Ok(subscription())
    }

    async fn unsubscribe(&self, request: SubscribeRequest) -> Result<(), ApiError> {
        self.note(format!("unsubscribe {}", serde_json::to_string(&request).unwrap()))
    }

    async fn subscriptions(&self, agent: Option<&str>) -> Result<Vec<SubscriptionView>, ApiError> {
        self.note(format!("subscriptions {agent:?}"))?;
        Ok(vec![subscription()])
    }

    async fn publish(
        &self,
        topic: &str,
        request: PublishRequest,
    ) -> Result<PublishedView, ApiError> {
        self.note(format!("publish {topic} {}", serde_json::to_string(&request).unwrap()))?;
        Ok(published())
    }

    async fn entries(&self, prefix: &str, limit: usize) -> Result<Vec<EntryView>, ApiError> {
        self.note(format!("entries {prefix:?} {limit}"))?;
        Ok(vec![entry()])
    }

    async fn entry(&self, name: &str) -> Result<EntryView, ApiError> {
        self.note(format!("entry {name}"))?;
        Ok(entry())
    }

    async fn write(&self, name: &str, request: WriteRequest) -> Result<EntryView, ApiError> {
        self.note(format!("write {name} {}", serde_json::to_string(&request).unwrap()))?;
        Ok(entry())
    }

    async fn take(&self, name: &str, request: TakeRequest) -> Result<EntryView, ApiError> {
        self.note(format!("take {name} {}", serde_json::to_string(&request).unwrap()))?;
        Ok(entry())
    }
}

#[async_trait]
impl Tenders for Told {
    async fn open_tender(&self, request: TenderRequest) -> Result<TenderView, ApiError> {
        self.note(format!("open_tender {}", serde_json::to_string(&request).unwrap()))?;
        Ok(tender())
    }

    async fn tenders(
        &self,
        limit: usize,
        before: Option<&str>,
    ) -> Result<Vec<TenderView>, ApiError> {
        self.note(format!("tenders {limit} {before:?}"))?;
        Ok(vec![tender()])
    }

    async fn tender(&self, id: &str) -> Result<TenderView, ApiError> {
        self.note(format!("tender {id}"))?;
        let over = self.over.load(Ordering::Relaxed);
        let state = if over { TenderStanding::Done } else { TenderStanding::Working };
        Ok(TenderView { state, ..tender() })
    }

    async fn tender_events(&self, id: &str) -> Result<Vec<AgentEventView>, ApiError> {
        self.note(format!("tender_events {id}"))?;
        Ok(self.happened("tender.decided", json!({"choice": "close"})))
    }

    async fn close_tender(&self, id: &str) -> Result<TenderView, ApiError> {
        self.note(format!("close_tender {id}"))?;
        Ok(tender())
    }

    async fn cancel_tender(&self, id: &str) -> Result<TenderView, ApiError> {
        self.note(format!("cancel_tender {id}"))?;
        Ok(tender())
    }

    async fn trace(&self, id: &str) -> Result<TraceView, ApiError> {
        self.note(format!("trace {id}"))?;
        let step = TraceStepView {
            kind: TraceStepKind::Message,
            depth: 0,
            name: "request ada@local → echo@local".into(),
            agent: Some("echo@local".into()),
            id: Some("msg_1".into()),
            trace: "0af7651916cd43dd8448eb211c80319c".into(),
            at_ms: 1_000,
            waited_ms: Some(2),
            took_ms: Some(1_500),
            outcome: "ok".into(),
            tokens: None,
            cost_usd: None,
        };
        let model = TraceStepView {
            kind: TraceStepKind::Model,
            depth: 1,
            name: "some/model".into(),
            agent: None,
            id: None,
            waited_ms: None,
            took_ms: None,
            outcome: "under way".into(),
            tokens: Some(12),
            cost_usd: Some(0.5),
            ..step.clone()
        };
        Ok(TraceView {
            traces: vec![step.trace.clone()],
            steps: vec![step, model],
            took_ms: 1_502,
            tokens: 12,
            cost_usd: 0.5,
            cut: false,
        })
    }

    async fn reputation(&self) -> Result<Vec<ReputationView>, ApiError> {
        self.note("reputation".into())?;
        Ok(vec![ReputationView {
            agent: "echo@local".into(),
            skill: "greeting".into(),
            done: 3,
            failed: 1,
            success: 0.75,
            price_ratio: 1.0,
            time_ratio: 1.5,
        }])
    }

    async fn conversation(&self, id: &str) -> Result<Vec<SaidView>, ApiError> {
        self.note(format!("conversation {id}"))?;
        let message = json!({"performative": "cfp", "content": "x"});
        Ok(vec![SaidView { id: "m1".into(), at_ms: 1_000, message }])
    }
}

#[async_trait]
impl Agents for Told {
    fn place(&self) -> String {
        "here".into()
    }

    async fn deploy(&self, request: DeployRequest) -> Result<AgentView, ApiError> {
        let DeployRequest { manifest, module, name, config } = request;
        self.note(format!("deploy {manifest:?} {} bytes {name:?} {config}", module.len()))?;
        self.found("echo")
    }

    async fn list(&self) -> Result<Vec<AgentView>, ApiError> {
        self.note("list".into())?;
        Ok(agents())
    }

    async fn tree(&self) -> Result<TreeView, ApiError> {
        self.note("tree".into())?;
        Ok(tree())
    }

    async fn show(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("show {name}"))?;
        assert_ne!(name, "panic", "as it was told to");
        self.found(name)
    }

    async fn events(&self, name: &str, limit: usize) -> Result<Vec<AgentEventView>, ApiError> {
        self.note(format!("events {name} {limit}"))?;
        Ok(self.happened("agent.started", json!({"version": "0.1.0"})))
    }

    async fn events_after(
        &self,
        name: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AgentEventView>, ApiError> {
        self.note(format!("events {name} {limit} after {after}"))?;
        assert!(!self.panics.load(Ordering::Relaxed), "as it was told to");
        let all = self.happened("agent.started", json!({"version": "0.1.0"}));
        Ok(all.into_iter().skip(usize::try_from(after).unwrap()).take(limit).collect())
    }

    async fn start(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("start {name}"))?;
        self.found(name)
    }

    async fn stop(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("stop {name}"))?;
        self.found(name)
    }

    async fn restart(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("restart {name}"))?;
        self.begun.notify_one();
        self.gate.notified().await;
        self.found(name)
    }

    async fn upgrade(&self, name: &str, request: DeployRequest) -> Result<AgentView, ApiError> {
        self.note(format!("upgrade {name} {:?}", request.manifest))?;
        self.found(name)
    }

    async fn roll_back(&self, name: &str) -> Result<AgentView, ApiError> {
        self.note(format!("roll_back {name}"))?;
        self.found(name)
    }

    async fn remove(&self, name: &str) -> Result<(), ApiError> {
        self.note(format!("remove {name}"))?;
        self.found(name).map(drop)
    }

    async fn send(&self, request: SendRequest) -> Result<ReceiptView, ApiError> {
        let SendRequest { message, delivery, idempotency_key } = request;
        self.note(format!("send {message} {delivery:?} {idempotency_key:?}"))?;
        Ok(ReceiptView { id: Some("m3".into()), repeated: false })
    }

    async fn ask(&self, request: AskRequest) -> Result<AnswerView, ApiError> {
        self.note(format!("ask {} {:?}", request.message, request.timeout_ms))?;
        Ok(AnswerView { message: Some(json!({"performative": "inform", "content": "Hello"})) })
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

    async fn mail(&self, name: &str) -> Result<Vec<MailView>, ApiError> {
        self.note(format!("mail {name}"))?;
        Ok(mail())
    }

    async fn inbox(&self, name: &str, wait_ms: u64) -> Result<InboxView, ApiError> {
        self.note(format!("inbox {name} {wait_ms}"))?;
        if name == "silent" {
            let _leaving = Leaving(self);
            if wait_ms == 0 {
                return Ok(InboxView { waiting: None });
            }
            self.begun.notify_one();
            std::future::pending::<()>().await;
        }
        let message = json!({"performative": "cfp", "content": "x"});
        let number = 7 + self.acknowledged.load(Ordering::Relaxed);
        Ok(InboxView {
            waiting: Some(WaitingView {
                number,
                id: None,
                traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
                message,
            }),
        })
    }

    async fn acknowledge(&self, name: &str, number: u64) -> Result<(), ApiError> {
        self.note(format!("acknowledge {name} {number}"))?;
        let next = number - 6;
        self.acknowledged.fetch_max(next, Ordering::Relaxed);
        Ok(())
    }

    async fn resend(&self, name: &str, id: &str) -> Result<(), ApiError> {
        self.note(format!("resend {name} {id}"))
    }
}

/// A server that runs.
pub(crate) struct Site {
    pub address: String,
    pub url: String,
    pub agents: Arc<Told>,
    /// Begins the server's end.
    pub stop: Mutex<Option<oneshot::Sender<()>>>,
}

/// Serves while `visit` lasts, and ends gracefully after it.
pub(crate) fn served<T>(limits: Limits, visit: impl AsyncFnOnce(&Site) -> T) -> T {
    served_at("127.0.0.1:0", None, &[], limits, visit)
}

/// The same at an address, with a certificate, by these names.
pub(crate) fn served_at<T>(
    listen: &str,
    tls: Option<TlsFiles>,
    hosts: &[&str],
    limits: Limits,
    visit: impl AsyncFnOnce(&Site) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let agents = Arc::new(Told::default());
        let options = Options {
            listen: listen.into(),
            tls,
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            token: Secret::new(TOKEN.into()),
            agents: agents.clone(),
            limits,
        };
        let server = Server::bind(options).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let stop = Mutex::new(Some(stop));
        let (address, url) = (server.address().to_string(), server.url());
        let site = Site { address, url, agents, stop };
        let stopped = async move { drop(stopped.await) };
        let visited = async {
            let value = visit(&site).await;
            drop(site.stop.lock().unwrap().take());
            value
        };
        let ((), value) = futures::future::join(server.run(stopped), visited).await;
        value
    })
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Came {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Status, code and sentence of a refusal, which must be whole.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], format!("/docs/errors/{}", problem["code"].as_str().unwrap()));
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["next_step"].as_str().unwrap().is_empty());
        let text = |name: &str| problem[name].as_str().unwrap().to_owned();
        (self.status, text("code"), text("detail"))
    }
}

/// A request, with what a good client would send unless it is said otherwise.
#[derive(Clone)]
pub(crate) struct Ask {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    in_pieces: bool,
}

impl Ask {
    pub(crate) fn new(line: &str) -> Self {
        Self { line: line.into(), headers: Vec::new(), body: Vec::new(), in_pieces: false }
            .with("Authorization", &format!("Bearer {TOKEN}"))
    }

    /// With a header, instead of another of that name.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        let mut ask = self.without(name);
        ask.headers.push((name.into(), value.into()));
        ask
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        let mut ask = self.with("Content-Type", "application/json");
        ask.body = body.into();
        ask
    }

    /// Without a length: the body is written in pieces already.
    pub(crate) fn piecewise(mut self) -> Self {
        self.in_pieces = true;
        self
    }

    pub(crate) async fn at(self, site: &Site) -> Came {
        let came = self.raw(site).await;
        let (head, body) = came.split_once("\r\n\r\n").unwrap_or((&came, ""));
        let status = head.split(' ').nth(1).unwrap_or(head).parse().unwrap();
        Came { status, head: head.into(), body: body.into() }
    }

    /// All that came back, as it came.
    pub(crate) async fn raw(self, site: &Site) -> String {
        let mut stream = TcpStream::connect(&site.address).await.unwrap();
        let mut head = format!("{} HTTP/1.1\r\nConnection: close\r\n", self.line);
        let has = |name: &str| self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        if !has("Host") {
            write!(head, "Host: {}\r\n", site.address).unwrap();
        }
        if !has("Content-Length") && !self.in_pieces && !self.body.is_empty() {
            write!(head, "Content-Length: {}\r\n", self.body.len()).unwrap();
        }
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough may close before all is sent.
        let _ = stream.write_all(&self.body).await;
        let mut came = Vec::new();
        let _ = stream.read_to_end(&mut came).await;
        String::from_utf8_lossy(&came).into_owned()
    }
}

pub(crate) async fn get(site: &Site, path: &str) -> Came {
    Ask::new(&format!("GET {path}")).at(site).await
}

pub(crate) async fn post(site: &Site, path: &str, body: &str) -> Came {
    Ask::new(&format!("POST {path}")).json(body).at(site).await
}

pub(crate) fn remote(site: &Site) -> Remote {
    Remote::new(&format!("http://{}", site.address), Secret::new(TOKEN.into())).unwrap()
}
