//! The commands: one file each, and the table that names them.

mod agent;
mod audit;
mod board;
mod chat;
mod completions;
mod config;
mod cost;
mod doctor;
mod grants;
mod man;
mod message;
mod model;
mod package;
mod resume;
mod run;
mod secret;
mod serve;
mod sessions;
mod tender;
mod tool;
mod top;
mod topic;
mod undo;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bottega_api::{ApiError, codes};
use bottega_client::{Agents, Entrance, Whereabouts};
use clap::Args;
use serde::Serialize;

use crate::arguments::Global;
use crate::invocation::Override;
use crate::report::{self, Failure, Form};
use crate::terminal::Terminal;
use crate::work::Work;

/// What has to be there before a command is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: no settings are read and no file is touched.
    Nothing,
    /// The settings, as far as they can be read: these commands help to mend them.
    Places,
    /// Valid settings.
    Settings,
}

/// Every command, in the order in which help shows them.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Run(run::Arguments),
    Chat(chat::Arguments),
    Resume(resume::Arguments),
    Sessions(sessions::Arguments),
    Undo(undo::Arguments),
    Serve(serve::Arguments),
    Top(top::Arguments),
    Agent(agent::Arguments),
    Message(message::Arguments),
    Tender(tender::Arguments),
    Topic(topic::Arguments),
    Board(board::Arguments),
    Tool(tool::Arguments),
    Model(model::Arguments),
    Config(config::Arguments),
    Secret(secret::Arguments),
    Cost(cost::Arguments),
    Grants(grants::Arguments),
    Audit(audit::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

impl Command {
    pub(crate) const fn needs(&self) -> Needs {
        match self {
            Self::Completions(_) | Self::Man(_) => Needs::Nothing,
            Self::Config(_) | Self::Doctor(_) | Self::Secret(_) => Needs::Places,
            Self::Agent(arguments) => arguments.needs(),
            Self::Tool(arguments) => arguments.needs(),
            Self::Run(_)
            | Self::Chat(_)
            | Self::Resume(_)
            | Self::Sessions(_)
            | Self::Undo(_)
            | Self::Serve(_)
            | Self::Top(_)
            | Self::Message(_)
            | Self::Tender(_)
            | Self::Topic(_)
            | Self::Board(_)
            | Self::Model(_)
            | Self::Cost(_)
            | Self::Grants(_)
            | Self::Audit(_) => Needs::Settings,
        }
    }

    /// The flags that steer work, where the command works.
    pub(crate) const fn work(&self) -> Option<&Work> {
        match self {
            Self::Run(arguments) => Some(arguments.work()),
            Self::Chat(arguments) => Some(arguments.work()),
            Self::Resume(arguments) => Some(arguments.work()),
            Self::Sessions(_)
            | Self::Undo(_)
            | Self::Serve(_)
            | Self::Top(_)
            | Self::Agent(_)
            | Self::Message(_)
            | Self::Tender(_)
            | Self::Topic(_)
            | Self::Board(_)
            | Self::Tool(_)
            | Self::Model(_)
            | Self::Config(_)
            | Self::Secret(_)
            | Self::Cost(_)
            | Self::Grants(_)
            | Self::Audit(_)
            | Self::Doctor(_)
            | Self::Completions(_)
            | Self::Man(_) => None,
        }
    }

    /// The settings that flags of the server set, where it is to serve.
    pub(crate) fn of_server(&self) -> Vec<Override> {
        match self {
            Self::Serve(arguments) => arguments.overrides(),
            Self::Run(_)
            | Self::Chat(_)
            | Self::Resume(_)
            | Self::Sessions(_)
            | Self::Undo(_)
            | Self::Top(_)
            | Self::Agent(_)
            | Self::Message(_)
            | Self::Tender(_)
            | Self::Topic(_)
            | Self::Board(_)
            | Self::Tool(_)
            | Self::Model(_)
            | Self::Config(_)
            | Self::Secret(_)
            | Self::Cost(_)
            | Self::Grants(_)
            | Self::Audit(_)
            | Self::Doctor(_)
            | Self::Completions(_)
            | Self::Man(_) => Vec::new(),
        }
    }

    pub(crate) async fn execute(self, desk: &mut Desk<'_>) -> Result<u8, Failure> {
        match self {
            Self::Run(arguments) => run::execute(arguments, desk).await,
            Self::Chat(arguments) => chat::execute(arguments, desk).await,
            Self::Resume(arguments) => resume::execute(arguments, desk).await,
            Self::Sessions(arguments) => sessions::execute(arguments, desk).await,
            Self::Undo(arguments) => undo::execute(arguments, desk).await,
            Self::Serve(arguments) => serve::execute(arguments, desk).await,
            Self::Top(arguments) => top::execute(arguments, desk).await,
            Self::Agent(arguments) => agent::execute(arguments, desk).await,
            Self::Message(arguments) => message::execute(arguments, desk).await,
            Self::Tender(arguments) => tender::execute(arguments, desk).await,
            Self::Topic(arguments) => topic::execute(arguments, desk).await,
            Self::Board(arguments) => board::execute(arguments, desk).await,
            Self::Tool(arguments) => tool::execute(arguments, desk).await,
            Self::Model(arguments) => model::execute(arguments, desk).await,
            Self::Config(arguments) => config::execute(arguments, desk),
            Self::Secret(arguments) => secret::execute(arguments, desk).await,
            Self::Cost(arguments) => cost::execute(arguments, desk).await,
            Self::Grants(arguments) => grants::execute(arguments, desk).await,
            Self::Audit(arguments) => audit::execute(arguments, desk).await,
            Self::Doctor(arguments) => doctor::execute(&arguments, desk).await,
            Self::Completions(arguments) => completions::execute(&arguments, desk),
            Self::Man(arguments) => man::execute(&arguments, desk),
        }
    }
}

/// Which server agents live on.
#[derive(Debug, Args)]
pub(crate) struct Where {
    /// The server; the one that runs on this machine when absent
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Believe in the certificates of this file as well (PEM), where the address begins with `https`
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
}

/// What a command works with.
pub(crate) struct Desk<'e> {
    pub(crate) entrance: &'e dyn Entrance,
    pub(crate) terminal: Terminal,
    pub(crate) global: Global,
}

impl Desk<'_> {
    /// Tells, before work begins, what a person should know of the settings.
    pub(crate) fn tell_notices(&mut self) -> Result<(), Failure> {
        for notice in self.entrance.machine()?.notices()? {
            let text = match self.form() {
                Form::Json => format!("{}\n", serde_json::json!({ "notice": notice })),
                Form::People => report::noticed(&notice, self.terminal.err_paint()),
            };
            self.terminal.note(&text);
        }
        Ok(())
    }

    /// The workspace, by the path under which sessions know it.
    pub(crate) fn here(&self) -> Result<PathBuf, Failure> {
        let here = match (&self.terminal.workspace, &self.global.directory) {
            (Some(folder), _) | (None, Some(folder)) => folder.clone(),
            (None, None) => std::env::current_dir()?,
        };
        Ok(here.canonicalize().unwrap_or(here))
    }

    /// A path that was written, seen from the folder of `-C`.
    pub(crate) fn path(&self, written: &Path) -> PathBuf {
        match &self.global.directory {
            Some(folder) => folder.join(written),
            None => written.to_owned(),
        }
    }

    /// Where agents live.
    fn place(&self, at: &Where) -> Whereabouts {
        let ca_cert = at.ca_cert.as_deref().map(|written| self.path(written));
        Whereabouts { server: at.server.clone(), ca_cert }
    }

    /// The agents of a server.
    pub(crate) async fn agents(&mut self, at: &Where) -> Result<Arc<dyn Agents>, Failure> {
        let entrance = self.entrance;
        let place = self.place(at);
        self.wait(entrance.agents(&place)).await
    }

    /// Waits for an answer, until a person doesn't any more.
    pub(crate) async fn wait<T>(
        &mut self,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, Failure> {
        let waited = Terminal::unless_interrupted(&mut self.terminal.interrupts, work).await;
        Ok(waited.ok_or(Failure::Silent(codes::INTERRUPTED.exit))??)
    }

    pub(crate) const fn form(&self) -> Form {
        if self.global.json { Form::Json } else { Form::People }
    }

    /// A view: whole as JSON for scripts, or as `people` tell it.
    pub(crate) fn show<V: Serialize>(
        &mut self,
        view: &V,
        people: impl FnOnce(&Terminal) -> String,
    ) -> Result<u8, Failure> {
        let text = match self.form() {
            Form::Json => {
                let text = serde_json::to_string_pretty(view).map_err(std::io::Error::other)?;
                text + "\n"
            }
            Form::People => people(&self.terminal),
        };
        self.terminal.say(&text)?;
        Ok(0)
    }
}
