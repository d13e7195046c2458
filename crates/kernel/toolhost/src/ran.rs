//! Step four: the tool at work.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use bottega_event::Approved as Record;
use bottega_policy::{Need, Origin, untrusted};
use bottega_tool::{
    CommandChanges, CommandWatch, ToolContext, ToolError, ToolOutput, WorkspaceError,
};
use bottega_types::CallId;
use futures::FutureExt;

use crate::approved::Approved;
use crate::folders::Missing;
use crate::web::JudgedWeb;
use crate::{SessionScope, ToolHost};

/// A call whose tool has run.
pub(crate) struct Ran {
    pub(crate) summary: String,
    pub(crate) record: Record,
    pub(crate) gave: Gave,
    /// What its command changed in the workspace, or why nobody knows.
    pub(crate) commanded: Result<CommandChanges, WorkspaceError>,
    /// Where what it gave came from, as far as nobody vouches for it.
    pub(crate) origins: Vec<Origin>,
    /// How long the tool was at work.
    pub(crate) elapsed: Duration,
}

/// What a tool gave.
pub(crate) enum Gave {
    Output(ToolOutput),
    Error(ToolError),
    /// It panicked; what to tell the model.
    Panic(String),
    /// It was stopped at its work.
    Stopped,
}

impl Approved {
    /// Runs the tool. A panic is part of the result.
    pub(crate) async fn run(
        self,
        call: CallId,
        host: &ToolHost,
        scope: &SessionScope,
        context: &ToolContext,
    ) -> Ran {
        let Self { prepared, record } = self;
        let (clock, trust) = (&host.parts.clock, &host.parts.rules.trust);
        let web = JudgedWeb::of(host, scope, context.mode, &prepared.tool, &prepared.needs);
        let context = &match &web {
            Some(web) => ToolContext { web: web.clone(), ..context.clone() },
            None => context.clone(),
        };
        let missing = Missing::look(&*context.workspace, &prepared.needs).await;
        let runs = prepared.needs.iter().any(|need| matches!(need, Need::Execute { .. }));
        let watch = match runs {
            true => Some(context.workspace.command_begins().await),
            false => None,
        };
        let began = clock.now();
        let mut at_work = scope.stopping().begin(call);
        let ended = tokio::select! {
            ended = AssertUnwindSafe(prepared.doing.run(context)).catch_unwind() => Some(ended),
            () = at_work.stopped() => None,
        };
        let gave = match ended {
            Some(Ok(Ok(mut output))) => {
                missing.tell(&mut output.changes);
                Gave::Output(output)
            }
            Some(Ok(Err(error))) => Gave::Error(error),
            Some(Err(panic)) => Gave::Panic(panic_text(&prepared.tool, &*panic)),
            None => {
                // What is still being killed may still write.
                context.sandbox.settled().await;
                Gave::Stopped
            }
        };
        let commanded = match watch {
            Some(watch) => commanded(watch).await,
            None => Ok(CommandChanges::default()),
        };
        let reached = web.map(|web| web.reached()).unwrap_or_default();
        let sources = prepared.doing.sources();
        let origins = untrusted(&[prepared.needs, sources, reached].concat(), trust);
        Ran {
            summary: prepared.summary,
            record,
            gave,
            commanded,
            origins,
            elapsed: clock.now().since(began),
        }
    }
}

async fn commanded(
    watch: Result<Box<dyn CommandWatch>, WorkspaceError>,
) -> Result<CommandChanges, WorkspaceError> {
    watch?.ended().await
}

/// What to tell the model about a panic of a tool.
pub(crate) fn panic_text(tool: &str, panic: &(dyn Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no words".to_owned());
    format!(
        "The tool {tool} broke down ({words}). This is a fault of the tool, not of the call. Its work may be \
         half done: look first, then go another way."
    )
}
