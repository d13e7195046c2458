//! The JSON encoding: one object per message, with the parameters of SC00061 under their own names.
//!
//! FIPA defines none; this is ours. An agent identifier is its name, or an object of `name`, `addresses`, `resolvers` and
//! `X-…` when it says more. `receiver` and `reply-to` are lists; a single one may stand bare. Content is a string, or
//! `{"base64": …}` for bytes that are no text. `reply-by` is the token of SC00070. User-defined values are strings and
//! lists. Null is as good as absent.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::decode;
pub use write::encode;
