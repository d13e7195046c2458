//! What a repository of 8,000 files adds.

use super::in_turns;
use crate::figures::median;
use crate::report::Row;
use crate::{Failure, Field, scene, session};

const ROUNDS: usize = 7;
const TURNS: usize = 20;

pub(crate) fn measure(field: &Field) -> Result<Vec<Row>, Failure> {
    let homes = [scene::small()?, scene::large()?];
    // The same agent in two repositories.
    let both = [&field.bottega, &field.bottega];
    let sessions =
        in_turns(&both, ROUNDS, |at| session::run(both[at], &homes[at], session::echoes(TURNS)))?;
    let mut seen = sessions.into_iter().map(|series| series.seen);
    let (Some(small), Some(large)) = (seen.next(), seen.next()) else {
        return Err("nobody took part".into());
    };
    let (small, large) = (small?, large?);
    let first = |all: &[session::Session]| median(all.iter().map(|session| session.to_first));
    let gap = |all: &[session::Session]| {
        median(all.iter().flat_map(|session| session.gaps.iter().copied()))
    };
    let peak = median(large.iter().map(|session| session.costs.peak));
    let request = median(large.iter().map(|session| session.first_request as f64 / 1e3));
    let added = first(&large) - first(&small);
    // Nothing, as far as it can be told from noise.
    let a_turn = gap(&large) - gap(&small);
    Ok(vec![
        Row::new("start to first request, small repository", "ms", first(&small)),
        Row::new("8,000 files: added to the first answer", "ms", added).at_most(100.0),
        Row::new("8,000 files: added to a turn", "ms", a_turn).at_most(0.5),
        Row::new("8,000 files: first request", "KB", request),
        Row::new("8,000 files: peak memory", "MiB", peak),
    ])
}
