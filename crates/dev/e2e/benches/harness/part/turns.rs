//! What lies between two turns, and what a turn costs.

use std::process::Command;
use std::time::Instant;

use super::{Series, in_turns, rows};
use crate::agent::Agent;
use crate::figures::median;
use crate::home::Home;
use crate::report::Row;
use crate::session::{self, Session};
use crate::{Failure, Field, costs, scene};

const ROUNDS: usize = 5;
const TURNS: usize = 20;

pub(crate) fn measure(field: &Field) -> Result<Vec<Row>, Failure> {
    let agents: Vec<&Agent> =
        field.all().into_iter().filter(|agent| agent.setup.calls_tools).collect();
    let homes: Vec<Home> = agents.iter().map(|_| scene::small()).collect::<Result<_, _>>()?;
    let mut all = bare_command(&homes[0])?;
    // What a run costs without turns is taken off, to see what a turn adds.
    let empty = in_turns(&agents, ROUNDS, |at| session::run(agents[at], &homes[at], Vec::new()))?;
    let echoes = in_turns(&agents, ROUNDS, |at| {
        session::run(agents[at], &homes[at], session::echoes(TURNS))
    })?;
    all.extend(between("between two turns, sandboxed echo", 6.0, &echoes));
    all.extend(a_turn("processor time of a turn, sandboxed echo", &empty, &echoes));
    let reads = in_turns(&agents, ROUNDS, |at| {
        session::run(agents[at], &homes[at], session::reads(&homes[at], TURNS))
    })?;
    all.extend(between("between two turns, file read", 2.0, &reads));
    all.extend(a_turn("processor time of a turn, file read", &empty, &reads));
    all.extend(rows(
        |own| Row::new(format!("peak memory after {TURNS} turns"), "MiB", own),
        &echoes,
        |sessions| median(sessions.iter().map(|session| session.costs.peak)),
    ));
    Ok(all)
}

fn between(metric: &str, goal: f64, sessions: &[Series<Session>]) -> Vec<Row> {
    rows(
        |own| Row::new(metric, "ms", own).at_most(goal),
        sessions,
        |sessions| median(sessions.iter().flat_map(|session| session.gaps.iter().copied())),
    )
}

fn a_turn(metric: &str, empty: &[Series<Session>], full: &[Series<Session>]) -> Vec<Row> {
    let cpu = |sessions: &[Session]| median(sessions.iter().map(|session| session.costs.cpu));
    let both: Vec<Series<f64>> = empty
        .iter()
        .zip(full)
        .map(|(empty, full)| Series {
            name: full.name,
            seen: match (&empty.seen, &full.seen) {
                (Ok(empty), Ok(full)) => Ok(vec![(cpu(full) - cpu(empty)) / TURNS as f64]),
                (Err(why), _) | (_, Err(why)) => Err(why.clone()),
            },
        })
        .collect();
    rows(|own| Row::new(metric, "ms", own).at_most(3.0), &both, |only| median(only.iter().copied()))
}

/// The same command without anything around it: the floor under the echo.
fn bare_command(home: &Home) -> Result<Vec<Row>, Failure> {
    let mut walls = Vec::new();
    let mut used = Vec::new();
    for turn in 0..ROUNDS * TURNS {
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("echo {turn}")]).current_dir(home.workspace());
        let began = Instant::now();
        bash.output()?;
        walls.push(began.elapsed().as_secs_f64() * 1e3);
        if turn % ROUNDS == 0 {
            used.push(costs::of(&bash, &home.own_files())?.cpu);
        }
    }
    let mut rows = vec![
        Row::new("the floor: a bare bash -c echo", "ms", median(walls)),
        Row::new("the floor: its processor time", "ms", median(used)),
    ];
    // Not every machine lets everybody make namespaces.
    let held: Result<Vec<f64>, Failure> = (0..ROUNDS * TURNS / 2)
        .map(|turn| {
            let mut unshare = Command::new("unshare");
            unshare
                .args(["--user", "--map-root-user", "--pid", "--mount", "--ipc", "--fork"])
                .args(["--mount-proc", "bash", "-c", &format!("echo {turn}")])
                .current_dir(home.workspace());
            Ok(costs::of(&unshare, &home.own_files())?.cpu)
        })
        .collect();
    if let Ok(held) = held {
        let metric =
            "the floor: its processor time behind unshare(1), without a cage's rules and mounts";
        rows.push(Row::new(metric, "ms", median(held)));
    }
    Ok(rows)
}
