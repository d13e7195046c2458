//! The string encoding, `fipa.acl.rep.string.std` (SC00070): one S-expression per message.
//!
//! Writing: words where the grammar allows, quoted strings elsewhere; text that ends in a backslash, and bytes that are no
//! text, go out length-encoded (`#5"hello`). Reading is liberal where platforms differ: performatives and parameter names
//! in any case, white space and `;` comments between tokens, strings where words stand and the reverse, and the `sequence`
//! or `set` around agent identifiers may be either, or missing around a single one.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::decode;
pub use write::encode;
pub(crate) use write::write_expression;
