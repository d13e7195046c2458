//! The reference pages that are made from the commands themselves.

use bottega_api::RunEvent;
use clap::{Command, CommandFactory as _};

use crate::arguments::Arguments;

/// `docs/reference/cli.md`: the help of every command.
#[must_use]
pub fn cli_markdown() -> String {
    let mut table = Arguments::command().term_width(100);
    table.build();
    let mut page = String::from(
        "# Command line\n\nThis page is written by `bottega-cli` from the commands themselves. Exit codes have \
         [a page of their own](exit-codes.md), the events of `run --json` [a schema](run-events.schema.json).\n",
    );
    describe(&mut table, "##", &mut page);
    page
}

fn describe(command: &mut Command, heading: &str, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!(
        "\n{heading} `{name}`\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    ));
    for inner in command.get_subcommands_mut() {
        if !inner.is_hide_set() {
            describe(inner, &format!("{heading}#"), page);
        }
    }
}

/// `docs/reference/run-events.schema.json`: JSON Schema of one line of `bottega run --json`.
///
/// It describes what is written; readers must pass over types and fields they don't know.
#[must_use]
pub fn run_events_schema() -> String {
    let generator =
        schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<RunEvent>();
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text + "\n"
}
