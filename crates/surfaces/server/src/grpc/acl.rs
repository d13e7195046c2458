//! Messages of FIPA-ACL, between Protobuf and the JSON encoding that the handles take. Whether a message is one is not
//! decided here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::json;
use super::wire::acl_message::Content;
use super::wire::{AclMessage, AgentId};

/// A message as the handles take it.
pub(super) fn value(message: AclMessage) -> Value {
    let mut out = message.user.map(json::fields).unwrap_or_default();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    let text = |text: String| super::said(text).map(Value::String);
    put("performative", Some(message.performative.into()));
    put("sender", message.sender.map(agent));
    put("receiver", agents(message.receivers));
    put("reply-to", agents(message.reply_to));
    put(
        "content",
        message.content.map(|content| match content {
            Content::Text(text) => text.into(),
            Content::Data(bytes) => serde_json::json!({ "base64": STANDARD.encode(bytes) }),
        }),
    );
    put("language", text(message.language));
    put("encoding", text(message.encoding));
    put("ontology", text(message.ontology));
    put("protocol", text(message.protocol));
    put("conversation-id", text(message.conversation_id));
    put("reply-with", text(message.reply_with));
    put("in-reply-to", text(message.in_reply_to));
    put("reply-by", text(message.reply_by));
    Value::Object(out)
}

fn agents(agents: Vec<AgentId>) -> Option<Value> {
    (!agents.is_empty()).then(|| agents.into_iter().map(agent).collect())
}

/// Its name, or an object when it says more.
fn agent(agent: AgentId) -> Value {
    let mut out = agent.user.map(json::fields).unwrap_or_default();
    if !agent.addresses.is_empty() {
        out.insert("addresses".to_owned(), agent.addresses.into());
    }
    if let Some(resolvers) = agents(agent.resolvers) {
        out.insert("resolvers".to_owned(), resolvers);
    }
    if out.is_empty() {
        return agent.name.into();
    }
    out.insert("name".to_owned(), agent.name.into());
    Value::Object(out)
}

/// A message as the handles give it; nothing of a value that is none.
pub(super) fn message(value: Value) -> Option<AclMessage> {
    let Value::Object(mut fields) = value else { return None };
    let mut take = |name: &str| fields.remove(name);
    let performative = text(take("performative"))?;
    let mut message = AclMessage {
        performative,
        sender: take("sender").and_then(read_agent),
        receivers: read_agents(take("receiver")),
        reply_to: read_agents(take("reply-to")),
        content: take("content").and_then(content),
        language: text(take("language")).unwrap_or_default(),
        encoding: text(take("encoding")).unwrap_or_default(),
        ontology: text(take("ontology")).unwrap_or_default(),
        protocol: text(take("protocol")).unwrap_or_default(),
        conversation_id: text(take("conversation-id")).unwrap_or_default(),
        reply_with: text(take("reply-with")).unwrap_or_default(),
        in_reply_to: text(take("in-reply-to")).unwrap_or_default(),
        reply_by: text(take("reply-by")).unwrap_or_default(),
        user: None,
    };
    message.user = rest(fields);
    Some(message)
}

fn text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

fn content(value: Value) -> Option<Content> {
    match value {
        Value::String(text) => Some(Content::Text(text)),
        Value::Object(mut fields) => {
            let bytes = STANDARD.decode(text(fields.remove("base64"))?).ok()?;
            Some(Content::Data(bytes))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn read_agents(value: Option<Value>) -> Vec<AgentId> {
    match value {
        None => Vec::new(),
        Some(Value::Array(agents)) => agents.into_iter().filter_map(read_agent).collect(),
        Some(agent) => read_agent(agent).into_iter().collect(),
    }
}

fn read_agent(value: Value) -> Option<AgentId> {
    match value {
        Value::String(name) => Some(AgentId { name, ..AgentId::default() }),
        Value::Object(mut fields) => {
            let name = text(fields.remove("name"))?;
            let addresses = match fields.remove("addresses") {
                Some(Value::Array(all)) => {
                    all.into_iter().filter_map(|it| text(Some(it))).collect()
                }
                Some(_) | None => Vec::new(),
            };
            let resolvers = read_agents(fields.remove("resolvers"));
            Some(AgentId { name, addresses, resolvers, user: rest(fields) })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// What is left are parameters of users.
fn rest(fields: Map<String, Value>) -> Option<prost_types::Struct> {
    if fields.is_empty() { None } else { json::object(&Value::Object(fields)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message as _;
    use serde_json::json;

    #[track_caller]
    fn check(form: &Value) {
        let message = message(form.clone()).unwrap();
        assert_eq!(&value(message), form);
    }

    #[test]
    fn what_was_carried_is_read_back() {
        check(&json!({"performative": "inform"}));
        check(&json!({
            "performative": "cfp",
            "sender": "market@local",
            "receiver": ["echo@local", {
                "name": "far@other",
                "addresses": ["http://other/acc"],
                "resolvers": ["df@other", {"name": "df@third", "X-a": "b"}],
                "X-rank": ["first", ["of", "two"]],
            }],
            "reply-to": ["desk@local"],
            "content": "greet \"Ada\"",
            "language": "text",
            "encoding": "utf-8",
            "ontology": "greetings",
            "protocol": "fipa-contract-net",
            "conversation-id": "cnv_1",
            "reply-with": "r1",
            "in-reply-to": "r0",
            "reply-by": "20261128T180000000Z",
            "X-trace": "t",
        }));
        check(&json!({"performative": "inform", "content": {"base64": "AP8="}, "receiver": ["a"]}));
        check(&json!({"performative": "inform", "content": ""}));
    }

    #[test]
    fn what_is_empty_was_not_said() {
        let form = value(AclMessage { performative: "inform".into(), ..AclMessage::default() });
        assert_eq!(form, json!({"performative": "inform"}));
    }

    #[test]
    fn a_name_of_a_user_hides_no_parameter() {
        let user = json::object(&json!({"performative": "cancel", "X-a": "b"}));
        let message = AclMessage { performative: "inform".into(), user, ..AclMessage::default() };
        assert_eq!(value(message), json!({"performative": "inform", "X-a": "b"}));
    }

    #[test]
    fn a_value_that_is_no_message_is_none() {
        for value in [json!(null), json!("x"), json!({}), json!({"performative": 1})] {
            assert_eq!(message(value), None);
        }
    }

    proptest! {
        /// A message in which bytes were changed, cut out and put in is refused or read, and what was read is carried
        /// on as it is.
        #[test]
        fn damaged_bytes_are_refused_or_read(
            (at, cut) in (0_usize..400, 0_usize..40),
            put in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let whole = message(json!({
                "performative": "cfp",
                "sender": "market@local",
                "receiver": [{"name": "far@other", "addresses": ["http://other/acc"], "resolvers": ["df@other"]}],
                "content": {"base64": "AP8="},
                "conversation-id": "cnv_1",
                "X-rank": ["first", {"of": [1, null, true]}],
            }));
            let mut bytes = whole.unwrap_or_default().encode_to_vec();
            let at = at.min(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, put);
            if let Ok(read) = AclMessage::decode(&*bytes)
                && let Some(read) = message(value(read))
            {
                let form = value(read);
                prop_assert_eq!(message(form.clone()).map(value), Some(form));
            }
        }
    }
}
