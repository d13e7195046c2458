//! Where a server may listen, and by which names it is addressed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bottega_api::{ApiError, codes};

/// Understands `ADDRESS:PORT`. What other machines reach is accepted when all that is said is encrypted.
pub(crate) fn parse(text: &str, encrypted: bool) -> Result<SocketAddr, ApiError> {
    let address = match text.strip_prefix("localhost:").map(str::parse) {
        Some(Ok(port)) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        Some(Err(_)) | None => text.parse().map_err(|_| {
            ApiError::new(codes::USAGE, format!("`{text}` is no address with a port"))
                .step("write one as in `--listen 127.0.0.1:7437`")
        })?,
    };
    if encrypted || address.ip().is_loopback() {
        return Ok(address);
    }
    let why = format!("`{text}` can be reached from other machines, which needs TLS");
    Err(ApiError::new(codes::USAGE, why).step(
        "name a certificate and its key by `--tls-cert` and `--tls-key` (`bottega help serve` shows how to make them), or \
         listen at 127.0.0.1",
    ))
}

/// The host of `Host` or of an address, without its port, and without the brackets of an IPv6 address.
pub(crate) fn host(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Whether the host of `Host` or of an address is this machine by a name that nobody else can give out.
pub(crate) fn is_here(authority: &str) -> bool {
    let host = host(authority);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether the host of `Host` or of an address is one of these names. `*.home.example` is each name with one more
/// part before `.home.example`, as in a certificate (RFC 9525, section 6.3).
pub(crate) fn is_named(authority: &str, names: &[String]) -> bool {
    let host = host(authority);
    let address = host.parse::<IpAddr>().ok();
    names.iter().any(|name| match (address, name.strip_prefix("*.")) {
        (Some(address), _) => name.parse::<IpAddr>().is_ok_and(|own| own == address),
        (None, None) => name.eq_ignore_ascii_case(host),
        (None, Some(parent)) => host
            .split_once('.')
            .is_some_and(|(part, rest)| !part.is_empty() && rest.eq_ignore_ascii_case(parent)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_at_without_tls() {
        for (text, expected) in [
            ("127.0.0.1:7437", "127.0.0.1:7437"),
            ("localhost:0", "127.0.0.1:0"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(parse(text, false).unwrap().to_string(), expected);
        }
        for text in ["0.0.0.0:7437", "[::]:7437", "192.168.0.7:1"] {
            let error = parse(text, false).unwrap_err();
            assert!(error.code == "BTG0001" && error.message.contains("TLS"), "{error:?}");
            assert!(error.next_step.contains("--tls-cert"), "{error:?}");
            assert_eq!(parse(text, true).unwrap(), text.parse().unwrap());
        }
        for text in ["", "7437", "example.org:80", "127.0.0.1", "localhost:x", "localhost"] {
            assert!(parse(text, true).unwrap_err().message.contains("no address"), "{text}");
        }
    }

    #[test]
    fn a_name_is_known_with_and_without_its_port() {
        let names = ["home.example", "192.0.2.7", "2001:db8::1", "*.lan.example"].map(String::from);
        for own in [
            "home.example",
            "HOME.example:7437",
            "192.0.2.7:1",
            "[2001:db8::1]:7437",
            "[2001:DB8:0::1]",
            "a.lan.example",
        ] {
            assert!(is_named(own, &names), "{own}");
        }
        for foreign in [
            "",
            "example",
            "a.home.example",
            "192.0.2.8",
            "lan.example",
            ".lan.example",
            "a.b.lan.example",
            "home.example.",
            "*.lan.example.org",
        ] {
            assert!(!is_named(foreign, &names), "{foreign}");
        }
    }

    #[test]
    fn a_name_that_others_give_out_is_foreign() {
        for here in ["127.0.0.1", "127.0.0.1:7437", "LocalHost:1", "[::1]:7437", "127.9.9.9:1"] {
            assert!(is_here(here), "{here}");
        }
        for foreign in [
            "",
            ":80",
            "example.org",
            "localhost.example.org:7437",
            "10.0.0.1:1",
            "127.0.0.1.nip.io",
            "[::2]:1",
        ] {
            assert!(!is_here(foreign), "{foreign}");
        }
    }
}
