//! `directory`: who offers what.

use super::{Refused, refused};
use crate::bindings::guest::directory::Host;
use crate::inside::Inside;

impl Host for Inside {
    async fn search(&mut self, query: String) -> wasmtime::Result<Result<Vec<String>, Refused>> {
        self.called(query.len())?;
        Ok(self.waited(self.provision.host.search(query)).await?.map_err(refused))
    }
}
