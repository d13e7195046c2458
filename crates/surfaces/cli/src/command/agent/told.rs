//! Agents as people read them.

use bottega_api::{AgentStanding, AgentView, DeliveryClass};

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
            figures::grouped((agent.waiting + agent.under_way) as u64),
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
    let Made { name, folder, files } = made;
    let count = figures::counted(files.len() as u64, "file", "files");
    format!(
        "{folder} is made: {count}\nnext:\n  cd {folder}\n  ./build.sh\n  bottega agent deploy .\n  \
         bottega message ask {name} Ada\n"
    )
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
