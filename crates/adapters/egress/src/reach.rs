//! From a target to the addresses that may be connected to.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bottega_policy::egress::{Host, HostRule, Refusal, Screen, Target};
use tokio::time::timeout;

use crate::resolver::Resolver;

/// Why there is nothing to connect to.
#[derive(Debug)]
pub(crate) enum Unreachable {
    /// It is not allowed.
    Refused(Refusal),
    /// The name can't be resolved.
    Unknown(io::Error),
    /// It was not resolved in time.
    Late,
}

/// The addresses of a target, decided about: connecting to any other is a mistake.
pub(crate) async fn addresses(
    screen: &Screen,
    resolver: &dyn Resolver,
    patience: Duration,
    hosts: &[HostRule],
    target: &Target,
) -> Result<Vec<IpAddr>, Unreachable> {
    screen.admit(hosts, target).map_err(Unreachable::Refused)?;
    let found: Vec<IpAddr> = match &target.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => timeout(patience, resolver.resolve(name))
            .await
            .map_err(|_| Unreachable::Late)?
            .map_err(Unreachable::Unknown)?,
    };
    screen.decide(hosts, target, &found).map_err(Unreachable::Refused)?;
    Ok(found)
}
