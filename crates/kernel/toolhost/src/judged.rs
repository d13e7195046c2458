//! Step two: the policy's word.

use bottega_event::Approved;
use bottega_policy::{AccessMode, Request, Rules, Verdict, judge};
use bottega_tool::ToolContext;

use crate::SessionScope;
use crate::asked::Prepared;
use crate::stopped::Stopped;

/// A call that the policy did not forbid.
pub(crate) struct Judged {
    pub(crate) prepared: Prepared,
    pub(crate) request: Request,
    /// Why a person must be asked; nothing when the policy allows the call by itself.
    pub(crate) ask: Option<String>,
}

impl Prepared {
    /// Holds what the call needs against mode, rules and grants.
    pub(crate) fn judge(
        self,
        scope: &SessionScope,
        context: &ToolContext,
        rules: &Rules,
    ) -> Result<Judged, Stopped> {
        let request = Request {
            tool: self.tool.clone(),
            needs: self.needs.clone(),
            carries: scope.carries(),
        };
        match judge(context.mode, rules, &scope.grants(), &request) {
            Verdict::Allow => Ok(Judged { prepared: self, request, ask: None }),
            Verdict::Ask { why } => Ok(Judged { prepared: self, request, ask: Some(why) }),
            Verdict::Deny { why } => {
                let text = format!(
                    "Not allowed: {why}. Do it in another way, or tell the user what is needed."
                );
                let approved = Approved { verdict: Verdict::Deny { why }, approval: None };
                Err(Stopped::denied(self.summary, text, approved))
            }
        }
    }
}

/// The least mode in which the call would run without a question, grants apart.
pub(crate) fn mode_that_allows(rules: &Rules, request: &Request) -> Option<AccessMode> {
    AccessMode::ALL.into_iter().find(|mode| judge(*mode, rules, &[], request) == Verdict::Allow)
}
