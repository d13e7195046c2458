//! From `bottega resume` to the first request, after `kill -9` in a session of twenty turns.

use std::time::Duration;

use bottega_testkit::{Saying, ScriptedServer, Serving};

use crate::agent::Agent;
use crate::calling;
use crate::figures::median;
use crate::home::Home;
use crate::report::Row;
use crate::session::{Model, TASK};
use crate::{Failure, Field, scene, session};

const ROUNDS: usize = 9;
const TURNS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn measure(field: &Field) -> Result<Vec<Row>, Failure> {
    let home = scene::small()?;
    let mut waits = Vec::new();
    for _ in 0..ROUNDS {
        kill(&field.bottega, &home)?;
        let model = Model::going_on(&field.bottega, session::echoes(TURNS))?;
        let words = ["resume", "last", "--access-mode", "auto"];
        let command = field.bottega.words(&home, &model.url(), TASK, &words)?;
        waits.push(model.watch(&command, &home)?.to_first);
    }
    let metric = format!("resume of {TURNS} turns after kill -9, to the first request");
    Ok(vec![Row::new(metric, "ms", median(waits)).at_most(40.0)])
}

/// Lets it take its turns and kills it while it waits for the last answer.
fn kill(bottega: &Agent, home: &Home) -> Result<(), Failure> {
    let steps = session::echoes(TURNS);
    let server = ScriptedServer::start(move |asked| {
        steps.get(asked.turn).map_or_else(Serving::silence, |step| {
            calling::saying(asked, step).unwrap_or_else(|| Saying::text("I can't.")).into()
        })
    })?;
    let mut child = bottega.task(home, &server.url(), TASK)?.spawn()?;
    let waits = server.wait_for_questions(TURNS + 1, PATIENCE);
    child.kill()?;
    child.wait()?;
    if waits { Ok(()) } else { Err("it did not take its turns".into()) }
}
