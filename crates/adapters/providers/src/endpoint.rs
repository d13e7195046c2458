//! Where a provider is.

use std::net::IpAddr;

use reqwest::Url;

use crate::{BuildError, Protocol};

/// A checked base URL: HTTP or HTTPS, a host, no credentials.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    base: Url,
}

/// Which way a connection takes, and so which client makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    /// Plain HTTP to this machine: no proxy, no certificates.
    Loopback,
    /// HTTPS to this machine: no proxy.
    LoopbackTls,
    /// Anywhere else: by the system's proxy, with the system's certificates.
    Outside,
}

impl Endpoint {
    /// Reads a base URL as the clients of this protocol write it.
    pub(crate) fn parse(protocol: Protocol, text: &str) -> Result<Self, BuildError> {
        let refuse = |why: &str| BuildError::BaseUrl { why: why.to_owned() };
        let text = text.trim();
        if text.is_empty() {
            return Err(refuse("it is empty"));
        }
        let text = match protocol {
            Protocol::Ollama => ollama_host(text),
            Protocol::Anthropic
            | Protocol::Responses
            | Protocol::ChatCompletions
            | Protocol::Gemini => text.to_owned(),
        };
        let mut base = Url::parse(&text).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(refuse("it is neither http nor https"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(refuse(
                "it holds a user name or password, which belong into the key or a header",
            ));
        }
        base.set_fragment(None);
        Ok(Self { base })
    }

    /// The address of `path` (with a leading slash) below the base. A version that both end and
    /// begin with (`/v1`) is written once, since clients differ in who writes it.
    pub(crate) fn url(&self, path: &str, query: Option<(&str, &str)>) -> Url {
        let mut url = self.base.clone();
        let prefix = self.base.path().trim_end_matches('/');
        let first = path.get(1..).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let version = format!("/{first}");
        let prefix = match prefix.strip_suffix(&version) {
            Some(shorter) if first.starts_with('v') => shorter,
            _ => prefix,
        };
        url.set_path(&format!("{prefix}{path}"));
        if let Some((name, value)) = query {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    /// Scheme, host and port, for messages.
    pub(crate) fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Which way a connection takes.
    pub(crate) fn road(&self) -> Road {
        match (self.is_loopback(), self.base.scheme() == "https") {
            (true, false) => Road::Loopback,
            (true, true) => Road::LoopbackTls,
            (false, _) => Road::Outside,
        }
    }

    /// Whether the host is this domain or below it.
    pub(crate) fn is_at(&self, domain: &str) -> bool {
        self.base.host_str().is_some_and(|host| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    fn is_loopback(&self) -> bool {
        let Some(host) = self.base.host_str() else { return false };
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// `OLLAMA_HOST` in the forms its own client takes: scheme and port may be missing, and the
/// server's "every interface" means this machine.
fn ollama_host(text: &str) -> String {
    const PORT: &str = "11434";
    if text.contains("://") {
        return text.replacen("://0.0.0.0", "://127.0.0.1", 1);
    }
    let (place, path) = text.split_once('/').map_or((text, ""), |(place, path)| (place, path));
    let has_port = place.rsplit_once(':').is_some_and(|(host, port)| {
        !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && (!host.contains(':') || host.ends_with(']'))
    });
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if has_port => (host, port),
        _ => (place.trim_end_matches(':'), PORT),
    };
    let host = match host {
        "" | "0.0.0.0" | "[::]" | "::" => "127.0.0.1".to_owned(),
        bare if bare.contains(':') && !bare.starts_with('[') => format!("[{bare}]"),
        host => host.to_owned(),
    };
    format!("http://{host}:{port}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(protocol: Protocol, base: &str, path: &str, expected: &str) {
        let endpoint = Endpoint::parse(protocol, base).unwrap();
        assert_eq!(endpoint.url(path, None).as_str(), expected);
    }

    #[test]
    fn a_path_is_joined_to_every_form_of_base() {
        let chat = Protocol::ChatCompletions;
        check(
            chat,
            "https://a.example/v1",
            "/chat/completions",
            "https://a.example/v1/chat/completions",
        );
        check(
            chat,
            "https://a.example/v1/",
            "/chat/completions",
            "https://a.example/v1/chat/completions",
        );
        check(chat, "https://a.example/x?v=1", "/models", "https://a.example/x/models?v=1");
        let anthropic = Protocol::Anthropic;
        check(anthropic, "https://a.example", "/v1/messages", "https://a.example/v1/messages");
        check(anthropic, "https://a.example/v1", "/v1/messages", "https://a.example/v1/messages");
        check(
            anthropic,
            "https://a.example/x/v1/",
            "/v1/messages",
            "https://a.example/x/v1/messages",
        );
    }

    #[test]
    fn ollama_hosts_are_read_as_its_client_reads_them() {
        for (text, expected) in [
            ("127.0.0.1:11434", "http://127.0.0.1:11434/api/chat"),
            ("0.0.0.0", "http://127.0.0.1:11434/api/chat"),
            (":9000", "http://127.0.0.1:9000/api/chat"),
            ("box.example", "http://box.example:11434/api/chat"),
            ("[::1]:80", "http://[::1]/api/chat"),
            ("::1", "http://[::1]:11434/api/chat"),
            ("https://box.example/ollama", "https://box.example/ollama/api/chat"),
            ("http://0.0.0.0:11434", "http://127.0.0.1:11434/api/chat"),
        ] {
            check(Protocol::Ollama, text, "/api/chat", expected);
        }
    }

    #[test]
    fn a_base_that_could_leak_or_lead_elsewhere_is_refused() {
        for base in ["", "ftp://a.example", "a.example/v1", "https://me:secret@a.example"] {
            let error = Endpoint::parse(Protocol::Anthropic, base).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_road_depends_on_who_listens() {
        for (base, road) in [
            ("http://127.0.0.1:1", Road::Loopback),
            ("http://localhost", Road::Loopback),
            ("http://[::1]:8080/v1", Road::Loopback),
            ("https://localhost", Road::LoopbackTls),
            ("http://192.168.1.4", Road::Outside),
            ("https://localhost.example", Road::Outside),
        ] {
            assert_eq!(Endpoint::parse(Protocol::Gemini, base).unwrap().road(), road, "{base}");
        }
    }

    #[test]
    fn a_domain_is_not_its_look_alike() {
        let at =
            |base: &str| Endpoint::parse(Protocol::Responses, base).unwrap().is_at("openai.com");
        assert!(at("https://api.openai.com/v1") && at("https://openai.com"));
        assert!(!at("https://notopenai.com") && !at("https://openai.com.example"));
    }
}
