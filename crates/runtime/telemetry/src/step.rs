//! Steps of a trace: what was done, when it began and how it ended.

use std::time::UNIX_EPOCH;

use bottega_types::{SpanId, SystemEntropy, TraceContext};
use tokio::time::Instant;

use crate::outbox::Open;
use crate::span::{self, Span};
use crate::trail::{Trail, along, along_now, here};

/// What a step is, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Somebody outside asked for it.
    Server,
    /// It waits for somebody outside.
    Client,
    /// A message is dealt with.
    Consumer,
    /// It is done here.
    Internal,
}

/// What an attribute says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Words: names and kinds, never what somebody said.
    Text(String),
    /// A number of something.
    Count(u64),
    /// An amount.
    Amount(f64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Value {
    fn from(amount: f64) -> Self {
        Self::Amount(amount)
    }
}

/// A step that goes on. It is over when it is dropped: work that is cancelled has an end as well.
#[derive(Debug)]
pub struct Step {
    trail: Trail,
    parent: Option<SpanId>,
    kind: StepKind,
    name: String,
    begun: Instant,
    attributes: Vec<(&'static str, Value)>,
    failed: Option<String>,
    _open: Option<Open>,
}

impl Step {
    /// A step along the present trail, or the first of a fresh one.
    #[must_use]
    pub fn begin(kind: StepKind, name: impl Into<String>) -> Self {
        match here() {
            Some(trail) => Self::along(&trail, kind, name),
            None => Self::first(&Trail::new(TraceContext::fresh(&SystemEntropy)), kind, name),
        }
    }

    /// A step along this trail.
    #[must_use]
    pub fn along(trail: &Trail, kind: StepKind, name: impl Into<String>) -> Self {
        let parent = trail.context();
        let mut step = Self::first(&trail.by(parent.child(&SystemEntropy)), kind, name);
        step.parent = Some(parent.span);
        step
    }

    /// The first step of a trace that begins here: it has the trail's own name.
    #[must_use]
    pub fn first(trail: &Trail, kind: StepKind, name: impl Into<String>) -> Self {
        Self {
            trail: trail.clone(),
            parent: None,
            kind,
            name: name.into(),
            begun: Instant::now(),
            attributes: Vec::new(),
            failed: None,
            _open: span::open(),
        }
    }

    /// The trail of what is done within it.
    #[must_use]
    pub const fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Calls it otherwise: what it is about was not known before.
    pub fn rename(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Notes something about it.
    pub fn note(&mut self, name: &'static str, value: impl Into<Value>) {
        self.attributes.push((name, value.into()));
    }

    /// It failed: the kind of the failure, of which there are few (`error.type`).
    pub fn failed(&mut self, kind: impl Into<String>) {
        self.failed = Some(kind.into());
    }

    /// Does the work of this step, which goes on.
    pub async fn around<F: Future>(&self, work: F) -> F::Output {
        along(Some(self.trail.clone()), work).await
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        let Self { trail, parent, kind, name, attributes, failed, .. } = &*self;
        let outcome = failed.as_deref().unwrap_or("ok");
        let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let parent = parent.map(|parent| parent.to_string());
        along_now(trail.clone(), || {
            tracing::debug!(step = %name, ?kind, parent, outcome, elapsed_ms, ?attributes, "step ended");
        });
        span::tell(|| {
            let mut attributes = std::mem::take(&mut self.attributes);
            let known = [
                ("gen_ai.agent.name", self.trail.agent()),
                ("gen_ai.conversation.id", self.trail.conversation()),
            ];
            for (name, value) in known {
                let noted = attributes.iter().any(|(noted, _)| *noted == name);
                if let (Some(value), false) = (value, noted) {
                    attributes.push((name, value.into()));
                }
            }
            Span {
                context: self.trail.context().clone(),
                parent: self.parent,
                kind: self.kind,
                name: std::mem::take(&mut self.name),
                // Whoever sends it knows the time of day.
                ended: UNIX_EPOCH,
                took,
                attributes,
                failed: self.failed.take(),
            }
        });
    }
}
