//! x
pub(crate) mod gguf;
