//! `log`: lines for people.

use crate::bindings::guest::log::{Host, Level};
use crate::inside::Inside;

impl Host for Inside {
    fn write(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        self.called(text.len())?;
        let level = match level {
            Level::Debug => bottega_manifest::Level::Debug,
            Level::Info => bottega_manifest::Level::Info,
            Level::Warn => bottega_manifest::Level::Warn,
            Level::Error => bottega_manifest::Level::Error,
        };
        self.provision.host.log(level, &text);
        Ok(())
    }
}
