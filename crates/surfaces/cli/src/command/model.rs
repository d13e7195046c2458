//! `bottega model`: models on this machine.

mod told;

use bottega_api::{ApiError, RunRequest, codes};
use bottega_client::{ModelRemoved, Models};
use bottega_llm::LocalModel;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Desk;
use crate::figures;
use crate::keyboard::Typed;
use crate::pull;
use crate::report::{Failure, Form, unread};
use crate::terminal::Terminal;
use crate::visible;

/// Fetch, list, choose and measure local models
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega model recommend                what suits this machine
  bottega model pull                     that one
  bottega model pull qwen2.5-coder-1.5b
  bottega model pull https://example.org/model.gguf
  bottega model use local/qwen2.5-coder-1.5b
  bottega model bench qwen2.5-coder-1.5b")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Fetch a model; a pull that was cut short resumes
    Pull {
        /// A name of the catalogue, a source such as hf:, ollama:, oci: or https:, or a file; what suits this
        /// machine when absent
        #[arg(value_name = "SOURCE")]
        source: Option<String>,
        /// Make it the default model
        #[arg(long = "use")]
        then_use: bool,
    },
    /// The models on disk, and what can be pulled by name
    List,
    /// One model on disk
    Show {
        /// Its name
        name: String,
    },
    /// Delete models from disk
    Rm {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Make a model the default
    Use {
        /// PROVIDER/NAME, or the name of a route
        model: String,
    },
    /// Measure the embedded engine with a model
    Bench {
        /// Its name
        name: String,
    },
    /// Which model suits this machine
    Recommend,
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let models = desk.entrance.models().await?;
    let models = models.as_ref();
    match arguments.what {
        What::Pull { source, then_use } => pull(models, source, then_use, desk).await,
        What::List => {
            let (on_disk, catalogue) = (models.list().await?, models.catalogue().await?);
            let view = json!({ "models": on_disk, "catalogue": catalogue });
            desk.show(&view, |terminal| told::list(&on_disk, &catalogue, terminal))
        }
        What::Show { name } => {
            let model = models.show(&name).await?;
            desk.show(&model, |terminal| told::model(&model, terminal.out_paint()))
        }
        What::Rm { names } => remove(models, &names, desk).await,
        What::Use { model } => {
            let file = models.use_default(&model).await?;
            let view = json!({ "model": model, "file": file });
            desk.show(&view, |_| format!("{model} is the default now, in {file}\n"))
        }
        What::Bench { name } => {
            let Terminal { interrupts, .. } = &mut desk.terminal;
            let bench = Terminal::unless_interrupted(interrupts, models.bench(&name)).await;
            let bench = bench.ok_or(Failure::Silent(codes::INTERRUPTED.exit))??;
            desk.show(&told::bench_json(&bench), |_| told::bench(&bench))
        }
        What::Recommend => {
            let advice = models.recommend().await?;
            desk.show(&advice, |_| told::advice(&advice))
        }
    }
}

async fn pull(
    models: &dyn Models,
    source: Option<String>,
    then_use: bool,
    desk: &mut Desk<'_>,
) -> Result<u8, Failure> {
    let source = match source {
        Some(source) => source,
        None => {
            let advice = models.recommend().await?;
            if desk.form() == Form::People {
                desk.terminal.note(&format!("{}: {}\n", advice.name, advice.why));
            }
            advice.name
        }
    };
    let model = fetch(models, &source, desk).await?;
    if then_use {
        models.use_default(&format!("local/{}", model.name)).await?;
    }
    desk.show(&model, |_| {
        let size = figures::bytes(model.size);
        format!("{} is here: {size}, {}\n", model.name, model.path.display())
    })
}

async fn remove(models: &dyn Models, names: &[String], desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let mut names = names.to_vec();
    // One model may be named twice.
    names.sort_unstable();
    names.dedup();
    // All are looked up first: a slip in one deletes none.
    for name in &names {
        models.show(name).await?;
    }
    let mut told = String::new();
    let mut default = None;
    for name in &names {
        let removed = models.remove(name).await?;
        told.push_str(&format!("{} removed\n", visible::first_line(name)));
        match removed {
            ModelRemoved::Other => {}
            ModelRemoved::WasDefault { file } => {
                told.push_str(&format!(
                    "it was the default: `model.default` is unset in {file}; `bottega model use …` sets another\n"
                ));
                default = Some(json!({ "unset_in": file }));
            }
            ModelRemoved::StillDefault { origin } => {
                told.push_str(&format!(
                    "`model.default` still names it, in {origin}; change it there\n"
                ));
                default = Some(json!({ "still_set_by": origin }));
            }
        }
    }
    desk.show(&json!({ "removed": names, "default": default }), |_| told)
}

/// Fetches a model and shows how far it is.
async fn fetch(
    models: &dyn Models,
    source: &str,
    desk: &mut Desk<'_>,
) -> Result<LocalModel, Failure> {
    let mut nowhere = std::io::sink();
    let people = desk.form() == Form::People;
    let screen = desk.terminal.err_is_screen();
    let Terminal { err, interrupts, width, .. } = &mut desk.terminal;
    let shown = match (people, screen) {
        (true, true) => pull::Shown::bar(err.as_mut(), *width),
        (true, false) => pull::Shown::lines(err.as_mut()),
        (false, _) => pull::Shown::lines(&mut nowhere),
    };
    let step = |progress| shown.step(&progress);
    let pulled = Terminal::unless_interrupted(interrupts, models.pull(source, &step)).await;
    shown.end();
    let Some(model) = pulled else {
        if people {
            desk.terminal.note("\nstopped; the same pull goes on where it was\n");
        }
        return Err(Failure::Silent(codes::INTERRUPTED.exit));
    };
    Ok(model?)
}

/// Whether work could not begin for want of any model, and none was named.
pub(super) fn is_missing(error: &ApiError, request: &RunRequest) -> bool {
    error.code == codes::NO_MODEL.name && request.model.is_none()
}

/// Offers a person to fetch the model that suits this machine. When they don't want it, the error stands.
pub(super) async fn offer(error: ApiError, desk: &mut Desk<'_>) -> Result<(), Failure> {
    let models = desk.entrance.models().await?;
    let advice = models.recommend().await?;
    let (name, why) = (visible::first_line(&advice.name), visible::first_line(&advice.why));
    let message = visible::first_line(&error.message);
    desk.terminal
        .note(&format!("{message}\nfetch {name} to work without a provider ({why})? [y/N] "));
    let Terminal { keyboard, interrupts, .. } = &mut desk.terminal;
    let typed = Terminal::unless_interrupted(interrupts, keyboard.line()).await;
    let typed = typed.ok_or(Failure::Silent(codes::INTERRUPTED.exit))?.map_err(unread)?;
    match typed {
        Typed::Text(text) if matches!(text.trim(), "y" | "Y" | "yes") => {
            fetch(models.as_ref(), &advice.name, desk).await.map(|_| ())
        }
        Typed::Text(_) | Typed::Interrupt | Typed::End | Typed::Gone => Err(error.into()),
    }
}
