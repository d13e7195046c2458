//! Reading a file whole.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};

use bottega_tool::{FileContent, Found, Page, WorkspaceError};
use bottega_types::Digest;

use crate::encoding::decode;
use crate::walk::{Spot, explain};

/// A file's bytes with what a rewrite must keep.
pub(crate) struct Raw {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// What `stat` said of the very file that was read.
    pub(crate) about: std::fs::Metadata,
}

impl Raw {
    /// How many other names the file has.
    pub(crate) fn other_names(&self) -> u64 {
        self.about.nlink().saturating_sub(1)
    }
}

/// The bytes at a spot, at most `largest` of them.
pub(crate) fn raw(spot: &Spot, shown: &str, largest: u64) -> Result<Raw, WorkspaceError> {
    let file = File::from(spot.open().map_err(|error| explain("open", shown, error))?);
    let about = file.metadata().map_err(|error| explain("read", shown, error))?;
    let unusable = |why: String| WorkspaceError::Unusable { path: shown.to_owned(), why };
    if about.is_dir() {
        return Err(WorkspaceError::IsFolder { path: shown.to_owned() });
    }
    if !about.is_file() {
        return Err(unusable("it is a pipe, a socket or a device".to_owned()));
    }
    let too_large = |size: u64| {
        unusable(format!(
            "it has {size} bytes, and at most {largest} can be handled at once; search it, or look at parts of it with a command"
        ))
    };
    if about.size() > largest {
        return Err(too_large(about.size()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.size()).unwrap_or_default());
    // Some files grow while they are read, and those of `/proc` say that they are empty.
    file.take(largest + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| explain("read", shown, error))?;
    if bytes.len() as u64 > largest {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(Raw { bytes, about })
}

/// What bytes are to a reader.
pub(crate) fn found(bytes: &[u8]) -> Found {
    let (size, digest) = (bytes.len() as u64, Digest::of(bytes));
    match decode(bytes) {
        Some((text, encoding)) => Found::Text(FileContent { text, encoding, digest, size }),
        None => Found::Binary { size, digest },
    }
}

/// Bytes in which a file shows whether it is text.
const SAMPLE: usize = 8 << 10;

/// Lines of a file of any size; see [`Workspace::read_page`](bottega_tool::Workspace::read_page).
pub(crate) fn page(
    spot: &Spot,
    shown: &str,
    (first, count, room): (usize, usize, usize),
    stop: &AtomicBool,
) -> Result<Page, WorkspaceError> {
    let file = File::from(spot.open().map_err(|error| explain("open", shown, error))?);
    let about = file.metadata().map_err(|error| explain("read", shown, error))?;
    let unusable =
        |why: &str| WorkspaceError::Unusable { path: shown.to_owned(), why: why.to_owned() };
    if !about.is_file() {
        return Err(unusable("it is no regular file"));
    }
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let (mut page, mut left) = (Page { size: about.size(), ..Page::default() }, room);
    let mut line = Vec::new();
    let mut read = 0;
    loop {
        line.clear();
        let wanted = page.total + 1 >= first && page.lines.len() < count && left > 0;
        let length = match wanted {
            true => reader.read_until(b'\n', &mut line),
            false => reader.skip_until(b'\n'),
        };
        let length = length.map_err(|error| explain("read", shown, error))?;
        if length == 0 {
            return Ok(page);
        }
        if read < SAMPLE && line.contains(&0) {
            return Err(unusable("it is a binary file; it has no lines to show"));
        }
        read += length;
        page.total += 1;
        if wanted {
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            left = left.saturating_sub(text.len());
            page.lines.push(String::from_utf8_lossy(text).into_owned());
        }
        if page.total % 4096 == 0 && stop.load(Ordering::Relaxed) {
            return Err(unusable("nobody waits for it any more"));
        }
    }
}
