//! The engine next to a bare loop over llama.cpp on the same file, in one run and in turns.
//!
//! `BOTTEGA_TEST_MODEL=FILE cargo bench -p bottega-local-model` prints a table, with `-- --json` a row a line.
//! `--model FILE` names another file, `--rounds N` says how often each side has its turn.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark is told by its environment where the model is"
)]

use std::io::Write;
use std::path::PathBuf;

use bottega_local_model::{BenchOptions, EngineOptions, bench};
use serde_json::json;

/// How fast the engine must be next to the bare loop.
const GOAL: f64 = 0.95;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut model = std::env::var_os("BOTTEGA_TEST_MODEL").map(PathBuf::from);
    let mut what = BenchOptions { rounds: 7, ..BenchOptions::default() };
    let mut as_json = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => as_json = true,
            "--model" => model = arguments.next().map(PathBuf::from),
            "--rounds" => {
                what.rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?;
            }
            // Given by `cargo bench` itself.
            "--bench" => {}
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let model = model.ok_or("name a GGUF file with --model or BOTTEGA_TEST_MODEL")?;
    let threads = std::thread::available_parallelism()?.get();
    let options = EngineOptions {
        threads: Some(u32::try_from(threads)?),
        ..EngineOptions::new("bench", model)
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let result = runtime.block_on(bench(options, what))?;
    let rows = [
        (
            format!("reading a prompt of {} tokens", what.prompt),
            result.prompt,
            result.bare_prompt,
            result.prompt_ratio(),
        ),
        (
            format!("writing {} tokens", what.output),
            result.output,
            result.bare_output,
            result.output_ratio(),
        ),
    ];
    let mut out = std::io::stdout().lock();
    for (metric, value, peer_value, ratio) in rows {
        let met = ratio >= GOAL;
        if as_json {
            let row = json!({
                "metric": metric, "unit": "tokens/s", "value": value, "peer": "a bare loop over llama.cpp",
                "peer_value": peer_value, "ratio": ratio, "goal": format!("ratio >= {GOAL}"), "met": met,
            });
            writeln!(out, "{row}")?;
        } else {
            let word = if met { "met" } else { "missed" };
            writeln!(
                out,
                "{metric:36} {value:8.1} tokens/s, bare {peer_value:8.1}, ratio {ratio:.2}, goal {GOAL} {word}"
            )?;
        }
    }
    Ok(())
}
