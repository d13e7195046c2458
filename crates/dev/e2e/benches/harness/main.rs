//! The harness alone: what Bottega costs around a model that answers at once, beside the peers that are installed.
//!
//! What it is: the real binary and every peer on the `PATH`, each in a home of its own on a real disk, against a
//! scripted model over HTTP on this machine. What happens between two turns is timed by the server: from the last
//! byte of an answer to the head of the next request.
//! What it is not: a test. It checks that the work was done, and reports how long it took; what the rows mean is in
//! `docs/benchmarks.md`.
//!
//! `cargo xtask bench harness` runs all of it, `cargo xtask bench harness -- turns resume` two of its parts.

#[allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/binary.rs"]
mod binary;
#[allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/home.rs"]
mod home;
#[allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/live.rs"]
mod live;
#[allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/person.rs"]
mod person;
#[allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/provider.rs"]
mod provider;

mod agent;
mod agents;
mod calling;
mod costs;
mod figures;
mod part;
mod report;
mod scene;
mod session;

use std::io::Write;
use std::path::Path;

use agent::Agent;
use report::Row;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What everything is measured on.
struct Field {
    bottega: Agent,
    peers: Vec<Agent>,
}

impl Field {
    /// Bottega first, then its peers.
    fn all(&self) -> Vec<&Agent> {
        std::iter::once(&self.bottega).chain(&self.peers).collect()
    }
}

/// Tells the person something; results alone go to standard output.
fn tell(line: &str) {
    // Nobody may be listening.
    writeln!(std::io::stderr(), "{line}").ok();
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some((costs::WORD, rest)) = words.split_first().map(|(word, rest)| (word.as_str(), rest))
    {
        return costs::run_and_report(rest);
    }
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let unknown = wanted.iter().find(|name| part::ALL.iter().all(|part| part.name != **name));
    if let Some(name) = unknown {
        let known: Vec<_> = part::ALL.iter().map(|part| part.name).collect();
        return Err(format!("no part `{name}`; there is: {}", known.join(", ")).into());
    }

    // On the disk of the build: the folder for temporary files is often memory, where nothing is durable.
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scene::must_be_a_disk(disk)?;
    tempfile::env::override_temp_dir(disk).map_err(|was| format!("already {}", was.display()))?;

    let field = Field { bottega: agents::bottega(), peers: agents::installed_peers() };
    let absent = agents::absent_peers();
    if !absent.is_empty() {
        tell(&format!("not on the PATH, so skipped: {}", absent.join(", ")));
    }
    let mut rows: Vec<Row> = Vec::new();
    for part in part::ALL {
        if wanted.is_empty() || wanted.iter().any(|name| *name == part.name) {
            tell(&format!("measuring {}: {}", part.name, part.about));
            rows.extend((part.measure)(&field)?);
        }
    }
    report::print(&rows, words.iter().any(|word| word == "--json"))
}
