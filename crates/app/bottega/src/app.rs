//! What every command knows before it needs anything: the environment, the places, the settings.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bottega_api::{ApiError, codes};
use bottega_cli::{ColorChoice, Show, Terminal};
use bottega_config::{
    Color, Config, Environment, FlagValue, Notice, Places, Problem, Problems, SecretStore, Sources,
};
use bottega_sandbox_wasm::Toolbox;
use bottega_types::Redactor;
use miette::Diagnostic as _;
use tokio_util::task::TaskTracker;

use crate::signals;

/// What every command knows.
pub(crate) struct App {
    pub(crate) environment: Environment,
    pub(crate) workspace: PathBuf,
    /// The folder to work in, where it was named.
    directory: Option<PathBuf>,
    flags: Result<Vec<FlagValue>, ApiError>,
    places: OnceLock<Result<Places, ApiError>>,
    config: OnceLock<Result<Config, ApiError>>,
    /// The tools that were added; see `tools.rs`.
    pub(crate) toolbox: OnceLock<Arc<Toolbox>>,
    /// The commands that run in cages.
    pub(crate) commands: TaskTracker,
}

impl App {
    pub(crate) fn new(invocation: &bottega_cli::Invocation) -> Self {
        Self {
            environment: Environment::capture(),
            workspace: workspace_root(invocation.directory().map(PathBuf::as_path)),
            directory: invocation.directory().cloned(),
            flags: invocation.overrides().iter().map(flag).collect(),
            places: OnceLock::new(),
            config: OnceLock::new(),
            toolbox: OnceLock::new(),
            commands: TaskTracker::new(),
        }
    }

    /// Where this user's files are.
    pub(crate) fn places(&self) -> Result<&Places, ApiError> {
        let find = || {
            Places::find(&self.environment).map_err(|error| {
                ApiError::new(codes::SETTINGS, error.to_string()).step(error.next_step())
            })
        };
        self.places.get_or_init(find).as_ref().map_err(Clone::clone)
    }

    /// Where settings are read from.
    pub(crate) fn sources(&self) -> Result<Sources<'_>, ApiError> {
        Ok(Sources {
            environment: &self.environment,
            places: self.places()?,
            workspace: Some(&self.workspace),
            flags: self.flags.as_ref().map_err(Clone::clone)?,
        })
    }

    /// The settings that hold. Read once, when first needed.
    pub(crate) fn config(&self) -> Result<&Config, ApiError> {
        let load = || Config::load(self.sources()?).map_err(|problems| settings_fault(&problems));
        self.config.get_or_init(load).as_ref().map_err(Clone::clone)
    }

    /// What is wrong with the settings, one by one; nothing when they hold.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let found = self.sources().ok().and_then(|sources| Config::load(sources).err());
        found.map(|problems| problems.iter().cloned().collect()).unwrap_or_default()
    }

    /// This process's terminal, coloured as the settings say. Without readable settings it is a plain one: the
    /// command itself tells what is wrong with them.
    pub(crate) fn terminal(&self) -> Terminal {
        let history = self.places().ok().map(Places::history);
        let mut terminal =
            Terminal::system(self.environment.get("TERM"), history, signals::interrupts());
        terminal.workspace = Some(self.workspace.clone());
        if let Ok(config) = self.config() {
            let ui = &config.settings().ui;
            terminal.show = Show { reasoning: ui.reasoning, diffs: ui.diffs, cost: ui.cost };
            terminal.color = match config.settings().ui.color {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            };
        }
        terminal
    }

    /// What a person can do about a notice, from where they are.
    pub(crate) fn step_of(&self, notice: &Notice) -> String {
        match notice {
            Notice::Untrusted { .. } | Notice::Changed { .. } => {
                let place = self.directory.as_ref();
                let place = place.map(|folder| format!(" -C {}", folder.display()));
                format!("read them, then run `bottega config trust{}`", place.unwrap_or_default())
            }
            Notice::UnknownVariable { .. } => "unset it, or mend its name".to_owned(),
            Notice::IgnoredVariable { .. } => {
                "mend it, or set it otherwise for this program alone".to_owned()
            }
        }
    }

    /// Finds and keeps secrets.
    pub(crate) fn secrets(&self) -> Result<SecretStore, ApiError> {
        Ok(SecretStore::new(&self.environment, self.places()?))
    }

    /// Knows every secret that may not get out.
    pub(crate) fn redactor(&self) -> Result<Redactor, ApiError> {
        Ok(self.secrets()?.redactor(self.config()?.settings()))
    }
}

fn flag(set: &bottega_cli::Override) -> Result<FlagValue, ApiError> {
    let path = set
        .path
        .parse()
        .map_err(|error| ApiError::new(codes::USAGE, format!("{}: {error}", set.flag)))?;
    Ok(FlagValue { flag: set.flag.to_owned(), path, value: set.value.clone() })
}

/// What is wrong with the settings, and what to do about it.
pub(crate) fn settings_fault(problems: &Problems) -> ApiError {
    if problems.iter().any(|problem| problem.source_code().is_some()) {
        return ApiError::new(codes::SETTINGS, told(problems));
    }
    // In a flag, a variable or an argument there is no line to be shown.
    let lines = problems.iter().map(|problem| match problem.help() {
        Some(help) => format!("{problem}; {help}"),
        None => problem.to_string(),
    });
    ApiError::new(codes::SETTINGS, lines.collect::<Vec<_>>().join("\n"))
        .step("mend it where it was written; `bottega config show` lists the settings")
}

/// The problems with their places, as plain text.
fn told(problems: &Problems) -> String {
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let handler = miette::GraphicalReportHandler::new_themed(theme);
    let mut text = String::from("the settings are not valid\n");
    for problem in problems.related().into_iter().flatten() {
        if handler.render_report(&mut text, problem).is_err() {
            text.push_str(&problem.to_string());
        }
    }
    text.trim_end().to_owned()
}

/// The workspace of a folder: the nearest folder above it that holds `.git` or `.bottega`, else itself.
fn workspace_root(directory: Option<&std::path::Path>) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let here = directory.map_or_else(|| here.clone(), |directory| here.join(directory));
    let here = here.canonicalize().unwrap_or(here);
    here.ancestors()
        .find(|folder| folder.join(".git").exists() || folder.join(".bottega").exists())
        .map_or_else(|| here.clone(), std::path::Path::to_path_buf)
}
