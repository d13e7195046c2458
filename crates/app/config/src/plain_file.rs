//! Reads a file that anybody may have put there, without waiting for it and without filling memory.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The most that a settings file may hold, in bytes.
const MOST: u64 = 1 << 20;

/// The bytes of a regular file of at most 1 MiB. Links are followed.
///
/// # Errors
/// When it can't be opened or read; [`ErrorKind::InvalidInput`] when it is something else or larger.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let unfit = |why: &str| io::Error::new(ErrorKind::InvalidInput, why);
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(unfit("it is no regular file; remove it, or put a settings file in its place"));
    }
    let mut bytes = Vec::new();
    // One byte more shows that there is more.
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(unfit("it is larger than 1 MiB; remove it, or keep only settings in it"));
    }
    Ok(bytes)
}

/// As [`read`], as text.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Opens without waiting for the other end of a pipe.
fn open(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options.open(path)
}
