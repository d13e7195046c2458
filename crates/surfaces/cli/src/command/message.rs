//! `bottega message`: what agents are told and asked.

mod asking;
mod batch;
mod told;
mod traced;

use std::path::PathBuf;
use std::time::Duration;

use bottega_acl::Performative;
use bottega_api::{AskRequest, DeliveryClass, SendRequest, codes};
use bottega_client::Agents;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Desk, Where};
use crate::report::{Failure, Form};
use crate::task;
use crate::work::seconds;

/// Tell and ask agents on a server, and see what did not reach them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega message ask greeter Ada             wait for the answer, and print it
  bottega message ask scout 'What is new?' --follow   see it work
  bottega message send greeter Ada --durable  stored before it is acknowledged
  bottega message send clerk - --key order-17 < order.json
  bottega message batch orders.jsonl --key monday   each stored once
  bottega message mail greeter                what was not handled
  bottega message resend greeter ID           a dead letter, once more
  bottega message conversation ID             who said what, by durable messages
  bottega message trace ID                    what that caused, and what it took
  bottega message tail clerk --json           what an agent outside is told

An agent outside answers with `send market - --from clerk --conversation ID`.

CONTENT is text; `-` reads standard input.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send a message
    Send {
        #[command(flatten)]
        message: Message,
        /// What is said with it
        #[arg(long, value_name = "ACT", default_value = "inform", value_parser = performative)]
        performative: Performative,
        /// Store it before it is acknowledged
        #[arg(long)]
        durable: bool,
        /// Name it, so that it is stored once however often it is sent
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        #[command(flatten)]
        context: Context,
        #[command(flatten)]
        at: Where,
    },
    /// Send many messages, and tell what became of each
    #[command(after_help = "\
Each line of FILE is a message as FIPA-ACL in JSON:

  {\"performative\": \"inform\", \"receiver\": [\"clerk\"], \"content\": \"order 17\"}

or an object with that as its `message`, and `delivery` (`durable`, `transient`)
and `idempotency_key` beside it. All lines are read before the first is sent.
One that can't be delivered keeps the others from nothing; the exit code is then
that of the first such error.")]
    Batch {
        /// The file; `-` reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Store each before it is acknowledged, unless its line says otherwise
        #[arg(long)]
        durable: bool,
        /// Name each after KEY and the number of its line, unless its line has a key: what was stored is not stored again,
        /// as long as the lines keep their places
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        #[command(flatten)]
        at: Where,
    },
    /// Send a message and print the answer
    Ask {
        #[command(flatten)]
        message: Message,
        /// What is said with it
        #[arg(long, value_name = "ACT", default_value = "request", value_parser = performative)]
        performative: Performative,
        /// How long to wait, as in 90s, 2m; 5m at most
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = seconds)]
        timeout: u64,
        /// Tell what agents that models play do about it, while they do it
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Durable messages to an agent that were not handled, dead ones included
    Mail {
        /// The agent
        name: String,
        #[command(flatten)]
        at: Where,
    },
    /// Fetch the messages of an agent that lives outside, print them, and acknowledge each
    Tail {
        /// The agent
        name: String,
        /// End after so many
        #[arg(short = 'n', long, value_name = "NUMBER")]
        count: Option<u64>,
        #[command(flatten)]
        at: Where,
    },
    /// What was said in a conversation, as far as it was stored
    Conversation {
        /// The conversation, or the tender that it is about
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// What a request caused, step by step, as far as it was stored
    Trace {
        /// The trace, as answers and log lines name it, a conversation, or a tender
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// Hand a dead letter over once more
    Resend {
        /// The agent
        name: String,
        /// The message, as `mail` names it
        id: String,
        #[command(flatten)]
        at: Where,
    },
}

/// In whose name, and in which conversation.
#[derive(Debug, Default, Args)]
struct Context {
    /// In whose name it is said: an agent that lives outside; the operator's when absent
    #[arg(long, value_name = "AGENT")]
    from: Option<String>,
    /// The conversation that it belongs to, as the message that it answers names it
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
}

/// Who is told what.
#[derive(Debug, Args)]
struct Message {
    /// The agent: `echo@local`, or `echo` for one of the server's own
    name: String,
    /// What it is told; `-` reads standard input
    content: String,
}

fn performative(text: &str) -> Result<Performative, String> {
    text.parse::<Performative>().map_err(|error| error.to_string())
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    match arguments.what {
        What::Send { message, performative, durable, key, context, at } => {
            let content = message.content(desk).await?;
            let agents = desk.agents(&at).await?;
            let mut message =
                written(agents.as_ref(), &message.name, performative, content, desk).await?;
            if let Some(from) = context.from {
                message["sender"] = from.into();
            }
            if let Some(conversation) = context.conversation {
                message["conversation-id"] = conversation.into();
            }
            let delivery = durable.then_some(DeliveryClass::Durable);
            let request = SendRequest { message, delivery, idempotency_key: key };
            let receipt = desk.wait(agents.send(request)).await?;
            desk.show(&receipt, |_| told::receipt(&receipt))
        }
        What::Batch { file, durable, key, at } => {
            batch::send(&file, batch::Usual { durable, key }, &at, desk).await
        }
        What::Ask { message, performative, timeout, follow, at } => {
            let content = message.content(desk).await?;
            let agents = desk.agents(&at).await?;
            let message =
                written(agents.as_ref(), &message.name, performative, content, desk).await?;
            let request = AskRequest { message, timeout_ms: Some(timeout.saturating_mul(1_000)) };
            let answer = if follow {
                asking::follow(agents.as_ref(), request, desk).await?
            } else {
                desk.wait(agents.ask(request)).await?
            };
            // A script that follows was told the answer as its last step.
            if !(follow && desk.form() == Form::Json) {
                desk.show(&answer, |_| told::answer(&answer))?;
            }
            match told::refused(&answer, timeout) {
                Some(error) => Err(error.into()),
                None => Ok(0),
            }
        }
        What::Mail { name, at } => {
            let agents = desk.agents(&at).await?;
            let mail = desk.wait(agents.mail(&name)).await?;
            desk.show(&mail, |terminal| told::mail(&mail, terminal))
        }
        What::Tail { name, count, at } => tail(&name, count.unwrap_or(u64::MAX), &at, desk).await,
        What::Conversation { id, at } => {
            let agents = desk.agents(&at).await?;
            let said = desk.wait(agents.conversation(&id)).await?;
            desk.show(&said, |terminal| told::conversation(&said, terminal))
        }
        What::Trace { id, at } => {
            let agents = desk.agents(&at).await?;
            let trace = desk.wait(agents.trace(&id)).await?;
            desk.show(&trace, |terminal| traced::trace(&trace, terminal))
        }
        What::Resend { name, id, at } => {
            let agents = desk.agents(&at).await?;
            desk.wait(agents.resend(&name, &id)).await?;
            desk.show(&json!({ "resent": id }), |_| told::resent(&id))
        }
    }
}

/// How long one look waits for a message; then there is another.
const LOOK_MS: u64 = 30_000;

/// How long is waited before the next look for a server that does not answer.
const REST: Duration = Duration::from_secs(1);

/// Prints messages as they come. A message is acknowledged when it is printed, not before. A server that goes away is
/// waited for, since a listener that is begun anew by hand loses nothing either.
async fn tail(name: &str, count: u64, at: &Where, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let mut agents = desk.agents(at).await?;
    let (mut heard, mut missed) = (Heard { left: count, last: None }, false);
    // The last one is acknowledged too.
    while heard.left > 0 || missed {
        match listen(agents.as_ref(), name, &mut heard, desk).await {
            Ok(()) => missed = false,
            Err(Failure::Told(error))
                if [codes::NO_SERVER, codes::BUSY].iter().any(|code| code.name == error.code) =>
            {
                if !std::mem::replace(&mut missed, true) {
                    desk.terminal.note(&format!("{error}; waiting for it, end with Ctrl-C\n"));
                }
                let rest = async {
                    bottega_actor::sleep(REST).await;
                    Ok(())
                };
                desk.wait(rest).await?;
                // It may come back at another address.
                if let Ok(again) = desk.agents(at).await {
                    agents = again;
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(0)
}

/// What was printed.
struct Heard {
    /// How many more are to be.
    left: u64,
    /// The last one, perhaps not acknowledged.
    last: Option<String>,
}

/// Prints the next message, if one comes in time, and says that it was.
async fn listen(
    agents: &dyn Agents,
    name: &str,
    heard: &mut Heard,
    desk: &mut Desk<'_>,
) -> Result<(), Failure> {
    let Some(next) = desk.wait(agents.inbox(name, LOOK_MS)).await?.waiting else {
        return Ok(());
    };
    // Only what was stored comes again.
    if next.id.is_none() || heard.last != next.id {
        let Some(left) = heard.left.checked_sub(1) else { return Ok(()) };
        let line = match desk.form() {
            Form::Json => format!("{}\n", json!(next)),
            Form::People => told::next(&next, desk.terminal.out_paint()),
        };
        desk.terminal.say(&line)?;
        heard.left = left;
        heard.last.clone_from(&next.id);
    }
    desk.wait(agents.acknowledge(name, next.number)).await
}

impl Message {
    async fn content(&self, desk: &mut Desk<'_>) -> Result<String, Failure> {
        match self.content.as_str() {
            "-" => task::piped_text(&mut desk.terminal).await,
            text => Ok(text.to_owned()),
        }
    }
}

/// The message as FIPA-ACL in JSON. A short name is that of one who lives on the server.
async fn written(
    agents: &dyn Agents,
    name: &str,
    performative: Performative,
    content: String,
    desk: &mut Desk<'_>,
) -> Result<Value, Failure> {
    let receiver = match name.contains('@') {
        true => name.to_owned(),
        false => desk.wait(agents.show(name)).await?.name,
    };
    Ok(json!({ "performative": performative.as_str(), "receiver": [receiver], "content": content }))
}
