//! Agents as people read them.

use bottega_api::{AgentStanding, AgentView, DeliveryClass};
use bottega_rehearsal::{Difference, Row};

use super::build::Built;
use super::test::Played;
use crate::figures;
use crate::paint::Paint;
use crate::table::Table;
use crate::template::Made;
use crate::terminal::Terminal;
use crate::visible;

pub(super) fn list(agents: &[AgentView], terminal: &Terminal) -> String {
    if agents.is_empty() {
        return "nobody lives there yet; `bottega agent deploy FOLDER` lets one in\n".to_owned();
    }
    let mut table =
        Table::new(&["AGENT", "STATE", ">WAITING", ">HANDLED", ">RESTARTS", "KIND", "TROUBLE"]);
    for agent in agents {
        table.row(&[
            agent.name.clone(),
            standing(agent.state).to_owned(),
            // A durable message that lies in the mailbox is under way too.
            figures::grouped(agent.waiting.max(agent.under_way) as u64),
            figures::grouped(agent.handled),
            figures::grouped(agent.restarts.into()),
            agent.kind.clone(),
            agent.trouble.clone().unwrap_or_default(),
        ]);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}

pub(super) fn agent(agent: &AgentView, paint: Paint) -> String {
    let name = paint.bold(&visible::first_line(&agent.name));
    let mut text =
        format!("{name} · {} · {}\n", standing(agent.state), visible::first_line(&agent.kind));
    let delivery = match agent.delivery {
        DeliveryClass::Transient => "transient",
        DeliveryClass::Durable => "durable",
    };
    let (waiting, capacity) = (agent.waiting as u64, agent.capacity as u64);
    text.push_str(&format!(
        "messages: {delivery}, {} of {} waiting, {} under way, {} handled\n",
        figures::grouped(waiting),
        figures::grouped(capacity),
        figures::grouped(agent.under_way as u64),
        figures::grouped(agent.handled)
    ));
    text.push_str(&format!(
        "begun anew: {}\n",
        figures::counted(agent.restarts.into(), "time", "times")
    ));
    if let Some(bytes) = agent.memory_bytes {
        text.push_str(&format!("memory: {}\n", figures::bytes(bytes)));
    }
    if let Some(cost) = agent.cost_usd {
        text.push_str(&format!("cost: {} since the server began\n", figures::dollars(cost)));
    }
    if let Some(trouble) = &agent.trouble {
        let head = paint.yellow("crashed last:");
        text.push_str(&format!("{head} {}\n", visible::shown(trouble).trim_end()));
    }
    text
}

/// What was done, and how the agent is now.
pub(super) fn done(agent: &AgentView, what: &str) -> String {
    let (name, kind) = (visible::first_line(&agent.name), visible::first_line(&agent.kind));
    format!("{name} {what}: {kind}, {}\n", standing(agent.state))
}

pub(super) fn removed(names: &[String]) -> String {
    names.iter().map(|name| format!("{} removed\n", visible::first_line(name))).collect()
}

pub(super) fn made(made: &Made) -> String {
    let Made { name, folder, files, .. } = made;
    let count = figures::counted(files.len() as u64, "file", "files");
    format!(
        "{folder} is made: {count}\n{}  bottega agent test\n  bottega agent deploy .\n  bottega message ask {name} Ada\n",
        made.on_to_build("agent")
    )
}

/// What a build made.
pub(super) fn built(built: &Built) -> String {
    let list = |names: &[String]| match names {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    let Built { name, version, world, module, bytes, asks_for, unused } = built;
    let size = figures::bytes(*bytes as u64);
    let module = visible::first_line(module);
    let mut text = format!(
        "{module} is made: {world} {name} {version}, {size}\nasks for: {}\n",
        list(asks_for)
    );
    if !unused.is_empty() {
        text.push_str(&format!("granted, and not asked for: {}\n", list(unused)));
    }
    text
}

/// What came of one script: a line, and each difference below it, what was expected above what was found.
pub(super) fn played(played: &Played, paint: Paint) -> String {
    let Played { file, name, passed, problem, differences, record: _, recorded } = played;
    let (file, name) = (visible::first_line(file), visible::first_line(name));
    let mark = if *passed { paint.green("ok  ") } else { paint.red("FAIL") };
    let mut text = format!("{mark} {name} ({file}{})\n", if *recorded { ", recorded" } else { "" });
    for problem in problem.iter().flat_map(|problem| problem.lines()) {
        text.push_str(&format!("  {file}: {}\n", visible::first_line(problem)));
    }
    for Difference { step, line, what, rows } in differences {
        let step = if *step == 0 { "the beginning".to_owned() } else { format!("step {step}") };
        text.push_str(&format!("  {step}, {file}:{line}: {what}\n"));
        for Row { expected, found, fits } in rows {
            let side = |side: &Option<String>| match side {
                Some(text) => visible::first_line(text),
                None => "nothing".to_owned(),
            };
            if *fits {
                text.push_str(&format!("    as expected  {}\n", side(found)));
                continue;
            }
            let (wanted, came) = (paint.green("expected"), paint.red("found   "));
            text.push_str(&format!(
                "    {wanted}     {}\n    {came}     {}\n",
                side(expected),
                side(found)
            ));
        }
    }
    text
}

/// All scripts in one line.
pub(super) fn summed(all: &[Played]) -> String {
    let passed = all.iter().filter(|played| played.passed).count();
    format!("{passed} passed, {} failed\n", all.len() - passed)
}

const fn standing(state: AgentStanding) -> &'static str {
    match state {
        AgentStanding::Starting => "starting",
        AgentStanding::Running => "running",
        AgentStanding::Resting => "resting",
        AgentStanding::Stopped => "stopped",
        AgentStanding::Failed => "failed",
    }
}
