//! The process's own standard input.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::editor::{INDICATOR, LineEditor, MORE, goes_on, joined};
use super::line::{self, Quiet};
use super::{Keyboard, Typed};

/// The process's own standard input.
pub struct SystemKeyboard {
    history: Option<PathBuf>,
    /// Messages are read as plain lines.
    dumb: bool,
    editor: Option<LineEditor>,
}

impl std::fmt::Debug for SystemKeyboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemKeyboard").field("history", &self.history).finish_non_exhaustive()
    }
}

impl SystemKeyboard {
    /// `history` is the file that keeps the messages of `bottega chat`; none are kept when absent, nor on a terminal
    /// that is `dumb`: it has no line editor.
    #[must_use]
    pub const fn new(history: Option<PathBuf>, dumb: bool) -> Self {
        Self { history, dumb, editor: None }
    }
}

#[async_trait]
impl Keyboard for SystemKeyboard {
    async fn everything(&mut self) -> io::Result<Vec<u8>> {
        aside("stdin", || {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        })
        .await?
    }

    async fn line(&mut self) -> io::Result<Typed> {
        read().await
    }

    async fn hidden(&mut self) -> io::Result<Typed> {
        // Held here, not by the reader: when the question is taken back the terminal shows again at once.
        let _quiet = Quiet::over(io::stdin());
        read().await
    }

    async fn message(&mut self, prompt: &str) -> io::Result<Typed> {
        if self.dumb {
            return plain(prompt).await;
        }
        let mut editor = match self.editor.take() {
            Some(editor) => editor,
            None => LineEditor::open(self.history.as_deref())?,
        };
        let prompt = prompt.to_owned();
        let read = aside("line editor", move || {
            let typed = editor.read(&prompt);
            (editor, typed)
        });
        let (watch, alive) = rustix::pipe::pipe()?;
        let gone = aside("terminal", move || line::gone(&io::stdin(), &watch));
        let (editor, typed) = tokio::select! {
            read = read => read?,
            // The editor would go on reading from nowhere, with all its might; the process ends before it.
            Ok(Ok(true)) = gone => return Ok(Typed::Gone),
        };
        drop(alive);
        self.editor = Some(editor);
        typed
    }
}

/// A message without a line editor; a backslash at a line's end goes on in the next.
async fn plain(prompt: &str) -> io::Result<Typed> {
    let mut message = String::new();
    let mut asked = format!("{prompt}{INDICATOR}");
    loop {
        show(&asked)?;
        match read().await? {
            Typed::Text(line) => message.push_str(&line),
            ended @ (Typed::Interrupt | Typed::End | Typed::Gone) => return Ok(ended),
        }
        if !goes_on(&message) {
            return Ok(Typed::Text(joined(&message)));
        }
        message.push('\n');
        asked = MORE.to_owned();
    }
}

fn show(prompt: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(prompt.as_bytes()).and_then(|()| out.flush())
}

async fn read() -> io::Result<Typed> {
    // Dropping this future closes `alive`, which wakes the reader and ends it.
    let (watch, alive) = rustix::pipe::pipe()?;
    let typed = aside("line", move || line::read(&io::stdin(), &watch)).await?;
    drop(alive);
    typed
}

/// Waits for a blocking read on a thread of its own.
///
/// The thread is not joined: a read of standard input can't be called back, and must not hold up the end of the
/// process.
async fn aside<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody waits any more when the receiver is gone.
        let _ = sender.send(work());
    })?;
    receiver.await.map_err(|_| io::Error::other("reading standard input ended early"))
}
