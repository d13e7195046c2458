//! An agent that can be measured: a program, and how it is set up for a scripted model.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;
use crate::binary;
use crate::home::Home;

/// How one product is run without a person. In all texts `{url}` is the server's address, `{home}` the folder that is
/// `HOME`, and `{task}` the task.
pub(crate) struct Setup {
    /// What it is called in the table.
    pub(crate) name: &'static str,
    /// Its program, as the `PATH` knows it.
    pub(crate) program: &'static str,
    /// How it tells its version.
    pub(crate) version: &'static [&'static str],
    /// Words that run one task.
    pub(crate) words: &'static [&'static str],
    /// Its environment, besides `PATH`, `HOME` and `LANG`.
    pub(crate) variables: &'static [(&'static str, &'static str)],
    /// Files below `HOME` that it needs, and what they say.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Whether its model calls tools; one that writes edits as text has no turns to be timed.
    pub(crate) calls_tools: bool,
}

/// A product that is installed here.
pub(crate) struct Agent {
    pub(crate) setup: &'static Setup,
    pub(crate) program: PathBuf,
}

impl Agent {
    pub(crate) const fn name(&self) -> &'static str {
        self.setup.name
    }

    /// The command line that tells its version.
    pub(crate) fn version(&self, home: &Home) -> Command {
        let mut command = self.command(home);
        command.args(self.setup.version);
        command
    }

    /// The command line that does one task, with its files written.
    pub(crate) fn task(&self, home: &Home, url: &str, task: &str) -> Result<Command, Failure> {
        self.words(home, url, task, self.setup.words)
    }

    /// The same with other words.
    pub(crate) fn words(
        &self,
        home: &Home,
        url: &str,
        task: &str,
        words: &[&str],
    ) -> Result<Command, Failure> {
        let person = person_of(home);
        let filled = |text: &str| {
            let text = text.replace("{url}", url).replace("{home}", &person.to_string_lossy());
            text.replace("{task}", task)
        };
        for (path, text) in self.setup.files {
            let path = person.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&person))?;
            fs::write(path, filled(text))?;
        }
        let mut command = self.command(home);
        command.args(words.iter().map(|word| filled(word)));
        command.envs(self.setup.variables.iter().map(|(name, value)| (name, filled(value))));
        Ok(command)
    }

    fn command(&self, home: &Home) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(home.workspace())
            .env_clear()
            .env("PATH", binary::search_path())
            .env("HOME", person_of(home))
            .env("BOTTEGA_HOME", home.own_files())
            .env("LANG", "C.UTF-8")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

/// The folder that is `HOME`.
fn person_of(home: &Home) -> PathBuf {
    home.workspace().with_file_name("home")
}

/// Where the `PATH` has a program of this name.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path: OsString = binary::search_path();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}
