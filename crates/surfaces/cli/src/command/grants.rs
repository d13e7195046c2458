//! `bottega grants`: what people allowed for more than one call.

use bottega_api::{GrantFor, GrantView};
use clap::{Args, Subcommand};

use super::Desk;
use crate::report::{Failure, usage};
use crate::table::Table;
use crate::terminal::Terminal;
use crate::visible;

/// List and revoke what was allowed for a session or a project
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega grants                     those that hold in this folder
  bottega grants list --all --json   those of every folder
  bottega grants revoke 4zk8m        by the end of its name
  bottega grants revoke --all        those of this folder

A grant is given where a tool asks: `a` allows the same in this session, `p` in this project. A run that is under
way asks again from its next call on.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what holds
    List {
        /// In every folder, not in this one alone
        #[arg(long)]
        all: bool,
    },
    /// End grants
    Revoke {
        /// Their names, or the ends of them
        #[arg(value_name = "GRANT", required_unless_present = "all")]
        grants: Vec<String>,
        /// All that hold in this folder
        #[arg(long, conflicts_with = "grants")]
        all: bool,
    },
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let sessions = desk.entrance.sessions().await?;
    let here = desk.here()?;
    match arguments.what.unwrap_or(What::List { all: false }) {
        What::List { all } => {
            let grants = sessions.grants((!all).then_some(here.as_path())).await?;
            desk.show(&grants, |terminal| listed(&grants, all, terminal))
        }
        What::Revoke { grants, all } => {
            let ids = match all {
                true => sessions.grants(Some(&here)).await?.into_iter().map(|it| it.id).collect(),
                false => grants,
            };
            if ids.is_empty() {
                return Err(usage("no grant holds in this folder", "`bottega grants list --all`"));
            }
            let ended = sessions.revoke(&ids).await?;
            desk.show(&ended, |_| {
                let line = |grant: &GrantView| {
                    format!("{} is revoked: {}\n", grant.id, visible::exact(&grant.may))
                };
                ended.iter().map(line).collect()
            })
        }
    }
}

fn listed(grants: &[GrantView], all: bool, terminal: &Terminal) -> String {
    if grants.is_empty() {
        let elsewhere = if all { "" } else { " in this folder; `--all` shows those of others" };
        return format!("nothing is allowed beyond the settings{elsewhere}\n");
    }
    let mut heads = vec!["GRANT", "MAY", "FOR"];
    if all {
        heads.push("PROJECT");
    }
    let mut table = Table::new(&heads);
    for grant in grants {
        let caged = if grant.uncaged { " outside the sandbox" } else { "" };
        let scope = match grant.scope {
            GrantFor::Session => format!("session {}", grant.session),
            GrantFor::Project => "project".to_owned(),
        };
        let mut row = vec![
            grant.id.clone(),
            format!("{}{caged}", visible::exact(&grant.may).replace('\n', " ")),
            scope,
        ];
        if all {
            row.push(grant.project.clone());
        }
        table.row(&row);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}
