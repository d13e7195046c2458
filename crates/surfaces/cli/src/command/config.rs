//! `bottega config`: settings with their origins.

use bottega_api::{ApiError, SettingView, codes};
use clap::{Args, Subcommand, ValueEnum};

use super::Desk;
use crate::report::Failure;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::visible;

/// Show and change settings
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega config show access                 everything below `access`
  bottega config get model.default           the value alone
  bottega config set access.mode auto
  bottega config set limits.turns 30 --layer project
  bottega config path                        the files, and which are read
  bottega config trust                       trust the settings of this folder")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every setting with its value and where that comes from
    Show {
        /// Only this one, or those below it
        #[arg(value_name = "PATH")]
        path: Option<String>,
    },
    /// The value of one setting
    Get {
        /// The setting, as in `access.mode`
        #[arg(value_name = "PATH")]
        path: String,
    },
    /// Change a setting in a file
    Set {
        /// The setting, as in `access.mode`
        #[arg(value_name = "PATH")]
        path: String,
        /// Its new value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Whose file
        #[arg(long, value_enum, default_value_t = Layer::User)]
        layer: Layer,
    },
    /// The files that settings may come from
    Path,
    /// Trust the settings of this folder as they are now
    Trust,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Layer {
    /// Yours, on this machine
    User,
    /// This folder's, shared with everyone who works in it
    Project,
    /// Yours, in this folder
    Local,
}

impl Layer {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
        }
    }
}

pub(super) fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let machine = desk.entrance.machine()?;
    match arguments.what {
        What::Show { path } => {
            let settings = match path {
                Some(path) => machine.setting(&path)?,
                None => machine.settings()?,
            };
            desk.show(&settings, |terminal| told(&settings, terminal))
        }
        What::Get { path } => {
            let settings = machine.setting(&path)?;
            match settings.as_slice() {
                [] => Err(ApiError::new(codes::SETTINGS, format!("there is no setting `{path}`"))
                    .step("run `bottega config show`")
                    .into()),
                [only] if only.path == path => {
                    desk.show(only, |_| format!("{}\n", bare(&only.toml)))
                }
                _ => desk.show(&settings, |terminal| told(&settings, terminal)),
            }
        }
        What::Set { path, value, layer } => {
            let file = machine.set(&path, &value, layer.name())?;
            let view = serde_json::json!({ "path": path, "value": value, "file": file });
            desk.show(&view, |_| format!("{path} is set in {file}\n"))
        }
        What::Path => {
            let sources = machine.sources()?;
            desk.show(&sources, |terminal| {
                let mut table = Table::new(&["LAYER", "STATE", "PATH"]);
                for source in &sources {
                    table.row(&[source.layer.clone(), source.state.clone(), source.path.clone()]);
                }
                table.render(terminal.out_columns(), terminal.out_paint())
            })
        }
        What::Trust => {
            let folder = machine.trust()?;
            desk.show(&serde_json::json!({ "trusted": folder }), |_| {
                format!("{}/.bottega is trusted as it is now\n", visible::shown(&folder))
            })
        }
    }
}

/// A TOML string without its quotes, for scripts; other values as they are.
fn bare(value: &str) -> String {
    let text = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match text {
        Some(text) if !text.contains(['\\', '"']) => text.to_owned(),
        Some(_) | None => value.to_owned(),
    }
}

fn told(settings: &[SettingView], terminal: &Terminal) -> String {
    let mut table = Table::new(&["SETTING", "VALUE", "FROM"]);
    for setting in settings {
        table.row(&[setting.path.clone(), setting.toml.clone(), setting.origin.clone()]);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn only_plain_strings_lose_their_quotes() {
        assert_eq!(bare("\"auto\""), "auto");
        assert_eq!(bare("\"a\\\"b\""), "\"a\\\"b\"");
        assert_eq!(bare("30"), "30");
        assert_eq!(bare("[\"a\"]"), "[\"a\"]");
        assert_eq!(bare("\"\""), "");
    }
}
