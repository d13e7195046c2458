//! The ways to the network: for caged commands an HTTP proxy with an allow-list of hosts, for tools a client.
//!
//! What it is: [`EgressProxy`], the [`Egress`](bottega_tool::Egress) port, which speaks `CONNECT` and plain HTTP
//! (RFC 9110, RFC 9112), one request per connection; and [`WebClient`], the [`Web`](bottega_tool::Web) port, which
//! reads one address, sends what guests ask, and brings messages to webhooks.
//! What it is not: it decides nothing, [`Screen`](bottega_policy::egress::Screen) does; it does not look into
//! tunnels, keeps nothing, starts no task and opens no port: it serves the door that it is given, for as long
//! as it is polled.
//!
//! One connection: door (`proxy`) → head (`request`) → is it granted? → resolve (`resolver`) → are all addresses
//! public (`reach`)? → connect to one of exactly these → relay (`relay`), the request's body to its end (`body`).
//! One page: address → the same way to its addresses → a client that knows no others (`web`) → its bytes, unpacked
//! (`content`).
//!
//! Invariants
//! * Names that were not granted are not looked up.
//! * What was decided about is what is connected to: a name that leads elsewhere a moment later leads nowhere.
//! * A redirect is an answer like any other; following it is a new request with a new decision.
//! * One connection reaches one host: a second request on it is not read.
//! * Connections, their time and all their bytes are bounded per command, and per page, packed and unpacked.
//! * A client follows no redirect, keeps no cookie and no connection, and asks no proxy.

mod body;
mod connection;
mod content;
mod options;
mod proxy;
mod reach;
mod relay;
mod request;
mod resolver;
mod web;
mod webhook;

pub use options::{Limits, Options};
pub use proxy::EgressProxy;
pub use resolver::{Resolver, SystemResolver};
pub use web::{WebClient, WebLimits, WebOptions};
pub use webhook::{NotASigningKey, Post, Posted, SigningKey};
