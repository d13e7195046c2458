//! The API over HTTP: agents, what they say, and how the server is.
//!
//! What it is: a REST surface over [`Agents`](bottega_client::Agents). The endpoints stand in one table; the table is what
//! is served, what `/openapi.json` and `/docs` describe, and what `/metrics` counts by. Beside it, at the same address and
//! over the same handles, gRPC (`grpc.rs`), with streams of what happens.
//! What it is not: it knows no rules and keeps no state of agents. Without a certificate it speaks plain HTTP, and
//! therefore to this machine alone; with one, TLS.
//!
//! One connection: taken in while there is room (`door.rs`) → its handshake (`tls.rs`, `identity.rs`) → its requests, until
//! it is idle for too long (`connection.rs`).
//!
//! One request: named (`x-request-id`) → held against its `Host` and `Origin` → its token compared → its body read,
//! up to the endpoint's limit → carried out within the endpoint's patience → answered, counted and logged. Whatever stops
//! it on that way is answered with problem details (RFC 9457).
//!
//! Invariants
//! * Nothing but health is answered without the token, which is compared in constant time.
//! * Nobody keeps a connection who says nothing, or says it too slowly.
//! * A page in a browser can't reach it: a foreign `Host` or `Origin` is refused before anything else is looked at.
//! * No body is read further than its endpoint allows, and none before the token was seen.
//! * Every error that is answered has a stable code and a next step, and a status of one table.
//! * A panic ends the request that it happened in, and is answered as an internal fault.

mod answer;
mod call;
mod connection;
mod counts;
mod door;
mod endpoints;
mod fault;
mod follow;
mod grpc;
mod guard;
mod identity;
mod listen;
mod openapi;
mod page;
mod paging;
mod principal;
mod readiness;
mod request_name;
mod server;
mod sse;
mod tls;
mod trace_headers;

pub use identity::TlsFiles;
pub use server::{Limits, Options, Server};
