//! A command line as data.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::workshop::CARGO_LEFTOVERS;

/// One command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    program: String,
    args: Vec<String>,
    set: Vec<(String, String)>,
    unset: Vec<String>,
    folder: Option<PathBuf>,
}

/// A stream of a running command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Step {
    /// A command line of these words, the program first.
    pub(crate) fn new(program: &str, args: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            set: Vec::new(),
            unset: Vec::new(),
            folder: None,
        }
    }

    /// A cargo command.
    pub(crate) fn cargo(args: &[&str]) -> Self {
        Self::new("cargo", args)
    }

    /// With these words at its end.
    pub(crate) fn and(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    /// With a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.set.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.unset.push(name.to_owned());
        self
    }

    /// In a folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_path_buf());
        self
    }

    /// Shows it, runs it, and fails when it does.
    pub(crate) fn run(&self) -> Result<()> {
        eprintln!("$ {self}");
        let status = self.command().status().with_context(|| self.not_started())?;
        self.judge(status)
    }

    /// Runs it unseen. Whether it succeeded.
    pub(crate) fn succeeds(&self) -> bool {
        let quiet = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet.is_ok_and(|status| status.success())
    }

    /// Runs it with standard error shown; its standard output, when it succeeds.
    pub(crate) fn capture(&self) -> Result<String> {
        let (status, output) = self.output(Stdio::inherit())?;
        self.judge(status)?;
        Ok(output)
    }

    /// Runs it unseen; how it ended and its standard output.
    pub(crate) fn outcome(&self) -> Result<(ExitStatus, String)> {
        self.output(Stdio::null())
    }

    fn output(&self, errors: Stdio) -> Result<(ExitStatus, String)> {
        let output = self.command().stderr(errors).output().with_context(|| self.not_started())?;
        Ok((output.status, String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// Shows it and runs it; each line of one stream is handed on and printed where it would have been.
    pub(crate) fn watch(&self, stream: Stream, mut seen: impl FnMut(&str)) -> Result<ExitStatus> {
        eprintln!("$ {self}");
        let mut command = self.command();
        match stream {
            Stream::Out => command.stdout(Stdio::piped()),
            Stream::Err => command.stderr(Stdio::piped()),
        };
        let mut child = command.spawn().with_context(|| self.not_started())?;
        let pipe: Box<dyn std::io::Read> = match stream {
            Stream::Out => Box::new(child.stdout.take().context("the stream is a pipe")?),
            Stream::Err => Box::new(child.stderr.take().context("the stream is a pipe")?),
        };
        for line in BufReader::new(pipe).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            seen(&line);
            match stream {
                Stream::Out => println!("{line}"),
                Stream::Err => eprintln!("{line}"),
            }
        }
        child.wait().with_context(|| format!("waiting for `{self}`"))
    }

    /// The command, with nothing to read.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null());
        for name in CARGO_LEFTOVERS.iter().copied().chain(self.unset.iter().map(String::as_str)) {
            command.env_remove(name);
        }
        command.envs(self.set.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    fn judge(&self, status: ExitStatus) -> Result<()> {
        if !status.success() {
            bail!("`{self}` ended with {status}");
        }
        Ok(())
    }

    fn not_started(&self) -> String {
        format!("`{}` can't be started", self.program)
    }
}

/// As it could be typed.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.set {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_as_it_could_be_typed() {
        let step = Step::cargo(&["test"]).and(&["-p", "it's"]).with("CI", "true");
        assert_eq!(step.to_string(), r"CI=true cargo test -p 'it'\''s'");
    }

    #[test]
    fn watching_hands_on_every_line_and_the_outcome() {
        let mut lines = Vec::new();
        let step = Step::new("sh", &["-c", "echo one; echo two; exit 3"]);
        let status = step.watch(Stream::Out, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!((lines, status.code()), (vec!["one".to_owned(), "two".to_owned()], Some(3)));
    }

    #[test]
    fn a_failure_names_the_command() {
        let error = Step::new("sh", &["-c", "exit 4"]).capture().unwrap_err();
        assert_eq!(error.to_string(), "`sh -c 'exit 4'` ended with exit status: 4");
    }
}
