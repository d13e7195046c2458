//! The head of a request to a proxy, read strictly: what two programs could read in two ways is refused.

use bottega_policy::egress::{Refusal, Target};

use crate::body::{Body, Chunk};

/// The longest head, in bytes.
pub(crate) const LONGEST: usize = 32 << 10;

/// What a client asks a proxy for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A tunnel (RFC 9110, section 9.3.6).
    Tunnel(Target),
    /// One request in plain HTTP (RFC 9112, section 3.2.2).
    Forward {
        /// Where to.
        target: Target,
        /// The head as the server gets it.
        head: Vec<u8>,
        /// The body that follows.
        body: Body,
    },
}

/// Why a request can't be served.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is no request to a proxy.
    Malformed(&'static str),
    /// It names no host, or one in an odd spelling.
    Host(Refusal),
}

/// Where the head ends in what was read so far, if it does.
pub(crate) fn end(read: &[u8]) -> Option<usize> {
    read.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

impl Asked {
    /// Reads a head, with the empty line at its end.
    pub(crate) fn read(head: &[u8]) -> Result<Self, Unreadable> {
        let head = std::str::from_utf8(head).map_err(|_| Unreadable::Malformed("not text"))?;
        let mut lines = head.strip_suffix("\r\n\r\n").unwrap_or(head).split("\r\n");
        let first = lines.next().unwrap_or_default();
        let fields = lines.map(Field::read).collect::<Result<Vec<_>, _>>()?;
        let words: Vec<&str> = first.split(' ').collect();
        let [method, place, "HTTP/1.1" | "HTTP/1.0"] = words[..] else {
            return Err(Unreadable::Malformed("the request line has another form"));
        };
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-_!#$%&'*+.^`|~".contains(&byte);
        if method.is_empty() || !method.bytes().all(is_token) {
            return Err(Unreadable::Malformed("the method has another form"));
        }
        if method == "CONNECT" {
            return place.parse().map(Self::Tunnel).map_err(Unreadable::Host);
        }
        let (target, path) = absolute(place)?;
        let body = body(&fields)?;
        let head = forwarded(method, &target, path, &fields);
        Ok(Self::Forward { target, head, body })
    }
}

/// One line of a head.
struct Field<'a> {
    name: &'a str,
    value: &'a str,
}

impl<'a> Field<'a> {
    fn read(line: &'a str) -> Result<Self, Unreadable> {
        let malformed = Unreadable::Malformed("a field has another form");
        let Some((name, value)) = line.split_once(':') else { return Err(malformed) };
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let value = value.trim_matches([' ', '\t']);
        let controlled = value.bytes().any(|byte| byte != b'\t' && byte.is_ascii_control());
        if name.is_empty() || !name.bytes().all(is_token) || controlled {
            return Err(malformed);
        }
        Ok(Self { name, value })
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// `http://host:port/path?query` as a target and what the server is asked for.
fn absolute(place: &str) -> Result<(Target, &str), Unreadable> {
    let malformed = Unreadable::Malformed(
        "a proxy is asked with `CONNECT host:port` or with an address that begins with http://",
    );
    let Some((scheme, rest)) = place.split_once("://") else { return Err(malformed) };
    if !scheme.eq_ignore_ascii_case("http")
        || rest.contains('#')
        || rest.bytes().any(|byte| !byte.is_ascii_graphic())
    {
        return Err(malformed);
    }
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let target = if has_port { authority.parse() } else { format!("{authority}:80").parse() };
    Ok((target.map_err(Unreadable::Host)?, path))
}

/// The body that the fields announce. Two announcements are one too many (request smuggling).
fn body(fields: &[Field<'_>]) -> Result<Body, Unreadable> {
    let lengths: Vec<&str> =
        fields.iter().filter(|field| field.is("content-length")).map(|field| field.value).collect();
    let codings: Vec<&str> = fields
        .iter()
        .filter(|field| field.is("transfer-encoding"))
        .map(|field| field.value)
        .collect();
    match (&lengths[..], &codings[..]) {
        ([], []) => Ok(Body::Sized(0)),
        ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
            length
                .parse()
                .map(Body::Sized)
                .map_err(|_| Unreadable::Malformed("the body is too long"))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Body::Chunked(Chunk::START)),
        _ => Err(Unreadable::Malformed("the body's length has another form")),
    }
}

/// Fields that are about the connection to the proxy, not about the request (RFC 9110, section 7.6.1).
const OF_THE_CONNECTION: &[&str] = &[
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "proxy-authenticate",
    "te",
    "upgrade",
    "http2-settings",
];

/// The head as the server gets it. The host is the one that was decided about, whatever the client's field says.
fn forwarded(method: &str, target: &Target, path: &str, fields: &[Field<'_>]) -> Vec<u8> {
    let named: Vec<&str> = fields
        .iter()
        .filter(|field| field.is("connection"))
        .flat_map(|field| field.value.split(','))
        .map(str::trim)
        .collect();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut head = format!("{method} {slash}{path} HTTP/1.1\r\nHost: {}", target.host);
    if target.port != 80 {
        head.push_str(&format!(":{}", target.port));
    }
    head.push_str("\r\nConnection: close\r\n");
    for field in fields {
        let is_framing = field.is("content-length") || field.is("transfer-encoding");
        let about_the_connection = OF_THE_CONNECTION.iter().any(|name| field.is(name))
            || !is_framing && named.iter().any(|name| field.is(name));
        if !about_the_connection {
            head.push_str(&format!("{}: {}\r\n", field.name, field.value));
        }
    }
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for, in words.
    #[track_caller]
    fn check(head: &str, expected: &str) {
        let told = match Asked::read(format!("{head}\r\n\r\n").as_bytes()) {
            Ok(Asked::Tunnel(target)) => format!("tunnel {target}"),
            Ok(Asked::Forward { target, head, body }) => {
                let head = String::from_utf8(head).unwrap().replace("\r\n", "|");
                format!("{target} {body:?} {head}")
            }
            Err(Unreadable::Malformed(_)) => "malformed".to_owned(),
            Err(Unreadable::Host(refusal)) => refusal.to_string(),
        };
        assert_eq!(told, expected, "{head}");
    }

    #[test]
    fn a_tunnel_is_asked_for_by_host_and_port() {
        check("CONNECT Example.org:443 HTTP/1.1\r\nHost: evil.net", "tunnel example.org:443");
        check("CONNECT example.org HTTP/1.1", "`example.org` is no host name");
        check(
            "CONNECT 127.1:443 HTTP/1.1",
            "`127.1` is an odd spelling of an address; write it as four decimal numbers",
        );
        check(
            "CONNECT evil.net@example.org:443 HTTP/1.1",
            "`evil.net@example.org` is no host name",
        );
    }

    #[test]
    fn a_plain_request_is_forwarded_to_the_host_of_its_address() {
        check(
            "GET http://example.org/a?b=c HTTP/1.1\r\nHost: evil.net\r\nProxy-Authorization: x\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nAccept: */*",
            "example.org:80 Sized(0) GET /a?b=c HTTP/1.1|Host: example.org|Connection: close|Accept: */*||",
        );
        check(
            "POST HTTP://example.org:8080?q HTTP/1.0\r\nContent-Length: 3",
            "example.org:8080 Sized(3) POST /?q HTTP/1.1|Host: example.org:8080|Connection: close|Content-Length: 3||",
        );
        check(
            "PUT http://example.org HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nConnection: transfer-encoding",
            "example.org:80 Chunked(Size(0, 0)) PUT / HTTP/1.1|Host: example.org|Connection: close|Transfer-Encoding: Chunked||",
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for head in [
            "GET / HTTP/1.1",
            "GET https://example.org/ HTTP/1.1",
            "GET file:///etc/passwd HTTP/1.1",
            "GET http://example.org/ HTTP/2",
            "GET  http://example.org/ HTTP/1.1",
            "GET http://example.org/a b HTTP/1.1",
            "GET http://example.org/#f HTTP/1.1",
            "G(T http://example.org/ HTTP/1.1",
            "GET http://example.org/ HTTP/1.1\r\n Folded: x",
            "GET http://example.org/ HTTP/1.1\r\nName : x",
            "GET http://example.org/ HTTP/1.1\r\nno colon",
            "GET http://example.org/ HTTP/1.1\r\nA: b\nHost: evil.net",
            "GET http://example.org/ HTTP/1.1\r\nA: b\0",
            "POST http://example.org/ HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4",
            "POST http://example.org/ HTTP/1.1\r\nContent-Length: +3",
            "POST http://example.org/ HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
            "POST http://example.org/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked",
            "",
        ] {
            check(head, "malformed");
        }
        check(
            "GET http://user:word@example.org/ HTTP/1.1",
            "`user:word@example.org` is no host name",
        );
        check("GET http:///x HTTP/1.1", "`` is no host name");
    }
}
