//! `send`: messages to other agents.

use super::{Refused, refused};
use crate::bindings::guest::send::Host;
use crate::inside::Inside;

impl Host for Inside {
    async fn send(&mut self, message: String) -> wasmtime::Result<Result<(), Refused>> {
        self.called(message.len())?;
        Ok(self.waited(self.provision.host.send(message)).await?.map_err(refused))
    }
}
