//! What WASM guests reach beyond their server: the web, models, tools, each under the rules that hold for everybody.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::AgentName;
use bottega_agency::{Beyond, Brought, Burden};
use bottega_api::ApiError;
use bottega_client::AgentCosts;
use bottega_config::SecretReference;
use bottega_egress::{Post, Posted, SigningKey, WebClient, WebLimits, WebOptions};
use bottega_event::ToolOutcome;
use bottega_gateway::{Gateway, Question as Asked, Told, Unanswered};
use bottega_llm::ToolCall;
use bottega_manifest::{Answer, HttpRequest, HttpResponse, Question, Refusal, SecretName, Webhook};
use bottega_policy::egress::{Host, HostRule, Reach, Screen, Target, reach};
use bottega_policy::{AccessMode, Approval, ApprovalRequest, Approver, Need, Rules};
use bottega_tool::{CommandSink, StreamName};
use bottega_toolhost::{SessionScope, ToolHost};
use bottega_types::{CallId, Clock as _, Digest, Money, SessionId, SystemClock, SystemEntropy};
use tokio::sync::Mutex;

use crate::grounds::Grounds;
use crate::tools::added;

/// The web, models and tools of this machine, for guests that were granted some of it.
pub(crate) struct Outland {
    pub(crate) grounds: Arc<Grounds>,
    pub(crate) gateway: Gateway,
    pub(crate) web: WebClient,
    /// What agents have cost.
    pub(crate) costs: Arc<AgentCosts>,
    /// The way to webhooks, also to those of hosts that the settings name.
    pub(crate) webhooks: WebClient,
    /// The hosts of webhooks that the settings name.
    pub(crate) own: Vec<HostRule>,
    /// The tools of each guest that called one, with what it has seen.
    pub(crate) benches: Mutex<BTreeMap<AgentName, Arc<Bench>>>,
}

/// Where one guest's tools work.
pub(crate) struct Bench {
    tools: ToolHost,
    scope: Arc<SessionScope>,
    /// Which tools a person had added then.
    added: Vec<Digest>,
}

/// A guest's tools have no person to ask: what would need one is refused.
pub(crate) struct Nobody;

#[async_trait]
impl Approver for Nobody {
    async fn ask(&self, _: &ApprovalRequest) -> Approval {
        Approval::Unavailable
    }
}

/// A guest reads the report, and nothing while the tool works.
pub(crate) struct Deaf;

impl CommandSink for Deaf {
    fn output(&self, _: StreamName, _: &[u8]) {}
}

fn unavailable(error: ApiError) -> Refusal {
    Refusal::Unavailable(error.message)
}

/// How long a receiver may take for a message, and how much of its answer is looked at.
const WEBHOOK: WebLimits =
    WebLimits { bytes: 64 << 10, connect: Duration::from_secs(10), whole: Duration::from_secs(20) };

/// The way to webhooks, also to those of these hosts.
pub(crate) fn webhooks(own: &[HostRule]) -> WebClient {
    let screen = Screen { own: own.to_vec(), ..Screen::default() };
    WebClient::new(WebOptions { limits: WEBHOOK, screen, ..WebOptions::default() })
}

/// A rule of the settings that closes a host closes it for everybody: a grant opens nothing that a rule closes.
pub(crate) fn open(rules: &Rules, target: &Target) -> Result<(), Refusal> {
    let host = HostRule::of(target).to_string();
    let need = Need::Network { host: host.clone() };
    if rules.deny.iter().any(|rule| rule.concerns(&need)) {
        return Err(Refusal::Denied(format!("a rule of the settings denies {host}")));
    }
    Ok(())
}

impl Outland {
    fn open(&self, target: &Target) -> Result<(), Refusal> {
        open(&self.grounds.rules().map_err(unavailable)?, target)
    }

    fn signing_key(&self, secret: &SecretName) -> Result<SigningKey, Refusal> {
        let name = secret.name();
        let secrets = self.grounds.app.secrets().map_err(unavailable)?;
        let found = secrets.resolve(&SecretReference::Stored(name.to_owned()));
        let found = found.map_err(|error| Refusal::Denied(error.to_string()))?;
        SigningKey::read(&found).map_err(|error| Refusal::Denied(format!("`{name}`: {error}")))
    }

    async fn bench(&self, by: &AgentName, home: &Path) -> Result<Arc<Bench>, Refusal> {
        let mut benches = self.benches.lock().await;
        let added = added(&self.grounds.app).map_err(unavailable)?;
        let before = benches.get(by);
        if let Some(bench) = before.filter(|bench| bench.added == added) {
            return Ok(Arc::clone(bench));
        }
        let io = |error: std::io::Error| Refusal::Unavailable(error.to_string());
        tokio::fs::create_dir_all(home).await.map_err(io)?;
        // Which tools the guest was granted was looked at before it came here.
        let tooled = self.grounds.tools(home, Arc::new(Nobody), |_| true).map_err(unavailable)?;
        // What it has seen, and its jobs, outlive a change of the tools.
        let scope = before.map(|bench| Arc::clone(&bench.scope)).unwrap_or_else(|| {
            let session = SessionId::new(SystemClock.now(), &SystemEntropy);
            Arc::new(SessionScope::new(session, AccessMode::Auto))
        });
        let bench = Arc::new(Bench { tools: tooled.tools, scope, added });
        benches.insert(by.clone(), Arc::clone(&bench));
        Ok(bench)
    }
}

#[async_trait]
impl Beyond for Outland {
    async fn fetch(&self, _: &AgentName, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        self.open(request.url.target())?;
        self.web.send(request).await
    }

    fn admits(&self, webhook: &Webhook) -> Result<(), Refusal> {
        let (url, target) = (&webhook.url, webhook.url.target());
        self.open(target)?;
        let own = self.own.iter().any(|rule| rule.grants(target));
        let step = || format!("add \"{target}\" to `server.webhook_hosts` if it is your own");
        if let Host::Address(address) = &target.host
            && reach(*address) != Reach::Public
            && !own
        {
            let why = format!("{target} is {}; {}", reach(*address), step());
            return Err(Refusal::Denied(why));
        }
        if !url.is_secure() && !own {
            let why = format!("{target} is to be reached over `https`; or {}", step());
            return Err(Refusal::Denied(why));
        }
        self.signing_key(&webhook.secret).map(drop)
    }

    async fn bring(
        &self,
        _: &AgentName,
        webhook: &Webhook,
        burden: Burden,
    ) -> Result<Brought, Refusal> {
        // What may be reached, and the key, may have changed since the agent was deployed.
        self.admits(webhook)?;
        let key = self.signing_key(&webhook.secret)?;
        let Burden { name, body, traceparent } = burden;
        let post = Post { name, at: SystemClock.now(), body, traceparent };
        let Posted { status, put_off } = self.webhooks.post(&webhook.url, &key, post).await?;
        Ok(Brought { status, put_off })
    }

    async fn ask(&self, by: &AgentName, question: Question) -> Result<Answer, Refusal> {
        let Question { route, instructions, prompt, longest, within } = question;
        let route = route.unwrap_or_default();
        // A guest's words may hold what it was told; secrets of the settings never leave in them.
        let redactor = self.grounds.app.redactor().map_err(unavailable)?;
        let clean = |text: String| redactor.clean(&text).into_owned();
        let chosen = self.grounds.route((!route.is_empty()).then_some(route.as_str())).await;
        let asked = Asked {
            agent: by.to_string(),
            route: chosen.map_err(unavailable)?,
            instructions: clean(instructions),
            prompt: clean(prompt),
            longest,
            within,
        };
        match self.gateway.answer(asked).await {
            Ok(Told { text, usage, cost }) => {
                // Nothing is also what a model without a price costs.
                if cost > Money::ZERO {
                    self.costs.add(by.as_str(), cost);
                }
                Ok(Answer { text, tokens: usage.input + usage.output })
            }
            Err(error @ Unanswered::TooLong { .. }) => Err(Refusal::Exhausted(error.to_string())),
            Err(error @ Unanswered::Route(_)) => Err(Refusal::Malformed(error.to_string())),
            Err(error @ Unanswered::Failed(_)) => Err(Refusal::Unavailable(error.to_string())),
        }
    }

    fn clean(&self, words: &str) -> String {
        match self.grounds.app.redactor() {
            Ok(redactor) => redactor.clean(words).into_owned(),
            // Without settings that can be read nobody knows what is secret.
            Err(_) => "[not shown: the settings can't be read]".to_owned(),
        }
    }

    async fn gone(&self, by: &AgentName) {
        // Its jobs end with what it has seen.
        self.benches.lock().await.remove(by);
    }

    async fn call(
        &self,
        by: &AgentName,
        home: &Path,
        tool: String,
        arguments: String,
    ) -> Result<String, Refusal> {
        let bench = self.bench(by, home).await?;
        let call = CallId::new(SystemClock.now(), &SystemEntropy);
        let request = ToolCall { id: call.to_string(), name: tool, arguments };
        let Bench { tools, scope, added: _ } = bench.as_ref();
        let report = tools.call(scope, scope.place(), call, &request, Arc::new(Deaf)).await;
        match report.outcome {
            ToolOutcome::Succeeded | ToolOutcome::CommandFailed => Ok(report.text),
            ToolOutcome::Denied => Err(Refusal::Denied(report.text)),
            ToolOutcome::Failed | ToolOutcome::Interrupted => Err(Refusal::Malformed(report.text)),
        }
    }
}
