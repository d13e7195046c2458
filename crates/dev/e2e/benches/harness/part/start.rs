//! Version, a run of one turn, its memory and its request.

use super::{in_turns, rows};
use crate::figures::median;
use crate::home::Home;
use crate::report::Row;
use crate::{Failure, Field, costs, scene, session};

const VERSIONS: usize = 15;
const RUNS: usize = 11;

pub(crate) fn measure(field: &Field) -> Result<Vec<Row>, Failure> {
    let agents = field.all();
    let homes: Vec<Home> = agents.iter().map(|_| scene::small()).collect::<Result<_, _>>()?;
    let versions = in_turns(&agents, VERSIONS, |at| {
        let folder = homes[at].own_files();
        Ok(costs::of(&agents[at].version(&homes[at]), &folder)?.wall)
    })?;
    let mut all = rows(
        |own| Row::new("--version", "ms", own).at_most(5.0),
        &versions,
        |walls| median(walls.iter().copied()),
    );

    let first_ever = in_turns(&agents, 1, |at| session::run(agents[at], &homes[at], Vec::new()))?;
    all.extend(rows(
        |own| Row::new("first run ever in a new home", "ms", own),
        &first_ever,
        |runs| median(runs.iter().map(|run| run.costs.wall)),
    ));
    let runs = in_turns(&agents, RUNS, |at| session::run(agents[at], &homes[at], Vec::new()))?;
    all.extend(rows(
        |own| Row::new("run of one turn", "ms", own).at_most(50.0),
        &runs,
        |runs| median(runs.iter().map(|run| run.costs.wall)),
    ));
    all.extend(rows(
        |own| Row::new("run of one turn, processor time", "ms", own),
        &runs,
        |runs| median(runs.iter().map(|run| run.costs.cpu)),
    ));
    all.extend(rows(
        |own| Row::new("run of one turn, peak memory", "MiB", own).at_most(30.0),
        &runs,
        |runs| median(runs.iter().map(|run| run.costs.peak)),
    ));
    all.extend(rows(
        |own| Row::new("first request", "KB", own).at_most(8.0),
        &runs,
        |runs| median(runs.iter().map(|run| run.first_request as f64 / 1e3)),
    ));
    Ok(all)
}
