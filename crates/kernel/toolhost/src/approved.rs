//! Step three: a person's word, where the policy wants it.

use std::panic::AssertUnwindSafe;

use bottega_actor::Place;
use bottega_event::Approved as Record;
use bottega_policy::{Approval, ApprovalRequest, GrantScope, Need, Request, Verdict, judge};
use bottega_tool::{ToolContext, excerpt};
use futures::FutureExt;

use crate::asked::Prepared;
use crate::judged::{Judged, mode_that_allows};
use crate::ran::panic_text;
use crate::stopped::Stopped;
use crate::visible::visible;
use crate::{SessionScope, ToolHost};

/// A call that may run.
pub(crate) struct Approved {
    pub(crate) prepared: Prepared,
    pub(crate) record: Record,
}

impl Judged {
    /// Asks, if it must be, when it is this call's turn. Those behind it may ask when this returns.
    pub(crate) async fn approve(
        self,
        host: &ToolHost,
        scope: &SessionScope,
        context: &ToolContext,
        place: Place,
    ) -> Result<Approved, Stopped> {
        let Self { prepared, request, ask } = self;
        let allowed = Record { verdict: Verdict::Allow, approval: None };
        let Some(why) = ask else { return Ok(Approved { prepared, record: allowed }) };
        place.turn().await;
        scope.refresh().await;
        // While this call waited for its turn, the answer to another may have covered it.
        let (rules, grants) = (&host.parts.rules, scope.grants());
        if judge(context.mode, rules, &grants, &request) == Verdict::Allow {
            return Ok(Approved { prepared, record: allowed });
        }
        let missing: Vec<Need> = request
            .needs
            .iter()
            .filter(|need| {
                let alone = Request { needs: vec![(*need).clone()], ..request.clone() };
                judge(context.mode, rules, &grants, &alone) != Verdict::Allow
            })
            .cloned()
            .collect();
        let question = question(host, context, &prepared, &missing, &why).await;
        let approval = host.parts.approver.ask(&question).await;
        let record =
            Record { verdict: Verdict::Ask { why: why.clone() }, approval: Some(approval.clone()) };
        let text = match approval {
            Approval::Once => return Ok(Approved { prepared, record }),
            Approval::Session => {
                scope.grant(&missing, GrantScope::Session, &host.parts.redactor).await;
                return Ok(Approved { prepared, record });
            }
            Approval::Project => {
                scope.grant(&missing, GrantScope::Project, &host.parts.redactor).await;
                return Ok(Approved { prepared, record });
            }
            Approval::Denied { reason } if reason.trim().is_empty() => {
                "The user said no to this call. Ask what to do instead, or do it in another way."
                    .to_owned()
            }
            Approval::Denied { reason } => format!("The user said no to this call: {reason}"),
            Approval::Stopped => "The user stopped the work before saying yes or no.".to_owned(),
            Approval::Unavailable => {
                format!("Not allowed: {why}, and there is {}.", remedy(host, &request))
            }
        };
        Err(Stopped::denied(prepared.summary, text, record))
    }
}

/// What a person is shown: bounded, without secrets, and with nothing in it that can't be seen.
async fn question(
    host: &ToolHost,
    context: &ToolContext,
    prepared: &Prepared,
    missing: &[Need],
    why: &str,
) -> ApprovalRequest {
    let details = AssertUnwindSafe(prepared.doing.details(context)).catch_unwind().await;
    let details = details.unwrap_or_else(|panic| panic_text(&prepared.tool, &*panic));
    // Nothing is interpreted as a terminal would: what it would not show is what a person has to see.
    let mut hidden = false;
    let mut show = |text: &str| {
        let clean = host.parts.redactor.clean(text);
        let shown = visible(&clean);
        hidden |= shown != clean;
        shown
    };
    let details = show(&details);
    let limit = host.options.details_limit;
    let summary = show(&prepared.summary);
    let needs = missing.iter().map(|need| shown(need, &mut show)).collect();
    let why = show(why);
    ApprovalRequest {
        tool: prepared.tool.clone(),
        summary,
        details: excerpt(&details, limit, "not shown here").unwrap_or(details),
        needs,
        why,
        hidden,
    }
}

fn shown(need: &Need, show: &mut impl FnMut(&str) -> String) -> Need {
    match need {
        Need::Read { path, place } => Need::Read { path: show(path), place: *place },
        Need::Write { path, place } => Need::Write { path: show(path), place: *place },
        Need::Execute { command, parts, caged } => Need::Execute {
            command: show(command),
            parts: parts.iter().map(|part| show(part)).collect(),
            caged: *caged,
        },
        Need::Network { host } => Need::Network { host: show(host) },
    }
}

/// What helps where nobody can be asked.
fn remedy(host: &ToolHost, request: &Request) -> String {
    match mode_that_allows(&host.parts.rules, request) {
        Some(mode) => {
            format!("no terminal to ask; run with --access-mode {mode} or allow it in the settings")
        }
        None => "no terminal to ask; it needs a person in every access mode".to_owned(),
    }
}
