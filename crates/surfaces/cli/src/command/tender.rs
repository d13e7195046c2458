//! `bottega tender`: tasks that agents bid for.

mod told;

use std::time::Duration;

use bottega_api::{ApiError, TenderRequest, TenderStanding, TenderView, codes};
use bottega_client::Agents;
use bottega_types::Money;
use clap::{Args, Subcommand};

use super::{Desk, Where};
use crate::happened;
use crate::report::{Failure, Form};
use crate::work::seconds;

/// How often a tender is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(200);

/// Put tasks out to tender among agents on a server
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega tender open \"greet Ada\" --skill greeting
  bottega tender open - --skill review --budget 0.50 < task.md
  bottega tender open \"greet Ada\" --skill greeting --detach
  bottega tender list                      the latest
  bottega tender show tnd_01k9…            bids, award, result

Agents offer a skill by `[[services]]` with `type = \"SKILL\"` in their `bottega.toml`.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Call for bids, award the task, and print the result
    Open(Open),
    /// The latest tenders
    List {
        /// How many
        #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20,
              value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
        #[command(flatten)]
        at: Where,
    },
    /// One tender: its bids, its award and its result
    Show {
        /// The tender
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// What happened to a tender, in order
    Log {
        /// The tender
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// Wait for no more bids
    Close {
        /// The tender
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// Withdraw the task; whoever works on it is told to stop
    Cancel {
        /// The tender
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// What is known of agents from how their awards ended
    Reputation {
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Debug, Args)]
struct Open {
    /// What is to be done; `-` reads standard input
    task: String,
    /// The skill that it takes: a type of service that agents offer
    #[arg(long)]
    skill: String,
    /// What whoever does it must have; may be repeated
    #[arg(long, value_name = "TEXT")]
    needs: Vec<String>,
    /// The most that will be paid, in US dollars
    #[arg(long, value_name = "USD")]
    budget: Option<Money>,
    /// How long it may take until it is done, as in 90s, 10m
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    within: Option<u64>,
    /// Which bid is taken
    #[arg(long, value_name = "RULE", default_value = "best-value",
          value_parser = ["cheapest", "fastest", "best-value", "vickrey"])]
    rule: String,
    /// How long bids are waited for in each round, as in 5s, 1m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = seconds)]
    bidding: u64,
    /// The most rounds of bidding
    #[arg(long, value_name = "NUMBER", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=16))]
    rounds: u8,
    /// How many of the next best are kept waiting while the winner works
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    reserve: usize,
    /// What an hour of waiting costs, in US dollars, for `best-value`
    #[arg(long, value_name = "USD")]
    hour: Option<Money>,
    /// Who is called for bids, by commas; everybody who offers the skill when absent
    #[arg(long, value_name = "AGENTS", value_delimiter = ',')]
    among: Option<Vec<String>>,
    /// Name it, so that it is opened once however often it is sent
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Print the tender's id and do not wait for its end
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    at: Where,
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    match arguments.what {
        What::Open(open) => open.execute(desk).await,
        What::List { limit, at } => {
            let agents = desk.agents(&at).await?;
            let tenders = desk.wait(agents.tenders(limit.into(), None)).await?;
            desk.show(&tenders, |terminal| told::list(&tenders, terminal))
        }
        What::Show { id, at } => {
            let agents = desk.agents(&at).await?;
            let tender = desk.wait(agents.tender(&id)).await?;
            desk.show(&tender, |terminal| told::tender(&tender, terminal))
        }
        What::Log { id, at } => {
            let agents = desk.agents(&at).await?;
            let events = desk.wait(agents.tender_events(&id)).await?;
            desk.show(&events, |terminal| happened::lines(&events, terminal))
        }
        What::Close { id, at } => {
            let agents = desk.agents(&at).await?;
            let tender = desk.wait(agents.close_tender(&id)).await?;
            desk.show(&tender, |terminal| told::tender(&tender, terminal))
        }
        What::Cancel { id, at } => {
            let agents = desk.agents(&at).await?;
            let tender = desk.wait(agents.cancel_tender(&id)).await?;
            desk.show(&tender, |terminal| told::tender(&tender, terminal))
        }
        What::Reputation { at } => {
            let agents = desk.agents(&at).await?;
            let known = desk.wait(agents.reputation()).await?;
            desk.show(&known, |terminal| told::reputation(&known, terminal))
        }
    }
}

impl Open {
    async fn execute(self, desk: &mut Desk<'_>) -> Result<u8, Failure> {
        let task = match self.task.as_str() {
            "-" => crate::task::piped_text(&mut desk.terminal).await?,
            text => text.to_owned(),
        };
        let request = TenderRequest {
            task,
            skill: self.skill,
            needs: self.needs,
            budget_usd: self.budget.map(Money::as_dollars),
            within_ms: self.within.map(|seconds| seconds.saturating_mul(1_000)),
            rule: Some(self.rule),
            bidding_ms: Some(self.bidding.saturating_mul(1_000)),
            rounds: Some(self.rounds),
            reserve: Some(self.reserve),
            hour_usd: self.hour.map(Money::as_dollars),
            among: self.among,
            idempotency_key: self.key,
        };
        let agents = desk.agents(&self.at).await?;
        let opened = desk.wait(agents.open_tender(request)).await?;
        if self.detach {
            return desk.show(&opened, |_| told::opened(&opened));
        }
        let ended = follow(agents.as_ref(), opened, desk).await?;
        desk.show(&ended, |_| told::result(&ended))?;
        match failed(&ended) {
            Some(error) => Err(error.into()),
            None => Ok(0),
        }
    }
}

/// Waits for the end of a tender, and tells what happens to it meanwhile. Whoever leaves earlier leaves it open.
async fn follow(
    agents: &dyn Agents,
    opened: TenderView,
    desk: &mut Desk<'_>,
) -> Result<TenderView, Failure> {
    let id = opened.id.clone();
    let form = desk.form();
    if form == Form::People {
        let line = told::called(&opened, desk.terminal.err_paint());
        desk.terminal.note(&line);
    }
    let ended = watch(agents, &id, desk).await;
    if form == Form::People
        && matches!(ended, Err(Failure::Silent(exit)) if exit == codes::INTERRUPTED.exit)
    {
        let line = format!(
            "the tender goes on: see `bottega tender show {id}`, end it with `bottega tender cancel {id}`\n"
        );
        desk.terminal.note(&line);
    }
    ended
}

async fn watch(agents: &dyn Agents, id: &str, desk: &mut Desk<'_>) -> Result<TenderView, Failure> {
    let (mut told, mut awards) = (0, 0);
    loop {
        let now = desk.wait(agents.tender(id)).await?;
        // Looked at after the tender, so that its end is among them once it is over.
        if desk.form() == Form::People {
            let events = desk.wait(agents.tender_events(id)).await?;
            let fresh = events.get(told..).unwrap_or_default();
            let news = told::news(fresh, &mut awards, desk.terminal.err_paint());
            desk.terminal.note(&news);
            told = events.len();
        }
        if now.state.is_ended() {
            return Ok(now);
        }
        desk.wait(async {
            bottega_actor::sleep(LOOK).await;
            Ok(())
        })
        .await?;
    }
}

/// Why a tender gave no result.
fn failed(tender: &TenderView) -> Option<ApiError> {
    let (why, step) = match tender.state {
        TenderStanding::Done => return None,
        TenderStanding::NoBids => (
            "no bid counted",
            "raise `--budget` or `--within`, wait longer with `--bidding`, or look at the agents",
        ),
        TenderStanding::Exhausted => (
            "everybody who was awarded failed or was silent",
            "look at what they said with `bottega message conversation ID`",
        ),
        TenderStanding::Cancelled => ("the task was withdrawn", "open another tender"),
        TenderStanding::Bidding | TenderStanding::Working => {
            ("the tender is not over", "look again with `bottega tender show ID`")
        }
    };
    let step = step.replace("ID", &tender.id);
    Some(ApiError::new(codes::STUCK, why).step(step))
}
