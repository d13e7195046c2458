//! `bottega topic`: what is said to all who subscribed.

use bottega_api::{
    ApiError, DeliveryClass, PublishRequest, PublishedView, SubscribeRequest, SubscriptionView,
    codes,
};
use clap::{Args, Subcommand};

use super::{Desk, Where};
use crate::report::Failure;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::{figures, task, visible};

/// Tell all agents on a server who subscribed to a topic
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega topic publish orders.eu.new \"one hinge\"
  bottega topic publish orders.eu.new - --durable --key order-17 < order.json
  bottega topic subscribe greeter 'orders.*.new'
  bottega topic subscribe ann 'orders.>' --group packers
  bottega topic list

A topic is dotted words, and nobody has to make it. In a pattern `*` stands for
one word, and `>` at the end for one or more. The members of a queue group share
what is published: each publication goes to one of them. What changes on the
blackboard is published on `blackboard.NAME`.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell all who subscribed
    Publish {
        /// The topic: dotted words
        topic: String,
        /// What they are told; `-` reads standard input
        content: String,
        /// Store it for each of them before it is acknowledged
        #[arg(long)]
        durable: bool,
        /// Name it, so that each gets it once however often it is published
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        #[command(flatten)]
        at: Where,
    },
    /// Let an agent be told of what is published
    Subscribe {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Let it be told no more
    Unsubscribe {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Who is told of what
    List {
        /// Those of this agent alone
        agent: Option<String>,
        #[command(flatten)]
        at: Where,
    },
}

/// An agent, and what it is told of.
#[derive(Debug, Args)]
struct Who {
    /// The agent: `echo@local`, or `echo` for one of the server's own
    agent: String,
    /// The topics, as in `orders.*.new` or `orders.>`
    pattern: String,
    /// The queue group with which it shares them
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

impl From<Who> for SubscribeRequest {
    fn from(who: Who) -> Self {
        Self { agent: who.agent, pattern: who.pattern, group: who.group }
    }
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    match arguments.what {
        What::Publish { topic, content, durable, key, at } => {
            let content = match content.as_str() {
                "-" => task::piped_text(&mut desk.terminal).await?,
                _ => content,
            };
            let agents = desk.agents(&at).await?;
            let delivery = durable.then_some(DeliveryClass::Durable);
            let request =
                PublishRequest { content: content.into(), delivery, idempotency_key: key };
            let published = desk.wait(agents.publish(&topic, request)).await?;
            desk.show(&published, |_| told(&published))?;
            match nobody(&published) {
                Some(error) => Err(error.into()),
                None => Ok(0),
            }
        }
        What::Subscribe { who, at } => {
            let agents = desk.agents(&at).await?;
            let subscription = desk.wait(agents.subscribe(who.into())).await?;
            desk.show(&subscription, |_| format!("{}\n", sentence(&subscription)))
        }
        What::Unsubscribe { who, at } => {
            let agents = desk.agents(&at).await?;
            let request = SubscribeRequest::from(who);
            let ended = SubscriptionView {
                agent: request.agent.clone(),
                pattern: request.pattern.clone(),
                group: request.group.clone(),
            };
            desk.wait(agents.unsubscribe(request)).await?;
            desk.show(&ended, |_| {
                let agent = visible::first_line(&ended.agent);
                format!("{agent} is told no more of {}\n", visible::first_line(&ended.pattern))
            })
        }
        What::List { agent, at } => {
            let agents = desk.agents(&at).await?;
            let all = desk.wait(agents.subscriptions(agent.as_deref())).await?;
            desk.show(&all, |terminal| listed(&all, terminal))
        }
    }
}

fn sentence(subscription: &SubscriptionView) -> String {
    let SubscriptionView { agent, pattern, group } = subscription;
    let shared = group
        .as_deref()
        .map(|group| format!(", shared in {}", visible::first_line(group)))
        .unwrap_or_default();
    format!("{} is told of {}{shared}", visible::first_line(agent), visible::first_line(pattern))
}

fn told(published: &PublishedView) -> String {
    let mut text = match published.reached.as_slice() {
        [] if published.missed.is_empty() => "nobody subscribed to it\n".to_owned(),
        [] => String::new(),
        reached => {
            let names: Vec<String> = reached.iter().map(|name| visible::first_line(name)).collect();
            let count = figures::counted(names.len() as u64, "agent has", "agents have");
            format!("{count} it: {}\n", names.join(", "))
        }
    };
    for missed in &published.missed {
        let (agent, why) = (visible::first_line(&missed.agent), visible::first_line(&missed.why));
        text.push_str(&format!("not {agent}: {why}\n"));
    }
    text
}

/// That all who should have heard it did not.
fn nobody(published: &PublishedView) -> Option<ApiError> {
    let lost = published.reached.is_empty() && !published.missed.is_empty();
    lost.then(|| ApiError::new(codes::UNDELIVERED, "nobody who subscribed could be told"))
}

fn listed(all: &[SubscriptionView], terminal: &Terminal) -> String {
    if all.is_empty() {
        return "nobody subscribed; `bottega topic subscribe AGENT PATTERN` does\n".to_owned();
    }
    let mut table = Table::new(&["AGENT", "TOPICS", "GROUP"]);
    for SubscriptionView { agent, pattern, group } in all {
        table.row(&[agent.clone(), pattern.clone(), group.clone().unwrap_or_default()]);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}
