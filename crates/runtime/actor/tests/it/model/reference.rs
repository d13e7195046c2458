//! What supervision means, told as plain recursion: no tasks, no messages, one thing after the other.

use bottega_actor::{Restart, Strategy};

/// Milliseconds that a child rests, where there are pauses.
pub(super) const PAUSE: u64 = 100;

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Worker,
    Supervisor {
        strategy: Strategy,
        restarts: u32,
        within: u64,
        children: Vec<usize>,
        made: Vec<u64>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) restart: Restart,
    parent: usize,
    /// Not forgotten.
    known: bool,
    pub(super) up: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) nodes: Vec<Node>,
    pub(super) pauses: bool,
    pub(super) doom: Vec<u32>,
    pub(super) log: Vec<String>,
    pub(super) now: u64,
    pub(super) struck_at: u64,
    /// Two starts go on at a time, so that their order is nobody's promise.
    pub(super) overlaps: bool,
}

impl Model {
    /// A tree, one node for each gene below the root.
    pub(super) fn grow(genes: &[u32], pauses: bool) -> Self {
        let root = Node {
            kind: Self::supervisor(genes[0].rotate_right(7)),
            restart: Restart::Permanent,
            parent: 0,
            known: true,
            up: false,
        };
        let mut nodes = vec![root];
        for gene in genes {
            let supervisors: Vec<usize> = (0..nodes.len())
                .filter(|number| matches!(nodes[*number].kind, Kind::Supervisor { .. }))
                .collect();
            let parent = supervisors[*gene as usize % supervisors.len()];
            let number = nodes.len();
            if let Kind::Supervisor { children, .. } = &mut nodes[parent].kind {
                children.push(number);
            }
            let kind = match gene >> 8 & 3 {
                0 => Self::supervisor(gene >> 12),
                _ => Kind::Worker,
            };
            let restart = match gene >> 10 & 3 {
                0 => Restart::Transient,
                1 => Restart::Temporary,
                _ => Restart::Permanent,
            };
            nodes.push(Node { kind, restart, parent, known: true, up: false });
        }
        let doom = vec![0; nodes.len()];
        Self { nodes, pauses, doom, log: vec![], now: 0, struck_at: 0, overlaps: false }
    }

    fn supervisor(gene: u32) -> Kind {
        let strategy = match gene % 3 {
            0 => Strategy::OneForOne,
            1 => Strategy::OneForAll,
            _ => Strategy::RestForOne,
        };
        let within = [1_050, 45_050, 300_050][(gene >> 4) as usize % 3];
        let restarts = gene >> 8 & 3;
        Kind::Supervisor { strategy, restarts, within, children: vec![], made: vec![] }
    }

    pub(super) fn living_workers(&self) -> Vec<usize> {
        let lives = |number: &usize| {
            self.nodes[*number].up && matches!(self.nodes[*number].kind, Kind::Worker)
        };
        (0..self.nodes.len()).filter(lives).collect()
    }

    /// Starts a node and all below it. Whether it is up.
    pub(super) fn start(&mut self, number: usize) -> bool {
        let up = match &mut self.nodes[number].kind {
            Kind::Worker => {
                self.log.push(format!("+{number}"));
                let doomed = self.doom[number] > 0;
                self.doom[number] -= u32::from(doomed);
                !doomed
            }
            Kind::Supervisor { children, made, .. } => {
                made.clear();
                let children = children.clone();
                for child in &children {
                    self.nodes[*child].known = true;
                }
                self.bring_up(number, &children)
            }
        };
        self.nodes[number].up = up;
        up
    }

    /// Starts children in order. Whether the supervisor did not give up over it.
    fn bring_up(&mut self, supervisor: usize, due: &[usize]) -> bool {
        for (at, child) in due.iter().enumerate() {
            if self.nodes[*child].known && !self.start(*child) {
                return self.child_ended(supervisor, *child, true, &due[at + 1..]);
            }
        }
        true
    }

    /// A worker ended by itself.
    pub(super) fn end(&mut self, worker: usize, bad: bool) {
        self.nodes[worker].up = false;
        let (mut child, mut bad) = (worker, bad);
        loop {
            let supervisor = self.nodes[child].parent;
            if self.child_ended(supervisor, child, bad, &[]) {
                return;
            }
            self.nodes[supervisor].up = false;
            if supervisor == 0 {
                return;
            }
            (child, bad) = (supervisor, true);
        }
    }

    /// Deals with the end of a child while those in `waiting` are still to be started. Whether the supervisor did not give
    /// up over it.
    fn child_ended(
        &mut self,
        supervisor: usize,
        child: usize,
        bad: bool,
        waiting: &[usize],
    ) -> bool {
        self.nodes[child].up = false;
        let again = match self.nodes[child].restart {
            Restart::Permanent => true,
            Restart::Transient => bad,
            Restart::Temporary => false,
        };
        if !again {
            self.nodes[child].known = false;
            return self.bring_up(supervisor, waiting);
        }
        let now = self.now;
        let Kind::Supervisor { strategy, restarts, within, children, made } =
            &mut self.nodes[supervisor].kind
        else {
            panic!("{supervisor} has no children");
        };
        let (strategy, siblings) = (*strategy, children.clone());
        made.retain(|at| at + *within > now);
        if made.len() >= *restarts as usize {
            for sibling in siblings.into_iter().rev() {
                self.stop(sibling);
            }
            return false;
        }
        made.push(now);
        self.overlaps |= strategy == Strategy::OneForOne && !waiting.is_empty();
        let touched = |sibling: &usize| match strategy {
            Strategy::OneForOne => *sibling == child,
            Strategy::OneForAll => true,
            Strategy::RestForOne => *sibling >= child,
        };
        let group: Vec<usize> = siblings.into_iter().filter(touched).collect();
        for sibling in group.iter().rev().filter(|sibling| **sibling != child) {
            if self.stop(*sibling) && self.nodes[*sibling].restart == Restart::Temporary {
                self.nodes[*sibling].known = false;
            }
        }
        self.now += if self.pauses { PAUSE } else { 0 };
        self.bring_up(supervisor, &group)
    }

    /// Stops a node and all below it, the last one first. Whether it was up.
    fn stop(&mut self, number: usize) -> bool {
        let was_up = std::mem::replace(&mut self.nodes[number].up, false);
        if was_up {
            match &self.nodes[number].kind {
                Kind::Worker => self.log.push(format!("-{number}")),
                Kind::Supervisor { children, .. } => {
                    for child in children.clone().into_iter().rev() {
                        self.stop(child);
                    }
                }
            }
        }
        was_up
    }
}
