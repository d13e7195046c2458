//! `random`: random numbers.

use crate::bindings::guest::random::Host;
use crate::inside::Inside;

impl Host for Inside {
    fn bits(&mut self) -> wasmtime::Result<u64> {
        self.called(0)?;
        Ok(self.terms.entropy.bits())
    }
}
