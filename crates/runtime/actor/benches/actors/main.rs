//! Actors next to a bare task behind a tokio channel, in one run and in turns; with `--features peers` next to kameo and
//! ractor as well.
//!
//! `cargo bench -p bottega-actor` prints a table, with `-- --json` one JSON document of rows.

#![expect(clippy::disallowed_methods, reason = "bare tasks are what is measured against")]

mod bare;
#[cfg(feature = "peers")]
mod kameo;
mod measure;
mod ours;
#[cfg(feature = "peers")]
mod ractor;
mod report;

use measure::{Side, bytes, measure};
use report::{Better, Goal, Row};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Turns of each side, of which the median counts.
const TURNS: usize = 5;

/// Messages of one turn.
const MESSAGES: usize = 1_000_000;

/// Restarts that are measured.
const RESTARTS: usize = 5_000;

fn main() -> Result<(), Failure> {
    // Crashes are part of the measurement, and printing each is not.
    std::panic::set_hook(Box::new(|_| ()));
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1)
    };
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    if let Some(side) = after("--bytes") {
        return runtime()?.block_on(measure::idle(side));
    }
    let runtime = runtime()?;
    let mut rows = Vec::new();
    runtime.block_on(async {
        let sides: Vec<(&'static str, measure::Figures)> = vec![
            (ours::Ours::NAME, measure::<ours::Ours>().await?),
            (bare::Bare::NAME, measure::<bare::Bare>().await?),
            #[cfg(feature = "peers")]
            (kameo::Kameo::NAME, measure::<kameo::Kameo>().await?),
            #[cfg(feature = "peers")]
            (ractor::Ractor::NAME, measure::<ractor::Ractor>().await?),
        ];
        let (_, ours) = &sides[0];
        for (peer, theirs) in &sides[1..] {
            for (figure, their_figure) in ours.iter().zip(theirs) {
                rows.push(Row::new(figure, peer, their_figure));
            }
        }
        let (mut ours, mut theirs) =
            (ours::restarts(RESTARTS).await?, bare::restarts(RESTARTS).await?);
        for (part, name, goal) in [(0.5, "p50", None), (0.99, "p99", Some(Goal::AtMost(1000.0)))] {
            let figure = |times: &mut Vec<_>| measure::Figure {
                metric: format!("crash to first answer, {name}"),
                unit: "µs",
                value: measure::part(times, part),
                better: Better::Less,
                goal,
            };
            rows.push(Row::new(&figure(&mut ours), bare::Bare::NAME, &figure(&mut theirs)));
        }
        Ok::<_, Failure>(())
    })?;
    for peer in measure::sides().into_iter().skip(1) {
        let figure = |side| -> Result<_, Failure> {
            Ok(measure::Figure {
                metric: "memory of an idle actor".to_owned(),
                unit: "bytes",
                value: bytes(side)?,
                better: Better::Less,
                goal: Some(Goal::AtMost(2048.0)),
            })
        };
        rows.push(Row::new(&figure(ours::Ours::NAME)?, peer, &figure(peer)?));
    }
    report::print(&rows, arguments.iter().any(|argument| argument == "--json"))
}
