//! The parts of the benchmark, and how agents take turns in them.

mod engine;
mod long;
mod output;
mod repository;
mod resume;
mod side_by_side;
mod start;
mod turns;

use crate::agent::Agent;
use crate::report::{Peer, Row};
use crate::{Failure, Field, tell};

/// Some rows that are measured together.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) measure: fn(&Field) -> Result<Vec<Row>, Failure>,
}

/// All of them.
#[rustfmt::skip]
pub(crate) const ALL: &[Part] = &[
    Part { name: "start", about: "version, a run of one turn, its memory and request", measure: start::measure },
    Part { name: "turns", about: "what lies between two turns, and what a turn costs", measure: turns::measure },
    Part { name: "long", about: "200 turns", measure: long::measure },
    Part { name: "side-by-side", about: "four calls in one answer", measure: side_by_side::measure },
    Part { name: "output", about: "5 MB of a command's output", measure: output::measure },
    Part { name: "repository", about: "a repository of 8,000 files", measure: repository::measure },
    Part { name: "resume", about: "going on after a kill", measure: resume::measure },
    Part { name: "engine", about: "whether a remote model loads the local engine", measure: engine::measure },
];

/// What one agent's turns gave, or why there are none.
struct Series<T> {
    name: &'static str,
    seen: Result<Vec<T>, String>,
}

/// Lets the agents take turns, so that what else the machine does meets all alike. Bottega must not fail; a peer
/// that does is left alone afterwards and reported.
fn in_turns<T>(
    agents: &[&Agent],
    rounds: usize,
    mut measure: impl FnMut(usize) -> Result<T, Failure>,
) -> Result<Vec<Series<T>>, Failure> {
    let name = |agent: &&Agent| Series { name: agent.name(), seen: Ok(Vec::new()) };
    let mut all: Vec<Series<T>> = agents.iter().map(name).collect();
    for _ in 0..rounds {
        for (place, series) in all.iter_mut().enumerate() {
            let Ok(seen) = &mut series.seen else { continue };
            match measure(place) {
                Ok(value) => seen.push(value),
                Err(why) if place == 0 => return Err(format!("{}: {why}", series.name).into()),
                Err(why) => {
                    tell(&format!("{} failed: {why}", series.name));
                    series.seen = Err(why.to_string());
                }
            }
        }
    }
    Ok(all)
}

/// One figure of every agent as rows: Bottega's, the first, beside each other's.
fn rows<T>(
    row: impl FnOnce(f64) -> Row,
    all: &[Series<T>],
    figure: impl Fn(&[T]) -> f64,
) -> Vec<Row> {
    let mut figures = all.iter().map(|series| Peer {
        name: series.name,
        value: series.seen.as_ref().map(|seen| figure(seen)).map_err(Clone::clone),
    });
    let own = figures.next().and_then(|own| own.value.ok()).unwrap_or(f64::NAN);
    row(own).beside(figures.collect())
}
