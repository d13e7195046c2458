//! `bottega cost`: what was spent.

use bottega_api::{CostBy, CostReport, CostRow};
use clap::{Args, ValueEnum};

use super::Desk;
use crate::figures;
use crate::report::Failure;
use crate::table::Table;
use crate::terminal::Terminal;

/// Show what was spent, in tokens and dollars
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega cost
  bottega cost --by model
  bottega cost --by session --json")]
pub(crate) struct Arguments {
    /// What it is summed by
    #[arg(long, value_enum, default_value_t = By::Day)]
    by: By,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// The UTC day
    Day,
    /// The model that answered
    Model,
    /// The session
    Session,
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let by = match arguments.by {
        By::Day => CostBy::Day,
        By::Model => CostBy::Model,
        By::Session => CostBy::Session,
    };
    let report = desk.entrance.sessions().await?.costs(by).await?;
    desk.show(&report, |terminal| told(&report, terminal))
}

fn told(report: &CostReport, terminal: &Terminal) -> String {
    if report.rows.is_empty() {
        return "nothing was spent yet\n".to_owned();
    }
    let first = match report.by {
        CostBy::Day => "DAY",
        CostBy::Model => "MODEL",
        CostBy::Session => "SESSION",
    };
    let mut table = Table::new(&[first, ">ANSWERS", ">INPUT", ">CACHED", ">OUTPUT", ">COST"]);
    let total = CostRow { key: "total".to_owned(), ..report.total.clone() };
    for row in report.rows.iter().chain([&total]) {
        table.row(&[
            row.key.clone(),
            figures::grouped(row.answers),
            figures::grouped(row.input_tokens),
            figures::grouped(row.cached_tokens),
            figures::grouped(row.output_tokens),
            figures::cost(row.cost_usd, row.known_cost_usd),
        ]);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}
