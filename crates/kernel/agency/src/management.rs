//! The agent management system (SC00023): who lives here and how they are, asked by agents.
//!
//! It tells and changes nothing: who lives here is for those to say who hold the server's token. What SC00023 has agents
//! register with it, the agency knows already.

use std::sync::Weak;

use async_trait::async_trait;
use bottega_acl::{AgentName, Message, Performative};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use serde::{Deserialize, Serialize};

use crate::agency::{Agency, AgentState};
use crate::request::{requested, say};

/// What the agent management system is called, before the `@` (SC00023, reserved name).
pub(crate) const NAME: &str = "ams";
/// What a content must look like.
const EXAMPLE: &str = r#"{"action":"search","template":{"state":"active"}}"#;
/// The most agents that one answer tells of.
const MOST: usize = 1_000;

/// What the agent management system is asked for: the content of a `request`, as JSON.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
enum Action {
    Search {
        #[serde(default)]
        template: Template,
    },
    GetDescription {},
    Register {},
    Deregister {},
    Modify {},
}

/// Which agents are meant; all that nothing is said of.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    name: Option<AgentName>,
    state: Option<LifeCycle>,
}

/// Where an agent stands, in the words of SC00023 (agent life cycle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LifeCycle {
    Initiated,
    Active,
    Waiting,
    Suspended,
}

impl From<AgentState> for LifeCycle {
    fn from(state: AgentState) -> Self {
        match state {
            AgentState::Starting => Self::Initiated,
            AgentState::Running => Self::Active,
            AgentState::Resting => Self::Waiting,
            // One that was given up can be begun again, as one that was stopped.
            AgentState::Stopped | AgentState::Failed => Self::Suspended,
        }
    }
}

/// An agent, as its description goes (`ams-agent-description`).
#[derive(Debug, Serialize)]
struct Description {
    name: AgentName,
    state: LifeCycle,
    kind: String,
}

/// The platform, as its description goes (`ap-description`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Platform {
    name: String,
    /// Agents of the platform's own that live here.
    ap_services: Vec<String>,
}

/// The agent management system as those see it who talk to it.
pub(crate) struct Registrar(pub(crate) Weak<Agency>);

#[async_trait]
impl Resident for Registrar {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let message = &letter.message;
        let takes = "the agent management system takes a request to search or get-description";
        let action: Action = match requested(message, takes, EXAMPLE) {
            Ok(action) => action,
            Err(why) => return say(office, message.not_understood(office.me(), &why)).await,
        };
        // It lives in the agency that it tells of.
        let Some(agency) = self.0.upgrade() else { return Ok(()) };
        say(office, Some(answered(message, action, &agency, office))).await
    }
}

fn answered(message: &Message, action: Action, agency: &Agency, office: &dyn Office) -> Message {
    let answer = |act, content: Option<String>| {
        message.reply(act, office.me()).about(content.unwrap_or_default())
    };
    match action {
        Action::Search { template } => {
            let found = search(&template, agency);
            answer(Performative::Inform, serde_json::to_string(&found).ok())
        }
        Action::GetDescription {} => {
            let own = |name: &&str| format!("{name}@{}", agency.platform());
            let lives = |name: &String| name.parse().is_ok_and(|name| agency.knows(&name));
            let services = crate::deployment::RESERVED.iter().map(own).filter(lives);
            let platform =
                Platform { name: agency.platform().to_owned(), ap_services: services.collect() };
            answer(Performative::Inform, serde_json::to_string(&platform).ok())
        }
        Action::Register {} | Action::Deregister {} | Action::Modify {} => {
            let why = "unauthorised: who lives here is for a person to say, with `bottega agent`";
            answer(Performative::Refuse, Some(why.to_owned()))
        }
    }
}

fn search(template: &Template, agency: &Agency) -> Vec<Description> {
    let described = agency.list().into_iter().map(|row| Description {
        name: row.name,
        state: row.state.into(),
        kind: row.kind,
    });
    let meant = described.filter(|one| {
        template.name.as_ref().is_none_or(|name| *name == one.name)
            && template.state.is_none_or(|state| state == one.state)
    });
    meant.take(MOST).collect()
}
