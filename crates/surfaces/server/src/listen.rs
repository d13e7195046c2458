//! Where a server may listen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bottega_api::{ApiError, codes};

/// Understands `ADDRESS:PORT`. Only this machine is accepted: there is no TLS yet.
pub(crate) fn parse(text: &str) -> Result<SocketAddr, ApiError> {
    let address = match text.strip_prefix("localhost:").map(str::parse) {
        Some(Ok(port)) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        Some(Err(_)) | None => text.parse().map_err(|_| {
            ApiError::new(codes::USAGE, format!("`{text}` is no address with a port"))
                .step("write one as in `--listen 127.0.0.1:7437`")
        })?,
    };
    if address.ip().is_loopback() {
        return Ok(address);
    }
    let why = format!(
        "`{text}` can be reached from other machines, which needs TLS, and TLS is not built yet"
    );
    Err(ApiError::new(codes::USAGE, why).step(
        "listen at 127.0.0.1, and reach it from elsewhere through `ssh -L` or a proxy that speaks TLS",
    ))
}

/// Whether the host of `Host` or of an address is this machine by a name that nobody else can give out.
pub(crate) fn is_here(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || bare.unwrap_or(host).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_at() {
        for (text, expected) in [
            ("127.0.0.1:7437", "127.0.0.1:7437"),
            ("localhost:0", "127.0.0.1:0"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), expected);
        }
        for text in ["0.0.0.0:7437", "[::]:7437", "192.168.0.7:1"] {
            let error = parse(text).unwrap_err();
            assert!(error.code == "BTG0001" && error.message.contains("TLS"), "{error:?}");
        }
        for text in ["", "7437", "example.org:80", "127.0.0.1", "localhost:x", "localhost"] {
            assert!(parse(text).unwrap_err().message.contains("no address"), "{text}");
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
