//! The one decision about every connection that a command or a tool opens to the network.
//!
//! One connection: what was asked for → [`Target`] → is it granted ([`HostRule`])? → the name is resolved by who
//! connects → are all its addresses public ([`Screen`])? → those and no others are connected to.
//!
//! A name may lead anywhere by the time it is used (DNS rebinding), so what is checked is the addresses, after the
//! resolution, and what was checked is what is connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::judge::host_matches;

mod address;
mod web_url;

pub use address::{Reach, reach};
pub use web_url::{NotAWebUrl, WebUrl};

/// Ports of a host that was granted without one.
const USUAL_PORTS: [u16; 2] = [80, 443];

/// The longest name of a host, in bytes (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;

/// A host to be reached, as it was spelled, in its one canonical form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name in lower case, without a dot at its end.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// A host and a port to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// Hosts that may be reached: `example.org`, `*.example.org` (its subdomains), an address, or `*`; at the ports
/// 80 and 443 unless another follows: `example.org:8443`.
///
/// It opens the public network only: no rule makes a private, local or metadata address reachable, but where a person
/// named it as their own ([`Screen::own`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostRule {
    pattern: String,
    port: Option<u16>,
}

/// Text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no host: write `example.org`, `*.example.org` or `example.org:8443`")]
pub struct NotAHostRule {
    /// The text.
    pub text: String,
}

/// What is said of the name that means this machine.
fn of_this_machine(text: &str) -> &'static str {
    if text.eq_ignore_ascii_case("localhost") {
        " of the network: local addresses are closed; ask a server of your own with shell"
    } else {
        ""
    }
}

/// Why a connection is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No host is spelled like this.
    #[error("`{text}` is no host name{}", of_this_machine(.text))]
    NotAHost {
        /// What was asked for.
        text: String,
    },
    /// An address in a spelling that means another one to some programs.
    #[error("`{text}` is an odd spelling of an address; write it as four decimal numbers")]
    OddSpelling {
        /// What was asked for.
        text: String,
    },
    /// No grant covers it.
    #[error("{target} was not granted")]
    NotGranted {
        /// What was asked for.
        target: Target,
    },
    /// The name leads nowhere.
    #[error("{target} has no address")]
    NoAddress {
        /// What was asked for.
        target: Target,
    },
    /// The name leads to an address that is not public. It is refused even when other addresses are.
    #[error("{target} leads to {address}, which is {reach}")]
    NotPublic {
        /// What was asked for.
        target: Target,
        /// Where it leads.
        address: IpAddr,
        /// What is there.
        reach: Reach,
    },
}

/// Which addresses count as public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Addresses that count as public whatever they are. Empty but in tests, which have no public network.
    pub also_public: Vec<IpAddr>,
    /// Hosts that a person named as their own: these may be on this machine or in a private network. Everybody else may not,
    /// and what is link-local, or tells a cloud's machines their secrets, is nobody's own.
    pub own: Vec<HostRule>,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for Host {
    type Err = Refusal;

    /// Reads a host as it stands in a URL. Only one spelling of an address is read; a name has ASCII letters,
    /// digits, `-` and `_`, and at least one dot.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let odd = || Refusal::OddSpelling { text: shown(text) };
        if let Some(inner) = text.strip_prefix('[') {
            let address: Ipv6Addr =
                inner.strip_suffix(']').and_then(|inner| inner.parse().ok()).ok_or_else(odd)?;
            return Ok(Self::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if name.len() > LONGEST_NAME || !name.split('.').all(is_label) {
            return Err(Refusal::NotAHost { text: shown(text) });
        }
        // What ends in a number is an address to every program (WHATWG URL, "ends in a number checker").
        if name.rsplit('.').next().is_some_and(is_number) {
            let address: Ipv4Addr = text.parse().map_err(|_| odd())?;
            return Ok(Self::Address(address.into()));
        }
        if !name.contains('.') {
            // A name without a dot is looked for in the local domain, or is this machine.
            return Err(Refusal::NotAHost { text: shown(text) });
        }
        Ok(Self::Name(name))
    }
}

fn is_number(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
        || label
            .strip_prefix("0x")
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Text from outside, short and without what a terminal obeys.
fn shown(text: &str) -> String {
    text.chars().take(LONGEST_NAME).flat_map(char::escape_default).collect()
}

impl FromStr for Target {
    type Err = Refusal;

    /// Reads `host:port`.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refused = || Refusal::NotAHost { text: shown(text) };
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let plain = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port: u16 = port.parse().ok().filter(|port| plain && *port != 0).ok_or_else(refused)?;
        Ok(Self { host: host.parse()?, port })
    }
}

impl FromStr for HostRule {
    type Err = NotAHostRule;

    fn from_str(text: &str) -> Result<Self, NotAHostRule> {
        let wrong = || NotAHostRule { text: shown(text) };
        let text = text.trim();
        let (pattern, port) = match text.rsplit_once(':') {
            Some((pattern, port)) if !pattern.contains(':') || pattern.ends_with(']') => {
                let port: u16 = port.parse().map_err(|_| wrong())?;
                (pattern, Some(port).filter(|port| *port != 0).ok_or_else(wrong)?.into())
            }
            Some(_) | None => (text, None),
        };
        let pattern = match pattern.strip_prefix("*.") {
            _ if pattern == "*" => pattern.to_owned(),
            Some(domain) => match format!("a.{domain}").parse() {
                Ok(Host::Name(name)) => format!("*{}", &name[1..]),
                Ok(Host::Address(_)) | Err(_) => return Err(wrong()),
            },
            None => pattern.parse::<Host>().map_err(|_| wrong())?.to_string(),
        };
        Ok(Self { pattern, port })
    }
}

impl TryFrom<String> for HostRule {
    type Error = NotAHostRule;

    fn try_from(text: String) -> Result<Self, NotAHostRule> {
        text.parse()
    }
}

impl From<HostRule> for String {
    fn from(rule: HostRule) -> Self {
        rule.to_string()
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.pattern),
            None => f.write_str(&self.pattern),
        }
    }
}

impl HostRule {
    /// The rule that grants this target and, where its port is a usual one, the host's other usual port.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        let port = Some(target.port).filter(|port| !USUAL_PORTS.contains(port));
        Self { pattern: target.host.to_string(), port }
    }

    /// Whether this rule grants the target.
    #[must_use]
    pub fn grants(&self, target: &Target) -> bool {
        let port = match self.port {
            Some(port) => target.port == port,
            None => USUAL_PORTS.contains(&target.port),
        };
        port && host_matches(&self.pattern, &target.host.to_string())
    }
}

impl Screen {
    /// Whether anything may be tried at all, before a name is resolved: names that were not granted are not
    /// even looked up, since a look-up tells somebody something.
    pub fn admit(&self, rules: &[HostRule], target: &Target) -> Result<(), Refusal> {
        if !rules.iter().any(|rule| rule.grants(target)) {
            return Err(Refusal::NotGranted { target: target.clone() });
        }
        match &target.host {
            Host::Name(_) => Ok(()),
            Host::Address(address) => self.pass(target, *address),
        }
    }

    /// Decides about a target whose addresses are known. All of them have to be public.
    pub fn decide<'a>(
        &self,
        rules: &[HostRule],
        target: &Target,
        addresses: &'a [IpAddr],
    ) -> Result<&'a [IpAddr], Refusal> {
        self.admit(rules, target)?;
        if addresses.is_empty() {
            return Err(Refusal::NoAddress { target: target.clone() });
        }
        addresses.iter().try_for_each(|address| self.pass(target, *address))?;
        Ok(addresses)
    }

    fn pass(&self, target: &Target, address: IpAddr) -> Result<(), Refusal> {
        let reach = reach(address);
        let is_own = || {
            matches!(reach, Reach::Loopback | Reach::Private)
                && self.own.iter().any(|rule| rule.grants(target))
        };
        if reach == Reach::Public || self.also_public.contains(&address) || is_own() {
            return Ok(());
        }
        Err(Refusal::NotPublic { target: target.clone(), address, reach })
    }
}

#[cfg(test)]
mod tests;
