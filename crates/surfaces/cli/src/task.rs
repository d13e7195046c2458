//! Where a task and its attachments come from.

use std::path::{Path, PathBuf};

use bottega_api::{ApiError, AttachmentFile, codes};

use crate::report::{Failure, plain, unread, usage};
use crate::terminal::Terminal;

/// Where the task's words come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// They were given as arguments. Standard input is left alone: it may be open and silent for ever.
    Given(String),
    /// They come through standard input.
    Stdin,
    /// There are none.
    Missing,
}

/// Decides from where the task is taken.
pub(crate) fn source(words: &[String], stdin_is_terminal: bool) -> Source {
    match words {
        [dash] if dash == "-" => Source::Stdin,
        [] if stdin_is_terminal => Source::Missing,
        [] => Source::Stdin,
        words => {
            let task = words.join(" ");
            if task.trim().is_empty() { Source::Missing } else { Source::Given(task) }
        }
    }
}

/// Bytes of one attachment at most.
const LARGEST: u64 = 20 * 1_024 * 1_024;

/// The task and its attachments; standard input is read only where something asks for it.
pub(crate) async fn gather(
    words: &[String],
    files: &[PathBuf],
    images: &[PathBuf],
    terminal: &mut Terminal,
) -> Result<(String, Vec<AttachmentFile>), Failure> {
    let piped = |path: &PathBuf| path.as_os_str() == "-";
    let attach_stdin = files.iter().any(piped);
    let source = source(words, terminal.stdin_is_terminal || attach_stdin);
    if source == Source::Stdin && attach_stdin {
        return Err(usage(
            "standard input can't be both the task and an attachment",
            "write the task as an argument: `bottega run -f - \"review this\"`",
        ));
    }
    let task = match source {
        Source::Given(task) => task,
        Source::Stdin => text(stdin(terminal).await?, "standard input")?,
        Source::Missing => String::new(),
    };
    if task.trim().is_empty() {
        return Err(usage(
            "no task was given",
            "write one, as in `bottega run \"make the tests pass\"`, or pipe it in",
        ));
    }
    let mut attachments = Vec::new();
    for path in files {
        attachments.push(if piped(path) {
            attachment("stdin", stdin(terminal).await?)?
        } else {
            attachment(&name(path), read(path)?)?
        });
    }
    for path in images {
        let image = attachment(&name(path), read(path)?)?;
        if !image.media_type.starts_with("image/") {
            let why = format!("`{}` is no image that models know", path.display());
            return Err(ApiError::new(codes::FILE, why)
                .step("use a PNG, JPEG, GIF or WebP file, or attach it with `--file`")
                .into());
        }
        attachments.push(image);
    }
    Ok((task, attachments))
}

/// All of standard input, as text.
pub(crate) async fn piped_text(terminal: &mut Terminal) -> Result<String, Failure> {
    text(stdin(terminal).await?, "standard input")
}

async fn stdin(terminal: &mut Terminal) -> Result<Vec<u8>, Failure> {
    let Terminal { keyboard, interrupts, .. } = terminal;
    match Terminal::unless_interrupted(interrupts, keyboard.everything()).await {
        Some(bytes) => bytes.map_err(unread),
        None => Err(Failure::Silent(codes::INTERRUPTED.exit)),
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let refuse = |why: &dyn std::fmt::Display| {
        Failure::from(ApiError::new(codes::FILE, format!("`{}`: {why}", path.display())))
    };
    let about = std::fs::metadata(path).map_err(|error| refuse(&plain(&error)))?;
    if !about.is_file() {
        return Err(refuse(&"only files can be attached"));
    }
    if about.len() > LARGEST {
        return Err(refuse(&"larger than the 20 MiB that can be attached"));
    }
    std::fs::read(path).map_err(|error| refuse(&plain(&error)))
}

fn text(bytes: Vec<u8>, what: &str) -> Result<String, Failure> {
    String::from_utf8(bytes)
        .map_err(|_| ApiError::new(codes::FILE, format!("{what} is no UTF-8 text")).into())
}

fn attachment(name: &str, bytes: Vec<u8>) -> Result<AttachmentFile, Failure> {
    let media_type = media_type(name, &bytes).ok_or_else(|| {
        ApiError::new(codes::FILE, format!("`{name}` is neither UTF-8 text nor an image nor a PDF"))
            .step("name its path in the task instead: the agent can look at it with its tools")
    })?;
    Ok(AttachmentFile { name: name.to_owned(), media_type: media_type.to_owned(), bytes })
}

/// The media type by the file's first bytes; text by its name's ending.
fn media_type(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let begins = |with: &[u8]| bytes.starts_with(with);
    Some(match () {
        () if begins(b"\x89PNG\r\n\x1a\n") => "image/png",
        () if begins(b"\xff\xd8\xff") => "image/jpeg",
        () if begins(b"GIF87a") || begins(b"GIF89a") => "image/gif",
        () if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => "image/webp",
        () if begins(b"%PDF-") => "application/pdf",
        () if std::str::from_utf8(bytes).is_err() => return None,
        () if name.ends_with(".md") => "text/markdown",
        () if name.ends_with(".html") => "text/html",
        () if name.ends_with(".csv") => "text/csv",
        () => "text/plain",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], stdin_is_terminal: bool, expected: &Source) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(&source(&words, stdin_is_terminal), expected);
    }

    #[test]
    fn a_given_task_leaves_standard_input_alone() {
        for stdin_is_terminal in [true, false] {
            check(&["fix", "it"], stdin_is_terminal, &Source::Given("fix it".into()));
            check(&["-"], stdin_is_terminal, &Source::Stdin);
        }
        check(&[], false, &Source::Stdin);
        check(&[], true, &Source::Missing);
        check(&["  "], false, &Source::Missing);
    }

    #[test]
    fn bytes_tell_what_a_file_is() {
        assert_eq!(media_type("x.txt", b"\x89PNG\r\n\x1a\n.."), Some("image/png"));
        assert_eq!(media_type("x", b"RIFF....WEBPVP8 "), Some("image/webp"));
        assert_eq!(media_type("x", b"%PDF-1.7"), Some("application/pdf"));
        assert_eq!(media_type("notes.md", "# é".as_bytes()), Some("text/markdown"));
        assert_eq!(media_type("x.rs", b"fn main() {}"), Some("text/plain"));
        assert_eq!(media_type("x.bin", b"\xff\xfe\x00"), None);
    }
}
