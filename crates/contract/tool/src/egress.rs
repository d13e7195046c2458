//! The port to the network for commands in a cage.

use std::net::TcpListener;

use async_trait::async_trait;
use bottega_policy::egress::HostRule;

/// The way to the hosts that a command was granted: an HTTP proxy (`CONNECT`, and plain HTTP).
///
/// Every implementation promises:
/// * it connects to nothing that [`Screen::decide`](bottega_policy::egress::Screen::decide) refuses, and to no
///   other address than those that were decided about;
/// * connections, their time and their bytes are bounded;
/// * dropping the future closes every connection.
#[async_trait]
pub trait Egress: Send + Sync {
    /// Serves one command at `door`, until dropped. `refused` hears one line for each connection that was
    /// refused, so that the model learns why something failed.
    async fn serve(
        &self,
        door: TcpListener,
        hosts: &[HostRule],
        refused: &(dyn Fn(String) + Send + Sync),
    );
}
