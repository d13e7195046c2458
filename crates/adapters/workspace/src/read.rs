//! Reading a file whole.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use bottega_tool::{FileContent, Found, WorkspaceError};
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
