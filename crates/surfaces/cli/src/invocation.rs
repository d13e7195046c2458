//! From words to what is meant.

use std::ffi::OsString;
use std::path::PathBuf;

use bottega_api::{ApiError, codes};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::arguments::Arguments;
use crate::command::Needs;
use crate::paint::Paint;
use crate::report::{self, Form};
use crate::terminal::{ColorChoice, Terminal};

/// One setting that a flag of this command sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The flag as it is written: `--access-mode`.
    pub flag: &'static str,
    /// The setting: `access.mode`.
    pub path: String,
    /// The value, as it would stand in a variable.
    pub value: String,
}

/// A command that was understood.
#[derive(Debug)]
pub struct Invocation {
    pub(crate) arguments: Arguments,
}

impl Invocation {
    /// Settings that flags of this command set, in the order in which they count.
    #[must_use]
    pub fn overrides(&self) -> Vec<Override> {
        let global = &self.arguments.global;
        let mut overrides: Vec<Override> = global
            .set
            .iter()
            .map(|(path, value)| Override {
                flag: "--set",
                path: path.clone(),
                value: value.clone(),
            })
            .collect();
        let mut add = |flag, path: &str, value: String| {
            overrides.push(Override { flag, path: path.to_owned(), value });
        };
        match global.color {
            Some(ColorChoice::Auto) => add("--color", "ui.color", "auto".to_owned()),
            Some(ColorChoice::Always) => add("--color", "ui.color", "always".to_owned()),
            Some(ColorChoice::Never) => add("--color", "ui.color", "never".to_owned()),
            None => {}
        }
        match global.verbose {
            0 => {}
            1 => add("-v", "log.filter", "info".to_owned()),
            _ => add("-vv", "log.filter", "debug".to_owned()),
        }
        if let Some(work) = self.arguments.command.work() {
            overrides.extend(work.overrides());
        }
        overrides.extend(self.arguments.command.of_server());
        overrides
    }

    /// The folder to work in (`-C`), as it was written; the present one when absent.
    #[must_use]
    pub const fn directory(&self) -> Option<&PathBuf> {
        self.arguments.global.directory.as_ref()
    }

    /// When output has colours, where a flag says so.
    #[must_use]
    pub const fn color(&self) -> Option<ColorChoice> {
        self.arguments.global.color
    }

    /// What has to be there before [`execute`](crate::execute) is called.
    #[must_use]
    pub const fn needs(&self) -> Needs {
        self.arguments.command.needs()
    }

    /// How errors of this command are told.
    #[must_use]
    pub const fn form(&self) -> Form {
        if self.arguments.global.json { Form::Json } else { Form::People }
    }
}

/// The command is over before it began: help or the version was asked for, or the words make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    code: u8,
    plain: String,
    painted: String,
}

impl Exit {
    /// Prints what there is to print, help to standard output and errors to standard error, and returns the
    /// exit code.
    pub fn print(&self, terminal: &mut Terminal) -> u8 {
        let paint = if self.code == 0 { terminal.out_paint() } else { terminal.err_paint() };
        let text = if paint.on { &self.painted } else { &self.plain };
        if self.code != 0 {
            terminal.note(text);
            return self.code;
        }
        match terminal.say(text).err().as_ref().and_then(report::unwritten) {
            Some(told) => report::report(terminal, &told, Form::People),
            None => self.code,
        }
    }

    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// The process itself can't work: a fault before any command could begin.
    #[must_use]
    pub fn internal(why: &str) -> Self {
        let error = ApiError::new(codes::INTERNAL, why);
        let told = |on| report::told(&error, Paint { on });
        Self { code: error.exit, plain: told(false), painted: told(true) }
    }

    fn misplaced(command: &str, form: Form) -> Self {
        let word = command.split(' ').next_back().unwrap_or(command);
        let error = ApiError::new(codes::USAGE, format!("there is no command `{word}`"))
            .step(format!("run `bottega {command}`"));
        let told = |on| match form {
            Form::People => report::told(&error, Paint { on }),
            Form::Json => format!("{}\n", serde_json::json!({ "error": error })),
        };
        Self { code: error.exit, plain: told(false), painted: told(true) }
    }

    fn version() -> Self {
        let text = format!("bottega {}\n", env!("CARGO_PKG_VERSION"));
        Self { code: 0, plain: text.clone(), painted: text }
    }

    fn of(error: &clap::Error, form: Form) -> Self {
        let rendered = error.render();
        let (plain, painted) = (rendered.to_string(), rendered.ansi().to_string());
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return Self { code: 0, plain, painted };
        }
        let code = codes::USAGE;
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self { code: code.exit, plain, painted };
        }
        if let Some(misplaced) = misplaced(error) {
            return Self::misplaced(&misplaced, form);
        }
        let message = told(&plain).strip_prefix("error: ").unwrap_or(told(&plain)).to_owned();
        if form == Form::Json {
            let told = ApiError::new(code, message);
            let text = format!("{}\n", serde_json::json!({ "error": told }));
            return Self { code: code.exit, plain: text.clone(), painted: text };
        }
        let next = format!("\n  next: {}\n", code.next_step);
        let painted = told(&painted).replacen("error:", &format!("error[{}]:", code.name), 1);
        let plain = format!("error[{}]: {message}{next}", code.name);
        Self { code: code.exit, plain, painted: painted + &next }
    }
}

/// The whole command, where a word stands for one that belongs behind another: `fork` for `sessions fork`.
fn misplaced(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let table = Arguments::command();
    let above = table.get_subcommands().find(|above| above.find_subcommand(word).is_some())?;
    Some(format!("{} {word}", above.get_name()))
}

/// What the parser says without its own next step.
fn told(rendered: &str) -> &str {
    rendered.split("\n\nFor more information").next().unwrap_or(rendered).trim_end()
}

/// Understands a command line. The first item is the program's name.
///
/// # Errors
/// An [`Exit`] to be printed when help or the version is asked for (exit code 0) or the words make no sense (2).
pub fn parse(args: impl Iterator<Item = OsString>) -> Result<Invocation, Exit> {
    let args: Vec<OsString> = args.collect();
    // Scripts ask for it in loops: it builds and touches nothing.
    if let [_, only] = args.as_slice()
        && (only == "--version" || only == "-V")
    {
        return Err(Exit::version());
    }
    let form = if args.iter().any(|arg| arg == "--json") { Form::Json } else { Form::People };
    let parsed = Arguments::command()
        .try_get_matches_from(args)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    match parsed {
        Ok(arguments) => Ok(Invocation { arguments }),
        Err(error) => Err(Exit::of(&error, form)),
    }
}
