//! Arbitrary messages for the property tests of both encodings.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use bottega_types::{ConversationId, MessageId, Timestamp};

use crate::{
    Aid, Content, ConversationRef, Expression, Message, MessageRef, PERFORMATIVES, ProtocolName,
    Receivers, ReplyBy,
};

/// Text of every kind that an encoding may stumble over.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}",
        "\\PC{0,12}",
        "[\\\\\"() ;#:\n\t'0-9a]{0,8}",
        any::<String>(),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = text().prop_map(|text| Expression::from(text.as_str()));
    leaf.prop_recursive(3, 12, 4, |inner| vec(inner, 0..4).prop_map(Expression::List))
}

/// Any agent identifier.
pub(crate) fn aid() -> impl Strategy<Value = Aid> {
    let bare = "[^\\s\\pC@()\"'\\\\]{1,8}@[^\\s\\pC@()\"'\\\\]{1,8}"
        .prop_filter_map("a name", |name| name.parse::<Aid>().ok());
    bare.prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), vec(text(), 0..3), vec(inner, 0..3), of(expression())).prop_map(
            |(aid, addresses, resolvers, user)| {
                let aid = aid.with_addresses(addresses).with_resolvers(resolvers);
                match user {
                    Some(value) => aid.with_user("X-own".parse().unwrap(), value),
                    None => aid,
                }
            },
        )
    })
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![text().prop_map(Content::text), vec(any::<u8>(), 0..24).prop_map(Content::bytes)]
}

fn reply_by() -> impl Strategy<Value = ReplyBy> {
    any::<(bool, u64)>().prop_map(|(at, millis)| {
        if at {
            ReplyBy::At(Timestamp::from_millis(millis))
        } else {
            ReplyBy::Within(std::time::Duration::from_millis(millis))
        }
    })
}

fn conversation() -> impl Strategy<Value = ConversationRef> {
    prop_oneof![
        any::<u128>().prop_map(|bits| ConversationId::from_bits(bits).into()),
        text().prop_map(|text| ConversationRef::new(&text)),
    ]
}

fn name() -> impl Strategy<Value = MessageRef> {
    prop_oneof![
        any::<u128>().prop_map(|bits| MessageId::from_bits(bits).into()),
        text().prop_map(|text| MessageRef::new(&text)),
    ]
}

/// Any message that can be said.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let head = (0..PERFORMATIVES.len(), of(aid()), vec(aid(), 0..3), of(content()));
    let thread = (of(conversation()), of(name()), of(name()), of(text()), of(reply_by()));
    let tags = (of(text()), of(text()), of(text()), vec(aid(), 0..3));
    let user = vec(("X-[a-z0-9]{1,3}", expression()), 0..3);
    (head, thread, tags, user).prop_map(|(head, thread, tags, user)| {
        let mut message = Message::new(PERFORMATIVES[head.0].act);
        message.sender = head.1;
        message.receivers = Receivers::from_iter(head.2);
        message.content = head.3;
        message.conversation = thread.0;
        message.reply_with = thread.1;
        message.in_reply_to = thread.2;
        message.protocol = thread.3.map(|name| ProtocolName::new(&name));
        if let Some(by) = thread.4 {
            message = message.with_reply_by(by);
        }
        let [language, encoding, ontology] = [tags.0, tags.1, tags.2];
        if let Some(language) = language {
            message = message.with_language(language);
        }
        if let Some(encoding) = encoding {
            message = message.with_encoding(encoding);
        }
        if let Some(ontology) = ontology {
            message = message.with_ontology(ontology);
        }
        message = message.with_reply_to(tags.3);
        user.into_iter()
            .fold(message, |message, (name, value)| message.with_user(name.parse().unwrap(), value))
    })
}
