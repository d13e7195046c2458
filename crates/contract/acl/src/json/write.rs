//! Writing the JSON encoding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{Aid, Expression, Message, UserName};

/// Writes a message, on one line.
#[must_use]
pub fn encode(message: &Message) -> String {
    let mut out = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    let text = |text: Option<&str>| text.map(Value::from);
    put("performative", text(Some(message.performative.as_str())));
    put("sender", message.sender.as_ref().map(aid));
    put("receiver", aids(message.receivers.as_slice()));
    put("reply-to", aids(message.reply_to()));
    put(
        "content",
        message.content.as_ref().map(|content| match content.as_text() {
            Some(text) => text.into(),
            None => serde_json::json!({"base64": STANDARD.encode(content.as_bytes())}),
        }),
    );
    put("language", text(message.language()));
    put("encoding", text(message.encoding()));
    put("ontology", text(message.ontology()));
    put("protocol", text(message.protocol.as_ref().map(crate::ProtocolName::as_str)));
    put("conversation-id", message.conversation.as_ref().map(|id| id.to_string().into()));
    put("reply-with", message.reply_with.as_ref().map(|id| id.to_string().into()));
    put("in-reply-to", message.in_reply_to.as_ref().map(|id| id.to_string().into()));
    put("reply-by", message.reply_by().map(|by| by.to_string().into()));
    user(&mut out, message.user());
    Value::Object(out).to_string()
}

fn user(out: &mut Map<String, Value>, parameters: &[(UserName, Expression)]) {
    for (name, value) in parameters {
        out.insert(name.as_str().to_owned(), expression(value));
    }
}

fn expression(value: &Expression) -> Value {
    match value {
        Expression::Text(text) => Value::from(&**text),
        Expression::List(items) => items.iter().map(expression).collect(),
    }
}

fn aids(aids: &[Aid]) -> Option<Value> {
    (!aids.is_empty()).then(|| aids.iter().map(aid).collect())
}

fn aid(aid: &Aid) -> Value {
    let name = Value::from(aid.name().as_str());
    let mut out = Map::new();
    if !aid.addresses().is_empty() {
        let addresses = aid.addresses().iter().map(|address| Value::from(&**address)).collect();
        out.insert("addresses".to_owned(), addresses);
    }
    if let Some(resolvers) = aids(aid.resolvers()) {
        out.insert("resolvers".to_owned(), resolvers);
    }
    user(&mut out, aid.user());
    if out.is_empty() {
        return name;
    }
    out.insert("name".to_owned(), name);
    Value::Object(out)
}

/// Its name, or an object when it says more: the form that it has in a message.
impl Serialize for Aid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        aid(self).serialize(serializer)
    }
}
