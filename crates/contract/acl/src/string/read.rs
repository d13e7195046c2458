//! Reading the string encoding.

use crate::malformed::Salvage;
use crate::{
    Aid, Content, ConversationRef, DEEPEST, Expression, LARGEST, MOST_PARAMETERS, Malformed,
    Message, MessageRef, Performative, ProtocolName, Receivers, UserName,
};

/// Reads one message; white space and comments may follow it.
///
/// # Errors
/// [`Malformed`] says where and why; its [`answer`](Malformed::answer) tells the sender. Messages of more than [`LARGEST`]
/// bytes, lists deeper than [`DEEPEST`], more than [`MOST_PARAMETERS`] and repeated ones are refused.
pub fn decode(bytes: &[u8]) -> Result<Message, Malformed> {
    if bytes.len() > LARGEST {
        let problem =
            format!("{} bytes are too many; a message has {LARGEST} at most", bytes.len());
        return Err(Malformed::new(bytes, LARGEST, problem));
    }
    let mut reader = Reader { bytes, at: 0, depth: 0, salvage: Salvage::default() };
    reader.message().map_err(|fault| {
        Malformed::new(bytes, fault.at, fault.problem).with(std::mem::take(&mut reader.salvage))
    })
}

struct Fault {
    at: usize,
    problem: String,
}

type Read<T> = Result<T, Fault>;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    salvage: Salvage,
}

/// One token that is not a parenthesis.
enum Atom {
    Word(String),
    String(Vec<u8>),
}

impl Reader<'_> {
    fn fault<T>(at: usize, problem: impl Into<String>) -> Read<T> {
        Err(Fault { at, problem: problem.into() })
    }

    /// Skips white space, and comments from `;` to the end of the line.
    fn skip(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            if *byte == b';' {
                let rest = &self.bytes[self.at..];
                self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            } else if *byte <= b' ' {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip();
        self.bytes.get(self.at).copied()
    }

    fn open(&mut self, what: &str) -> Read<()> {
        if self.peek() != Some(b'(') {
            return Self::fault(self.at, format!("{what} begins with `(`"));
        }
        if self.depth == DEEPEST {
            return Self::fault(self.at, format!("more than {DEEPEST} lists in each other"));
        }
        self.at += 1;
        self.depth += 1;
        Ok(())
    }

    /// Whether a `)` came, which is taken.
    fn closes(&mut self) -> Read<bool> {
        match self.peek() {
            Some(b')') => {
                self.at += 1;
                self.depth -= 1;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Self::fault(self.at, "the text ends inside a list; close it with `)`"),
        }
    }

    fn atom(&mut self, what: &str) -> Read<Atom> {
        match self.peek() {
            Some(b'"') => self.quoted().map(Atom::String),
            Some(b'#') => self.counted().map(Atom::String),
            Some(b'(' | b')') | None => Self::fault(self.at, format!("{what} is missing here")),
            Some(_) => self.word().map(Atom::Word),
        }
    }

    fn word(&mut self) -> Read<String> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let ends = |byte: &u8| *byte <= b' ' || matches!(byte, b'(' | b')');
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        Self::utf8(start, self.bytes[start..self.at].to_vec())
    }

    fn utf8(at: usize, bytes: Vec<u8>) -> Read<String> {
        String::from_utf8(bytes).or_else(|_| {
            Self::fault(at, "not UTF-8; only content may be bytes, as `#LENGTH\"bytes`")
        })
    }

    fn quoted(&mut self) -> Read<Vec<u8>> {
        let start = self.at;
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.bytes[self.at.min(self.bytes.len())..] {
                [] => return Self::fault(start, "this string has no closing `\"`"),
                [b'"', ..] => {
                    self.at += 1;
                    return Ok(text);
                }
                [b'\\', b'"', ..] => {
                    self.at += 2;
                    text.push(b'"');
                }
                [byte, ..] => {
                    self.at += 1;
                    text.push(byte);
                }
            }
        }
    }

    fn counted(&mut self) -> Read<Vec<u8>> {
        let start = self.at;
        let digits =
            self.bytes[start + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let quote = start + 1 + digits;
        let count = std::str::from_utf8(&self.bytes[start + 1..quote])
            .ok()
            .and_then(|digits| digits.parse::<usize>().ok());
        let (Some(count), Some(b'"')) = (count, self.bytes.get(quote)) else {
            return Self::fault(start, "a counted string is written `#LENGTH\"bytes`");
        };
        let end = (quote + 1).saturating_add(count);
        match self.bytes.get(quote + 1..end) {
            Some(bytes) => {
                self.at = end;
                Ok(bytes.to_vec())
            }
            None => Self::fault(
                start,
                format!(
                    "{count} bytes are announced and {} are there",
                    self.bytes.len() - quote - 1
                ),
            ),
        }
    }

    fn text(&mut self, what: &str) -> Read<String> {
        if self.peek() == Some(b'(') {
            // The grammar lets names be lists; they are kept, and compared, as their text.
            return self.expression(what).map(|list| list.to_string());
        }
        let at = self.at;
        match self.atom(what)? {
            Atom::Word(word) => Ok(word),
            Atom::String(bytes) => Self::utf8(at, bytes),
        }
    }

    fn expression(&mut self, what: &str) -> Read<Expression> {
        if self.peek() != Some(b'(') {
            return self.text(what).map(|text| Expression::Text(text.into()));
        }
        self.open(what)?;
        let mut items = Vec::new();
        while !self.closes()? {
            items.push(self.expression(what)?);
        }
        Ok(Expression::List(items))
    }

    /// The name of a parameter, without its colon, in lower case unless it is user-defined.
    fn parameter(&mut self) -> Read<(usize, String)> {
        self.skip();
        let at = self.at;
        if self.peek() != Some(b':') {
            return Self::fault(
                at,
                "a parameter is written `:name value`; its `:name` is missing here",
            );
        }
        let word = self.word()?;
        let name = &word[1..];
        Ok((at, if is_user(name) { name.to_owned() } else { name.to_ascii_lowercase() }))
    }

    fn message(&mut self) -> Read<Message> {
        self.open("a message")?;
        self.skip();
        let at = self.at;
        let act = self.text("the performative")?;
        let act: Performative =
            act.parse().or_else(|problem| Self::fault(at, format!("{problem}")))?;
        self.salvage.performative = Some(act);
        let mut message = Message::new(act);
        let mut seen: Vec<String> = Vec::new();
        while !self.closes()? {
            let (at, name) = self.parameter()?;
            if seen.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
                return Self::fault(at, format!("`:{name}` is there twice"));
            }
            message = self.value(message, at, &name)?;
            seen.push(name);
            self.count(seen.len())?;
        }
        match self.peek() {
            None => Ok(message),
            Some(_) => Self::fault(self.at, "something follows the message; send one at a time"),
        }
    }

    /// Names are compared one by one, so their number is bounded.
    fn count(&self, parameters: usize) -> Read<()> {
        if parameters > MOST_PARAMETERS {
            return Self::fault(self.at, format!("more than {MOST_PARAMETERS} parameters"));
        }
        Ok(())
    }

    fn value(&mut self, mut message: Message, at: usize, name: &str) -> Read<Message> {
        let what = format!("the value of `:{name}`");
        match name {
            "sender" => {
                message.sender = Some(self.aid()?);
                self.salvage.sender.clone_from(&message.sender);
            }
            "receiver" => message.receivers = Receivers::from_iter(self.aids()?),
            "reply-to" => {
                self.salvage.reply_to = self.aids()?;
                message = message.with_reply_to(self.salvage.reply_to.clone());
            }
            "content" => message.content = Some(self.content(&what)?),
            "language" => message = message.with_language(self.text(&what)?),
            "encoding" => message = message.with_encoding(self.text(&what)?),
            "ontology" => message = message.with_ontology(self.text(&what)?),
            "protocol" => {
                message.protocol = Some(ProtocolName::new(&self.text(&what)?));
                self.salvage.protocol.clone_from(&message.protocol);
            }
            "conversation-id" => {
                message.conversation = Some(ConversationRef::new(&self.text(&what)?));
                self.salvage.conversation.clone_from(&message.conversation);
            }
            "reply-with" => {
                message.reply_with = Some(MessageRef::new(&self.text(&what)?));
                self.salvage.reply_with.clone_from(&message.reply_with);
            }
            "in-reply-to" => message.in_reply_to = Some(MessageRef::new(&self.text(&what)?)),
            "reply-by" => {
                self.skip();
                let at = self.at;
                let text = self.text(&what)?;
                let time = text.parse().or_else(|problem| Self::fault(at, format!("{problem}")))?;
                message = message.with_reply_by(time);
            }
            _ if is_user(name) => {
                let (name, value) = self.user(at, name)?;
                message = message.with_user(name, value);
            }
            _ => {
                return Self::fault(
                    at,
                    format!("there is no parameter `:{name}`; own ones begin with `:X-`"),
                );
            }
        }
        Ok(message)
    }

    fn user(&mut self, at: usize, name: &str) -> Read<(UserName, Expression)> {
        let name = name.parse().or_else(|problem| Self::fault(at, format!("{problem}")))?;
        Ok((name, self.expression("the value of a user-defined parameter")?))
    }

    /// Content is a string; a bare list or word, which some platforms write, is taken as its text.
    fn content(&mut self, what: &str) -> Read<Content> {
        if self.peek() == Some(b'(') {
            return self.expression(what).map(|list| Content::text(list.to_string()));
        }
        Ok(match self.atom(what)? {
            Atom::Word(word) => Content::text(word),
            Atom::String(bytes) => Content::bytes(bytes),
        })
    }

    fn aid(&mut self) -> Read<Aid> {
        self.open("an agent identifier")?;
        let at = self.at;
        if !self.text("`agent-identifier`")?.eq_ignore_ascii_case("agent-identifier") {
            return Self::fault(at, "an agent identifier begins with `(agent-identifier :name …`");
        }
        self.aid_rest()
    }

    fn aid_rest(&mut self) -> Read<Aid> {
        let mut aid = None;
        let (mut addresses, mut resolvers, mut user) = (vec![], vec![], vec![]);
        let start = self.at;
        while !self.closes()? {
            let (at, name) = self.parameter()?;
            match name.as_str() {
                "name" => {
                    self.skip();
                    let at = self.at;
                    let text = self.text("the agent's name")?;
                    let name = text.parse().or_else(|p| Self::fault(at, format!("{p}")))?;
                    aid = Some(Aid::new(name));
                }
                "addresses" => addresses = self.addresses()?,
                "resolvers" => resolvers = self.aids()?,
                _ if is_user(&name) => {
                    user.push(self.user(at, &name)?);
                    self.count(user.len())?;
                }
                _ => {
                    let problem = format!(
                        "an agent identifier has :name, :addresses, :resolvers and :X-…, but no `:{name}`"
                    );
                    return Self::fault(at, problem);
                }
            }
        }
        let Some(mut aid) = aid else {
            return Self::fault(start, "this agent identifier has no `:name`");
        };
        if !addresses.is_empty() {
            aid = aid.with_addresses(addresses);
        }
        if !resolvers.is_empty() {
            aid = aid.with_resolvers(resolvers);
        }
        for (name, value) in user {
            aid = aid.with_user(name, value);
        }
        Ok(aid)
    }

    /// Several agent identifiers in a set or sequence, or a single one bare.
    fn aids(&mut self) -> Read<Vec<Aid>> {
        self.open("agent identifiers in `(set …)` or `(sequence …)`")?;
        let at = self.at;
        let word = self.text("`set` or `sequence`")?;
        if word.eq_ignore_ascii_case("agent-identifier") {
            return Ok(vec![self.aid_rest()?]);
        }
        if !is_collection(&word) {
            return Self::fault(at, "agent identifiers stand in `(set …)` or `(sequence …)`");
        }
        let mut aids = Vec::new();
        while !self.closes()? {
            aids.push(self.aid()?);
        }
        Ok(aids)
    }

    fn addresses(&mut self) -> Read<Vec<String>> {
        self.open("addresses in `(sequence …)`")?;
        let at = self.at;
        if !is_collection(&self.text("`sequence`")?) {
            return Self::fault(at, "addresses stand in `(sequence …)`");
        }
        let mut addresses = Vec::new();
        while !self.closes()? {
            addresses.push(self.text("an address")?);
        }
        Ok(addresses)
    }
}

fn is_collection(word: &str) -> bool {
    word.eq_ignore_ascii_case("set") || word.eq_ignore_ascii_case("sequence")
}

fn is_user(name: &str) -> bool {
    name.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("x-"))
}
