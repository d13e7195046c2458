//! Tools that agents of this machine may call.

use async_trait::async_trait;
use bottega_api::{ApiError, ToolAnswer, ToolView};

/// The built-in tools, and those that a person added as WebAssembly.
#[async_trait]
pub trait Tools: Send + Sync {
    /// All of them, in the order in which a model is told about them, and what is wrong with those that can't be read.
    ///
    /// # Errors
    /// The settings or the folder can't be read.
    async fn list(&self) -> Result<(Vec<ToolView>, Vec<String>), ApiError>;

    /// One of them.
    ///
    /// # Errors
    /// There is none of that name.
    async fn show(&self, name: &str) -> Result<ToolView, ApiError>;

    /// Adds one, or another version of it, after it was loaded and asked what it is.
    ///
    /// # Errors
    /// It can't be called as a tool; then nothing was changed.
    async fn add(&self, manifest: String, wasm: Vec<u8>) -> Result<ToolView, ApiError>;

    /// Takes one away that was added, with what it kept.
    ///
    /// # Errors
    /// There is none of that name, or it is built in.
    async fn remove(&self, name: &str) -> Result<(), ApiError>;

    /// Calls one that was added, as an agent would, in the workspace. The person's word allows what its manifest grants; the
    /// rules of the settings hold.
    ///
    /// # Errors
    /// There is none of that name, or it is built in.
    async fn call(&self, name: &str, arguments: String) -> Result<ToolAnswer, ApiError>;
}
