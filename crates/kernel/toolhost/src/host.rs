//! The host: what it is made of, and the journey of a call.

use std::sync::Arc;

use bottega_actor::Place;
use bottega_event::{ToolOutcome, ToolReport};
use bottega_llm::{ToolCall, ToolDeclaration};
use bottega_policy::{Approver, Rules};
use bottega_store::Blobs;
use bottega_telemetry::{Step, StepKind};
use bottega_tool::{
    CommandSink, Effect, NoWeb, Sandbox, ToolCatalogue, ToolContext, Web, Workspace,
};
use bottega_types::{CallId, Clock, Redactor};

use crate::SessionScope;
use crate::asked::Asked;
use crate::jobs::SessionJobs;
use crate::live::LiveOutput;
use crate::questions::Questions;
use crate::reported::Recorder;
use crate::schema::Declared;

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of one call's output that the model reads at most; the whole is kept as a blob.
    pub output_limit: usize,
    /// Bytes of a diff or command that a person is shown at most.
    pub details_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { output_limit: 12_000, details_limit: 1 << 20 }
    }
}

/// What a host works with.
#[derive(Clone)]
pub struct Parts {
    /// The tools.
    pub catalogue: ToolCatalogue,
    /// The files.
    pub workspace: Arc<dyn Workspace>,
    /// The commands.
    pub sandbox: Arc<dyn Sandbox>,
    /// The web.
    pub web: Arc<dyn Web>,
    /// Where file versions and whole outputs are kept.
    pub blobs: Arc<dyn Blobs>,
    /// Who is asked.
    pub approver: Arc<dyn Approver>,
    /// The rules of the settings.
    pub rules: Rules,
    /// The secrets that must never be shown.
    pub redactor: Arc<Redactor>,
    /// Tells how long a call took.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("catalogue", &self.catalogue)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// Calls tools, each in the same way.
#[derive(Debug)]
pub struct ToolHost {
    pub(crate) options: Options,
    pub(crate) parts: Parts,
    pub(crate) declared: Vec<Declared>,
    declarations: Arc<[ToolDeclaration]>,
}

impl ToolHost {
    /// A host of these parts.
    #[must_use]
    pub fn new(options: Options, parts: Parts) -> Self {
        let declared: Vec<Declared> = parts.catalogue.iter().map(Declared::of).collect();
        let declarations = declared.iter().map(Declared::for_model).collect();
        Self { options, parts, declared, declarations }
    }

    /// The tools as a model is told about them; always the same value.
    #[must_use]
    pub fn declarations(&self) -> Arc<[ToolDeclaration]> {
        Arc::clone(&self.declarations)
    }

    /// Whether a call of this tool whose outcome is unknown may be made again.
    #[must_use]
    pub fn repeatable(&self, name: &str) -> bool {
        self.parts.catalogue.get(name).is_some_and(|tool| match tool.effect() {
            Effect::ReadOnly => true,
            Effect::Changes => false,
        })
    }

    /// Whether this call changes nothing, so that it may run beside others that change nothing either. What can't be
    /// told changes something.
    #[must_use]
    pub fn only_looks(&self, request: &ToolCall) -> bool {
        let tool = self.parts.catalogue.get(&request.name);
        tool.is_some_and(|tool| tool.only_looks(&request.arguments))
    }

    /// Makes one call, from judgement to report. Never fails: what goes wrong is in the report.
    ///
    /// `place` says when it may ask a person. Live output goes to `sink`, whole lines at a time and without known
    /// secrets. Dropping the future takes an open question back and stops what runs.
    pub async fn call(
        &self,
        scope: &SessionScope,
        place: Place,
        call: CallId,
        request: &ToolCall,
        sink: Arc<dyn CommandSink>,
    ) -> ToolReport {
        // By the names of the semantic conventions for generative AI (spans of tools). A model may name what is no tool.
        let known = self.parts.catalogue.get(&request.name).is_some();
        let name = if known { &*request.name } else { "unknown" };
        let mut step = Step::begin(StepKind::Internal, format!("execute_tool {name}"));
        step.note("gen_ai.operation.name", "execute_tool");
        step.note("gen_ai.tool.name", name);
        step.note("gen_ai.tool.call.id", call.to_string());
        let report = step.around(self.journey(scope, place, call, request, sink)).await;
        step.note("bottega.tool.outcome", format!("{:?}", report.outcome).to_lowercase());
        match report.outcome {
            ToolOutcome::Succeeded | ToolOutcome::CommandFailed => {}
            ToolOutcome::Failed | ToolOutcome::Denied | ToolOutcome::Interrupted => {
                step.failed(format!("{:?}", report.outcome).to_lowercase());
            }
        }
        report
    }

    async fn journey(
        &self,
        scope: &SessionScope,
        place: Place,
        call: CallId,
        request: &ToolCall,
        sink: Arc<dyn CommandSink>,
    ) -> ToolReport {
        let live = Arc::new(LiveOutput::new(sink, Arc::clone(&self.parts.redactor)));
        let context = ToolContext {
            workspace: Arc::clone(&self.parts.workspace),
            sandbox: Arc::clone(&self.parts.sandbox),
            versions: scope.versions(),
            sink: live.clone(),
            person: Arc::new(Questions {
                approver: Arc::clone(&self.parts.approver),
                line: scope.line(),
                redactor: Arc::clone(&self.parts.redactor),
                limit: self.options.details_limit,
            }),
            jobs: Arc::new(SessionJobs {
                table: scope.jobs(),
                sandbox: Arc::clone(&self.parts.sandbox),
            }),
            web: Arc::new(NoWeb),
            mode: scope.mode(),
            output_limit: self.options.output_limit,
        };
        let recorder = Recorder {
            call,
            blobs: &*self.parts.blobs,
            redactor: &self.parts.redactor,
            limit: self.options.output_limit,
        };
        let journey = async {
            let prepared = Asked::new(request).prepare(self, &context).await?;
            scope.refresh().await;
            let judged = prepared.judge(scope, &context, &self.parts.rules)?;
            let approved = judged.approve(self, scope, &context, place).await?;
            Ok(approved.run(call, self, scope, &context).await)
        };
        let ended = journey.await;
        live.flush();
        let report = match ended {
            Ok(ran) => recorder.ran(ran).await,
            Err(stopped) => recorder.stopped(stopped).await,
        };
        scope.read_from(&report.origins);
        tracing::debug!(%call, outcome = ?report.outcome, elapsed_ms = report.elapsed_ms, "tool call ended");
        report
    }
}
