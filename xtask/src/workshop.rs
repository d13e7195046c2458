//! Where things are: the checkout, the build folder, the cache. The one reader of the environment here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where things are, and in what surroundings the verbs run.
#[derive(Clone, Debug)]
pub(crate) struct Workshop {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// What can be fetched again.
    pub(crate) cache: PathBuf,
    /// Whether nobody watches: `CI` is set.
    pub(crate) ci: bool,
    /// A test model that was named from outside.
    pub(crate) test_model: Option<PathBuf>,
    /// Where `libclang` is, when that was said from outside.
    pub(crate) libclang: Option<PathBuf>,
    /// Folders with programs.
    pub(crate) path: Vec<PathBuf>,
}

impl Workshop {
    /// Looks around.
    pub(crate) fn find() -> Result<Self> {
        let manifest = variable("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().context("xtask lies in a checkout")?.to_path_buf();
        let target = folder("CARGO_TARGET_DIR").unwrap_or_else(|| root.join("target"));
        Ok(Self {
            target: root.join(target),
            cache: cache(
                folder("BOTTEGA_HOME").as_deref(),
                folder("XDG_CACHE_HOME").as_deref(),
                folder("HOME").as_deref(),
            )
            .context("none of BOTTEGA_HOME, XDG_CACHE_HOME and HOME is set; set one")?,
            ci: variable("CI").is_some_and(|value| value != "false"),
            test_model: folder("BOTTEGA_TEST_MODEL"),
            libclang: folder("LIBCLANG_PATH"),
            path: variable("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            root,
        })
    }

    /// Whether a program can be called.
    pub(crate) fn has(&self, program: &str) -> bool {
        self.path.iter().any(|folder| folder.join(program).is_file())
    }
}

/// The folder that Bottega's own rules give its cache.
fn cache(bottega: Option<&Path>, xdg: Option<&Path>, home: Option<&Path>) -> Option<PathBuf> {
    bottega
        .map(|all| all.join("cache"))
        .or_else(|| xdg.map(|base| base.join("bottega")))
        .or_else(|| home.map(|home| home.join(".cache/bottega")))
}

fn folder(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "xtask stands outside the product and its settings")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// What `cargo run` sets for the program it starts. Handed on, these would make build scripts that
/// watch them run again each time a verb and a plain cargo command take turns.
pub(crate) const CARGO_LEFTOVERS: &[&str] = &[
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_follows_the_most_special_variable() {
        let (bottega, xdg, home) = (Path::new("/b"), Path::new("/x"), Path::new("/h"));
        assert_eq!(cache(Some(bottega), Some(xdg), Some(home)), Some("/b/cache".into()));
        assert_eq!(cache(None, Some(xdg), Some(home)), Some("/x/bottega".into()));
        assert_eq!(cache(None, None, Some(home)), Some("/h/.cache/bottega".into()));
        assert_eq!(cache(None, None, None), None);
    }
}
