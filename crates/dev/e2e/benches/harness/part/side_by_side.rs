//! Four calls of one answer that take a second each.

use super::in_turns;
use crate::calling::Step;
use crate::figures::median;
use crate::report::Row;
use crate::{Failure, Field, scene, session};

const ROUNDS: usize = 5;

pub(crate) fn measure(field: &Field) -> Result<Vec<Row>, Failure> {
    let home = scene::small()?;
    let own = [&field.bottega];
    let sleeps = || vec![Step::Shell(vec!["sleep 1".to_owned(); 4])];
    let sessions = in_turns(&own, ROUNDS, |at| session::run(own[at], &home, sleeps()))?;
    let sessions = sessions.into_iter().next().ok_or("nobody took part")?.seen?;
    let gaps = sessions.iter().flat_map(|session| session.gaps.iter().map(|gap| gap / 1e3));
    Ok(vec![Row::new("four `sleep 1` side by side", "s", median(gaps)).at_most(1.05)])
}
