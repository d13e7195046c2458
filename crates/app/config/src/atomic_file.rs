//! Files that change whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Its owner only (mode 0600, its new folders 0700).
    Owner,
    /// Whoever could before; by the process's mask when it is new.
    AsBefore,
}

/// Puts `bytes` in the place of whatever `path` holds: afterwards, and after a loss of power, there
/// is the old content or the new, never a part. A link is followed, so that a file that is kept
/// elsewhere stays there.
pub(crate) fn replace(path: &Path, bytes: &[u8], privacy: Privacy) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().unwrap_or_else(|| Path::new("."));
    make_folder(folder, privacy)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".bottega-");
    #[cfg(unix)]
    builder.permissions(mode_of(&target, privacy));
    let mut fresh = builder.tempfile_in(folder)?;
    fresh.write_all(bytes)?;
    fresh.as_file().sync_all()?;
    fresh.persist(&target)?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn mode_of(target: &Path, privacy: Privacy) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;

    let before = fs::metadata(target).map(|metadata| metadata.permissions());
    match privacy {
        Privacy::Owner => fs::Permissions::from_mode(0o600),
        Privacy::AsBefore => before.unwrap_or_else(|_| fs::Permissions::from_mode(0o666)),
    }
}

/// Creates a folder and those above it.
pub(crate) fn make_folder(folder: &Path, privacy: Privacy) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    if privacy == Privacy::Owner {
        use std::os::unix::fs::DirBuilderExt as _;

        builder.mode(0o700);
    }
    builder.create(folder)
}
