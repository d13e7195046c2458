//! `tools`: calls of listed tools.

use super::Refused;
use super::refused;
use crate::bindings::guest::tools::Host;
use crate::inside::Inside;

impl Host for Inside {
    async fn call(
        &mut self,
        name: String,
        arguments: String,
    ) -> wasmtime::Result<Result<String, Refused>> {
        self.called(name.len().saturating_add(arguments.len()))?;
        let granted = &self.terms.manifest.capabilities.tools;
        if !granted.contains(&name) {
            let why = format!("the tool `{name}` was not granted; granted: {}", granted.join(", "));
            return Ok(Err(Refused::Denied(why)));
        }
        Ok(self.waited(self.provision.host.call(name, arguments)).await?.map_err(refused))
    }
}
