//! `bottega board`: the blackboard on which agents write.

use bottega_api::{EntryView, TakeRequest, WriteRequest};
use bottega_types::Timestamp;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Desk, Where};
use crate::report::Failure;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::work::seconds;
use crate::{task, visible};

/// Read and write the blackboard of a server, on which agents work together
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega board write work.hinge \"forge a hinge\" --within 1h
  bottega board write plan.step - --as-json --expect 3 < step.json
  bottega board list work                     what stands below `work`
  bottega board read work.hinge               the value alone
  bottega board take work.hinge               of several who try one has it

Agents ask the agent `blackboard` for the same. Each change is published on the
topic `blackboard.NAME`; see `bottega topic`.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What stands there
    List {
        /// Those under this name and the names that go on after it
        #[arg(default_value = "")]
        prefix: String,
        /// How many at most
        #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 100,
              value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
        #[command(flatten)]
        at: Where,
    },
    /// What stands under one name
    Read {
        /// The entry: dotted words
        name: String,
        #[command(flatten)]
        at: Where,
    },
    /// Write an entry, in the place of what stood there
    Write {
        /// The entry: dotted words
        name: String,
        /// What is to stand there; `-` reads standard input
        value: String,
        /// VALUE is JSON; text otherwise
        #[arg(long)]
        as_json: bool,
        /// How long it stands, as in 90s, 10m; for good when absent
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        within: Option<u64>,
        #[command(flatten)]
        wish: Wish,
        #[command(flatten)]
        at: Where,
    },
    /// Take an entry away, and print what stood there
    Take {
        /// The entry: dotted words
        name: String,
        #[command(flatten)]
        wish: Wish,
        #[command(flatten)]
        at: Where,
    },
}

/// On which terms something is done.
#[derive(Debug, Args)]
struct Wish {
    /// Only where this version stands; 0 for none
    #[arg(long, value_name = "VERSION")]
    expect: Option<u64>,
    /// Name it, so that it is done once however often it is asked for
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// In whose name; the operator's when absent
    #[arg(long, value_name = "AGENT")]
    from: Option<String>,
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    match arguments.what {
        What::List { prefix, limit, at } => {
            let agents = desk.agents(&at).await?;
            let entries = desk.wait(agents.entries(&prefix, limit.into())).await?;
            desk.show(&entries, |terminal| listed(&entries, terminal))
        }
        What::Read { name, at } => {
            let agents = desk.agents(&at).await?;
            let entry = desk.wait(agents.entry(&name)).await?;
            desk.show(&entry, |_| value(&entry.value))
        }
        What::Write { name, value, as_json, within, wish, at } => {
            let text = match value.as_str() {
                "-" => task::piped_text(&mut desk.terminal).await?,
                _ => value,
            };
            let value = if as_json {
                serde_json::from_str(&text).map_err(|error| {
                    let why = format!("the value is no JSON: {error}");
                    bottega_api::ApiError::new(bottega_api::codes::USAGE, why)
                        .step("mend it, or leave `--as-json` out to write it as text")
                })?
            } else {
                Value::String(text)
            };
            let agents = desk.agents(&at).await?;
            let request = WriteRequest {
                value,
                within_ms: within.map(|seconds| seconds.saturating_mul(1_000)),
                expected_version: wish.expect,
                by: wish.from,
                idempotency_key: wish.key,
            };
            let entry = desk.wait(agents.write(&name, request)).await?;
            desk.show(&entry, |_| {
                format!("{} has version {}\n", visible::first_line(&entry.name), entry.version)
            })
        }
        What::Take { name, wish, at } => {
            let agents = desk.agents(&at).await?;
            let request = TakeRequest {
                expected_version: wish.expect,
                by: wish.from,
                idempotency_key: wish.key,
            };
            let entry = desk.wait(agents.take(&name, request)).await?;
            desk.show(&entry, |_| value(&entry.value))
        }
    }
}

/// What stands there, and nothing else: scripts read it.
fn value(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let shown = visible::shown(&text);
    if shown.ends_with('\n') { shown } else { shown + "\n" }
}

fn listed(entries: &[EntryView], terminal: &Terminal) -> String {
    if entries.is_empty() {
        return "nothing stands there; `bottega board write NAME VALUE` puts something\n"
            .to_owned();
    }
    let mut table = Table::new(&["NAME", ">VERSION", "BY", "UNTIL", "VALUE"]);
    for entry in entries {
        let until = entry.expires_ms.map(|ms| Timestamp::from_millis(ms).to_string());
        let text = entry.value.as_str().map_or_else(|| entry.value.to_string(), str::to_owned);
        table.row(&[
            entry.name.clone(),
            entry.version.to_string(),
            entry.author.clone(),
            until.unwrap_or_default(),
            text,
        ]);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}
