//! `bottega agent`: agents that live on a server.

pub(super) mod build;
mod test;
mod told;

use std::path::PathBuf;

use bottega_api::DeployRequest;
use bottega_client::Agents;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Desk, Needs, Where, package};
use crate::happened;
use crate::report::Failure;
use crate::template::{self, Kind, Language};

/// Make, deploy, watch and steer agents that live on a server
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega agent new greeter --lang python   a folder to begin with
  bottega agent build ./greeter             make its module, and look at it
  bottega agent test ./greeter              play the scripts of its `tests/`
  bottega agent deploy ./greeter            let it live on the server
  bottega agent deploy ./critic.md          one that a language model plays
  bottega agent list                        who lives there, and how they are
  bottega agent logs greeter -n 20          what happened to it
  bottega agent upgrade greeter ./greeter   another version, with what it knows
  bottega agent rollback greeter            the version before

The server is the one that `bottega serve` began on this machine, or the one behind `--server`.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Who lives on the server
    List {
        #[command(flatten)]
        at: Where,
    },
    /// One agent: how it is, and why it crashed last
    Show {
        #[command(flatten)]
        named: Named,
    },
    /// Let an agent live on the server, also after that begins anew
    Deploy {
        #[command(flatten)]
        package: Package,
        /// Its name on the server; that of its manifest when absent
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        at: Where,
    },
    /// Begin an agent that was stopped or given up
    Start {
        #[command(flatten)]
        named: Named,
    },
    /// Stop an agent, after it dealt with what waits for it
    ///
    /// It has ten seconds for that. What is left then waits until it is begun again where it
    /// was stored; transient messages are lost: whoever waits for an answer is told, and the
    /// server's log says how many they were.
    Stop {
        #[command(flatten)]
        named: Named,
    },
    /// Stop an agent and begin it again
    Restart {
        #[command(flatten)]
        named: Named,
    },
    /// Let another version take over, with what the present one knows
    ///
    /// It does so between two messages, and its mailbox stays. Where it does not come up the
    /// one before goes on. A version of another kind (a module in place of a Markdown file, an
    /// agent outside in place of a module, …) begins anew.
    Upgrade {
        /// The agent
        name: String,
        #[command(flatten)]
        package: Package,
        #[command(flatten)]
        at: Where,
    },
    /// Let the version take over that was there before the last upgrade
    Rollback {
        #[command(flatten)]
        named: Named,
    },
    /// What happened to an agent, the oldest first
    Logs {
        #[command(flatten)]
        named: Named,
        /// The latest so many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
    },
    /// Take agents away; what is under way to them becomes dead letters
    Rm {
        /// The agents
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
        #[command(flatten)]
        at: Where,
    },
    /// Make a folder's module by its own build, and see that it would be taken
    ///
    /// The line `[build] command` of its `bottega.toml` is carried out by the shell in that
    /// folder, `./build.sh` when there is none: with your rights, as if you typed it. Build
    /// only what you trust. Then the module is loaded with its manifest.
    #[command(after_help = "\
Exit code 1: the build itself failed. 2: what came of it is not what the manifest says.")]
    Build {
        /// The folder with the `bottega.toml`
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Let an agent play the scripts of its folder, without any server
    ///
    /// Each `tests/*.toml` says what the agent hears and what it is expected to do. Time moves
    /// by the script alone, random numbers come from its seed, nothing reaches the world, and
    /// the manifest's limits hold: the same script and module always give the same record.
    #[command(after_help = "\
A script:
  name = \"greets whoever asks\"
  [[steps]]
  hear = { performative = \"request\", sender = \"ada@local\", content = \"Ada\" }
  says = [{ performative = \"inform\", content = \"Hello, Ada\" }]

A script may name: config, seed, now, keys, files, directory (who is found), http,
model and tools (what they answer, once each), begin, steps. A step: advance, upgrade,
hear, says, logs, asks (other calls of the host), keeps, refuses, fails.

Exit code 1: something is not as expected.")]
    Test {
        /// The folder with the `bottega.toml` and the module
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Only scripts with this in their file's name
        #[arg(long, value_name = "WORD")]
        only: Option<String>,
        /// Write into the scripts what happened, as what is expected from now on
        #[arg(long)]
        record: bool,
    },
    /// Make a folder with an agent to begin with
    New {
        /// Its name and the folder's: lower-case letters, digits and `-`
        name: String,
        /// The language that it is written in
        #[arg(long, value_name = "LANGUAGE", value_enum)]
        lang: Language,
    },
}

/// One agent on a server.
#[derive(Debug, Args)]
struct Named {
    /// The agent: `echo@local`, or `echo` for one of the server's own
    name: String,
    #[command(flatten)]
    at: Where,
}

/// What is deployed.
#[derive(Debug, Args)]
struct Package {
    /// The folder with its `bottega.toml` and the module that is named there, or the Markdown
    /// file of an agent that a language model plays
    folder: PathBuf,
    /// Its own settings, handed to it when it begins
    #[arg(long, value_name = "JSON", value_parser = json)]
    config: Option<Value>,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))
}

impl Package {
    fn read(self, name: Option<String>, desk: &Desk<'_>) -> Result<DeployRequest, Failure> {
        package::read(&desk.path(&self.folder), name, self.config.unwrap_or_default())
    }
}

impl Arguments {
    pub(super) const fn needs(&self) -> Needs {
        match self.what {
            What::New { .. } | What::Build { .. } | What::Test { .. } => Needs::Nothing,
            What::List { .. }
            | What::Show { .. }
            | What::Deploy { .. }
            | What::Start { .. }
            | What::Stop { .. }
            | What::Restart { .. }
            | What::Upgrade { .. }
            | What::Rollback { .. }
            | What::Logs { .. }
            | What::Rm { .. } => Needs::Settings,
        }
    }
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    match arguments.what {
        What::List { at } => {
            let agents = desk.agents(&at).await?;
            let list = desk.wait(agents.list()).await?;
            desk.show(&list, |terminal| told::list(&list, terminal))
        }
        What::Show { named } => {
            let agents = desk.agents(&named.at).await?;
            let agent = desk.wait(agents.show(&named.name)).await?;
            desk.show(&agent, |terminal| told::agent(&agent, terminal.out_paint()))
        }
        What::Deploy { package, name, at } => {
            let request = package.read(name, desk)?;
            let agents = desk.agents(&at).await?;
            let agent = desk.wait(agents.deploy(request)).await?;
            desk.show(&agent, |_| told::done(&agent, "lives there now"))
        }
        What::Start { named } => {
            let agents = desk.agents(&named.at).await?;
            let agent = desk.wait(agents.start(&named.name)).await?;
            desk.show(&agent, |_| told::done(&agent, "was begun"))
        }
        What::Stop { named } => {
            let agents = desk.agents(&named.at).await?;
            let agent = desk.wait(agents.stop(&named.name)).await?;
            desk.show(&agent, |_| told::done(&agent, "was stopped"))
        }
        What::Restart { named } => {
            let agents = desk.agents(&named.at).await?;
            let agent = desk.wait(agents.restart(&named.name)).await?;
            desk.show(&agent, |_| told::done(&agent, "was begun again"))
        }
        What::Upgrade { name, package, at } => {
            let request = package.read(None, desk)?;
            let agents = desk.agents(&at).await?;
            let agent = desk.wait(agents.upgrade(&name, request)).await?;
            desk.show(&agent, |_| told::done(&agent, "has taken over"))
        }
        What::Rollback { named } => {
            let agents = desk.agents(&named.at).await?;
            let agent = desk.wait(agents.roll_back(&named.name)).await?;
            desk.show(&agent, |_| told::done(&agent, "is back"))
        }
        What::Logs { named, limit } => {
            let agents = desk.agents(&named.at).await?;
            let events = desk.wait(agents.events(&named.name, limit.into())).await?;
            desk.show(&events, |terminal| happened::lines(&events, terminal))
        }
        What::Rm { names, at } => {
            let agents = desk.agents(&at).await?;
            remove(agents.as_ref(), names, desk).await
        }
        What::Build { folder } => build::execute(&desk.path(&folder), desk).await,
        What::Test { folder, only, record } => {
            test::execute(&desk.path(&folder), only.as_deref(), record, desk).await
        }
        What::New { name, lang } => {
            let folder = desk.path(std::path::Path::new(&name));
            let made = template::write(Kind::Agent, &name, lang, &folder)?;
            desk.show(&made, |_| told::made(&made))
        }
    }
}

async fn remove(
    agents: &dyn Agents,
    names: Vec<String>,
    desk: &mut Desk<'_>,
) -> Result<u8, Failure> {
    // All are looked up first: a slip in one removes none. One may be named twice.
    let mut found = Vec::new();
    for name in names {
        let agent = desk.wait(agents.show(&name)).await?;
        if !found.contains(&agent.name) {
            found.push(agent.name);
        }
    }
    for name in &found {
        desk.wait(agents.remove(name)).await?;
    }
    desk.show(&found, |_| told::removed(&found))
}
