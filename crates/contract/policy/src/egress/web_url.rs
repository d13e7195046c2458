//! Addresses in the web (RFC 3986), read so that nobody reads them in another way.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Host, Refusal, Target};

/// The longest address, in bytes (RFC 9110, section 4.1, wants at least this much understood).
const LONGEST: usize = 8_000;

/// An address of something in the web: `http` or `https`, a host in one of its plain spellings, no login, no fragment.
///
/// It is read twice, by the strict rules of [`Host`] and as browsers do, and refused when these differ: so the host
/// that a person is asked about is the host that is connected to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebUrl {
    url: Url,
    target: Target,
}

/// Why a text is no address in the web. A model reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAWebUrl {
    /// It begins with something else.
    #[error("only addresses that begin with http:// or https:// can be fetched")]
    Scheme,
    /// It has a name or a password in it.
    #[error("an address with a login in it (`NAME@HOST`) is not fetched; leave the login out")]
    Login,
    /// Its host has no plain spelling.
    #[error(transparent)]
    Host(#[from] Refusal),
    /// It has another form.
    #[error("this is no address that can be fetched: {why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
}

fn malformed(why: impl fmt::Display) -> NotAWebUrl {
    NotAWebUrl::Malformed { why: why.to_string() }
}

impl FromStr for WebUrl {
    type Err = NotAWebUrl;

    fn from_str(text: &str) -> Result<Self, NotAWebUrl> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(malformed(format!("it is longer than {LONGEST} bytes")));
        }
        if text.chars().any(char::is_control) {
            return Err(malformed("it has a control character in it"));
        }
        let target = target(text)?;
        let mut url = Url::parse(text).map_err(malformed)?;
        let read = url.host_str().map(str::parse::<Host>).transpose()?;
        let alike = read.as_ref() == Some(&target.host)
            && url.port_or_known_default() == Some(target.port)
            && url.username().is_empty()
            && url.password().is_none();
        if !alike {
            return Err(malformed("it can be read in two ways"));
        }
        url.set_fragment(None);
        // Without the dot at its end that a name may have.
        url.set_host(Some(&target.host.to_string())).map_err(malformed)?;
        Ok(Self { url, target })
    }
}

/// Scheme, host and port as they stand in the text.
fn target(text: &str) -> Result<Target, NotAWebUrl> {
    let (scheme, rest) = text.split_once("://").ok_or(NotAWebUrl::Scheme)?;
    let usual = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => 80,
        _ if scheme.eq_ignore_ascii_case("https") => 443,
        _ => return Err(NotAWebUrl::Scheme),
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err(NotAWebUrl::Login);
    }
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
    match has_port {
        true => Ok(authority.parse()?),
        false => Ok(Target { host: authority.parse()?, port: usual }),
    }
}

impl WebUrl {
    /// The host and port to connect to.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The address as it is asked for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Whether what comes from there was changed by nobody on the way.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Where a reference that stands there leads (RFC 3986, section 5). A host in it is read as strictly as ever.
    ///
    /// # Errors
    /// When it leads to no address in the web.
    pub fn join(&self, reference: &str) -> Result<Self, NotAWebUrl> {
        let reference = reference.trim();
        if reference.starts_with("//") {
            return format!("{}:{reference}", self.url.scheme()).parse();
        }
        let scheme = reference.split_once(':').map_or("", |(scheme, _)| scheme);
        if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            return reference.parse();
        }
        self.url.join(reference).map_err(malformed)?.as_str().parse()
    }
}

impl TryFrom<String> for WebUrl {
    type Error = NotAWebUrl;

    fn try_from(text: String) -> Result<Self, NotAWebUrl> {
        text.parse()
    }
}

impl From<WebUrl> for String {
    fn from(url: WebUrl) -> Self {
        url.url.into()
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn told(read: Result<WebUrl, NotAWebUrl>) -> String {
        match read {
            Ok(url) => format!("{} at {}", url.as_str(), url.target()),
            Err(error) => error.to_string(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(told(text.parse()), expected, "{text}");
    }

    #[test]
    fn an_address_has_one_reading() {
        check("http://Example.org", "http://example.org/ at example.org:80");
        check(
            " HTTPS://example.org./a b?c=d#e",
            "https://example.org/a%20b?c=d at example.org:443",
        );
        check("https://example.org:8443/é", "https://example.org:8443/%C3%A9 at example.org:8443");
        check("http://example.org:80?q", "http://example.org/?q at example.org:80");
        check("http://93.184.216.34/", "http://93.184.216.34/ at 93.184.216.34:80");
        check("http://[2606:4700::1]:8080/", "http://[2606:4700::1]:8080/ at [2606:4700::1]:8080");
        check("http://example.org/a@b", "http://example.org/a@b at example.org:80");
    }

    #[test]
    fn what_is_no_address_in_the_web_is_refused() {
        let scheme = NotAWebUrl::Scheme.to_string();
        for text in [
            "",
            "example.org",
            "ftp://example.org/",
            "file:///etc/passwd",
            "//example.org/",
            "data:,x",
        ] {
            check(text, &scheme);
        }
        let login = NotAWebUrl::Login.to_string();
        for text in [
            "http://me@example.org/",
            "https://me:word@example.org/",
            "http://example.org\\@evil.net/",
        ] {
            check(text, &login);
        }
        for text in [
            "http://0x7f.1/",
            "http://2130706433/",
            "http://127.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
        ] {
            let told = told(text.parse());
            assert!(told.contains("is an odd spelling of an address"), "{text}: {told}");
        }
        for text in [
            "http:///x",
            "http://localhost/",
            "http://１２７.0.0.1/",
            "http://example.org\\evil.net/",
            "http://a b.org/",
            "http://example%2eorg/",
        ] {
            let told = told(text.parse());
            assert!(told.contains("is no host name"), "{text}: {told}");
        }
        for text in [
            "http://example.org:/",
            "http://example.org:0/",
            "http://example.org:99999/",
            "http://example.org:8a/",
        ] {
            assert!(text.parse::<WebUrl>().is_err(), "{text}");
        }
        check(
            "http://exam\nple.org/",
            "this is no address that can be fetched: it has a control character in it",
        );
        let long = format!("http://example.org/{}", "a".repeat(LONGEST));
        check(&long, "this is no address that can be fetched: it is longer than 8000 bytes");
    }

    #[test]
    fn a_reference_leads_where_browsers_go_and_is_read_as_strictly() {
        let base: WebUrl = "https://example.org:8443/a/b?c".parse().unwrap();
        let check = |reference: &str, expected: &str| {
            assert_eq!(told(base.join(reference)), expected, "{reference}");
        };
        check("../d", "https://example.org:8443/d at example.org:8443");
        check("?e:f", "https://example.org:8443/a/b?e:f at example.org:8443");
        check("//other.org/x", "https://other.org/x at other.org:443");
        check("http://other.org", "http://other.org/ at other.org:80");
        check("/\\evil.net/", "https://evil.net/ at evil.net:443");
        check("mailto:a@b.org", &NotAWebUrl::Scheme.to_string());
        check("https:///evil.net/", "`` is no host name");
        check("//me@other.org/", &NotAWebUrl::Login.to_string());
        check(
            "http://0x7f.1/",
            "`0x7f.1` is an odd spelling of an address; write it as four decimal numbers",
        );
    }
}
