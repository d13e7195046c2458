//! The name of a request, by which its answer and the log tell of the same one.

use axum::http::HeaderMap;
use bottega_types::Entropy;

/// The header that carries it, to the server and back.
pub(crate) const HEADER: &str = "x-request-id";

/// Characters of a name that a client may give.
const LONGEST: usize = 128;

/// The client's own name for its request when it can stand in a log line, else a fresh one.
pub(crate) fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> String {
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
    match given.filter(|name| is_plain(name)) {
        Some(name) => name.to_owned(),
        None => format!("req_{:016x}", entropy.bits()),
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_types::Seeded;

    #[track_caller]
    fn check(given: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, given.parse().unwrap());
        let name = of(&headers, &Seeded::new(1));
        match expected {
            Some(expected) => assert_eq!(name, expected),
            None => assert!(name.starts_with("req_"), "{name}"),
        }
    }

    #[test]
    fn a_plain_name_is_kept() {
        check("build-17/step.2", Some("build-17/step.2"));
        check("", None);
        check("two words", None);
        check("\"quoted\"", None);
        check(&"x".repeat(129), None);
    }
}
