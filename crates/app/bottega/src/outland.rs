//! What WASM guests reach beyond their server: the web, models, tools, each under the rules that hold for everybody.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::AgentName;
use bottega_agency::Beyond;
use bottega_api::ApiError;
use bottega_egress::WebClient;
use bottega_event::ToolOutcome;
use bottega_gateway::{Gateway, Question as Asked, Told, Unanswered};
use bottega_llm::ToolCall;
use bottega_manifest::{Answer, HttpRequest, HttpResponse, Question, Refusal};
use bottega_policy::egress::HostRule;
use bottega_policy::{AccessMode, Approval, ApprovalRequest, Approver, Need};
use bottega_tool::{CommandSink, StreamName};
use bottega_toolhost::{SessionScope, ToolHost};
use bottega_types::{CallId, Clock as _, SessionId, SystemClock, SystemEntropy};
use tokio::sync::Mutex;

use crate::grounds::Grounds;

/// The web, models and tools of this machine, for guests that were granted some of it.
pub(crate) struct Outland {
    pub(crate) grounds: Arc<Grounds>,
    pub(crate) gateway: Gateway,
    pub(crate) web: WebClient,
    /// The tools of each guest that called one, with what it has seen.
    pub(crate) benches: Mutex<BTreeMap<AgentName, Arc<Bench>>>,
}

/// Where one guest's tools work.
pub(crate) struct Bench {
    tools: ToolHost,
    scope: SessionScope,
}

/// A guest's tools have no person to ask: what would need one is refused.
struct Nobody;

#[async_trait]
impl Approver for Nobody {
    async fn ask(&self, _: &ApprovalRequest) -> Approval {
        Approval::Unavailable
    }
}

/// A guest reads the report, and nothing while the tool works.
struct Deaf;

impl CommandSink for Deaf {
    fn output(&self, _: StreamName, _: &[u8]) {}
}

fn unavailable(error: ApiError) -> Refusal {
    Refusal::Unavailable(error.message)
}

impl Outland {
    async fn bench(&self, by: &AgentName, home: &Path) -> Result<Arc<Bench>, Refusal> {
        let mut benches = self.benches.lock().await;
        if let Some(bench) = benches.get(by) {
            return Ok(Arc::clone(bench));
        }
        let io = |error: std::io::Error| Refusal::Unavailable(error.to_string());
        tokio::fs::create_dir_all(home).await.map_err(io)?;
        // Which tools the guest was granted was looked at before it came here.
        let tooled = self.grounds.tools(home, Arc::new(Nobody), |_| true).map_err(unavailable)?;
        let session = SessionId::new(SystemClock.now(), &SystemEntropy);
        let scope = SessionScope::new(session, AccessMode::Auto);
        let bench = Arc::new(Bench { tools: tooled.tools, scope });
        benches.insert(by.clone(), Arc::clone(&bench));
        Ok(bench)
    }
}

#[async_trait]
impl Beyond for Outland {
    async fn fetch(&self, _: &AgentName, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        // A grant opens nothing that a rule closes.
        let host = HostRule::of(request.url.target()).to_string();
        let rules = self.grounds.rules().map_err(unavailable)?;
        let need = Need::Network { host: host.clone() };
        if rules.deny.iter().any(|rule| rule.concerns(&need)) {
            return Err(Refusal::Denied(format!("a rule of the settings denies {host}")));
        }
        self.web.send(request).await
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
            Ok(Told { text, usage }) => Ok(Answer { text, tokens: usage.input + usage.output }),
            Err(error @ Unanswered::TooLong { .. }) => Err(Refusal::Exhausted(error.to_string())),
            Err(error @ Unanswered::Route(_)) => Err(Refusal::Malformed(error.to_string())),
            Err(error @ Unanswered::Failed(_)) => Err(Refusal::Unavailable(error.to_string())),
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
        let Bench { tools, scope } = bench.as_ref();
        let report = tools.call(scope, scope.place(), call, &request, Arc::new(Deaf)).await;
        match report.outcome {
            ToolOutcome::Succeeded | ToolOutcome::CommandFailed => Ok(report.text),
            ToolOutcome::Denied => Err(Refusal::Denied(report.text)),
            ToolOutcome::Failed | ToolOutcome::Interrupted => Err(Refusal::Malformed(report.text)),
        }
    }
}
