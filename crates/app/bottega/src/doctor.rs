//! Looks at everything that work depends on, and says what to do where something is missing.

use bottega_api::{ApiError, Check, CheckState, DoctorReport, codes};
use bottega_config::{FileState, Problem};
use bottega_event::{ChainVerifier, Position};
use bottega_journal_sqlite::{Access, Options as JournalOptions, SqliteStore};
use bottega_llm::ModelLibrary;
use bottega_store::{Head, Journal, StoreError, audit};
use bottega_tool::Sandbox;

use crate::app::App;
use crate::{grounds, provision};

fn check(name: &str, state: CheckState, found: impl Into<String>, next_step: &str) -> Check {
    Check { name: name.to_owned(), state, found: found.into(), next_step: next_step.to_owned() }
}

/// Looks at everything, changing nothing. The whole chain of the journal is verified when `full`.
pub(crate) async fn examine(app: &App, full: bool) -> DoctorReport {
    let mut checks = settings(app);
    // What depends on places or settings would say the same again.
    if app.places().is_ok() {
        checks.extend(journal(app, full).await);
    }
    if app.config().is_ok() {
        checks.extend(cage(app));
        checks.extend(models(app).await);
    }
    DoctorReport { version: env!("CARGO_PKG_VERSION").to_owned(), checks }
}

fn settings(app: &App) -> Vec<Check> {
    let config = match app.config() {
        Ok(config) => config,
        Err(error) => return broken(&app.problems(), &error),
    };
    let read = config.files().iter().filter(|file| file.state == FileState::Read).count();
    let found = format!("{read} of {} files read", config.files().len());
    let mut checks = vec![check("settings", CheckState::Good, found, "")];
    checks.extend(config.notices().iter().map(|notice| {
        let step = app.step_of(notice);
        check("settings", CheckState::Warning, notice.to_string(), &step)
    }));
    checks
}

/// One check a problem, each with its file.
fn broken(problems: &[Problem], error: &ApiError) -> Vec<Check> {
    let bad = |found: String| check("settings", CheckState::Bad, found, &error.next_step);
    if problems.is_empty() {
        return vec![bad(error.message.clone())];
    }
    let found = problems.iter().map(|problem| match problem.file() {
        Some(file) => format!("{problem} ({})", file.display()),
        None => problem.to_string(),
    });
    found.map(bad).collect()
}

async fn journal(app: &App, full: bool) -> Vec<Check> {
    let bad = |why: String, step: &str| vec![check("journal", CheckState::Bad, why, step)];
    let path = match app.places() {
        Ok(places) => places.journal(),
        Err(error) => return bad(error.message, &error.next_step),
    };
    if !path.exists() {
        let found = format!("none yet; the first run makes {}", path.display());
        return vec![check("journal", CheckState::Good, found, "")];
    }
    let mut options = JournalOptions::new(&path);
    options.access = Access::ReadOnly;
    let opened = match SqliteStore::open(&options) {
        Ok(store) => store.head().await.map(|head| (store, head)),
        Err(error) => Err(error),
    };
    let (store, head) = match opened {
        Ok(opened) => opened,
        Err(error) => return bad(error.to_string(), "check the folder's permissions and space"),
    };
    let found = format!("{} in {}", records(head.position.0), path.display());
    let first = if full { 0 } else { head.position.0.saturating_sub(RECENT) };
    let chain = match verify(&store, first).await {
        Ok(end) => {
            let whole = if first == 0 {
                format!("whole, all {}", records(end.0))
            } else {
                format!("the last {} are whole; `--full` verifies all", records(end.0 - first))
            };
            check("journal's chain", CheckState::Good, whole, "")
        }
        Err(StoreError::Damaged(broken)) => {
            check("journal's chain", CheckState::Bad, broken.to_string(), codes::DAMAGED.next_step)
        }
        Err(error @ StoreError::DamagedFile(_)) => {
            check("journal's file", CheckState::Bad, error.to_string(), codes::DAMAGED.next_step)
        }
        Err(error) => {
            let step = "repeat; if it stays, look at the disk";
            check("journal's chain", CheckState::Bad, error.to_string(), step)
        }
    };
    let written = match SqliteStore::why_not_written(&path) {
        Ok(None) => check("journal", CheckState::Good, found, ""),
        Ok(Some(why)) => {
            let step = "make room or lift the protection; until then it can only be read";
            check("journal", CheckState::Bad, format!("{found}; it can't be written: {why}"), step)
        }
        Err(error) => check("journal", CheckState::Bad, error.to_string(), "look at the disk"),
    };
    vec![written, chain]
}

fn records(count: u64) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

/// Records that are verified unless all are asked for: what takes a moment.
const RECENT: u64 = 10_000;
/// Records that are read at a time.
const PAGE: usize = 1_000;

/// Verifies the records after the first `passed`, and returns the last one's position.
async fn verify(journal: &dyn Journal, passed: u64) -> Result<Position, StoreError> {
    if passed == 0 {
        return audit::verify(journal, &mut |_, _| {}).await.map(|head| head.position);
    }
    // The chain goes on from a record that is taken as it is.
    let before = journal.read_all(Position(passed - 1), 1).await?;
    let mut verifier = before
        .first()
        .map(|record| ChainVerifier::after(record.position, record.digest))
        .unwrap_or_default();
    loop {
        let page = journal.read_all(verifier.head().0, PAGE).await?;
        if page.is_empty() {
            break;
        }
        page.iter().try_for_each(|record| verifier.push(record))?;
    }
    let (position, digest) = verifier.head();
    let claimed = journal.head().await?;
    let reached = Head { position, digest };
    if claimed.position == position && claimed != reached {
        let (names, actual) = (claimed.digest, digest);
        return Err(bottega_event::Break::Unlinked { position, names, actual }.into());
    }
    Ok(position)
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
    let listed = library.list().await;
    for model in listed.iter().flatten() {
        if let Err(error) = library.check(model) {
            let step = format!("run `bottega model rm {}` and pull it again", model.name);
            checks.push(check("local models", CheckState::Bad, error.to_string(), &step));
        }
    }
    checks.push(match listed {
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
