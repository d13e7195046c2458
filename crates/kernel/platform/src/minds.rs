//! The kinds of agents whose sessions can be worked on, and what each may call.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use bottega_behaviour::Mind;

/// Makes a new mind of one kind of agent.
pub type MindMaker = Arc<dyn Fn() -> Box<dyn Mind> + Send + Sync>;

/// One kind of agent.
#[derive(Clone)]
struct Kind {
    make: MindMaker,
    /// The tools that it may call; every one when absent.
    tools: Option<Arc<[String]>>,
}

/// The kinds of agents, by name. Agents that are hosted come and go while others work.
#[derive(Default)]
pub struct Minds(RwLock<BTreeMap<String, Kind>>);

impl std::fmt::Debug for Minds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(known.keys()).finish()
    }
}

impl Minds {
    /// One kind to begin with, which may call every tool.
    #[must_use]
    pub fn of(name: impl Into<String>, make: MindMaker) -> Self {
        let kinds = BTreeMap::from([(name.into(), Kind { make, tools: None })]);
        Self(RwLock::new(kinds))
    }

    /// From now on, minds of that name are made so, and may call these tools and no others. Every change under this lock is
    /// one step, so a poisoned one still guards whole data.
    pub fn put(&self, name: impl Into<String>, make: MindMaker, tools: Arc<[String]>) {
        let kind = Kind { make, tools: Some(tools) };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name.into(), kind);
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// A new mind; nothing when no agent is of that name.
    pub(crate) fn make(&self, name: &str) -> Option<Box<dyn Mind>> {
        self.kind(name).map(|kind| (kind.make)())
    }

    /// Whether agents of that name may call a tool. Whoever is not known may call none.
    #[must_use]
    pub fn may_call(&self, name: &str, tool: &str) -> bool {
        self.kind(name).is_some_and(|kind| {
            kind.tools.is_none_or(|tools| tools.iter().any(|granted| granted == tool))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_calls_what_it_was_granted_and_nothing_else() {
        let make: MindMaker = Arc::new(|| unreachable!("no mind is made here"));
        let minds = Minds::of("coder", make.clone());
        minds.put("critic@local", make, ["grep".to_owned()].into());
        assert!(minds.may_call("coder", "shell"));
        assert!(minds.may_call("critic@local", "grep") && !minds.may_call("critic@local", "shell"));
        assert!(!minds.may_call("stranger", "grep"));
    }
}
