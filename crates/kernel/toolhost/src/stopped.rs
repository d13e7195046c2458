//! A call that ended before its tool ran.

use bottega_event::{Approved, ToolOutcome};
use bottega_policy::Verdict;

/// Why, for the report.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) outcome: ToolOutcome,
    pub(crate) summary: String,
    /// What the model reads.
    pub(crate) text: String,
    pub(crate) approved: Approved,
}

impl Stopped {
    /// The call made no sense, so nobody judged it. Counts as not allowed.
    pub(crate) fn before_judgement(summary: String, text: String) -> Self {
        let verdict =
            Verdict::Deny { why: "it was never judged, since it could not be prepared".to_owned() };
        Self {
            outcome: ToolOutcome::Failed,
            summary,
            text,
            approved: Approved { verdict, approval: None },
        }
    }

    /// The policy or a person said no.
    pub(crate) fn denied(summary: String, text: String, approved: Approved) -> Self {
        Self { outcome: ToolOutcome::Denied, summary, text, approved }
    }
}
