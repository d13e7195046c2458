//! `bench`: a measurement beside its peer, as a table, as a file, in the page and in the plot.

mod page;
mod plot;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, commit};
use crate::step::Step;
use crate::test_model;
use crate::verb::setup;
use crate::workshop::Workshop;

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one; the table of all when absent.
    name: Option<String>,
    /// Measure nothing: write the plot and the page's tables anew from the results that are kept.
    #[arg(long, conflicts_with = "name")]
    plot: bool,
    /// Handed to the benchmark as they are.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// One benchmark. It prints, given `--json`, its rows as JSON objects, one a line.
struct Bench {
    name: &'static str,
    about: &'static str,
    package: &'static str,
    target: &'static str,
    /// Features of the package that bring its peers in, if they are no dependencies of it otherwise.
    features: &'static [&'static str],
    model: NeedsModel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NeedsModel {
    Yes,
    No,
}

/// All benchmarks.
const BENCHES: &[Bench] = &[
    Bench {
        name: "journal",
        about: "durable appends, rebuild and verification, beside bare SQLite",
        package: "bottega-journal-sqlite",
        target: "journal",
        features: &[],
        model: NeedsModel::No,
    },
    Bench {
        name: "engine",
        about: "prompt processing and decoding, beside a bare loop over llama.cpp",
        package: "bottega-local-model",
        target: "engine",
        features: &[],
        model: NeedsModel::Yes,
    },
    Bench {
        name: "agents",
        about: "messages between agents and the server of them, beside bare actors, Erlang, NATS and SQLite",
        package: "bottega-e2e",
        target: "agents",
        features: &["peers"],
        model: NeedsModel::No,
    },
    Bench {
        name: "instances",
        about: "starts, messages and memory of WASM agents, beside wasmtime alone",
        package: "bottega-sandbox-wasm",
        target: "instances",
        features: &[],
        model: NeedsModel::No,
    },
    Bench {
        name: "harness",
        about: "the binary around a model that answers at once, beside the peers on this machine",
        package: "bottega-e2e",
        target: "harness",
        features: &[],
        model: NeedsModel::No,
    },
    Bench {
        name: "soak",
        about: "half an hour of crashes and kills under half of the load that agents can take: what is lost, what grows",
        package: "bottega-e2e",
        target: "soak",
        features: &[],
        model: NeedsModel::No,
    },
    Bench {
        name: "actors",
        about: "messages, questions, births, restarts and memory of actors, beside bare tasks, kameo and ractor",
        package: "bottega-actor",
        target: "actors",
        features: &["peers"],
        model: NeedsModel::No,
    },
];

/// One figure beside its peer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    metric: String,
    unit: String,
    value: f64,
    /// Whom it is measured against: `bare SQLite`.
    peer: Option<String>,
    peer_value: Option<f64>,
    /// `value / peer_value`.
    ratio: Option<f64>,
    /// In words: `ratio >= 0.7`.
    goal: Option<String>,
    met: Option<bool>,
}

/// What `bench/results/NAME.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Results {
    name: String,
    commit: String,
    machine: Machine,
    rows: Vec<Row>,
}

/// Does it.
pub(crate) fn run(args: &Args, workshop: &Workshop) -> Result<()> {
    if args.plot {
        return page::write(&workshop.root);
    }
    let Some(name) = &args.name else {
        BENCHES.iter().for_each(|bench| println!("{:<10} {}", bench.name, bench.about));
        return Ok(());
    };
    let Some(bench) = BENCHES.iter().find(|bench| bench.name == name) else {
        let known: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("no benchmark `{name}`; there is: {}", known.join(", "));
    };
    setup::ensure(workshop)?;
    let mut step = step(bench, &args.rest).within(&workshop.root);
    if bench.model == NeedsModel::Yes {
        step = step.with(test_model::VARIABLE, &test_model::ensure(workshop)?.to_string_lossy());
    }
    eprintln!("$ {step}");
    let rows = rows(&step.capture()?)?;
    let table = table(&rows);
    let results = Results {
        name: bench.name.to_owned(),
        commit: commit(workshop),
        machine: Machine::here(),
        rows,
    };
    let folder = workshop.root.join("bench/results");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.json", bench.name));
    fs::write(&path, serde_json::to_string_pretty(&results)? + "\n")?;
    println!("{table}\nwritten to {}", path.display());
    page::write(&workshop.root)
}

fn step(bench: &Bench, rest: &[String]) -> Step {
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let bare = Step::cargo(&["bench", "--package", bench.package, "--bench", bench.target]);
    let with_peers =
        bench.features.iter().fold(bare, |step, feature| step.and(&["--features", *feature]));
    with_peers.and(&["--", "--json"]).and(&rest)
}

/// The rows of a benchmark's output: a JSON array, or an object a line.
fn rows(output: &str) -> Result<Vec<Row>> {
    let text = output.trim();
    let rows: Vec<Row> = if text.starts_with('[') {
        serde_json::from_str(text)?
    } else {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(|line| serde_json::from_str(line).with_context(|| format!("`{line}` is no row")))
            .collect::<Result<_>>()?
    };
    if rows.is_empty() {
        bail!("the benchmark printed no rows");
    }
    Ok(rows)
}

fn table(rows: &[Row]) -> String {
    let dash = || "-".to_owned();
    let mut lines = vec![
        ["metric", "value", "unit", "peer", "peer value", "ratio", "goal", "met"]
            .map(str::to_owned),
    ];
    lines.extend(rows.iter().map(|row| {
        [
            row.metric.clone(),
            figure(row.value),
            row.unit.clone(),
            row.peer.clone().unwrap_or_else(dash),
            row.peer_value.map_or_else(dash, figure),
            row.ratio.map_or_else(dash, |ratio| format!("{ratio:.2}")),
            row.goal.clone().unwrap_or_else(dash),
            row.met.map_or_else(dash, |met| if met { "yes" } else { "NO" }.to_owned()),
        ]
    }));
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
            // Writing to a string can't fail.
            let _ = write!(row, "{cell:<width$}  ");
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// Three digits that matter, or whole.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"{"metric":"append, 1 writer","unit":"events/s","value":1000.4,"peer":"bare SQLite","peer_value":1250.0,"ratio":0.8,"goal":"ratio >= 0.7","met":true}
{"metric":"verify","unit":"s","value":1.234,"peer":null,"peer_value":null,"ratio":null,"goal":null,"met":null}
"#;

    #[test]
    fn no_two_benchmarks_share_a_name() {
        let names: std::collections::BTreeSet<_> = BENCHES.iter().map(|bench| bench.name).collect();
        assert_eq!(names.len(), BENCHES.len());
    }

    #[test]
    fn every_benchmark_is_a_target_of_its_package() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        let folders = |at: &std::path::Path| {
            let entries = fs::read_dir(at).unwrap();
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
        };
        let floors: Vec<std::path::PathBuf> = folders(&crates);
        let rooms = floors.iter().flat_map(|floor| folders(floor));
        let manifests: Vec<toml::Table> = rooms
            .filter_map(|room| fs::read_to_string(room.join("Cargo.toml")).ok())
            .map(|text| text.parse().unwrap())
            .collect();
        for bench in BENCHES {
            let of_package = |manifest: &&toml::Table| {
                manifest["package"]["name"].as_str() == Some(bench.package)
            };
            let manifest = manifests.iter().find(of_package).unwrap();
            let targets = manifest["bench"].as_array().unwrap();
            let found = targets.iter().any(|target| target["name"].as_str() == Some(bench.target));
            assert!(found, "{} has no benchmark `{}`", bench.package, bench.target);
        }
    }

    #[test]
    fn a_benchmark_is_a_command() {
        let named = |name| BENCHES.iter().find(|bench| bench.name == name).unwrap();
        assert_eq!(
            step(named("journal"), &["--writers".to_owned()]).to_string(),
            "cargo bench --package bottega-journal-sqlite --bench journal -- --json --writers"
        );
        assert_eq!(
            step(named("actors"), &[]).to_string(),
            "cargo bench --package bottega-actor --bench actors --features peers -- --json"
        );
    }

    #[test]
    fn rows_become_a_table() {
        let expected = "\
metric            value  unit      peer         peer value  ratio  goal          met
append, 1 writer  1000   events/s  bare SQLite  1250        0.80   ratio >= 0.7  yes
verify            1.23   s         -            -           -      -             -
";
        assert_eq!(table(&rows(TWO).unwrap()), expected);
    }

    #[test]
    fn lines_and_an_array_say_the_same() {
        let array = format!("[{}]", TWO.trim().replace('\n', ","));
        assert_eq!(rows(&array).unwrap(), rows(TWO).unwrap());
        assert!(rows("").is_err());
        assert!(rows("nonsense").unwrap_err().to_string().contains("`nonsense` is no row"));
    }
}
