//! The message: who says what to whom, in which conversation.

use std::sync::Arc;

use bottega_types::Timestamp;

use crate::{
    Aid, Content, ConversationRef, Expression, MessageRef, Performative, ProtocolName, ReplyBy,
    UserName,
};

/// A message of the agent communication language (SC00061). Only the performative must be there.
///
/// What nearly every message says is a field; the rest is behind one shared pointer, read by methods and set by
/// `with_…`. Cheap to move (136 bytes) and to clone (a few counters).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What the message does by being said.
    pub performative: Performative,
    /// Who says it.
    pub sender: Option<Aid>,
    /// To whom.
    pub receivers: Receivers,
    /// What it is about. Its language, encoding and ontology are with the rest.
    pub content: Option<Content>,
    /// The conversation it belongs to.
    pub conversation: Option<ConversationRef>,
    /// What an answer to it shall name in `in_reply_to`.
    pub reply_with: Option<MessageRef>,
    /// The message that it answers.
    pub in_reply_to: Option<MessageRef>,
    /// The rules the conversation follows.
    pub protocol: Option<ProtocolName>,
    // Never the default: two equal messages are equal here too.
    rest: Option<Arc<Rest>>,
}

/// To whom a message goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Receivers {
    /// To nobody that it names.
    #[default]
    None,
    /// To one.
    One(Aid),
    /// To several: more than one.
    Many(Arc<Vec<Aid>>),
}

impl Receivers {
    /// All of them, in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[Aid] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl FromIterator<Aid> for Receivers {
    fn from_iter<I: IntoIterator<Item = Aid>>(receivers: I) -> Self {
        let mut receivers: Vec<Aid> = receivers.into_iter().collect();
        match receivers.len() {
            0 => Self::None,
            1 => receivers.pop().map_or(Self::None, Self::One),
            _ => Self::Many(Arc::new(receivers)),
        }
    }
}

impl From<Vec<Aid>> for Receivers {
    fn from(receivers: Vec<Aid>) -> Self {
        receivers.into_iter().collect()
    }
}

impl From<Aid> for Receivers {
    fn from(one: Aid) -> Self {
        Self::One(one)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rest {
    reply_to: Vec<Aid>,
    language: Option<Arc<str>>,
    encoding: Option<Arc<str>>,
    ontology: Option<Arc<str>>,
    reply_by: Option<ReplyBy>,
    user: Vec<(UserName, Expression)>,
}

impl Message {
    /// A message that says nothing but its act.
    #[must_use]
    pub const fn new(performative: Performative) -> Self {
        Self {
            performative,
            sender: None,
            receivers: Receivers::None,
            content: None,
            conversation: None,
            reply_with: None,
            in_reply_to: None,
            protocol: None,
            rest: None,
        }
    }

    /// Said by `sender`.
    #[must_use]
    pub fn from(mut self, sender: Aid) -> Self {
        self.sender = Some(sender);
        self
    }

    /// Said to `receivers`.
    #[must_use]
    pub fn to(mut self, receivers: impl Into<Receivers>) -> Self {
        self.receivers = receivers.into();
        self
    }

    /// About `content`.
    #[must_use]
    pub fn about(mut self, content: impl Into<Content>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// In this conversation.
    #[must_use]
    pub fn within(mut self, conversation: impl Into<ConversationRef>) -> Self {
        self.conversation = Some(conversation.into());
        self
    }

    /// By the rules of this protocol.
    #[must_use]
    pub fn following(mut self, protocol: impl Into<ProtocolName>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// An answer shall name this.
    #[must_use]
    pub fn named(mut self, reply_with: impl Into<MessageRef>) -> Self {
        self.reply_with = Some(reply_with.into());
        self
    }

    /// In answer to the message of this name.
    #[must_use]
    pub fn answering(mut self, in_reply_to: Option<MessageRef>) -> Self {
        self.in_reply_to = in_reply_to;
        self
    }

    fn with(mut self, set: impl FnOnce(&mut Rest)) -> Self {
        let mut rest = self.rest.unwrap_or_default();
        set(Arc::make_mut(&mut rest));
        self.rest = (*rest != Rest::default()).then_some(rest);
        self
    }

    /// Answers shall go to these agents instead of the sender.
    #[must_use]
    pub fn with_reply_to(self, reply_to: Vec<Aid>) -> Self {
        self.with(|rest| rest.reply_to = reply_to)
    }

    /// The language of the content, such as `fipa-sl` or `json`.
    #[must_use]
    pub fn with_language(self, language: impl Into<Arc<str>>) -> Self {
        self.with(|rest| rest.language = Some(language.into()))
    }

    /// The encoding of the content.
    #[must_use]
    pub fn with_encoding(self, encoding: impl Into<Arc<str>>) -> Self {
        self.with(|rest| rest.encoding = Some(encoding.into()))
    }

    /// The ontology that gives the content's symbols their meaning.
    #[must_use]
    pub fn with_ontology(self, ontology: impl Into<Arc<str>>) -> Self {
        self.with(|rest| rest.ontology = Some(ontology.into()))
    }

    /// An answer is wanted by then; [`clamped`](ReplyBy::clamped) to what the wire can say.
    #[must_use]
    pub fn with_reply_by(self, reply_by: ReplyBy) -> Self {
        self.with(|rest| rest.reply_by = Some(reply_by.clamped()))
    }

    /// With a user-defined parameter; one of that name is replaced.
    #[must_use]
    pub fn with_user(self, name: UserName, value: Expression) -> Self {
        self.with(|rest| name.put(&mut rest.user, value))
    }

    /// Without user-defined parameters of this name, which is compared in any case.
    #[must_use]
    pub fn without_user(self, name: &str) -> Self {
        self.with(|rest| rest.user.retain(|(own, _)| !own.is(name)))
    }

    /// Who shall get the answers; the sender when empty.
    #[must_use]
    pub fn reply_to(&self) -> &[Aid] {
        self.rest.as_ref().map_or(&[], |rest| &rest.reply_to)
    }

    /// The language of the content.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.rest.as_ref()?.language.as_deref()
    }

    /// The encoding of the content.
    #[must_use]
    pub fn encoding(&self) -> Option<&str> {
        self.rest.as_ref()?.encoding.as_deref()
    }

    /// The ontology of the content.
    #[must_use]
    pub fn ontology(&self) -> Option<&str> {
        self.rest.as_ref()?.ontology.as_deref()
    }

    /// When an answer is wanted.
    #[must_use]
    pub fn reply_by(&self) -> Option<ReplyBy> {
        self.rest.as_ref()?.reply_by
    }

    /// The moment by which an answer is wanted, of a message received at `received`.
    #[must_use]
    pub fn deadline(&self, received: Timestamp) -> Option<Timestamp> {
        self.reply_by().map(|by| by.moment(received))
    }

    /// User-defined parameters, in their order.
    #[must_use]
    pub fn user(&self) -> &[(UserName, Expression)] {
        self.rest.as_ref().map_or(&[], |rest| &rest.user)
    }

    /// The first user-defined parameter of this name, which is compared in any case.
    #[must_use]
    pub fn user_parameter(&self, name: &str) -> Option<&Expression> {
        self.user().iter().find(|(own, _)| own.is(name)).map(|(_, value)| value)
    }

    /// The start of an answer by `me`: to `reply_to` or the sender, in the same conversation, by the same protocol, with
    /// the same language, encoding and ontology, naming this message (SC00061, control of conversation).
    #[must_use]
    pub fn reply(&self, performative: Performative, me: &Aid) -> Self {
        let receivers = match self.reply_to() {
            [] => self.sender.iter().cloned().collect(),
            others => others.iter().cloned().collect(),
        };
        let reply = Self {
            performative,
            sender: Some(me.clone()),
            receivers,
            content: None,
            conversation: self.conversation.clone(),
            reply_with: None,
            in_reply_to: self.reply_with.clone(),
            protocol: self.protocol.clone(),
            rest: None,
        };
        match &self.rest {
            None => reply,
            Some(rest) => reply.with(|own| {
                own.language.clone_from(&rest.language);
                own.encoding.clone_from(&rest.encoding);
                own.ontology.clone_from(&rest.ontology);
            }),
        }
    }

    /// The answer of `me` to a message that it can't make sense of: what came, and why (SC00037, not-understood).
    ///
    /// `None` when this message tells of an error itself, or names nobody to answer: an answer would be answered
    /// for ever, or go nowhere.
    #[must_use]
    pub fn not_understood(&self, me: &Aid, reason: &str) -> Option<Self> {
        let reply = self.reply(Performative::NotUnderstood, me);
        let answered = !self.performative.ends_talk() && reply.receivers != Receivers::None;
        answered.then(|| {
            reply
                .with(|rest| {
                    rest.language = None;
                    rest.encoding = None;
                    rest.ontology = None;
                })
                .about(misunderstanding(self.performative.as_str(), reason))
        })
    }
}

/// The content of `not-understood`: the act that came and the reason, as one expression.
pub(crate) fn misunderstanding(act: &str, reason: &str) -> String {
    Expression::List(vec![act.into(), reason.into()]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aid(name: &str) -> Aid {
        name.parse().unwrap()
    }

    /// It goes through mailboxes by the million: a field more is a decision.
    #[test]
    fn a_message_is_small() {
        assert_eq!(size_of::<Message>(), 136);
        assert_eq!(size_of::<Option<Message>>(), 136);
    }

    #[test]
    fn an_answer_keeps_the_conversation() {
        let ask = Message::new(Performative::Request)
            .from(aid("a@p"))
            .to(aid("b@p"))
            .within(ConversationRef::new("c1"))
            .named(MessageRef::new("m1"))
            .with_ontology("bread")
            .with_user("X-colour".parse().unwrap(), "blue".into());
        let answer = ask.reply(Performative::Agree, &aid("b@p"));
        assert_eq!(answer.receivers.as_slice(), [aid("a@p")]);
        assert_eq!(
            (&answer.conversation, &answer.in_reply_to),
            (&ask.conversation, &ask.reply_with)
        );
        assert_eq!((answer.ontology(), answer.user().len()), (Some("bread"), 0));
        assert_eq!(ask.user_parameter("x-COLOUR"), Some(&"blue".into()));

        let elsewhere = ask.with_reply_to(vec![aid("c@p"), aid("d@p")]);
        let answer = elsewhere.reply(Performative::Agree, &aid("b@p"));
        assert_eq!(answer.receivers.as_slice(), [aid("c@p"), aid("d@p")]);
    }

    #[test]
    fn errors_and_strangers_are_not_told_that_they_are_not_understood() {
        let said = |act| Message::new(act).from(aid("a@p"));
        let me = aid("b@p");
        assert_eq!(said(Performative::NotUnderstood).not_understood(&me, "why"), None);
        assert_eq!(said(Performative::Failure).not_understood(&me, "why"), None);
        assert_eq!(Message::new(Performative::Inform).not_understood(&me, "why"), None);
        let answer = said(Performative::Agree).not_understood(&me, "nobody asked").unwrap();
        assert_eq!(answer.content, Some("(agree \"nobody asked\")".into()));
    }
}
