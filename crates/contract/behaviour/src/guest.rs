//! Agents that come as WebAssembly or as a definition: from what was deployed to residents.

use std::path::Path;
use std::sync::Arc;

use bottega_manifest::{AgentDefinition, Host, Manifest};

use crate::Resident;

/// Makes guests of bytes. The kernel names no engine; the app hands it one of these.
pub trait GuestLoader: Send + Sync {
    /// Compiles a module and holds it against its manifest. Blocks while it compiles.
    ///
    /// # Errors
    /// In words: what is wrong with the module, or what it wants and was not granted.
    fn load(&self, module: &[u8], manifest: Manifest) -> Result<Arc<dyn Guest>, String>;
}

/// Makes guests of definitions, which a language model plays.
pub trait DefinitionLoader: Send + Sync {
    /// Looks whether the agent can be played here. `name` is its whole name.
    ///
    /// # Errors
    /// In words: what it asks for that is not there.
    fn load(&self, name: &str, definition: AgentDefinition) -> Result<Arc<dyn Guest>, String>;
}

/// A loaded guest, of which there may be many residents.
pub trait Guest: Send + Sync {
    /// What it is and may do.
    fn manifest(&self) -> &Manifest;

    /// One resident, not begun yet. `host` carries out what it was granted, `home` is the folder that is set aside for
    /// it, `config` its own settings as JSON.
    fn resident(&self, host: Arc<dyn Host>, home: &Path, config: &str) -> Box<dyn Resident>;

    /// It takes the place of another guest: what that one spent of a budget is spent.
    fn goes_on_from(&self, before: &dyn Guest) {
        let _ = before;
    }

    /// Tokens that its residents have spent on models, of a budget of their own.
    fn spent(&self) -> u64 {
        0
    }

    /// Bytes of memory that its residents hold in sandboxes of their own; nothing where they have none.
    fn memory(&self) -> Option<u64> {
        None
    }
}
