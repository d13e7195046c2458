//! Writing the string encoding.

use crate::{Aid, Content, Expression, Message, UserName};

/// Writes a message. The result is UTF-8 unless the content is bytes that are none.
#[must_use]
pub fn encode(message: &Message) -> Vec<u8> {
    let size = message.content.as_ref().map_or(0, |content| content.as_bytes().len());
    let mut out = Vec::with_capacity(256 + size);
    out.push(b'(');
    out.extend_from_slice(message.performative.as_str().as_bytes());
    if let Some(sender) = &message.sender {
        out.extend_from_slice(b" :sender ");
        write_aid(&mut out, sender);
    }
    write_aids(&mut out, ":receiver", "set", message.receivers.as_slice());
    write_aids(&mut out, ":reply-to", "set", message.reply_to());
    if let Some(content) = &message.content {
        out.extend_from_slice(b" :content ");
        write_content(&mut out, content);
    }
    let texts = [
        (":language", message.language().map(str::to_owned)),
        (":encoding", message.encoding().map(str::to_owned)),
        (":ontology", message.ontology().map(str::to_owned)),
        (":protocol", message.protocol.as_ref().map(|name| name.as_str().to_owned())),
        (":conversation-id", message.conversation.as_ref().map(ToString::to_string)),
        (":reply-with", message.reply_with.as_ref().map(ToString::to_string)),
        (":in-reply-to", message.in_reply_to.as_ref().map(ToString::to_string)),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            write_name(&mut out, name);
            write_text(&mut out, &text);
        }
    }
    if let Some(reply_by) = message.reply_by() {
        write_name(&mut out, ":reply-by");
        out.extend_from_slice(reply_by.to_string().as_bytes());
    }
    write_user(&mut out, message.user());
    out.push(b')');
    out
}

fn write_name(out: &mut Vec<u8>, name: &str) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
}

fn write_aids(out: &mut Vec<u8>, name: &str, kind: &str, aids: &[Aid]) {
    if aids.is_empty() {
        return;
    }
    write_name(out, name);
    out.push(b'(');
    out.extend_from_slice(kind.as_bytes());
    for aid in aids {
        out.push(b' ');
        write_aid(out, aid);
    }
    out.push(b')');
}

fn write_aid(out: &mut Vec<u8>, aid: &Aid) {
    out.extend_from_slice(b"(agent-identifier :name ");
    write_text(out, aid.name().as_str());
    if !aid.addresses().is_empty() {
        out.extend_from_slice(b" :addresses (sequence");
        for address in aid.addresses() {
            out.push(b' ');
            write_text(out, address);
        }
        out.push(b')');
    }
    write_aids(out, ":resolvers", "sequence", aid.resolvers());
    write_user(out, aid.user());
    out.push(b')');
}

fn write_user(out: &mut Vec<u8>, user: &[(UserName, Expression)]) {
    for (name, value) in user {
        out.extend_from_slice(b" :");
        out.extend_from_slice(name.as_str().as_bytes());
        out.push(b' ');
        write_expression(out, value);
    }
}

/// Writes a value as words, strings and lists.
pub(crate) fn write_expression(out: &mut Vec<u8>, value: &Expression) {
    match value {
        Expression::Text(text) => write_text(out, text),
        Expression::List(items) => {
            out.push(b'(');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                write_expression(out, item);
            }
            out.push(b')');
        }
    }
}

fn write_content(out: &mut Vec<u8>, content: &Content) {
    match content.as_text() {
        Some(text) => write_string(out, text),
        None => write_counted(out, content.as_bytes()),
    }
}

/// Writes text as a word where every reader takes it for one, or else as a string.
fn write_text(out: &mut Vec<u8>, text: &str) {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/');
    let goes_on = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"()\"';\\#".contains(&byte));
    if starts && goes_on {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_string(out, text);
    }
}

/// In a quoted string `\"` is the only escape, and every other backslash stands for itself; so the one text that it can't
/// hold is text that ends in a backslash.
fn write_string(out: &mut Vec<u8>, text: &str) {
    if text.ends_with('\\') {
        return write_counted(out, text.as_bytes());
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn write_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("#{}\"", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
}
