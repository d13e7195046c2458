//! What the platform's own agents are asked for: the content of a `request`, as JSON.

use bottega_acl::{Message, Performative};
use bottega_behaviour::{Office, Trouble};
use serde::de::DeserializeOwned;

/// What a message asks for. `takes` says in words what its receiver can be asked for, `example` how that is written.
///
/// # Errors
/// Why it can't be understood, in words for a `not-understood`.
pub fn requested<A: DeserializeOwned>(
    message: &Message,
    takes: &str,
    example: &str,
) -> Result<A, String> {
    if message.performative != Performative::Request {
        return Err(takes.to_owned());
    }
    let content = message.content.as_ref().map_or(&[][..], |content| content.as_bytes());
    serde_json::from_slice(content)
        .map_err(|error| format!("the content is no request: {error}; write {example}"))
}

/// Says an answer. That somebody has gone who asked is no trouble of who was asked.
///
/// # Errors
/// Never; it stands at the end of a [`Resident`](bottega_behaviour::Resident)'s hearing.
pub async fn say(office: &dyn Office, answer: Option<Message>) -> Result<(), Trouble> {
    if let Some(answer) = answer {
        let _ = office.send(answer).await;
    }
    Ok(())
}
