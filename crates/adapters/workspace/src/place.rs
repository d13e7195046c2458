//! Where a path lies, and what is protected.

use std::path::{Path, PathBuf};

use bottega_policy::{PathPattern, Place};

use crate::resolve::below;

/// Folders that are protected wherever they stand: a mistake in them costs more than work.
const FOLDERS: &[&str] =
    &[".git", ".bottega", ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".password-store"];

/// What is protected below the user's home.
const IN_HOME: &[&str] = &[
    ".docker",
    // Settings of git name programs that git runs.
    ".gitconfig",
    ".config/git",
    ".config/gcloud",
    ".config/gh",
    ".config/op",
    ".local/share/keyrings",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".npmrc",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
    ".bash_history",
    ".zsh_history",
];

/// Files that are protected wherever they stand.
const FILES: &[&str] = &[
    ".netrc",
    "_netrc",
    ".pypirc",
    ".git-credentials",
    ".pgpass",
    ".htpasswd",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
];

/// Ends of the names of private keys and key stores.
const KEYS: &[&str] = &["pem", "key", "p12", "pfx", "jks", "keystore", "kdbx", "ppk"];

/// Ends of `.env` files that hold no values, only their names.
const TEMPLATES: &[&str] = &[".example", ".sample", ".template", ".dist"];

/// What is known of protected places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// The workspace, links followed.
    pub(crate) root: PathBuf,
    /// The user's home, links followed.
    pub(crate) home: Option<PathBuf>,
    /// More protected files and folders, links followed.
    pub(crate) protected: Vec<PathBuf>,
    /// Globs of more protected places.
    pub(crate) globs: Vec<PathPattern>,
}

impl Places {
    /// Where a path lies, all of its links followed.
    pub(crate) fn of(&self, real: &Path) -> Place {
        if self.is_protected(real) {
            Place::Protected
        } else if real.starts_with(&self.root) {
            Place::Inside
        } else {
            Place::Outside
        }
    }

    /// A protected place that is there, at or below a folder: of those whose names are known.
    pub(crate) fn protected_in(&self, folder: &Path) -> Option<PathBuf> {
        let home = self
            .home
            .iter()
            .flat_map(|home| FOLDERS.iter().chain(IN_HOME).map(|name| home.join(name)));
        let own = FOLDERS.iter().chain(&[".env"]).map(|name| self.root.join(name));
        let named = self.protected.iter().cloned();
        let mut all = own.chain(named).chain(home).filter(|path| path.starts_with(folder));
        all.find(|path| path.symlink_metadata().is_ok())
    }

    fn is_protected(&self, real: &Path) -> bool {
        if self.protected.iter().any(|path| real.starts_with(path)) {
            return true;
        }
        if !self.globs.is_empty() {
            let shown = below(&self.root, real);
            if self.globs.iter().any(|glob| glob.holds(&shown)) {
                return true;
            }
        }
        if let Some(home) = &self.home
            && let Ok(below) = real.strip_prefix(home)
            && IN_HOME.iter().any(|path| below.starts_with(path))
        {
            return true;
        }
        // The folders above the workspace don't count: a workspace may well stand in `~/.bottega/…`.
        let counted = real.strip_prefix(&self.root).unwrap_or(real);
        counted.components().any(|part| {
            let name = part.as_os_str().to_string_lossy().to_ascii_lowercase();
            FOLDERS.contains(&name.as_str())
        }) || counted.file_name().is_some_and(|name| holds_a_secret(&name.to_string_lossy()))
    }
}

/// Whether a file of that name holds secrets. File systems may not tell case apart, so neither does this.
fn holds_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if let Some(rest) = name.strip_prefix(".env") {
        return rest != "rc" && !TEMPLATES.contains(&rest);
    }
    FILES.contains(&name.as_str())
        || name.rsplit_once('.').is_some_and(|(_, end)| KEYS.contains(&end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(place: Place, paths: &[&str]) {
        let places = Places {
            root: "/home/u/.bottega/works/w".into(),
            home: Some("/home/u".into()),
            protected: vec!["/data/bottega".into()],
            globs: ["prod.yml", "infra/*"].map(PathPattern::new).into(),
        };
        for path in paths {
            let real = Path::new("/home/u/.bottega/works/w").join(path);
            assert_eq!(places.of(&real), place, "{path}");
        }
    }

    #[test]
    fn work_is_inside() {
        check(
            Place::Inside,
            &["", "a/b.rs", ".github/x.yml", ".gitignore", ".env.example", ".envrc", "keys.rs"],
        );
    }

    #[test]
    fn the_rest_of_the_machine_is_outside() {
        check(
            Place::Outside,
            &["/", "/etc/hosts", "/home/u/a", "/home/u/.bottega-notes", "/data/bottega2"],
        );
    }

    #[test]
    fn costly_places_are_protected() {
        check(Place::Protected, &[".git", ".git/config", "a/.GIT/hooks/x", ".bottega/config.toml"]);
        check(
            Place::Protected,
            &[".env", "a/.env.local", "tls/server.pem", "server.KEY", "id_ed25519"],
        );
        check(
            Place::Protected,
            &["/home/u/.ssh/config", "/home/u/.aws/credentials", "/home/u/.npmrc"],
        );
        check(Place::Protected, &["prod.yml", "infra/a"]);
        check(Place::Protected, &["/home/u/.cargo/credentials.toml", "/data/bottega/journal.db"]);
    }
}
