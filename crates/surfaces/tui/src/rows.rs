//! What is shown of a server, row by row: a tree of looks.

use std::cmp::Ordering;
use std::collections::HashMap;

use bottega_api::{ActorState, ActorView, AgentStanding, AgentView, TreeView};

use crate::visible;

/// In which order rows stand below the same supervisor. Whoever has the busiest below it stands first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By birth.
    #[default]
    Birth,
    /// By messages a second, the most first.
    Pace,
    /// By messages that wait, the most first.
    Mail,
    /// By restarts, the most first.
    Restarts,
    /// By name.
    Name,
}

impl Order {
    /// The one that comes after it, and after the last the first.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Birth => Self::Pace,
            Self::Pace => Self::Mail,
            Self::Mail => Self::Restarts,
            Self::Restarts => Self::Name,
            Self::Name => Self::Birth,
        }
    }

    /// In a word or two.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Birth => "birth",
            Self::Pace => "msg/s",
            Self::Mail => "mailbox",
            Self::Restarts => "restarts",
            Self::Name => "name",
        }
    }
}

/// One row: an actor, or an agent that has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What tells it from the others: an actor's id, or an agent's name.
    pub id: String,
    /// The branches of the tree that lead to its name.
    pub stem: String,
    /// Its name, safe to show.
    pub name: String,
    /// What it is, safe to show: `wasm echo 1.2.0`, or a kind of actor.
    pub kind: String,
    /// Whether it is an agent.
    pub is_agent: bool,
    /// Where it stands.
    pub state: ActorState,
    /// Messages that wait in its mailbox.
    pub waiting: usize,
    /// Room in its mailbox.
    pub capacity: usize,
    /// Durable messages that are under way to it, where they are known.
    pub under_way: Option<usize>,
    /// Messages that it dealt with.
    pub handled: u64,
    /// Messages a second, where two looks tell it.
    pub pace: Option<f64>,
    /// How often it was begun anew.
    pub restarts: u32,
    /// For how long it has been up, in milliseconds, if it is.
    pub up_ms: Option<u64>,
    /// Bytes of memory that its guest holds, where it has some of its own.
    pub memory_bytes: Option<u64>,
    /// What its questions to models have cost, in dollars.
    pub cost_usd: Option<f64>,
    /// Why it crashed last, safe to show.
    pub trouble: Option<String>,
}

impl Row {
    /// Where it stands, in a word.
    #[must_use]
    pub const fn state_word(&self) -> &'static str {
        state_word(self.state)
    }
}

pub(crate) const fn state_word(state: ActorState) -> &'static str {
    match state {
        ActorState::Starting => "starting",
        ActorState::Running => "running",
        ActorState::Stopping => "stopping",
        ActorState::Resting => "resting",
        ActorState::Stopped => "stopped",
        ActorState::Failed => "failed",
    }
}

/// The rows of a look, with what it says together with the look `before` it. Agents without an actor come last.
#[must_use]
pub fn rows(now: &TreeView, before: Option<&TreeView>, order: Order) -> Vec<Row> {
    let span = span(now, before);
    let counted: HashMap<&str, u64> = before
        .into_iter()
        .flat_map(|tree| &tree.actors)
        .map(|actor| (actor.id.as_str(), actor.handled))
        .collect();
    let pace = |actor: &ActorView| {
        // Whoever was not there was born since, and did all of it since.
        let earlier = counted.get(actor.id.as_str()).copied().unwrap_or(0);
        span.map(|seconds| actor.handled.saturating_sub(earlier) as f64 / seconds)
    };
    let living: Vec<Row> =
        now.actors.iter().map(|actor| of_actor(actor, pace(actor), now.at_ms)).collect();
    let ranked = branches(&now.actors, &living, order).into_iter();
    let ranked = ranked.map(|(index, stem)| Row { stem, ..living[index].clone() });
    ranked.chain(now.absent.iter().map(of_absent)).collect()
}

/// Messages a second that all agents together deal with, where two looks tell it.
pub(crate) fn pace_of_all(now: &TreeView, before: Option<&TreeView>) -> Option<f64> {
    span(now, before)?;
    let rows = rows(now, before, Order::Birth);
    Some(rows.iter().filter(|row| row.is_agent).filter_map(|row| row.pace).sum())
}

/// Seconds between two looks at the same server.
fn span(now: &TreeView, before: Option<&TreeView>) -> Option<f64> {
    let before = before.filter(|before| before.begun_ms == now.begun_ms)?;
    let ms = now.at_ms.checked_sub(before.at_ms).filter(|ms| *ms > 0)?;
    Some(ms as f64 / 1_000.0)
}

fn of_actor(actor: &ActorView, pace: Option<f64>, now_ms: u64) -> Row {
    let is_up = matches!(actor.state, ActorState::Running | ActorState::Stopping);
    Row {
        id: actor.id.clone(),
        stem: String::new(),
        name: visible::first_line(actor.name.as_deref().unwrap_or(&actor.id)),
        kind: visible::first_line(actor.agent.as_deref().unwrap_or(&actor.kind)),
        is_agent: actor.agent.is_some(),
        state: actor.state,
        waiting: actor.waiting,
        capacity: actor.capacity,
        under_way: actor.under_way,
        handled: actor.handled,
        pace,
        restarts: actor.restarts,
        up_ms: actor.begun_ms.filter(|_| is_up).map(|begun| now_ms.saturating_sub(begun)),
        memory_bytes: actor.memory_bytes,
        cost_usd: actor.cost_usd,
        trouble: actor.trouble.as_deref().map(visible::first_line),
    }
}

fn of_absent(agent: &AgentView) -> Row {
    Row {
        id: agent.name.clone(),
        stem: String::new(),
        name: visible::first_line(&agent.name),
        kind: visible::first_line(&agent.kind),
        is_agent: true,
        state: match agent.state {
            AgentStanding::Starting => ActorState::Starting,
            AgentStanding::Running => ActorState::Running,
            AgentStanding::Resting => ActorState::Resting,
            AgentStanding::Stopped => ActorState::Stopped,
            AgentStanding::Failed => ActorState::Failed,
        },
        waiting: agent.waiting,
        capacity: agent.capacity,
        under_way: Some(agent.under_way),
        handled: agent.handled,
        pace: None,
        restarts: agent.restarts,
        up_ms: None,
        memory_bytes: agent.memory_bytes,
        cost_usd: agent.cost_usd,
        trouble: agent.trouble.as_deref().map(visible::first_line),
    }
}

/// The actors as they stand in the tree, each with the branches that lead to it.
fn branches(actors: &[ActorView], rows: &[Row], order: Order) -> Vec<(usize, String)> {
    let places: HashMap<&str, usize> =
        actors.iter().enumerate().map(|(index, actor)| (actor.id.as_str(), index)).collect();
    // A parent that does not stand before its child is none: so there is no circle.
    let parent = |index: usize| {
        let name = actors[index].parent.as_deref()?;
        places.get(name).copied().filter(|place| *place < index)
    };
    let mut weights: Vec<f64> = rows.iter().map(|row| weight(row, order)).collect();
    let (mut roots, mut below) = (Vec::new(), vec![Vec::new(); actors.len()]);
    // From the last to the first, so that whoever is below has its weight by then.
    for index in (0..actors.len()).rev() {
        match parent(index) {
            Some(parent) => {
                weights[parent] = weights[parent].max(weights[index]);
                below[parent].push(index);
            }
            None => roots.push(index),
        }
    }
    let ranked = |mut siblings: Vec<usize>| {
        siblings.reverse();
        siblings.sort_by(|one, other| match order {
            Order::Name => rows[*one].name.cmp(&rows[*other].name),
            Order::Birth | Order::Pace | Order::Mail | Order::Restarts => {
                weights[*other].partial_cmp(&weights[*one]).unwrap_or(Ordering::Equal)
            }
        });
        siblings
    };
    let mut found = Vec::with_capacity(actors.len());
    let mut waiting: Vec<(usize, String, String)> =
        ranked(roots).into_iter().rev().map(|root| (root, String::new(), String::new())).collect();
    while let Some((index, stem, behind)) = waiting.pop() {
        found.push((index, stem));
        let children = ranked(std::mem::take(&mut below[index]));
        for (after, child) in children.into_iter().rev().enumerate() {
            let (branch, trunk) = if after == 0 { ("└ ", "  ") } else { ("├ ", "│ ") };
            waiting.push((child, format!("{behind}{branch}"), format!("{behind}{trunk}")));
        }
    }
    found
}

fn weight(row: &Row, order: Order) -> f64 {
    match order {
        Order::Birth | Order::Name => 0.0,
        Order::Pace => row.pace.unwrap_or(0.0),
        Order::Mail => (row.waiting + row.under_way.unwrap_or(0)) as f64,
        Order::Restarts => row.restarts.into(),
    }
}
