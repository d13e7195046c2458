//! Looks at everything that work depends on, and says what to do where something is missing.

use bottega_api::{Check, CheckState, DoctorReport};
use bottega_config::{FileState, Notice};
use bottega_journal_sqlite::{Access, Options as JournalOptions, SqliteStore};
use bottega_llm::ModelLibrary;
use bottega_store::Journal;
use bottega_tool::Sandbox;

use crate::app::App;
use crate::{grounds, provision};

fn check(name: &str, state: CheckState, found: impl Into<String>, next_step: &str) -> Check {
    Check { name: name.to_owned(), state, found: found.into(), next_step: next_step.to_owned() }
}

/// Looks at everything, changing nothing.
pub(crate) async fn examine(app: &App) -> DoctorReport {
    let mut checks = settings(app);
    checks.push(journal(app).await);
    checks.extend(cage(app));
    checks.extend(models(app).await);
    DoctorReport { version: env!("CARGO_PKG_VERSION").to_owned(), checks }
}

fn settings(app: &App) -> Vec<Check> {
    let config = match app.config() {
        Ok(config) => config,
        Err(error) => {
            return vec![check("settings", CheckState::Bad, error.message, &error.next_step)];
        }
    };
    let read = config.files().iter().filter(|file| file.state == FileState::Read).count();
    let found = format!("{read} of {} files read", config.files().len());
    let mut checks = vec![check("settings", CheckState::Good, found, "")];
    checks.extend(config.notices().iter().map(|notice| {
        let step = match notice {
            Notice::Untrusted { .. } | Notice::Changed { .. } => {
                "read them, then `bottega config trust`"
            }
            Notice::UnknownVariable { .. } => "unset it, or mend its name",
        };
        check("settings", CheckState::Warning, notice.to_string(), step)
    }));
    checks
}

async fn journal(app: &App) -> Check {
    let bad = |why: String| {
        check("journal", CheckState::Bad, why, "check the folder's permissions and space")
    };
    let path = match app.places() {
        Ok(places) => places.journal(),
        Err(error) => return bad(error.message),
    };
    if !path.exists() {
        let found = format!("none yet; the first run makes {}", path.display());
        return check("journal", CheckState::Good, found, "");
    }
    let mut options = JournalOptions::new(&path);
    options.access = Access::ReadOnly;
    let head = match SqliteStore::open(&options) {
        Ok(store) => store.head().await,
        Err(error) => Err(error),
    };
    match head {
        Ok(head) => {
            let found = format!("{} records in {}", head.position.0, path.display());
            check("journal", CheckState::Good, found, "")
        }
        Err(error) => bad(error.to_string()),
    }
}

fn cage(app: &App) -> Vec<Check> {
    let sandbox = match grounds::sandbox(app) {
        Ok(sandbox) => sandbox,
        Err(error) => {
            return vec![check("sandbox", CheckState::Bad, error.message, &error.next_step)];
        }
    };
    let report = sandbox.report();
    let summary = if report.holds {
        check("sandbox", CheckState::Good, "commands run in their cage", "")
    } else {
        let step = "use a kernel with Landlock, or accept the risk with `--access-mode full`";
        check("sandbox", CheckState::Bad, "caged commands can't run here", step)
    };
    let features = report.features.into_iter().map(|(name, state)| match state {
        Ok(found) => check(&format!("sandbox: {name}"), CheckState::Good, found, ""),
        Err(missing) => check(
            &format!("sandbox: {name}"),
            CheckState::Warning,
            missing,
            "the cage is weaker without it",
        ),
    });
    std::iter::once(summary).chain(features).collect()
}

async fn models(app: &App) -> Vec<Check> {
    let mut checks = Vec::new();
    if let (Ok(config), Ok(secrets)) = (app.config(), app.secrets()) {
        let keyed = secrets.keyed_providers(config.settings());
        let found = if keyed.is_empty() { "none found".to_owned() } else { keyed.join(", ") };
        checks.push(check("API keys", CheckState::Good, found, ""));
    }
    let library = match provision::library(app) {
        Ok(library) => library,
        Err(error) => {
            checks.push(check("local models", CheckState::Bad, error.message, &error.next_step));
            return checks;
        }
    };
    checks.push(match library.list().await {
        Ok(models) if models.is_empty() => {
            check("local models", CheckState::Warning, "none on disk", "run `bottega model pull`")
        }
        Ok(models) => {
            let names: Vec<String> = models.into_iter().map(|model| model.name).collect();
            check("local models", CheckState::Good, names.join(", "), "")
        }
        Err(error) => {
            check("local models", CheckState::Bad, error.to_string(), "run `bottega model list`")
        }
    });
    checks
}
