//! What a server sent, as text: its type, its charset, its readable form.

use bottega_tool::WebAnswer;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::html;

/// How much of a body shows what it is.
const SNIFFED: usize = 8_000;

/// How far into a page its charset is looked for (WHATWG HTML, section 13.2.3.2).
const PRESCANNED: usize = 1_024;

/// The longest name of a type that is told.
const LONGEST_KIND: usize = 80;

/// What a server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Something to read.
    Text {
        /// The text.
        text: String,
        /// What it is, in words.
        kind: String,
        /// Whether the page goes on behind it.
        more: bool,
    },
    /// Something else.
    Binary {
        /// Its type.
        kind: String,
    },
}

impl Page {
    /// What is in an answer.
    pub(crate) fn read(answer: &WebAnswer) -> Self {
        let sent = answer.content_type.as_deref().unwrap_or_default();
        let (essence, parameters) = sent.split_once(';').unwrap_or((sent, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let kind: String = match essence.as_str() {
            "" => "no type".to_owned(),
            essence => essence.chars().filter(char::is_ascii_graphic).take(LONGEST_KIND).collect(),
        };
        let charset = charset(parameters).and_then(|label| Encoding::for_label(label.as_bytes()));
        let body = answer.body.as_slice();
        if is_binary(&essence, charset, body) {
            return Self::Binary { kind };
        }
        let html = is_html(&essence, body);
        let text = decoded(answer, charset, html);
        if !html {
            return Self::Text { text, kind, more: answer.cut };
        }
        let read = html::text(&text, &answer.url);
        Self::Text {
            text: read.text,
            kind: format!("{kind} as text"),
            more: answer.cut || read.cut,
        }
    }
}

/// The value of the parameter `charset`.
fn charset(parameters: &str) -> Option<&str> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("charset");
        is_it.then(|| value.trim().trim_matches(['"', '\'']))
    })
}

fn is_html(essence: &str, body: &[u8]) -> bool {
    if !essence.is_empty() {
        return matches!(essence, "text/html" | "application/xhtml+xml");
    }
    let head = body[..body.len().min(SNIFFED)].trim_ascii_start().to_ascii_lowercase();
    head.starts_with(b"<!doctype html") || head.starts_with(b"<html")
}

/// Whether a type says that it is text.
fn is_textual(essence: &str) -> bool {
    const APPLICATIONS: [&str; 12] = [
        "ecmascript",
        "graphql",
        "javascript",
        "json",
        "sql",
        "toml",
        "typescript",
        "x-ndjson",
        "x-sh",
        "x-yaml",
        "xml",
        "yaml",
    ];
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || essence.strip_prefix("application/").is_some_and(|name| APPLICATIONS.contains(&name))
}

/// Whether there is nothing to read. Servers are generous with types, so what says that it is text must look so, too,
/// and what does not say so may be text.
fn is_binary(essence: &str, charset: Option<&'static Encoding>, body: &[u8]) -> bool {
    let head = &body[..body.len().min(SNIFFED)];
    let wide = Encoding::for_bom(head).is_some()
        || charset.is_some_and(|known| !known.is_ascii_compatible());
    if is_textual(essence) || wide {
        return !wide && head.contains(&0);
    }
    let media =
        ["image/", "audio/", "video/", "font/"].iter().any(|kind| essence.starts_with(kind));
    media || head.contains(&0) || !is_utf8(head, true)
}

/// Whether bytes are UTF-8; where they are only the first ones, the last letter may be cut in two.
fn is_utf8(bytes: &[u8], first: bool) -> bool {
    let error = std::str::from_utf8(bytes).err();
    error.is_none_or(|error| first && error.error_len().is_none())
}

/// By its byte order mark, else by what the server says, else by what the page says, else as it looks.
fn decoded(answer: &WebAnswer, sent: Option<&'static Encoding>, html: bool) -> String {
    let body = answer.body.as_slice();
    let own = || html.then(|| prescanned(&body[..body.len().min(PRESCANNED)])).flatten();
    let guess = || if is_utf8(body, answer.cut) { UTF_8 } else { WINDOWS_1252 };
    let (encoding, mark) = match Encoding::for_bom(body) {
        Some(known) => known,
        None => (sent.or_else(own).unwrap_or_else(guess), 0),
    };
    encoding.decode_without_bom_handling(&body[mark..]).0.into_owned()
}

/// The charset that a page names in itself. It was read so far, so it is none of two bytes a letter.
fn prescanned(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let at = head.find("<meta").and_then(|meta| Some(meta + head[meta..].find("charset=")?))?;
    let value = head[at + "charset=".len()..].trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"-_:.".contains(c));
    let named = Encoding::for_label(&value.as_bytes()[..end.unwrap_or(value.len())])?;
    Some(if named.is_ascii_compatible() { named } else { UTF_8 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a body with that type: `KIND: TEXT`.
    #[track_caller]
    fn check(content_type: &str, body: &[u8], expected: &str) {
        let answer = WebAnswer {
            url: "https://example.org/".parse().unwrap(),
            status: 200,
            content_type: Some(content_type.to_owned()).filter(|text| !text.is_empty()),
            redirect: None,
            body: body.to_vec(),
            announced: None,
            cut: false,
        };
        let told = match Page::read(&answer) {
            Page::Text { text, kind, .. } => format!("{kind}: {text}"),
            Page::Binary { kind } => format!("{kind} is binary"),
        };
        assert_eq!(told, expected, "{content_type}");
    }

    #[test]
    fn a_charset_is_what_the_mark_the_server_or_the_page_says() {
        check("text/plain; charset=ISO-8859-1", b"caf\xe9", "text/plain: café");
        check("text/plain;Charset=\"utf-8\"", "café".as_bytes(), "text/plain: café");
        check("text/plain; charset=latin1", b"\xef\xbb\xbfcaf\xc3\xa9", "text/plain: café");
        check("text/plain; charset=shift_jis", b"\x93\xfa\x96{", "text/plain: 日本");
        check("text/plain", b"caf\xe9", "text/plain: café");
        check("text/plain", b"caf\xc3", "text/plain: cafÃ");
        check("text/plain; charset=utf-8", b"caf\xc3", "text/plain: caf\u{fffd}");
        check("text/plain; charset=utf-16le", b"h\0i\0", "text/plain: hi");
        check("text/plain; charset=none", b"hi", "text/plain: hi");
        check("text/html", b"<meta charset='iso-8859-2'>\xb1", "text/html as text: ą");
        let http_equiv =
            b"<meta http-equiv=content-type content=\"text/html; charset=koi8-r\">\xf0";
        check("text/html", http_equiv, "text/html as text: П");
        check("text/html", b"<meta charset=utf-16>\xc3\xa9", "text/html as text: é");
    }

    #[test]
    fn text_is_what_says_so_and_looks_so() {
        check("Application/JSON", b"{\"a\": 1}\n", "application/json: {\"a\": 1}\n");
        check("application/ld+json", b"{}", "application/ld+json: {}");
        check("text/markdown", b"# <b>", "text/markdown: # <b>");
        check("image/svg+xml", b"<svg/>", "image/svg+xml: <svg/>");
        check("application/octet-stream", b"[package]\n", "application/octet-stream: [package]\n");
        check("", b"  <!DOCTYPE HTML><p>hi", "no type as text: hi");
        check("", b"hi <p>", "no type: hi <p>");
        check("image/png", b"\x89PNG\r\n\x1a\n", "image/png is binary");
        check("image/png", b"not really", "image/png is binary");
        check("application/pdf", b"%PDF-1.7\n\xe2\xe3", "application/pdf is binary");
        check("application/zip", b"PK\x03\x04\0\0", "application/zip is binary");
        check("text/plain", b"ELF\0\0", "text/plain is binary");
        check("", b"\x1f\x8b\x08\xff", "no type is binary");
    }
}
