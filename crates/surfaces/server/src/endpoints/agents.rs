//! Agents: their life, and what became of it.

use std::sync::Arc;

use axum::http::StatusCode;
use bottega_api::{
    AgentEventView, AgentView, ApiError, DeployRequest, InboxView, MailView, WaitingView, codes,
};

use futures::StreamExt as _;

use super::{Endpoint, Gives, Group, Parameter, Patience, Run, Size, Takes, Verb, schema};
use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::follow::unless_stopped;
use crate::paging::{AFTER, LIMIT, MOST, Order, Page};
use crate::principal::Needs;
use crate::{follow, paging, sse};

const NO_AGENT: StatusCode = StatusCode::NOT_FOUND;
const OTHER_STATE: StatusCode = StatusCode::CONFLICT;

/// Events that are shown where the query says nothing.
const EVENTS: usize = 100;
/// Milliseconds that a message is waited for at most.
const LONGEST_WAIT: usize = 60_000;
/// Events that are shown at most.
const MOST_EVENTS: usize = 10_000;

const EXAMPLE: &str = r#"{
  "manifest": "name = \"greeter\"\nversion = \"0.1.0\"\nworld = \"agent\"\n",
  "module": "AGFzbQEAAAA=",
  "name": "doorman"
}"#;

const fn get(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    gives: Gives,
    run: Run,
) -> Endpoint {
    Endpoint::get(Group::Agents, path, name, summary, gives, run)
}

const AGENT: Gives = Gives::json(StatusCode::OK, "The agent, as it is now.", schema::<AgentView>);

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        parameters: &[LIMIT, AFTER],
        refuses: &[StatusCode::BAD_REQUEST],
        ..get(
            "/v1/agents",
            "listAgents",
            "Everybody who lives here, by name",
            Gives::json(StatusCode::OK, "The agents.", schema::<Vec<AgentView>>),
            |call| Box::pin(list(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Manage,
        patience: Patience::Long,
        takes: Some(Takes {
            schema: schema::<DeployRequest>,
            example: EXAMPLE,
            largest: Size::Module,
        }),
        gives: Gives::json(StatusCode::CREATED, "The agent, begun.", schema::<AgentView>),
        refuses: &[OTHER_STATE],
        ..get(
            "/v1/agents",
            "deployAgent",
            "Lets an agent live here, also after the server begins anew",
            AGENT,
            |call| Box::pin(deploy(call)),
        )
    },
    Endpoint {
        ..get("/v1/agents/{name}", "showAgent", "One agent", AGENT, |call| Box::pin(show(call)))
    },
    Endpoint {
        verb: Verb::Delete,
        needs: Needs::Manage,
        gives: Gives::nothing("It is gone."),
        patience: Patience::Long,
        ..get(
            "/v1/agents/{name}",
            "removeAgent",
            "Takes an agent away; what is under way to it becomes dead letters",
            AGENT,
            |call| Box::pin(remove(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Manage,
        patience: Patience::Long,
        refuses: &[NO_AGENT, OTHER_STATE],
        ..get(
            "/v1/agents/{name}/start",
            "startAgent",
            "Begins an agent that was stopped or given up",
            AGENT,
            |call| Box::pin(start(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Manage,
        patience: Patience::Long,
        refuses: &[NO_AGENT, OTHER_STATE],
        ..get(
            "/v1/agents/{name}/stop",
            "stopAgent",
            "Stops an agent, after it dealt with what waits for it",
            AGENT,
            |call| Box::pin(stop(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Manage,
        patience: Patience::Long,
        refuses: &[NO_AGENT, OTHER_STATE],
        ..get(
            "/v1/agents/{name}/restart",
            "restartAgent",
            "Stops an agent and begins it again",
            AGENT,
            |call| Box::pin(restart(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Manage,
        patience: Patience::Long,
        takes: Some(Takes {
            schema: schema::<DeployRequest>,
            example: EXAMPLE,
            largest: Size::Module,
        }),
        refuses: &[NO_AGENT, OTHER_STATE],
        ..get(
            "/v1/agents/{name}/upgrade",
            "upgradeAgent",
            "Lets another version take over, with what the present one knows",
            AGENT,
            |call| Box::pin(upgrade(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Manage,
        patience: Patience::Long,
        refuses: &[NO_AGENT, OTHER_STATE],
        ..get(
            "/v1/agents/{name}/rollback",
            "rollBackAgent",
            "Lets the version take over that was there before the last upgrade",
            AGENT,
            |call| Box::pin(roll_back(call)),
        )
    },
    Endpoint {
        parameters: &[
            Parameter {
                name: "limit",
                place: "query",
                about: "The latest so many: 1 to 10,000, and 100 when absent.",
                schema: schema::<u32>,
            },
            Parameter {
                name: "after",
                place: "query",
                about: "Instead of the latest, the first so many after this number of events.",
                schema: schema::<u64>,
            },
        ],
        refuses: &[NO_AGENT, StatusCode::BAD_REQUEST],
        ..get(
            "/v1/agents/{name}/events",
            "listAgentEvents",
            "What happened to an agent, the oldest first",
            Gives::json(StatusCode::OK, "The events.", schema::<Vec<AgentEventView>>),
            |call| Box::pin(events(call)),
        )
    },
    Endpoint {
        parameters: sse::SEEN,
        ..get(
            "/v1/agents/{name}/events/stream",
            "followAgentEvents",
            "What happened to an agent, and what happens to it from now on, until it is gone",
            Gives::text(sse::MEDIA, "Server-sent events `event`, each with its number as `id`."),
            |call| Box::pin(follow_events(call)),
        )
    },
    Endpoint {
        group: Group::Messages,
        ..get(
            "/v1/agents/{name}/inbox/stream",
            "followInbox",
            "What an agent outside is told, each message once the one before was acknowledged",
            Gives::text(sse::MEDIA, "Server-sent events `message`, each with its number as `id`."),
            |call| Box::pin(follow_inbox(call)),
        )
    },
    Endpoint {
        group: Group::Messages,
        parameters: &[LIMIT, AFTER],
        refuses: &[NO_AGENT, StatusCode::BAD_REQUEST],
        ..get(
            "/v1/agents/{name}/mail",
            "listMail",
            "Durable messages to an agent that were not handled, dead ones included",
            Gives::json(StatusCode::OK, "The messages.", schema::<Vec<MailView>>),
            |call| Box::pin(mail(call)),
        )
    },
    Endpoint {
        group: Group::Messages,
        patience: Patience::Long,
        parameters: &[Parameter {
            name: "wait_ms",
            place: "query",
            about: "How long to wait for a message, in milliseconds: at most 60,000, and 0 when absent.",
            schema: schema::<u32>,
        }],
        refuses: &[NO_AGENT, StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY],
        ..get(
            "/v1/agents/{name}/inbox",
            "showInbox",
            "The message that is next for an agent that lives outside, until it is acknowledged",
            Gives::json(StatusCode::OK, "The message, or null.", schema::<InboxView>),
            |call| Box::pin(inbox(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        group: Group::Messages,
        gives: Gives::nothing("The next one may come."),
        refuses: &[NO_AGENT, StatusCode::UNPROCESSABLE_ENTITY],
        ..get(
            "/v1/agents/{name}/inbox/{number}/acknowledge",
            "acknowledgeMessage",
            "Says that an agent that lives outside has dealt with a message",
            AGENT,
            |call| Box::pin(acknowledge(call)),
        )
    },
    Endpoint {
        verb: Verb::Post,
        needs: Needs::Speak,
        group: Group::Messages,
        gives: Gives::nothing("It is under way again."),
        refuses: &[NO_AGENT, OTHER_STATE],
        ..get(
            "/v1/agents/{name}/mail/{id}/resend",
            "resendMail",
            "Hands a dead letter over once more",
            AGENT,
            |call| Box::pin(resend(call)),
        )
    },
];

async fn list(call: Call) -> Result<Reply, Fault> {
    let page = Page::of(&call.query(&["cursor"], &["limit"])?, MOST)?;
    let agents = call.agents().list().await?;
    page.reply(&call, agents, |agent| agent.name.clone(), Order::Rising)
}

async fn deploy(call: Call) -> Result<Reply, Fault> {
    let agent = call.agents().deploy(call.json()?).await?;
    let reply = Reply::json(StatusCode::CREATED, &agent)?;
    Ok(reply.at(format!("/v1/agents/{}", agent.name)))
}

async fn show(call: Call) -> Result<Reply, Fault> {
    agent(&call.agents().show(call.part("name")).await?)
}

async fn remove(call: Call) -> Result<Reply, Fault> {
    call.agents().remove(call.part("name")).await?;
    Ok(Reply::nothing())
}

async fn start(call: Call) -> Result<Reply, Fault> {
    agent(&call.agents().start(call.part("name")).await?)
}

async fn stop(call: Call) -> Result<Reply, Fault> {
    agent(&call.agents().stop(call.part("name")).await?)
}

async fn restart(call: Call) -> Result<Reply, Fault> {
    agent(&call.agents().restart(call.part("name")).await?)
}

async fn upgrade(call: Call) -> Result<Reply, Fault> {
    agent(&call.agents().upgrade(call.part("name"), call.json()?).await?)
}

async fn roll_back(call: Call) -> Result<Reply, Fault> {
    agent(&call.agents().roll_back(call.part("name")).await?)
}

/// How many events are to be shown.
pub(crate) fn limit(wanted: Option<usize>) -> Result<usize, ApiError> {
    let limit = wanted.unwrap_or(EVENTS);
    if (1..=MOST_EVENTS).contains(&limit) {
        return Ok(limit);
    }
    let why = format!("`limit` is 1 to {MOST_EVENTS}, not {limit}");
    Err(ApiError::new(codes::USAGE, why).step("name a number of that range"))
}

async fn events(call: Call) -> Result<Reply, Fault> {
    let (name, query) = (call.part("name"), call.query(&[], &["limit", "after"])?);
    let limit = limit(query.number("limit"))?;
    let events = match query.number("after") {
        None => call.agents().events(name, limit).await?,
        Some(after) => {
            let after = u64::try_from(after).unwrap_or(u64::MAX);
            call.agents().events_after(name, after, limit).await?
        }
    };
    Reply::json(StatusCode::OK, &events)
}

async fn follow_events(call: Call) -> Result<Reply, Fault> {
    let (name, query) = (call.part("name").to_owned(), call.query(&[], &["after"])?);
    let after = sse::seen(&call.headers, query.number("after"))?;
    // Whoever is not there is told of at once.
    call.agents().show(&name).await?;
    let events = follow::events(Arc::clone(&call.desk), follow::What::Agent(name), after);
    sse::reply(&call, events.map(|told| told.map(|(number, event)| (number, "event", event))))
}

async fn follow_inbox(call: Call) -> Result<Reply, Fault> {
    let name = call.part("name").to_owned();
    // Whoever has no inbox is told so at once.
    call.agents().inbox(&name, 0).await?;
    let messages = follow::inbox(Arc::clone(&call.desk), name);
    let told = |waiting: WaitingView| (waiting.number, "message", waiting);
    sse::reply(&call, messages.map(move |message| message.map(told)))
}

async fn mail(call: Call) -> Result<Reply, Fault> {
    let page = Page::of(&call.query(&["cursor"], &["limit"])?, MOST)?;
    let mail = call.agents().mail_after(call.part("name"), page.after()?, page.wants()).await?;
    paging::shown(&call, page.placed(mail))
}

async fn inbox(call: Call) -> Result<Reply, Fault> {
    let wait = call.number("wait_ms")?.unwrap_or(0);
    if wait > LONGEST_WAIT {
        let error =
            ApiError::new(codes::USAGE, format!("`wait_ms` is at most {LONGEST_WAIT}, not {wait}"));
        return Err(error.step("wait for less, and ask again").into());
    }
    let wait = u64::try_from(wait).unwrap_or(0);
    let inbox = unless_stopped(&call.desk, call.agents().inbox(call.part("name"), wait)).await;
    // Nothing came as long as the server was there: whoever asks again misses nothing.
    let inbox = inbox.unwrap_or(Ok(InboxView { waiting: None }))?;
    Reply::json(StatusCode::OK, &inbox)
}

async fn acknowledge(call: Call) -> Result<Reply, Fault> {
    let number = call.part("number").parse().map_err(|_| {
        let why = format!("`{}` is no number of a message", call.part("number"));
        let error = ApiError::new(codes::MALFORMED, why);
        Fault::from(error.step("write the `number` that the inbox gave"))
    })?;
    call.agents().acknowledge(call.part("name"), number).await?;
    call.desk.acknowledged.notify_waiters();
    Ok(Reply::nothing())
}

async fn resend(call: Call) -> Result<Reply, Fault> {
    call.agents().resend(call.part("name"), call.part("id")).await?;
    Ok(Reply::nothing())
}

fn agent(agent: &AgentView) -> Result<Reply, Fault> {
    Reply::json(StatusCode::OK, agent)
}
