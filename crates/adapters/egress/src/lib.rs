//! The way to the network for caged commands: an HTTP proxy with an allow-list of hosts.
//!
//! What it is: [`EgressProxy`], the [`Egress`](bottega_tool::Egress) port. It speaks `CONNECT` and plain HTTP
//! (RFC 9110, RFC 9112), one request per connection.
//! What it is not: it decides nothing, [`Screen`](bottega_policy::egress::Screen) does; it does not look into
//! tunnels, keeps nothing, starts no task and opens no port: it serves the door that it is given, for as long
//! as it is polled.
//!
//! One connection: door (`proxy`) → head (`request`) → is it granted? → resolve (`resolver`) → are all addresses
//! public? → connect to one of exactly these → relay (`relay`), the request's body to its end (`body`).
//!
//! Invariants
//! * Names that were not granted are not looked up.
//! * What was decided about is what is connected to: a name that leads elsewhere a moment later leads nowhere.
//! * A redirect is an answer like any other; following it is a new request with a new decision.
//! * One connection reaches one host: a second request on it is not read.
//! * Connections, their time and all their bytes are bounded per command.

mod body;
mod connection;
mod options;
mod proxy;
mod relay;
mod request;
mod resolver;

pub use options::{Limits, Options};
pub use proxy::EgressProxy;
pub use resolver::{Resolver, SystemResolver};
