//! A command that prints 5 MB: what passes beyond the time that the command takes by itself.

use std::process::Command;
use std::time::Instant;

use super::in_turns;
use crate::calling::Step;
use crate::figures::median;
use crate::home::Home;
use crate::report::Row;
use crate::{Failure, Field, scene, session};

const ROUNDS: usize = 9;

/// Another text in each round: what is kept already is not kept again.
fn line(round: usize) -> String {
    format!(
        "yes 'line {round:03} as a compiler prints it, of no more than a usual length' | head -c 5000000"
    )
}

pub(crate) fn measure(field: &Field) -> Result<Vec<Row>, Failure> {
    let home = scene::small()?;
    let own = [&field.bottega];
    let (mut bare, mut round) = (Vec::new(), 0);
    let sessions = in_turns(&own, ROUNDS, |at| {
        round += 1;
        bare.push(alone(&home, &line(round))?);
        session::run(own[at], &home, vec![Step::shell(line(round))])
    })?;
    let sessions = sessions.into_iter().next().ok_or("nobody took part")?.seen?;
    let gap = median(sessions.iter().flat_map(|session| session.gaps.iter().copied()));
    let peak = median(sessions.iter().map(|session| session.costs.peak));
    let bare = median(bare);
    Ok(vec![
        Row::new("5 MB of output, without the command's own time", "ms", gap - bare).at_most(60.0),
        Row::new("5 MB of output, the command by itself", "ms", bare),
        Row::new("5 MB of output, peak memory", "MiB", peak),
    ])
}

/// Milliseconds of the command by itself, its output read and forgotten.
fn alone(home: &Home, line: &str) -> Result<f64, Failure> {
    let began = Instant::now();
    let output = Command::new("bash").args(["-c", line]).current_dir(home.workspace()).output()?;
    let millis = began.elapsed().as_secs_f64() * 1e3;
    if output.stdout.len() == 5_000_000 { Ok(millis) } else { Err("it printed less".into()) }
}
