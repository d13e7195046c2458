//! A home of its own for one scenario: files, a workspace, and nothing else of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::binary;
use crate::live::{Finished, Live};
use crate::person::Person;
use crate::provider::Provider;

/// A person's home with a workspace in it; gone when dropped.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// A home in which Bottega was never used, and a workspace of two files.
    pub(crate) fn new() -> Self {
        let home = Self { folder: TempDir::new().unwrap() };
        for folder in ["home", "bottega", "workspace/.git"] {
            fs::create_dir_all(home.folder.path().join(folder)).unwrap();
        }
        home.write("greeting.txt", "Hello, world.\nHow are you?\n");
        home.write("src/sum.py", "def sum(a, b):\n    return a - b\n");
        home
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// The folder that `BOTTEGA_HOME` names.
    pub(crate) fn own_files(&self) -> PathBuf {
        self.folder.path().join("bottega")
    }

    /// The journal's database.
    pub(crate) fn journal(&self) -> PathBuf {
        self.own_files().join("data/journal.db")
    }

    /// Writes a file of the workspace.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.workspace().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the workspace.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.workspace().join(path)).unwrap()
    }

    /// Writes the user's settings.
    pub(crate) fn settings(&self, toml: &str) {
        let folder = self.own_files().join("config");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.toml"), toml).unwrap();
    }

    /// Every file of the workspace, with its bytes.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files_below(&self.workspace())
    }

    /// A command line of `bottega`, to be run in the workspace.
    pub(crate) fn bottega(&self, words: &[&str]) -> CommandLine {
        let mut command = Command::new(binary::bottega());
        command
            .args(words)
            .current_dir(self.workspace())
            .env_clear()
            .env("PATH", binary::search_path())
            .env("HOME", self.folder.path().join("home"))
            .env("BOTTEGA_HOME", self.own_files())
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        CommandLine { command, typed: None }
    }

    /// A run of the agent with everything allowed that stays in the workspace.
    pub(crate) fn run(&self, provider: &Provider<'_>, words: &[&str]) -> CommandLine {
        let all = [&["run", "--access-mode", "auto", "--model", provider.model()], words].concat();
        self.bottega(&all).with(provider)
    }

    /// Goes on with the last session.
    pub(crate) fn resume(&self, provider: &Provider<'_>, words: &[&str]) -> CommandLine {
        self.bottega(&[&["resume", "last"], words].concat()).with(provider)
    }

    /// What a command shows as JSON.
    pub(crate) fn view(&self, words: &[&str]) -> Value {
        let shown = self.bottega(&[words, &["--json"]].concat()).finish().done();
        serde_json::from_str(&shown.stdout).unwrap()
    }

    /// The journal's records, each parsed.
    pub(crate) fn records(&self) -> Vec<Value> {
        let exported = self.bottega(&["audit", "export"]).finish().done();
        exported.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Checks that the journal's chain holds.
    #[track_caller]
    pub(crate) fn audit(&self) {
        self.bottega(&["audit", "verify"]).finish().done();
    }
}

/// Every file below, with its bytes.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            files.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// A command line that is about to be run.
pub(crate) struct CommandLine {
    command: Command,
    typed: Option<Vec<u8>>,
}

impl CommandLine {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With the variables by which the official clients find this provider.
    pub(crate) fn with(mut self, provider: &Provider<'_>) -> Self {
        for (name, value) in provider.variables() {
            self.command.env(name, value);
        }
        self
    }

    /// With this text on standard input, which then ends.
    pub(crate) fn typed(mut self, text: &str) -> Self {
        self.command.stdin(Stdio::piped());
        self.typed = Some(text.as_bytes().to_vec());
        self
    }

    /// With a standard input that is open and silent for as long as the command lives.
    pub(crate) fn silent_input(mut self) -> Self {
        self.command.stdin(Stdio::piped());
        self
    }

    /// The same, run by another program that takes it as its last words.
    pub(crate) fn by(self, program: &str, words: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(words).arg(self.command.get_program()).args(self.command.get_args());
        command.env_clear().stdin(Stdio::null());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.command.get_current_dir().unwrap());
        Self { command, typed: self.typed }
    }

    /// At a terminal of its own, with a person before it.
    pub(crate) fn at_a_terminal(self) -> Person {
        // It makes the terminal the one that controls the command: Ctrl-C and its end are signals.
        Person::before(self.by("setsid", &["--ctty"]).command)
    }

    /// At a terminal that tells nobody when it goes.
    pub(crate) fn at_a_silent_terminal(self) -> Person {
        Person::before(self.by("setsid", &[]).command)
    }

    /// With this in place of the pipe that standard output goes into.
    pub(crate) fn into(mut self, out: impl Into<Stdio>) -> Finished {
        let output = self.command.stdout(out).output().unwrap();
        Finished {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::new(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// With this in place of the pipe that standard error goes into.
    pub(crate) fn errors_into(mut self, err: impl Into<Stdio>) -> Finished {
        let output = self.command.stderr(err).output().unwrap();
        Finished {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::new(),
        }
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Live {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Live::new(self.command.spawn().unwrap(), self.typed)
    }

    /// Runs it to its end.
    pub(crate) fn finish(self) -> Finished {
        self.start().finish()
    }
}
