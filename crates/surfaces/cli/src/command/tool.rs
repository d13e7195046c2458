//! `bottega tool`: what agents may call.

use std::path::{Path, PathBuf};

use bottega_api::{ApiError, ToolAnswer, ToolView, codes};
use bottega_manifest::World;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Desk, Needs, agent, package};
use crate::figures;
use crate::paint::Paint;
use crate::report::Failure;
use crate::table::Table;
use crate::template::{self, Kind, Language, Made};
use crate::terminal::Terminal;
use crate::visible;

/// Add tools of your own as WebAssembly, try and list them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega tool new word-count --lang js   a folder with a tool to begin with
  bottega tool build word-count    by its own `build.sh`
  bottega tool list                what agents may call
  bottega tool add ./word-count    a tool of your own, or another version of it
  bottega tool show word_count     its arguments, and what it may do
  bottega tool call word_count '{\"text\": \"a b c\"}'
  bottega tool rm word_count

A tool that was added is offered to the coding agent from its next session on, and to agents of a server whose file or
manifest names it. `tools.disabled` takes one away, and each call is judged by the same rules as all others.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The tools that there are
    List,
    /// One tool: what it does, its arguments, what it may do
    Show {
        /// Its name
        name: String,
    },
    /// Make a folder with a tool to begin with
    New {
        /// Its name and the folder's: lower-case letters, digits and `-`
        name: String,
        /// The language that it is written in
        #[arg(long, value_name = "LANGUAGE", value_enum)]
        lang: Language,
    },
    /// Build the tool of a folder by its own build, and look at what came of it
    Build {
        /// The folder with its `bottega.toml`
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Add the tool of a folder, or another version of it
    ///
    /// The folder's `bottega.toml` says world = "tool", and its module is loaded and asked what it is
    /// before anything is changed. It is called in a sandbox of its own: it has what its manifest grants
    /// and nothing else of this machine.
    Add {
        /// The folder with its `bottega.toml` and the module that is named there
        folder: PathBuf,
    },
    /// Call a tool that was added, as an agent would
    ///
    /// Your word allows what its manifest grants; rules of the settings hold.
    #[command(after_help = "\
Exit code 1: the tool did not do it, and says why.")]
    Call {
        /// Its name
        name: String,
        /// Its arguments
        #[arg(value_name = "JSON", default_value = "{}", value_parser = object)]
        arguments: Value,
    },
    /// Take tools away that were added, with what they kept
    Rm {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
}

impl Arguments {
    pub(super) const fn needs(&self) -> Needs {
        match self.what {
            What::New { .. } | What::Build { .. } => Needs::Nothing,
            What::List
            | What::Show { .. }
            | What::Add { .. }
            | What::Call { .. }
            | What::Rm { .. } => Needs::Settings,
        }
    }
}

fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("arguments are one JSON object, as in {\"text\": \"a b c\"}".to_owned()),
        Err(error) => Err(format!("this is no JSON: {error}")),
    }
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let entrance = desk.entrance;
    match arguments.what {
        What::New { name, lang } => {
            let made = template::write(Kind::Tool, &name, lang, &desk.path(Path::new(&name)))?;
            desk.show(&made, |_| begun(&made))
        }
        What::Build { folder } => agent::build::execute(&desk.path(&folder), desk).await,
        What::List => {
            let tools = entrance.tools()?;
            let (list, wrong) = tools.list().await?;
            let view = json!({ "tools": list, "unreadable": wrong });
            desk.show(&view, |terminal| listed(&list, &wrong, terminal))
        }
        What::Show { name } => {
            let tools = entrance.tools()?;
            let tool = tools.show(&name).await?;
            desk.show(&tool, |terminal| shown(&tool, terminal.out_paint()))
        }
        What::Add { folder } => {
            let tools = entrance.tools()?;
            let folder = desk.path(&folder);
            let (file, text, manifest) = package::manifest(&folder)?;
            if manifest.world != World::Tool {
                let why = format!("`{}` is of the world `{}`", file.display(), manifest.world);
                let step = "`bottega agent deploy` takes agents; a tool says `world = \"tool\"`";
                return Err(ApiError::new(codes::MALFORMED, why).step(step).into());
            }
            let (_, wasm) = package::module(&folder, &file, &manifest, package::UNBUILT_TOOL)?;
            let tool = desk.wait(tools.add(text, wasm)).await?;
            desk.show(&tool, |_| added(&tool))
        }
        What::Call { name, arguments } => {
            let tools = entrance.tools()?;
            let answer = desk.wait(tools.call(&name, arguments.to_string())).await?;
            let exit = u8::from(!answer.succeeded);
            desk.show(&answer, |_| called(&answer))?;
            Ok(exit)
        }
        What::Rm { names } => {
            let tools = entrance.tools()?;
            // All are looked up first: a slip in one removes none. One may be named twice.
            let mut found = Vec::new();
            for name in names {
                let name = match tools.show(&name).await {
                    Ok(tool) => tool.name,
                    // One whose file can't be read can be taken away all the same.
                    Err(error) if error.code == codes::FILE.name => name,
                    Err(error) => return Err(error.into()),
                };
                if !found.contains(&name) {
                    found.push(name);
                }
            }
            for name in &found {
                tools.remove(name).await?;
            }
            desk.show(&found, |_| {
                let line =
                    |name: &String| format!("{} was taken away\n", visible::first_line(name));
                found.iter().map(line).collect()
            })
        }
    }
}

/// What was made, and how it goes on.
fn begun(made: &Made) -> String {
    let Made { name, folder, files, .. } = made;
    let count = figures::counted(files.len() as u64, "file", "files");
    let called = name.replace('-', "_");
    format!(
        "{folder} is made: {count}\n{}  bottega tool add .\n  bottega tool call {called} '{{\"text\": \"a b c\"}}'\n",
        made.on_to_build("tool")
    )
}

/// What a tool may do, in words.
fn may(tool: &ToolView) -> String {
    let hosts = (!tool.hosts.is_empty()).then(|| format!("reach {}", tool.hosts.join(", ")));
    let others = tool.may.iter().filter(|name| *name != "http").cloned();
    let words: Vec<String> = hosts.into_iter().chain(others).collect();
    match words.as_slice() {
        [] => "nothing but compute".to_owned(),
        words => words.join(", "),
    }
}

fn listed(tools: &[ToolView], wrong: &[String], terminal: &Terminal) -> String {
    let mut table = Table::new(&["TOOL", "FROM", "OFFERED", "WHAT"]);
    for tool in tools {
        let offered = if tool.enabled { "yes" } else { "no" };
        table.row(&[tool.name.clone(), tool.from.clone(), offered.to_owned(), tool.about.clone()]);
    }
    let mut text = table.render(terminal.out_columns(), terminal.out_paint());
    for why in wrong {
        text.push_str(&format!("{}\n", visible::first_line(why)));
    }
    text
}

fn shown(tool: &ToolView, paint: Paint) -> String {
    let name = paint.bold(&visible::first_line(&tool.name));
    let offered = if tool.enabled { "" } else { " · taken away by `tools.disabled`" };
    let mut text = format!("{name} · {}{offered}\n", visible::first_line(&tool.from));
    text.push_str(visible::shown(&tool.about).trim_end());
    text.push('\n');
    if tool.from != ToolView::BUILT_IN {
        text.push_str(&format!("may: {}\n", visible::first_line(&may(tool))));
    }
    let schema = serde_json::to_string_pretty(&tool.schema).unwrap_or_default();
    text.push_str(&format!("arguments: {}\n", visible::shown(&schema).trim_end()));
    text
}

fn added(tool: &ToolView) -> String {
    let (name, from) = (visible::first_line(&tool.name), visible::first_line(&tool.from));
    let mut text = format!("{name} ({from}) was added: {}\n", visible::first_line(&tool.about));
    text.push_str(&format!("may: {}\n", visible::first_line(&may(tool))));
    if !tool.enabled {
        text.push_str("no agent is offered it: `tools.disabled` names it\n");
    }
    text
}

fn called(answer: &ToolAnswer) -> String {
    let text = visible::shown(&answer.text);
    format!("{}\n", text.trim_end_matches('\n'))
}
