//! The HTTP clients, made when first needed and shared by every adapter.
//!
//! Reading the system's certificates costs milliseconds and fails where there are none, so a client
//! for plain HTTP to this machine is made without them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bottega_llm::{ErrorKind, ModelError};
use bottega_types::with_causes;
use reqwest::Client;
use reqwest::redirect::Policy;

use crate::endpoint::Road;

/// One client per road and connect deadline. Deadlines come from settings, so there are few.
static CLIENTS: Mutex<Vec<(Road, Duration, Client)>> = Mutex::new(Vec::new());

/// The client for connections that take this road.
pub(crate) fn client(road: Road, connect_timeout: Duration) -> Result<Client, ModelError> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = clients.iter().find(|(r, deadline, _)| *r == road && *deadline == connect_timeout);
    if let Some((_, _, client)) = known {
        return Ok(client.clone());
    }
    let client = make(road, connect_timeout)?;
    clients.push((road, connect_timeout, client.clone()));
    Ok(client)
}

fn make(road: Road, connect_timeout: Duration) -> Result<Client, ModelError> {
    // Another room may have installed a provider first; either will do.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("bottega/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        .tcp_keepalive(Duration::from_secs(30))
        // A redirect would carry the key and the conversation to an address nobody configured.
        .redirect(Policy::none());
    let builder = match road {
        Road::Loopback => builder.no_proxy().tls_certs_only([]),
        Road::LoopbackTls => builder.no_proxy(),
        Road::Outside => builder,
    };
    builder.build().map_err(|error| {
        ModelError::new(
            ErrorKind::Internal,
            format!("no HTTPS client, {}; install the system's CA certificates", chain(error)),
        )
    })
}

/// A transport error with its causes, without the address it was about.
pub(crate) fn chain(error: reqwest::Error) -> String {
    with_causes(&error.without_url())
}
