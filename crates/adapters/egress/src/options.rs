//! What can be set of the proxy.

use std::sync::Arc;
use std::time::Duration;

use bottega_policy::egress::Screen;

use crate::resolver::{Resolver, SystemResolver};

/// Bounds of what one command may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait.
    pub at_once: usize,
    /// Connections in all; after them the door is closed.
    pub in_all: usize,
    /// Bytes in both directions over all connections.
    pub bytes: u64,
    /// How long a request's head may take to arrive.
    pub head: Duration,
    /// How long a name may take to be resolved, and a connection to be made.
    pub connect: Duration,
    /// How long a connection may be silent in both directions.
    pub idle: Duration,
    /// How long a connection may last.
    pub lasting: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: 64,
            in_all: 20_000,
            bytes: 16 << 30,
            head: Duration::from_secs(10),
            connect: Duration::from_secs(15),
            idle: Duration::from_secs(120),
            lasting: Duration::from_secs(1_800),
        }
    }
}

/// What can be set of the proxy.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bounds of what one command may do.
    pub limits: Limits,
    /// Which addresses count as public.
    pub screen: Screen,
    /// Who knows the addresses of names.
    pub resolver: Arc<dyn Resolver>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            screen: Screen::default(),
            resolver: Arc::new(SystemResolver),
        }
    }
}
