//! Every path that Bottega uses.

use std::path::{Path, PathBuf};

use crate::Environment;
use crate::atomic_file::{Privacy, make_folder};

/// Every path that Bottega uses. Computing one creates nothing.
///
/// `BOTTEGA_HOME` puts all folders below one; otherwise they follow the XDG base directory
/// specification 0.8 (relative paths in its variables are passed over, as it says).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The machine's settings. The same for every user, whatever `BOTTEGA_HOME` says.
    pub system_settings: PathBuf,
    /// The person's home folder, where it is known; what `~/` in a setting stands for.
    pub home: Option<PathBuf>,
    /// Settings written by the person.
    pub config: PathBuf,
    /// What must not be lost: journal, blobs, models, secrets.
    pub data: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
    /// What is kept between runs and may be lost: trust, history, logs.
    pub state: PathBuf,
    /// The folders in which hosted agents work, one each. Not among the data: no agent reaches into that.
    pub agents: PathBuf,
}

/// Nothing says where files belong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHome {
    /// Neither variable is set to a path that can be used.
    #[error("neither BOTTEGA_HOME nor HOME is set to an absolute path")]
    Unset,
    /// `BOTTEGA_HOME` depends on the present folder: each folder would have a journal of its own.
    #[error("BOTTEGA_HOME is `{path}`, which is not an absolute path")]
    Relative {
        /// As it was written.
        path: String,
    },
}

impl NoHome {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Unset => "set BOTTEGA_HOME to the folder that Bottega may use".to_owned(),
            Self::Relative { path } => {
                let path = path.trim_start_matches("./");
                format!("write it from the root, as in BOTTEGA_HOME=\"$PWD/{path}\"")
            }
        }
    }
}

impl Places {
    /// Finds the places.
    ///
    /// # Errors
    /// [`NoHome`] when `BOTTEGA_HOME` is a relative path, or when neither it nor `HOME` is set to an absolute
    /// one and an XDG variable is missing.
    pub fn find(environment: &Environment) -> Result<Self, NoHome> {
        let absolute =
            |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        if let Some(path) = environment.get("BOTTEGA_HOME") {
            let all = absolute("BOTTEGA_HOME")
                .ok_or_else(|| NoHome::Relative { path: path.to_owned() })?;
            return Ok(Self { home, ..Self::below(&all) });
        }
        let base = |variable: &str, usual: &str| {
            let base = absolute(variable).or_else(|| Some(home.as_ref()?.join(usual)));
            base.ok_or(NoHome::Unset)
        };
        let place = |variable: &str, usual: &str| Ok(base(variable, usual)?.join("bottega"));
        Ok(Self {
            system_settings: SYSTEM_SETTINGS.into(),
            config: place("XDG_CONFIG_HOME", ".config")?,
            data: place("XDG_DATA_HOME", ".local/share")?,
            cache: place("XDG_CACHE_HOME", ".cache")?,
            state: place("XDG_STATE_HOME", ".local/state")?,
            agents: base("XDG_DATA_HOME", ".local/share")?.join("bottega-agents"),
            home,
        })
    }

    /// Everything below one folder, as `BOTTEGA_HOME` does it.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        Self {
            system_settings: SYSTEM_SETTINGS.into(),
            home: None,
            config: folder.join("config"),
            data: folder.join("data"),
            cache: folder.join("cache"),
            state: folder.join("state"),
            agents: folder.join("agents"),
        }
    }

    /// Creates the folders for data, cache and state, new ones readable by their owner only: the journal
    /// holds all that was said and done.
    ///
    /// # Errors
    /// When one can't be created.
    pub fn create(&self) -> std::io::Result<()> {
        [&self.data, &self.cache, &self.state]
            .into_iter()
            .try_for_each(|folder| make_folder(folder, Privacy::Owner))
    }

    /// The person's settings.
    #[must_use]
    pub fn user_settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The settings that a project carries.
    #[must_use]
    pub fn project_settings(workspace: &Path) -> PathBuf {
        workspace.join(".bottega/config.toml")
    }

    /// The person's own settings for one project.
    #[must_use]
    pub fn local_settings(workspace: &Path) -> PathBuf {
        workspace.join(".bottega/config.local.toml")
    }

    /// The journal's database.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.data.join("journal.db")
    }

    /// The folder of content-addressed blobs.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.data.join("blobs")
    }

    /// The folder of local models, unless `local_model.folder` names another.
    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.data.join("models")
    }

    /// The encrypted secrets.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.data.join("secrets.age")
    }

    /// The identity that opens the encrypted secrets.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.data.join("identity.txt")
    }

    /// The token that lets clients into this user's server.
    #[must_use]
    pub fn server_token(&self) -> PathBuf {
        self.data.join("server-token")
    }

    /// Where this user's server listens, while it does.
    #[must_use]
    pub fn server_address(&self) -> PathBuf {
        self.state.join("server-address")
    }

    /// The folder of tools that were added.
    #[must_use]
    pub fn tools(&self) -> PathBuf {
        self.data.join("tools")
    }

    /// The folder of compiled WASM modules.
    #[must_use]
    pub fn compiled(&self) -> PathBuf {
        self.cache.join("compiled")
    }

    /// The folders that were trusted.
    #[must_use]
    pub fn trust(&self) -> PathBuf {
        self.state.join("trust.json")
    }

    /// What was typed in `bottega chat`.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.state.join("history")
    }

    /// The folder of log files.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// `text` as a path, with a leading `~/` replaced by the home folder where that is known.
    #[must_use]
    pub fn expand(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            (_, _) => text.into(),
        }
    }
}

const SYSTEM_SETTINGS: &str = "/etc/bottega/config.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Result<[&str; 5], NoHome>) {
        let found = Places::find(&variables.iter().copied().collect());
        let folders = found.map(|p| [p.config, p.data, p.cache, p.state, p.agents]);
        assert_eq!(folders, expected.map(|paths| paths.map(PathBuf::from)));
    }

    #[test]
    fn one_variable_moves_everything() {
        check(
            &[("BOTTEGA_HOME", "/b"), ("HOME", "/h"), ("XDG_DATA_HOME", "/x")],
            Ok(["/b/config", "/b/data", "/b/cache", "/b/state", "/b/agents"]),
        );
        let relative = NoHome::Relative { path: "./here".to_owned() };
        assert_eq!(relative.to_string(), "BOTTEGA_HOME is `./here`, which is not an absolute path");
        assert_eq!(
            relative.next_step(),
            "write it from the root, as in BOTTEGA_HOME=\"$PWD/here\""
        );
        check(&[("BOTTEGA_HOME", "./here"), ("HOME", "/h")], Err(relative));
    }

    #[test]
    fn otherwise_the_base_directories_hold() {
        check(
            &[("HOME", "/h")],
            Ok([
                "/h/.config/bottega",
                "/h/.local/share/bottega",
                "/h/.cache/bottega",
                "/h/.local/state/bottega",
                "/h/.local/share/bottega-agents",
            ]),
        );
        check(
            &[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_CACHE_HOME", "relative")],
            Ok([
                "/c/bottega",
                "/h/.local/share/bottega",
                "/h/.cache/bottega",
                "/h/.local/state/bottega",
                "/h/.local/share/bottega-agents",
            ]),
        );
        check(&[], Err(NoHome::Unset));
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let places = Places::find(&Environment::from_iter([("HOME", "/h")])).unwrap();
        assert_eq!(places.expand("~/models"), Path::new("/h/models"));
        assert_eq!(places.expand("/srv/~/x"), Path::new("/srv/~/x"));
    }
}
