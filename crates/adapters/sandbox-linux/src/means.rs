//! What holds a caged command to the files that it was granted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::kernel;
use crate::options::{Landlock, Options};

/// Where bubblewrap usually is. Nobody's `PATH` says which program builds a cage.
const USUAL_PLACES: &[&str] =
    &["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap", "/run/current-system/sw/bin/bwrap"];

/// What holds a caged command to the files that it was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// Landlock, and mounts where they can be made.
    Landlock,
    /// This program: mounts alone.
    Bubblewrap(PathBuf),
}

impl Means {
    /// What there is on this machine; or what is missing.
    pub(crate) fn of(options: &Options) -> Result<Self, String> {
        if !kernel::has_seccomp() {
            return Err("seccomp filters (`CONFIG_SECCOMP_FILTER`)".to_owned());
        }
        if options.landlock == Landlock::WhereAllowed && kernel::landlock_version() > 0 {
            return Ok(Self::Landlock);
        }
        let found = match &options.bubblewrap {
            Some(program) => Some(program.clone()).filter(|program| program.is_file()),
            None => {
                USUAL_PLACES.iter().map(Path::new).find(|place| place.is_file()).map(Into::into)
            }
        };
        if let Some(program) = found {
            return works(&program).map(|()| Self::Bubblewrap(program)).map_err(|why| {
                format!("Landlock, or a bubblewrap that can work here: the one that is there says `{why}`")
            });
        }
        Err("Landlock (Linux 5.13 or later, with `landlock` among the security modules: see `lsm=` of the kernel; \
             a container may forbid it), or bubblewrap (the program `bwrap`) in its place"
            .to_owned())
    }
}

/// Lets bubblewrap run nothing in all that a cage needs: a program that is there may still not be allowed to do its
/// work, as in most containers.
fn works(program: &Path) -> Result<(), String> {
    let words = ["--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--ro-bind", "/", "/"];
    let tried = Command::new(program)
        .args(words)
        .args(["--dev", "/dev", "--proc", "/proc", "--", "/bin/sh", "-c", ":"])
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if tried.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&tried.stderr);
    let line = said.lines().next().unwrap_or("nothing");
    Err(match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    })
}
