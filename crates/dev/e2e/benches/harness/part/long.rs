//! Whether the two-hundredth turn costs what the first did.

use super::in_turns;
use crate::figures::median;
use crate::report::Row;
use crate::session::{self, Session};
use crate::{Failure, Field, scene};

const ROUNDS: usize = 3;
const TURNS: usize = 200;
const ENDS: usize = 20;

pub(crate) fn measure(field: &Field) -> Result<Vec<Row>, Failure> {
    let home = scene::small()?;
    let own = [&field.bottega];
    let mut all = Vec::new();
    for (what, steps) in
        [("sandboxed echo", session::echoes(TURNS)), ("file read", session::reads(&home, TURNS))]
    {
        let sessions = in_turns(&own, ROUNDS, |at| session::run(own[at], &home, steps.clone()))?;
        let sessions = sessions.into_iter().next().ok_or("nobody took part")?.seen?;
        let ratio = median(sessions.iter().map(|session| last(session) / first(session)));
        let metric = format!("turns 181 to 200 next to 1 to 20, {what}");
        all.push(Row::new(metric, "ratio", ratio).at_most(1.25));
        let peak = median(sessions.iter().map(|session| session.costs.peak));
        all.push(Row::new(format!("peak memory after {TURNS} turns, {what}"), "MiB", peak));
    }
    Ok(all)
}

fn first(session: &Session) -> f64 {
    median(session.gaps.iter().take(ENDS).copied())
}

fn last(session: &Session) -> f64 {
    median(session.gaps.iter().rev().take(ENDS).copied())
}
