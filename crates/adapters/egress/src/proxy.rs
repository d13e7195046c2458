//! The port: one command, served at its door.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use async_trait::async_trait;
use bottega_policy::egress::HostRule;
use bottega_tool::Egress;
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::connection::Visit;
use crate::options::Options;
use crate::relay::Meter;

/// How long a door rests that can't be opened: the machine has no descriptor left, say.
const REST: Duration = Duration::from_millis(50);

/// The way to granted hosts. Holds no connection and no state between commands.
#[derive(Clone, Debug, Default)]
pub struct EgressProxy {
    options: Options,
}

impl EgressProxy {
    /// A proxy with these options. Touches nothing yet.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        Self { options }
    }
}

fn opened(door: TcpListener) -> io::Result<tokio::net::TcpListener> {
    door.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(door)
}

#[async_trait]
impl Egress for EgressProxy {
    async fn serve(
        &self,
        door: TcpListener,
        hosts: &[HostRule],
        refused: &(dyn Fn(String) + Send + Sync),
    ) {
        let limits = self.options.limits;
        let visit =
            Visit { options: &self.options, hosts, refused, meter: Meter::new(limits.bytes) };
        let mut open = FuturesUnordered::new();
        let mut door = match opened(door) {
            Ok(door) => Some(door),
            Err(error) => {
                refused(format!("the egress proxy can't be reached: {error}"));
                None
            }
        };
        let mut left = limits.in_all;
        while door.is_some() || !open.is_empty() {
            let room = open.len() < limits.at_once;
            tokio::select! {
                accepted = next(door.as_ref()), if door.is_some() && room => match accepted {
                    Ok((client, _)) => {
                        open.push(visit.serve(client));
                        left -= 1;
                        if left == 0 {
                            refused(format!("refused: more than {} connections", limits.in_all));
                            door = None;
                        }
                    }
                    Err(_) => tokio::time::sleep(REST).await,
                },
                Some(()) = open.next(), if !open.is_empty() => {}
            }
        }
    }
}

/// The next connection.
async fn next(
    door: Option<&tokio::net::TcpListener>,
) -> io::Result<(tokio::net::TcpStream, std::net::SocketAddr)> {
    match door {
        Some(door) => door.accept().await,
        None => std::future::pending().await,
    }
}
