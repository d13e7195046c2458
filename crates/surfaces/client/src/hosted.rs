//! [`Agents`] over an agency in the same process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use bottega_acl::{AgentName, Aid, Message, json};
use bottega_actor::{State, TaskKind, to_its_end};
use bottega_agency::{
    Agency, AgencyError, AgentRow, AgentState, Delivery, Deployment, Deployments, MailRow, Repeat,
};
use bottega_api::{
    ActorState, ActorView, AgentEventView, AgentStanding, AgentView, AnswerView, ApiError,
    AskRequest, AskStepView, DeadView, DeliveryClass, DeployRequest, InboxView, MailView,
    ReceiptView, SendRequest, TreeView, WaitingView, codes,
};
use bottega_behaviour::{Undelivered, Unsent};
use bottega_event::{Death, Record, Revision, StreamId};
use bottega_groups::{Blackboard, Exchange};
use bottega_market::Market;
use bottega_store::Journal;
use bottega_telemetry::{Trail, along, here};
use bottega_types::{Clock, Digest, MessageId, Money, SystemEntropy, Timestamp, TraceContext};
use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _};
use serde_json::Value;

use crate::agents::AskSteps;
use crate::audience::Seat;
use crate::error::agency_error;
use crate::{AgentCosts, Agents, Audience, group_error, memory};

/// How long an agent may take to deal with what waits for it, before it is cut off.
const STOPPING: Duration = Duration::from_secs(10);
/// How long an answer is waited for when nothing is said.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer is waited for at most.
const LONGEST: Duration = Duration::from_secs(600);
/// In whose name clients speak who say no other.
pub(crate) const OPERATOR: &str = "operator";
/// Records that are read at a time.
const PAGE: usize = 1_000;

/// What agents that live in this process are made of.
pub struct HostedParts {
    /// What is deployed.
    pub deployments: Arc<Deployments>,
    /// Where tasks are put out to tender.
    pub market: Arc<Market>,
    /// Where what is published is told.
    pub exchange: Exchange,
    /// What all write on.
    pub blackboard: Arc<Blackboard>,
    /// Whoever follows what questions cause.
    pub audience: Arc<Audience>,
    /// What agents have cost.
    pub costs: Arc<AgentCosts>,
    /// Where what happened is read.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for HostedParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedParts").finish_non_exhaustive()
    }
}

/// Agents that live in this process.
pub struct HostedAgents {
    parts: HostedParts,
    begun: Timestamp,
}

impl std::fmt::Debug for HostedAgents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedAgents").finish_non_exhaustive()
    }
}

impl HostedAgents {
    /// Over these. The server's time runs from here.
    #[must_use]
    pub fn new(parts: HostedParts) -> Self {
        let begun = parts.clock.now();
        Self { parts, begun }
    }

    fn deployments(&self) -> &Deployments {
        &self.parts.deployments
    }

    pub(crate) fn market(&self) -> &Market {
        &self.parts.market
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.parts.exchange
    }

    pub(crate) fn blackboard(&self) -> &Blackboard {
        &self.parts.blackboard
    }

    pub(crate) fn agency(&self) -> &Agency {
        self.deployments().agency()
    }

    pub(crate) fn journal(&self) -> &dyn Journal {
        self.parts.journal.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn name(&self, name: &str) -> Result<AgentName, ApiError> {
        let platform = self.agency().platform();
        let whole = if name.contains('@') { name.to_owned() } else { format!("{name}@{platform}") };
        whole.parse().map_err(|error: bottega_acl::NotAnAgentName| {
            ApiError::new(codes::MALFORMED, error.to_string())
        })
    }

    /// The name of an agent that was deployed. What the server itself is made of goes with it alone: others count on it.
    fn guest(&self, name: &str) -> Result<AgentName, ApiError> {
        let name = self.name(name)?;
        if self.agency().knows(&name) && !self.deployments().has(&name) {
            let why = format!("`{name}` is a part of the server");
            return Err(ApiError::new(codes::AGENT_STATE, why).step(
                "it begins and ends with the server; `bottega agent restart` begins it anew",
            ));
        }
        Ok(name)
    }

    async fn view(&self, name: &AgentName) -> Result<AgentView, ApiError> {
        let rows = self.agency().list();
        let row = rows.into_iter().find(|row| row.name == *name);
        let costs = self.parts.costs.all();
        row.map(|row| self.shown(row, &costs))
            .ok_or_else(|| agency_error(AgencyError::Unknown(name.clone())))
    }

    fn shown(&self, row: AgentRow, costs: &BTreeMap<String, Money>) -> AgentView {
        AgentView {
            memory_bytes: self.deployments().memory(&row.name),
            cost_usd: costs.get(row.name.as_str()).map(|cost| cost.as_dollars()),
            ..shown(row)
        }
    }

    /// How long an answer is waited for.
    fn patience(timeout_ms: Option<u64>) -> Duration {
        timeout_ms.map_or(PATIENCE, Duration::from_millis).min(LONGEST)
    }

    /// A message to be answered: whoever has several answers to one question could tell only one of them.
    fn question(&self, message: Value) -> Result<Message, ApiError> {
        let message = self.message(message)?;
        if message.receivers.as_slice().len() > 1 {
            return Err(ApiError::new(codes::MALFORMED, "a question has one receiver")
                .step("ask each of them, or send it in the name of an agent outside and fetch the answers"));
        }
        Ok(message)
    }

    /// A message to several of whom one is nobody goes to none: whoever mends it and sends it again tells nobody twice.
    fn all_known(&self, message: &Message) -> Result<(), ApiError> {
        if message.receivers.as_slice().len() < 2 {
            return Ok(());
        }
        let platform = self.agency().platform();
        let names = message.receivers.as_slice().iter().map(Aid::name);
        match names
            .into_iter()
            .find(|name| name.platform() == platform && !self.agency().knows(name))
        {
            None => Ok(()),
            Some(nobody) => {
                let why = format!(
                    "no agent `{nobody}` lives here, so the message went to none of its receivers"
                );
                Err(ApiError::new(codes::NO_AGENT, why))
            }
        }
    }

    /// A message as it was given, with names of this server's own written out.
    fn message(&self, mut message: Value) -> Result<Message, ApiError> {
        let malformed = |why: String| ApiError::new(codes::MALFORMED, why);
        let Some(fields) = message.as_object_mut() else {
            return Err(malformed("a message is a JSON object".to_owned()));
        };
        let whole = |value: &mut Value| {
            if let Value::String(name) = value
                && !name.contains('@')
            {
                let platform = self.agency().platform();
                *name = format!("{name}@{platform}");
            }
        };
        for key in ["receiver", "reply-to", "sender"] {
            match fields.get_mut(key) {
                Some(Value::Array(names)) => names.iter_mut().for_each(whole),
                Some(name) => whole(name),
                None => {}
            }
        }
        let message = json::decode(message.to_string().as_bytes())
            .map_err(|error| malformed(format!("the message can't be read: {error}")))?;
        if let Some(sender) = message.sender.as_ref().map(Aid::name) {
            // What the market or the directory says is believed, so nobody else says it.
            if self.agency().knows(sender) && !self.deployments().has(sender) {
                let why = format!("`{sender}` is a part of the server and speaks for itself");
                return Err(malformed(why).step("leave `sender` out, or name an agent outside"));
            }
            return Ok(message);
        }
        Ok(message.from(Aid::new(self.name(OPERATOR)?)))
    }
}

fn deployment(request: DeployRequest) -> Result<Deployment, ApiError> {
    let DeployRequest { manifest, module, name, config } = request;
    let module = base64::engine::general_purpose::STANDARD.decode(module).map_err(|error| {
        ApiError::new(codes::MALFORMED, format!("`module` is no base64: {error}"))
    })?;
    let config = if config.is_null() { "{}".to_owned() } else { config.to_string() };
    Ok(Deployment { manifest, module, name, config })
}

fn shown(row: AgentRow) -> AgentView {
    AgentView {
        name: row.name.to_string(),
        kind: row.kind,
        delivery: match row.delivery {
            Delivery::Transient => DeliveryClass::Transient,
            Delivery::Durable => DeliveryClass::Durable,
        },
        state: match row.state {
            AgentState::Starting => AgentStanding::Starting,
            AgentState::Running => AgentStanding::Running,
            AgentState::Resting => AgentStanding::Resting,
            AgentState::Stopped => AgentStanding::Stopped,
            AgentState::Failed => AgentStanding::Failed,
        },
        waiting: row.waiting,
        capacity: row.capacity,
        under_way: row.under_way,
        handled: row.handled,
        restarts: row.restarts,
        trouble: row.trouble,
        memory_bytes: None,
        cost_usd: None,
    }
}

/// An actor, with what is known of it as an agent.
fn actor(view: &bottega_actor::ActorView, agents: &BTreeMap<String, AgentView>) -> ActorView {
    let agent = view.name.as_deref().and_then(|name| agents.get(name));
    ActorView {
        id: view.id.to_string(),
        parent: view.parent.map(|parent| parent.to_string()),
        name: view.name.as_deref().map(str::to_owned),
        kind: view.kind.to_owned(),
        agent: agent.map(|agent| agent.kind.clone()),
        state: match view.state {
            State::Starting => ActorState::Starting,
            State::Running => ActorState::Running,
            State::Stopping => ActorState::Stopping,
            State::Resting => ActorState::Resting,
            State::Stopped => ActorState::Stopped,
            State::Failed => ActorState::Failed,
        },
        waiting: view.depth,
        capacity: view.capacity,
        under_way: agent.map(|agent| agent.under_way),
        handled: view.handled,
        restarts: view.restarts,
        begun_ms: Some(view.started_at.as_millis()).filter(|ms| *ms > 0),
        trouble: view.last_error.as_deref().map(str::to_owned),
        memory_bytes: agent.and_then(|agent| agent.memory_bytes),
        cost_usd: agent.and_then(|agent| agent.cost_usd),
    }
}

fn mail(row: MailRow) -> MailView {
    MailView {
        id: row.id.to_string(),
        at_ms: row.at.as_millis(),
        dead: row.dead.map(|dead| DeadView {
            cause: match dead.cause {
                Death::Unknown => "unknown",
                Death::Expired => "expired",
                Death::Poison => "poison",
                Death::Removed => "removed",
            }
            .to_owned(),
            words: dead.words,
            at_ms: dead.at.as_millis(),
        }),
        message: serde_json::from_str(row.letter.as_str()).unwrap_or_default(),
    }
}

pub(crate) fn happened(record: &Record) -> AgentEventView {
    AgentEventView {
        at_ms: record.at.as_millis(),
        kind: record.event.kind.to_string(),
        data: serde_json::from_str(&record.event.data).unwrap_or_default(),
    }
}

fn as_json(message: &Message) -> Value {
    serde_json::from_str(&json::encode(message)).unwrap_or_default()
}

/// A question under way, whose steps are followed.
struct Following {
    seat: Seat,
    /// Until there is an answer, or why there is none.
    asked: Option<BoxFuture<'static, Result<Option<Message>, Unsent>>>,
    /// Until it is told.
    answer: Option<Result<AskStepView, ApiError>>,
}

impl Following {
    async fn next(&mut self) -> Option<Result<AskStepView, ApiError>> {
        if let Some(asked) = &mut self.asked {
            let came = tokio::select! {
                biased;
                // First, so that its deadline holds however much there is to tell.
                came = asked => came,
                step = self.seat.next() => return Some(Ok(step)),
            };
            self.asked = None;
            self.answer = Some(match came {
                Ok(answer) => Ok(AskStepView::Answer { message: answer.as_ref().map(as_json) }),
                Err(error) => Err(unsent(error, 1)),
            });
        }
        // What led to the answer is told before it.
        match self.seat.ready() {
            Some(step) if self.answer.is_some() => Some(Ok(step)),
            Some(_) | None => self.answer.take(),
        }
    }
}

/// Why a message to so many did not reach all of them.
#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
fn unsent(error: Unsent, receivers: usize) -> ApiError {
    let unknown = |failed: &[(Aid, Undelivered)]| {
        failed.iter().all(|(_, why)| matches!(why, Undelivered::Unknown))
    };
    match &error {
        Unsent::Inadmissible(_) => ApiError::new(codes::MALFORMED, error.to_string()),
        // To say it again would not help.
        Unsent::Undelivered(failed) if unknown(failed) => {
            ApiError::new(codes::NO_AGENT, error.to_string())
        }
        Unsent::Undelivered(failed) => {
            let others = if failed.len() < receivers { "; the others have it" } else { "" };
            let told = ApiError::new(codes::UNDELIVERED, format!("{error}{others}"));
            match failed.iter().find(|(_, why)| matches!(why, Undelivered::Stopped)) {
                Some((who, _)) => told.step(format!(
                    "begin it with `bottega agent start {}`, or send it as durable, and it waits until then",
                    who.name()
                )),
                None => told,
            }
        }
    }
}

/// The name of what a key stands for: the same for the same key of the same kind of thing.
pub(crate) fn keyed(kind: &str, of: &str, key: &str) -> MessageId {
    let digest = Digest::of_parts(&[kind.as_bytes(), of.as_bytes(), key.as_bytes()]);
    let mut bits = [0; 16];
    bits.copy_from_slice(&digest.as_bytes()[..16]);
    MessageId::from_bits(u128::from_le_bytes(bits))
}

/// Why something is not done whose key stands for something else.
pub(crate) fn other_of_key() -> ApiError {
    let why = "this key was given before, with something else to do";
    ApiError::new(codes::MALFORMED, why).step("give everything that is to be done a key of its own")
}

/// Runs to its end, whether whoever asked for it stays or not: no agent is left half moved in or out.
async fn lasting<T: Send + 'static>(
    work: impl Future<Output = Result<T, AgencyError>> + Send + 'static,
) -> Result<T, ApiError> {
    let broke = || ApiError::new(codes::INTERNAL, "the server failed at this; its log says more");
    let ended = to_its_end(TaskKind::Clerk, work).await.ok_or_else(broke)?;
    ended.map_err(agency_error)
}

#[async_trait]
impl Agents for HostedAgents {
    fn place(&self) -> String {
        "this process".to_owned()
    }

    async fn deploy(&self, request: DeployRequest) -> Result<AgentView, ApiError> {
        let (deployments, deployment) = (Arc::clone(&self.parts.deployments), deployment(request)?);
        let name = lasting(async move { deployments.deploy(deployment).await }).await?;
        self.view(&name).await
    }

    async fn list(&self) -> Result<Vec<AgentView>, ApiError> {
        let costs = self.parts.costs.all();
        Ok(self.agency().list().into_iter().map(|row| self.shown(row, &costs)).collect())
    }

    async fn tree(&self) -> Result<TreeView, ApiError> {
        let agents = self.list().await?.into_iter().map(|agent| (agent.name.clone(), agent));
        let mut agents: BTreeMap<String, AgentView> = agents.collect();
        let tree = self.agency().tree();
        let actors: Vec<ActorView> = tree.iter().map(|view| actor(view, &agents)).collect();
        for name in actors.iter().filter_map(|actor| actor.name.as_deref()) {
            agents.remove(name);
        }
        Ok(TreeView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at_ms: self.now().as_millis(),
            begun_ms: self.begun.as_millis(),
            memory_bytes: memory::held(),
            actors,
            absent: agents.into_values().collect(),
        })
    }

    async fn show(&self, name: &str) -> Result<AgentView, ApiError> {
        self.view(&self.name(name)?).await
    }

    async fn events(&self, name: &str, limit: usize) -> Result<Vec<AgentEventView>, ApiError> {
        let name = self.name(name)?;
        let stream = StreamId::agent(&name);
        let (mut latest, mut after) = (std::collections::VecDeque::new(), Revision(0));
        loop {
            let page = self.parts.journal.read_stream(&stream, after, PAGE).await;
            let page = page.map_err(|error| agency_error(error.into()))?;
            let Some(last) = page.last() else { break };
            after = last.revision;
            for record in &page {
                latest.push_back(happened(record));
                if latest.len() > limit {
                    latest.pop_front();
                }
            }
        }
        // Nothing happened to whoever never lived here. One who was removed has what happened before.
        if after == Revision(0) {
            self.view(&name).await?;
        }
        Ok(latest.into())
    }

    async fn events_after(
        &self,
        name: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AgentEventView>, ApiError> {
        let stream = StreamId::agent(&self.name(name)?);
        // No stream is longer than what a store can count.
        let after = Revision(after.min(i64::MAX.unsigned_abs()));
        let records = self.parts.journal.read_stream(&stream, after, limit).await;
        let records = records.map_err(|error| agency_error(error.into()))?;
        Ok(records.iter().map(happened).collect())
    }

    async fn start(&self, name: &str) -> Result<AgentView, ApiError> {
        let name = self.name(name)?;
        self.agency().start(&name).await.map_err(agency_error)?;
        self.view(&name).await
    }

    async fn stop(&self, name: &str) -> Result<AgentView, ApiError> {
        let name = self.guest(name)?;
        self.deployments().stop(&name, STOPPING).await.map_err(agency_error)?;
        self.view(&name).await
    }

    async fn restart(&self, name: &str) -> Result<AgentView, ApiError> {
        let name = self.name(name)?;
        self.agency().restart(&name, STOPPING).await.map_err(agency_error)?;
        self.view(&name).await
    }

    async fn upgrade(&self, name: &str, request: DeployRequest) -> Result<AgentView, ApiError> {
        let (deployments, deployment) = (Arc::clone(&self.parts.deployments), deployment(request)?);
        let name = self.guest(name)?;
        let whose = name.clone();
        lasting(async move { deployments.upgrade(&whose, deployment).await }).await?;
        self.view(&name).await
    }

    async fn roll_back(&self, name: &str) -> Result<AgentView, ApiError> {
        let name = self.guest(name)?;
        self.deployments().roll_back(&name).await.map_err(agency_error)?;
        self.view(&name).await
    }

    async fn remove(&self, name: &str) -> Result<(), ApiError> {
        let name = self.guest(name)?;
        let (deployments, whose) = (Arc::clone(&self.parts.deployments), name.clone());
        lasting(async move { deployments.remove(&whose, STOPPING).await }).await?;
        self.exchange().forget(&name).await.map_err(group_error)
    }

    async fn send(&self, request: SendRequest) -> Result<ReceiptView, ApiError> {
        let SendRequest { message, delivery, idempotency_key } = request;
        let message = self.message(message)?;
        let class = match (delivery, &idempotency_key) {
            (Some(DeliveryClass::Transient), Some(_)) => {
                let why =
                    "a transient message is not kept, so a key can't say whether it came before";
                return Err(ApiError::new(codes::MALFORMED, why)
                    .step("send it as `durable`, or without the key"));
            }
            (Some(DeliveryClass::Transient), None) => Some(Delivery::Transient),
            // What is to be known again is stored, whatever its receivers say of messages without a key.
            (Some(DeliveryClass::Durable), _) | (None, Some(_)) => Some(Delivery::Durable),
            (None, None) => None,
        };
        self.all_known(&message)?;
        let id = idempotency_key.as_deref().map(|key| keyed("message", "", key));
        let receivers = message.receivers.as_slice().len();
        let receipt = self.agency().send(message, id, class).await;
        let receipt = receipt.map_err(|error| unsent(error, receivers))?;
        if receipt.repeated == Some(Repeat::Other) {
            return Err(other_of_key());
        }
        let repeated = receipt.repeated.is_some();
        Ok(ReceiptView { id: receipt.id.map(|id| id.to_string()), repeated })
    }

    async fn ask(&self, request: AskRequest) -> Result<AnswerView, ApiError> {
        let AskRequest { message, timeout_ms } = request;
        let message = self.question(message)?;
        let span = Self::patience(timeout_ms);
        let answer = self.agency().ask(message, span).await.map_err(|error| unsent(error, 1))?;
        Ok(AnswerView { message: answer.as_ref().map(as_json) })
    }

    async fn ask_following(&self, request: AskRequest) -> Result<AskSteps, ApiError> {
        let AskRequest { message, timeout_ms } = request;
        let (message, span) = (self.question(message)?, Self::patience(timeout_ms));
        let agency = Arc::clone(self.deployments().agency());
        // What it causes is known by its trace, so one begins where nobody outside began one.
        let trail = here().unwrap_or_else(|| Trail::new(TraceContext::fresh(&SystemEntropy)));
        let seat = self.parts.audience.follow(trail.context().trace);
        let asked = along(Some(trail), async move { agency.ask(message, span).await });
        let following = Following { seat, asked: Some(asked.boxed()), answer: None };
        let steps = futures::stream::unfold(following, async |mut following| {
            following.next().await.map(|step| (step, following))
        });
        Ok(steps.boxed())
    }

    async fn mail(&self, name: &str) -> Result<Vec<MailView>, ApiError> {
        let name = self.name(name)?;
        let rows = self.agency().mail(&name).await.map_err(agency_error)?;
        if rows.is_empty() && !self.agency().knows(&name) {
            return Err(agency_error(AgencyError::Unknown(name)));
        }
        Ok(rows.into_iter().map(mail).collect())
    }

    async fn mail_after(
        &self,
        name: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, MailView)>, ApiError> {
        let rows = self.agency().mail(&self.name(name)?).await.map_err(agency_error)?;
        let rows = rows.into_iter().filter(|row| row.revision > after).take(limit);
        Ok(rows.map(|row| (row.revision, mail(row))).collect())
    }

    async fn inbox(&self, name: &str, wait_ms: u64) -> Result<InboxView, ApiError> {
        let name = self.name(name)?;
        let counter = self.deployments().counter(&name).map_err(agency_error)?;
        let span = Duration::from_millis(wait_ms).min(LONGEST);
        let waiting = bottega_actor::within(span, counter.next()).await.map(|next| WaitingView {
            number: next.number,
            id: next.id.map(|id| id.to_string()),
            traceparent: next.trace.as_ref().map(TraceContext::traceparent),
            message: serde_json::from_str(&json::encode(&next.message)).unwrap_or_default(),
        });
        Ok(InboxView { waiting })
    }

    async fn acknowledge(&self, name: &str, number: u64) -> Result<(), ApiError> {
        let name = self.name(name)?;
        let counter = self.deployments().counter(&name).map_err(agency_error)?;
        // One that was acknowledged before is dealt with all the same.
        if !counter.acknowledge(number) && number > counter.handed() {
            let why = format!("no message to `{name}` has had the number {number} so far");
            return Err(ApiError::new(codes::MALFORMED, why)
                .step("acknowledge the `number` that the message came with"));
        }
        Ok(())
    }

    async fn resend(&self, name: &str, id: &str) -> Result<(), ApiError> {
        let name = self.name(name)?;
        let id: MessageId = id.parse().map_err(|error: bottega_types::NotAnId| {
            ApiError::new(codes::MALFORMED, error.to_string())
        })?;
        self.agency().resend(&name, id).await.map_err(agency_error)
    }
}
