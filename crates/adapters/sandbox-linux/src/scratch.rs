//! The private folders of commands.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bottega_types::Digest;
use tempfile::TempDir;

/// How names of temporary folders begin; the number of the process that made it follows.
const TEMPORARY: &str = "cmd-";

/// Where a user's own libraries are, below the home.
const LIBRARIES: &str = ".local/lib";

/// The private folders of one command.
pub(crate) struct Scratch {
    /// Gone when the command is.
    pub(crate) temporary: TempDir,
    /// Stays for the next command in the same workspace: caches live there.
    pub(crate) home: PathBuf,
}

impl Scratch {
    /// Makes the folders below `scratch`, and takes away what a killed Bottega left there.
    pub(crate) fn new(
        scratch: &Path,
        workspace: &Path,
        user_home: Option<&Path>,
    ) -> io::Result<Self> {
        private_folder(scratch)?;
        sweep(scratch);
        let temporary = tempfile::Builder::new()
            .prefix(&format!("{TEMPORARY}{}-", std::process::id()))
            .tempdir_in(scratch)?;
        let name = Digest::of(workspace.as_os_str().as_encoded_bytes()).to_string();
        let home = scratch.join(format!("home-{}", &name[..16]));
        if !home.is_dir() {
            private_folder(&home)?;
            furnish(&home, user_home)?;
        }
        if let Some(user_home) = user_home {
            lend_libraries(&home, user_home)?;
        }
        Ok(Self { temporary, home })
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Puts into a new home what tools need to know of the user and what is no secret.
fn furnish(home: &Path, user_home: Option<&Path>) -> io::Result<()> {
    let Some(user_home) = user_home else { return Ok(()) };
    if let Ok(text) = fs::read_to_string(user_home.join(".gitconfig")) {
        fs::write(home.join(".gitconfig"), identity(&text))?;
    }
    // Used when a command has the network and downloads into a store of its own: mirrors stay mirrors.
    if let Ok(text) = fs::read_to_string(user_home.join(".cargo/config.toml")) {
        fs::create_dir_all(home.join(".cargo"))?;
        fs::write(home.join(".cargo/config.toml"), text)?;
    }
    Ok(())
}

/// Leads to the libraries that the user installed for herself: Python and others look for them below the home, and
/// the variables that would name another place can lead anywhere.
fn lend_libraries(home: &Path, user_home: &Path) -> io::Result<()> {
    let (ours, theirs) = (home.join(LIBRARIES), user_home.join(LIBRARIES));
    if ours.symlink_metadata().is_ok() || !theirs.is_dir() {
        return Ok(());
    }
    if let Some(folder) = ours.parent() {
        private_folder(folder)?;
    }
    match std::os::unix::fs::symlink(theirs, ours) {
        // Another command was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// Who commits, and on which branch a repository begins. The rest of a git configuration names programs and
/// may hold tokens.
fn identity(text: &str) -> String {
    const KEPT: &[(&str, &str)] = &[
        ("[user]", "name"),
        ("[user]", "email"),
        ("[init]", "defaultbranch"),
        ("[core]", "autocrlf"),
    ];
    let (mut section, mut told, mut kept) = (String::new(), String::new(), String::new());
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line.to_ascii_lowercase();
            continue;
        }
        let key = line.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        if KEPT.contains(&(section.as_str(), key.as_str())) && !line.ends_with('\\') {
            if told != section {
                kept.push_str(&section);
                kept.push('\n');
                told.clone_from(&section);
            }
            kept.push_str(&format!("\t{line}\n"));
        }
    }
    kept
}

/// Removes the temporary folders of processes that are gone.
fn sweep(scratch: &Path) {
    for entry in fs::read_dir(scratch).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process =
            name.to_str().and_then(|name| name.strip_prefix(TEMPORARY)?.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // Somebody else may sweep at the same time; what stays is tried again next time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_git_configuration_only_the_identity_is_kept() {
        let text = "[user]\n name = A B\n\temail=a@b\n signingkey = X\n[core]\n pager = evil\n[url \"https://u:t@h\"]\n insteadOf = x\n[init]\ndefaultBranch = main\n";
        assert_eq!(
            identity(text),
            "[user]\n\tname = A B\n\temail=a@b\n[init]\n\tdefaultBranch = main\n"
        );
    }

    #[test]
    fn the_users_own_libraries_are_lent_when_there_are_any() {
        let folder = tempfile::tempdir().unwrap();
        let user = folder.path().join("user");
        let new = || Scratch::new(&folder.path().join("cage"), Path::new("/w"), Some(&user));
        let home = new().unwrap().home;
        assert!(!home.join(".local").exists());
        fs::create_dir_all(user.join(".local/lib/python3.11")).unwrap();
        for _ in 0..2 {
            assert_eq!(new().unwrap().home, home);
            assert!(home.join(".local/lib/python3.11").is_dir());
        }
    }

    #[test]
    fn folders_of_dead_processes_are_swept_and_homes_stay() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("cmd-999999999-x")).unwrap();
        let first = Scratch::new(folder.path(), Path::new("/w"), None).unwrap();
        assert!(!folder.path().join("cmd-999999999-x").exists());
        let second = Scratch::new(folder.path(), Path::new("/w"), None).unwrap();
        let other = Scratch::new(folder.path(), Path::new("/v"), None).unwrap();
        assert!(
            first.temporary.path().is_dir() && first.temporary.path() != second.temporary.path()
        );
        assert!(first.home == second.home && first.home != other.home);
    }
}
