//! Reading the JSON encoding.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::malformed::Salvage;
use crate::{
    Aid, Content, ConversationRef, DEEPEST, Expression, LARGEST, MOST_PARAMETERS, Malformed,
    Message, MessageRef, Performative, ProtocolName, Receivers, ReplyBy, UserName,
};

/// Reads one message.
///
/// # Errors
/// [`Malformed`] says where and why; its [`answer`](Malformed::answer) tells the sender. Messages of more than [`LARGEST`]
/// bytes, values deeper than [`DEEPEST`], more than [`MOST_PARAMETERS`], and unknown or repeated ones are refused.
pub fn decode(bytes: &[u8]) -> Result<Message, Malformed> {
    if bytes.len() > LARGEST {
        let problem =
            format!("{} bytes are too many; a message has {LARGEST} at most", bytes.len());
        return Err(Malformed::new(bytes, LARGEST, problem));
    }
    if let Some(offset) = too_deep(bytes) {
        let problem = format!("more than {DEEPEST} lists and objects in each other");
        return Err(Malformed::new(bytes, offset, problem));
    }
    let mut salvage = Salvage::default();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let message = Parameters { salvage: &mut salvage }
        .deserialize(&mut reader)
        .and_then(|message| reader.end().map(|()| message));
    message.map_err(|error| {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let above: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
        let offset = (above + error.column().saturating_sub(1)).min(bytes.len());
        let mut problem = error.to_string();
        if let Some(place) = problem.rfind(" at line ") {
            problem.truncate(place);
        }
        Malformed::new(bytes, offset, problem).with(salvage)
    })
}

/// Where brackets go deeper than they may, outside of strings.
fn too_deep(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    bytes.iter().position(|byte| {
        if quoted {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            quoted = !ends;
            return false;
        }
        match byte {
            b'"' => quoted = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

/// Names are compared one by one, so their number is bounded.
fn count<E: de::Error>(parameters: usize) -> Result<(), E> {
    if parameters > MOST_PARAMETERS {
        return Err(E::custom(format!("more than {MOST_PARAMETERS} parameters")));
    }
    Ok(())
}

struct Parameters<'a> {
    salvage: &'a mut Salvage,
}

impl<'de> DeserializeSeed<'de> for Parameters<'_> {
    type Value = Message;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Message, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Parameters<'_> {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message as an object with its `performative`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let salvage = self.salvage;
        // Any act stands in until the real one is read; it may come last.
        let mut message = Message::new(Performative::Inform);
        let mut seen: Vec<String> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.iter().any(|own| own.eq_ignore_ascii_case(&key)) {
                return Err(de::Error::custom(format!("`{key}` is there twice")));
            }
            message = parameter(message, &key, &mut map, salvage)?;
            seen.push(key);
            count(seen.len())?;
        }
        let act = salvage.performative;
        message.performative =
            act.ok_or_else(|| de::Error::custom("the message has no `performative`"))?;
        Ok(message)
    }
}

fn parameter<'de, A: MapAccess<'de>>(
    mut message: Message,
    key: &str,
    map: &mut A,
    salvage: &mut Salvage,
) -> Result<Message, A::Error> {
    match key {
        "performative" => {
            salvage.performative =
                map.next_value::<Option<Parsed<Performative>>>()?.map(|act| act.0);
        }
        "sender" => {
            message.sender = map.next_value::<Option<Aid>>()?;
            salvage.sender.clone_from(&message.sender);
        }
        "receiver" => message.receivers = Receivers::from_iter(aids(map)?),
        "reply-to" => {
            salvage.reply_to = aids(map)?;
            message = message.with_reply_to(salvage.reply_to.clone());
        }
        "content" => {
            message.content = map
                .next_value::<Option<WireContent>>()?
                .map(Content::try_from)
                .transpose()
                .map_err(de::Error::custom)?;
        }
        "protocol" => {
            message.protocol =
                map.next_value::<Option<String>>()?.map(|text| ProtocolName::new(&text));
            salvage.protocol.clone_from(&message.protocol);
        }
        "conversation-id" => {
            message.conversation =
                map.next_value::<Option<String>>()?.map(|text| ConversationRef::new(&text));
            salvage.conversation.clone_from(&message.conversation);
        }
        "reply-with" => {
            message.reply_with =
                map.next_value::<Option<String>>()?.map(|text| MessageRef::new(&text));
            salvage.reply_with.clone_from(&message.reply_with);
        }
        "in-reply-to" => {
            message.in_reply_to =
                map.next_value::<Option<String>>()?.map(|text| MessageRef::new(&text));
        }
        "reply-by" => {
            if let Some(time) = map.next_value::<Option<Parsed<ReplyBy>>>()? {
                message = message.with_reply_by(time.0);
            }
        }
        "language" | "encoding" | "ontology" => {
            if let Some(text) = map.next_value::<Option<String>>()? {
                message = match key {
                    "language" => message.with_language(text),
                    "encoding" => message.with_encoding(text),
                    _ => message.with_ontology(text),
                };
            }
        }
        _ if is_user(key) => {
            let name = key.parse::<UserName>().map_err(de::Error::custom)?;
            message = message.with_user(name, map.next_value::<WireExpression>()?.0);
        }
        _ => {
            let problem = format!("there is no parameter `{key}`; own ones begin with `X-`");
            return Err(de::Error::custom(problem));
        }
    }
    Ok(message)
}

fn is_user(key: &str) -> bool {
    key.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("x-"))
}

fn aids<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<Aid>, A::Error> {
    let aids = map.next_value::<Option<WireAids>>()?;
    Ok(aids.map_or_else(Vec::new, |aids| aids.0))
}

/// Text that reads as a `T`; the error keeps its place.
struct Parsed<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "content is a string, or an object of `base64`")]
enum WireContent {
    Text(String),
    Bytes { base64: String },
}

impl TryFrom<WireContent> for Content {
    type Error = String;

    fn try_from(content: WireContent) -> Result<Self, String> {
        match content {
            WireContent::Text(text) => Ok(Self::text(text)),
            WireContent::Bytes { base64 } => STANDARD
                .decode(base64)
                .map(Self::bytes)
                .map_err(|error| format!("the content is no base64: {error}")),
        }
    }
}

struct WireExpression(Expression);

impl<'de> Deserialize<'de> for WireExpression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = WireExpression;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of such")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<WireExpression, E> {
                Ok(WireExpression(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WireExpression, A::Error> {
                let mut items = Vec::new();
                while let Some(WireExpression(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(WireExpression(Expression::List(items)))
            }
        }

        deserializer.deserialize_any(Items)
    }
}

struct WireAids(Vec<Aid>);

impl<'de> Deserialize<'de> for WireAids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = WireAids;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of agent identifiers")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<WireAids, E> {
                AidVisitor.visit_str(name).map(|aid| WireAids(vec![aid]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WireAids, A::Error> {
                AidVisitor.visit_map(map).map(|aid| WireAids(vec![aid]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WireAids, A::Error> {
                let mut aids = Vec::new();
                while let Some(aid) = seq.next_element()? {
                    aids.push(aid);
                }
                Ok(WireAids(aids))
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

/// Its name, or an object when it says more: the form that it has in a message.
impl<'de> Deserialize<'de> for Aid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AidVisitor)
    }
}

struct AidVisitor;

impl<'de> Visitor<'de> for AidVisitor {
    type Value = Aid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an agent identifier: its name, or an object with `name`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Aid, E> {
        name.parse().map_err(de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Aid, A::Error> {
        let (mut name, mut addresses, mut resolvers) = (None, Vec::<String>::new(), Vec::new());
        let mut user: Vec<(UserName, Expression)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => name = Some(map.next_value::<Parsed<Aid>>()?.0),
                "addresses" => addresses = map.next_value()?,
                "resolvers" => resolvers = aids(&mut map)?,
                _ if is_user(&key) => {
                    let name = key.parse::<UserName>().map_err(de::Error::custom)?;
                    name.put(&mut user, map.next_value::<WireExpression>()?.0);
                    count(user.len())?;
                }
                _ => {
                    let problem = format!(
                        "an agent identifier has name, addresses, resolvers and X-…, but no `{key}`"
                    );
                    return Err(de::Error::custom(problem));
                }
            }
        }
        let name: Option<Aid> = name;
        let mut aid =
            name.ok_or_else(|| de::Error::custom("this agent identifier has no `name`"))?;
        if !addresses.is_empty() {
            aid = aid.with_addresses(addresses);
        }
        if !resolvers.is_empty() {
            aid = aid.with_resolvers(resolvers);
        }
        Ok(user.into_iter().fold(aid, |aid, (name, value)| aid.with_user(name, value)))
    }
}
