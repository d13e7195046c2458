//! What comes in: piped bytes, answers, secrets, messages.

mod editor;
mod line;
mod system;

use std::io;

use async_trait::async_trait;

pub use system::SystemKeyboard;

/// What a person typed.
#[derive(Clone, PartialEq, Eq)]
pub enum Typed {
    /// Some text, without its line end.
    Text(String),
    /// Ctrl-C.
    Interrupt,
    /// The end of input: Ctrl-D.
    End,
    /// The terminal is not there any more.
    Gone,
}

/// What was typed may be a secret: only its kind is told.
impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Interrupt => "Interrupt",
            Self::End => "End",
            Self::Gone => "Gone",
        })
    }
}

/// Standard input.
///
/// Every implementation promises: nothing is read before it is asked for, and dropping a future takes the
/// question back without eating what is typed later.
#[async_trait]
pub trait Keyboard: Send {
    /// Everything up to the end of input.
    async fn everything(&mut self) -> io::Result<Vec<u8>>;

    /// One line that the terminal echoes. The question stands there already.
    async fn line(&mut self) -> io::Result<Typed>;

    /// One line that is not echoed.
    async fn hidden(&mut self) -> io::Result<Typed>;

    /// A message of one or more lines, in a line editor with history.
    async fn message(&mut self, prompt: &str) -> io::Result<Typed>;
}
