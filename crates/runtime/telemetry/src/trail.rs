//! By what the work of the present task was caused.

use std::sync::Arc;

use bottega_types::TraceContext;

tokio::task_local! {
    static HERE: Option<Trail>;
}

/// By what a piece of work was caused, and where it is done. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail(Arc<Marks>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Marks {
    context: TraceContext,
    conversation: Option<Arc<str>>,
    agent: Option<Arc<str>>,
}

impl Trail {
    /// The trail of what this caused.
    #[must_use]
    pub fn new(context: TraceContext) -> Self {
        Self(Arc::new(Marks { context, conversation: None, agent: None }))
    }

    /// The same by another step.
    pub(crate) fn by(&self, context: TraceContext) -> Self {
        Self(Arc::new(Marks { context, ..Marks::clone(&self.0) }))
    }

    /// The same in the conversation of this name.
    #[must_use]
    pub fn in_conversation(&self, conversation: Option<&str>) -> Self {
        let conversation = conversation.map(Into::into);
        Self(Arc::new(Marks { conversation, ..Marks::clone(&self.0) }))
    }

    /// The same at the hands of the agent of this name.
    #[must_use]
    pub fn by_agent(&self, agent: &str) -> Self {
        Self(Arc::new(Marks { agent: Some(agent.into()), ..Marks::clone(&self.0) }))
    }

    /// What goes with messages.
    #[must_use]
    pub fn context(&self) -> &TraceContext {
        &self.0.context
    }

    /// The conversation, if it is known.
    #[must_use]
    pub fn conversation(&self) -> Option<&str> {
        self.0.conversation.as_deref()
    }

    /// The agent at work, if it is known.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        self.0.agent.as_deref()
    }
}

/// The trail of the present task, if there is one.
#[must_use]
pub fn here() -> Option<Trail> {
    HERE.try_with(Clone::clone).ok().flatten()
}

/// Works along a trail, or along none.
pub async fn along<F: Future>(trail: Option<Trail>, work: F) -> F::Output {
    HERE.scope(trail, work).await
}

/// Takes the present trail along into another task.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    along(here(), work)
}

/// Does something along a trail that does not wait.
pub(crate) fn along_now<T>(trail: Trail, work: impl FnOnce() -> T) -> T {
    HERE.sync_scope(Some(trail), work)
}

#[cfg(test)]
mod tests {
    use bottega_types::Seeded;

    use super::*;

    #[tokio::test]
    async fn a_task_knows_its_trail_and_another_only_if_it_is_carried() {
        let trail = Trail::new(TraceContext::fresh(&Seeded::new(1))).by_agent("ann@here");
        assert_eq!(here(), None);
        let (carried, left) = along(Some(trail.clone()), async {
            let taken = carried(async { here() });
            (taken, async { here() })
        })
        .await;
        assert_eq!((carried.await, left.await), (Some(trail), None));
    }
}
