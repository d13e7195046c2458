//! Who is told of the steps that ended.

use std::sync::OnceLock;
use std::time::Duration;

use bottega_types::{SpanId, Timestamp, TraceContext};

use crate::step::{StepKind, Value};

/// A step that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its names.
    pub context: TraceContext,
    /// The step that caused it, here or elsewhere.
    pub parent: Option<SpanId>,
    /// What it is.
    pub kind: StepKind,
    /// Its name.
    pub name: String,
    /// When it began.
    pub begun: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What was noted about it.
    pub attributes: Vec<(&'static str, Value)>,
    /// The kind of its failure, if it failed.
    pub failed: Option<String>,
}

/// Takes steps that ended. Told on the task that did the work, so it never waits.
pub trait Recorder: Send + Sync {
    /// A step ended.
    fn ended(&self, span: Span);
}

/// The one of the process, as there is one subscriber of its log.
static RECORDER: OnceLock<Box<dyn Recorder>> = OnceLock::new();

/// Has every step that ends from now on told to `recorder`. False when somebody is told already.
pub fn record_with(recorder: Box<dyn Recorder>) -> bool {
    RECORDER.set(recorder).is_ok()
}

pub(crate) fn ended(span: impl FnOnce() -> Span) {
    if let Some(recorder) = RECORDER.get() {
        recorder.ended(span());
    }
}
