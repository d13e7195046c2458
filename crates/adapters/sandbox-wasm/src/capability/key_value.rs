//! `key-value`: a store of the guest's own.

use super::{Refused, refused};
use crate::bindings::guest::key_value::Host;
use crate::inside::Inside;

impl Host for Inside {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Refused>> {
        self.called(key.len())?;
        Ok(self.waited(self.provision.host.get(key)).await?.map_err(refused))
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Refused>> {
        self.called(key.len().saturating_add(value.len()))?;
        Ok(self.waited(self.provision.host.set(key, Some(value))).await?.map_err(refused))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), Refused>> {
        self.called(key.len())?;
        Ok(self.waited(self.provision.host.set(key, None)).await?.map_err(refused))
    }
}
