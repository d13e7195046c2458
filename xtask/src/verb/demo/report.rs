//! What a run took, for people.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::machine::Machine;

/// What the journal says about a session; a part of `bottega sessions list --json`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Totals {
    pub(super) session: String,
    pub(super) turns: u64,
    pub(super) tool_calls: u64,
    pub(super) input: u64,
    pub(super) cached: u64,
    pub(super) output: u64,
    pub(super) tokens_per_second: Option<f64>,
    /// Nothing when what the model costs is not known.
    pub(super) dollars: Option<f64>,
}

/// One of several runs.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) solved: bool,
    pub(super) exit: Option<i32>,
    pub(super) seconds: f64,
    pub(super) totals: Totals,
}

/// The totals of the session that worked in `folder`.
pub(super) fn totals_of(list: &str, folder: &Path) -> Result<Totals> {
    let list: Value =
        serde_json::from_str(list).context("`bottega sessions list --json` printed no JSON")?;
    let sessions = list.as_array().context("`bottega sessions list --json` printed no array")?;
    let session = sessions
        .iter()
        .find(|session| session["workspace"].as_str().map(Path::new) == Some(folder))
        .with_context(|| format!("no session in {}", folder.display()))?;
    let totals = &session["totals"];
    let count = |name: &str| {
        totals[name].as_u64().with_context(|| format!("a session's totals have `{name}`"))
    };
    Ok(Totals {
        session: session["id"].as_str().context("a session has an id")?.to_owned(),
        turns: count("turns")?,
        tool_calls: count("tool_calls")?,
        input: count("input_tokens")?,
        cached: count("cached_tokens")?,
        output: count("output_tokens")?,
        tokens_per_second: totals["tokens_per_second"].as_f64(),
        dollars: totals["cost_usd"].as_f64(),
    })
}

/// The figures of one run.
pub(super) fn figures(model: &str, totals: &Totals, time: Duration) -> String {
    let Totals { turns, tool_calls, input, cached, output, .. } = totals;
    format!(
        "model   {model}
turns   {turns}, {tool_calls} tool calls
tokens  {input} read ({cached} of them from the cache), {output} written
speed   {} tokens/s
time    {:.0} s
cost    {}
",
        speed(totals.tokens_per_second),
        time.as_secs_f64(),
        totals.dollars.map_or_else(|| "unknown".to_owned(), |dollars| format!("${dollars:.4}")),
    )
}

/// The commands that show more.
pub(super) fn further(bottega: &Path, folder: &Path, session: &str) -> String {
    let bottega = bottega.display();
    format!(
        "cd {}
{bottega} sessions show {session}
{bottega} sessions export {session}
{bottega} cost --by session
{bottega} audit verify
",
        folder.display()
    )
}

/// The page of several runs.
pub(super) fn page(
    model: &str,
    sample: &str,
    task: &str,
    runs: &[Run],
    machine: &Machine,
    commit: &str,
) -> String {
    let solved = runs.iter().filter(|run| run.solved).count();
    let slowest = runs.iter().map(|run| run.seconds).fold(0.0, f64::max);
    let mut text = format!(
        "# The demo, repeated

`cargo xtask demo --repeat {} --write` wrote this page: the sample `examples/{sample}`, the model
`{model}`, one run per seed, each in a fresh copy. A run counts as solved when `cargo test` passes
afterwards and neither the tests nor the manifest were changed.

Task: “{task}”

**{solved} of {} solved; the slowest run took {slowest:.0} s.**

| seed | solved | exit code | seconds | turns | tool calls | tokens read | from the cache | tokens written | tokens/s |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
",
        runs.len(),
        runs.len(),
    );
    for run in runs {
        let Totals { turns, tool_calls, input, cached, output, .. } = run.totals;
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.0} | {turns} | {tool_calls} | {input} | {cached} | {output} | {} |",
            run.seed,
            yes(run.solved),
            exit(run.exit),
            run.seconds,
            speed(run.totals.tokens_per_second),
        );
    }
    let _ = writeln!(
        text,
        "\nMachine: {}, {} cores, {} GiB, {}. Commit {commit}.",
        machine.cpu, machine.cores, machine.memory_gib, machine.system
    );
    text
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: solved {}, exit code {}, {:.0} s, {} turns, {} tokens written",
            self.seed,
            yes(self.solved),
            exit(self.exit),
            self.seconds,
            self.totals.turns,
            self.totals.output
        )
    }
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn exit(code: Option<i32>) -> String {
    code.map_or_else(|| "signal".to_owned(), |code| code.to_string())
}

fn speed(tokens_per_second: Option<f64>) -> String {
    tokens_per_second.map_or_else(|| "-".to_owned(), |speed| format!("{speed:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[
        {"id": "ses_2", "workspace": "/other", "totals": {}},
        {"id": "ses_1", "workspace": "/w", "totals": {"turns": 5, "tool_calls": 6, "input_tokens": 8100,
         "cached_tokens": 6000, "output_tokens": 312, "cost_usd": 0.0, "model_ms": 9, "tokens_per_second": 21.64,
         "elapsed_ms": 70000}}]"#;

    #[test]
    fn the_session_is_the_one_of_the_folder() {
        let totals = totals_of(LIST, Path::new("/w")).unwrap();
        assert_eq!(
            figures("local/m", &totals, Duration::from_secs(71)),
            "model   local/m
turns   5, 6 tool calls
tokens  8100 read (6000 of them from the cache), 312 written
speed   21.6 tokens/s
time    71 s
cost    $0.0000
"
        );
        assert!(
            further(Path::new("/t/bottega"), Path::new("/w"), &totals.session)
                .contains("sessions show ses_1\n")
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |list, folder| totals_of(list, Path::new(folder)).unwrap_err().to_string();
        assert_eq!(error(LIST, "/nowhere"), "no session in /nowhere");
        assert_eq!(error(LIST, "/other"), "a session's totals have `turns`");
        assert_eq!(error("{}", "/w"), "`bottega sessions list --json` printed no array");
    }

    #[test]
    fn several_runs_become_a_page() {
        let totals = totals_of(LIST, Path::new("/w")).unwrap();
        let run = |seed, solved, exit, seconds| Run {
            seed,
            solved,
            exit,
            seconds,
            totals: totals.clone(),
        };
        let machine = Machine {
            cpu: "EPYC".to_owned(),
            cores: 2,
            memory_gib: 23,
            system: "Linux 6 x86_64".to_owned(),
        };
        let runs = [run(1, true, Some(0), 70.2), run(2, false, None, 120.6)];
        let page = page("local/m", "invoice", "Mend it.", &runs, &machine, "abc");
        assert!(page.contains("**1 of 2 solved; the slowest run took 121 s.**"), "{page}");
        assert!(
            page.contains("| 1 | yes | 0 | 70 | 5 | 6 | 8100 | 6000 | 312 | 21.6 |\n"),
            "{page}"
        );
        assert!(page.contains("| 2 | no | signal | 121 |"), "{page}");
        assert!(
            page.ends_with("Machine: EPYC, 2 cores, 23 GiB, Linux 6 x86_64. Commit abc.\n"),
            "{page}"
        );
    }
}
