//! Git, without a shell, and without what a repository could make it run.
//!
//! Commands that only look run in a cage that may write nothing, so a filter in the repository's settings could do no
//! more than they do. In access mode `full` there is no cage, for git as for every command.

use std::collections::BTreeMap;
use std::time::Duration;

use bottega_policy::{AccessMode, Need, Place, simple_commands};
use bottega_tool::{
    CommandSink, CommandSpec, Ending, Found, Guarded, StreamName, ToolContext, ToolError,
};

use crate::command::{ending, quoted};
use crate::target::Target;

/// Settings that win over those of the repository and keep git from running anything but itself.
const HARMLESS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.editor=false",
    "core.askPass=",
    "core.sshCommand=false",
    "core.quotePath=false",
    "credential.helper=",
    "protocol.allow=never",
    "diff.external=",
    "commit.gpgSign=false",
    "log.showSignature=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "status.submoduleSummary=false",
    "color.ui=false",
];

/// Options of every command that may show a difference.
pub(crate) const PLAIN_DIFF: &[&str] =
    &["--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"];

/// Git on a local repository is quick; what takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Bytes of output kept from each end.
const KEPT: usize = 1 << 20;

/// One git command: fixed words, and arguments of which none can be taken for an option.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    words: Vec<String>,
    /// Settings of this call alone, as `name=value`. Not shown.
    settings: Vec<String>,
    changes: bool,
}

impl Git {
    /// A command that only looks.
    pub(crate) fn looking(words: &[&str]) -> Self {
        Self::of(words, false)
    }

    /// A command that changes the repository.
    pub(crate) fn changing(words: &[&str]) -> Self {
        Self::of(words, true)
    }

    fn of(words: &[&str], changes: bool) -> Self {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Self { words, settings: Vec::new(), changes }
    }

    /// With more words behind.
    pub(crate) fn with(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// With `--` and these paths behind.
    pub(crate) fn about(self, paths: &[Target]) -> Self {
        self.with(["--"]).with(paths.iter().map(|path| path.asked.clone()))
    }

    /// With settings of its own.
    pub(crate) fn set(mut self, settings: Vec<String>) -> Self {
        self.settings = settings;
        self
    }

    /// As it would be typed, for people and for rules.
    pub(crate) fn line(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        format!("git {}", words.join(" "))
    }

    /// The need to run it.
    pub(crate) fn execution(&self, mode: AccessMode) -> Need {
        let line = self.line();
        let parts = simple_commands(&line).unwrap_or_default();
        Need::Execute { command: line, parts, caged: mode != AccessMode::Full }
    }

    /// What a command that changes the repository needs: it touches protected files of the workspace, for
    /// which a person is asked, except where the access mode lets every command run.
    pub(crate) fn changing_needs(
        &self,
        mode: AccessMode,
        context: &ToolContext,
    ) -> Result<Vec<Need>, ToolError> {
        let run = self.execution(mode);
        if mode == AccessMode::Full {
            return Ok(vec![run]);
        }
        let path = match context.workspace.repository() {
            Some(repository) => repository.to_string_lossy().into_owned(),
            None => Target::find(".git".to_owned(), context)?.shown().to_owned(),
        };
        Ok(vec![run, Need::Write { path, place: Place::Protected }])
    }

    /// The words that are run.
    fn argv(&self, caged: bool) -> Vec<String> {
        let mut argv = vec!["git".to_owned(), "--no-pager".to_owned()];
        argv.push("--literal-pathspecs".to_owned());
        if !self.changes {
            argv.push("--no-optional-locks".to_owned());
        }
        // In the cage it does no harm that the folder may belong to somebody else.
        let foreign = caged.then_some("safe.directory=*");
        let settings = self.settings.iter().map(String::as_str);
        for setting in HARMLESS.iter().copied().chain(foreign).chain(settings) {
            argv.extend(["-c".to_owned(), setting.to_owned()]);
        }
        argv.extend(self.words.iter().cloned());
        argv
    }

    /// What rules keep from it. A command that looks has what it shows taken out of its output; it could not compare
    /// files that it may not read.
    async fn guarded(&self, mode: AccessMode, context: &ToolContext) -> Result<Guarded, ToolError> {
        if !self.changes || mode == AccessMode::Full {
            return Ok(Guarded::default());
        }
        let mut guarded = context.workspace.guarded().await?;
        // A person was asked about that.
        let git = context.workspace.root().join(".git");
        guarded.unwritable.retain(|path| !path.starts_with(&git));
        Ok(guarded)
    }

    /// Runs it in the workspace's root.
    pub(crate) async fn run(
        &self,
        mode: AccessMode,
        context: &ToolContext,
    ) -> Result<Ran, ToolError> {
        let free = mode == AccessMode::Full;
        let root = context.workspace.root();
        // The cage keeps `.git` read-only where it is not granted by name, and what its settings and hooks are anyway.
        let elsewhere = context.workspace.repository().filter(|at| at.ends_with(".git"));
        let writable = match self.changes {
            true => [root.clone(), root.join(".git")].into_iter().chain(elsewhere).collect(),
            false => Vec::new(),
        };
        let spec = CommandSpec {
            argv: self.argv(!free),
            directory: root.clone(),
            guarded: self.guarded(mode, context).await?,
            writable,
            environment: BTreeMap::new(),
            network: free,
            hosts: Vec::new(),
            caged: !free,
            timeout: TIMEOUT,
            keep_output: KEPT,
        };
        let outcome = context.sandbox.run(&spec, &Silent).await?;
        let text = outcome.output.trim_end().to_owned();
        // Outside of a repository `git diff` is another command, which compares two files.
        let other = text.contains("usage: git diff --no-index");
        if other || text.contains("fatal: not a git repository") {
            return Err(ToolError::Refused(
                "the workspace is no git repository, or its .git lies outside of it".to_owned(),
            ));
        }
        let failed = outcome.ending != Ending::Exited(0);
        let text = if failed && text.is_empty() { ending(outcome.ending, TIMEOUT) } else { text };
        Ok(Ran { text, failed, ending: outcome.ending })
    }
}

/// What a command gave.
pub(crate) struct Ran {
    pub(crate) text: String,
    pub(crate) failed: bool,
    pub(crate) ending: Ending,
}

/// What git says is for the model; a person who watches sees the call and its outcome.
struct Silent;

impl CommandSink for Silent {
    fn output(&self, _: StreamName, _: &[u8]) {}
}

/// A revision or a range of them, if it can't be taken for anything else.
pub(crate) fn revision(text: &str) -> Result<&str, ToolError> {
    let fine = |c: char| !c.is_whitespace() && !c.is_control();
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(fine) {
        return Ok(text);
    }
    Err(ToolError::BadArguments {
        why: format!("`{text}` is no revision; write it as in HEAD~2, main..HEAD or a1b2c3d"),
    })
}

/// The name of a branch, by the rules of `git check-ref-format`.
pub(crate) fn branch(text: &str) -> Result<&str, ToolError> {
    let fine = |c: char| !c.is_whitespace() && !c.is_control() && !"~^:?*[\\".contains(c);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let good = text.chars().all(fine)
        && text.split('/').all(part)
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && !matches!(text, "@" | "HEAD");
    if good {
        Ok(text)
    } else {
        Err(ToolError::BadArguments { why: format!("`{text}` is no branch's name") })
    }
}

/// Where the paths of a call lead.
pub(crate) fn targets(paths: Vec<String>, context: &ToolContext) -> Result<Vec<Target>, ToolError> {
    let paths = paths.into_iter().filter(|path| !path.is_empty());
    paths.map(|path| Target::find(path, context)).collect()
}

/// What a command that only looks needs: to read the workspace, or the paths that it is about.
pub(crate) fn looking_needs(paths: &[Target]) -> Vec<Need> {
    if paths.is_empty() {
        return vec![Need::Read { path: ".".to_owned(), place: Place::Inside }];
    }
    paths.iter().map(Target::reading).collect()
}

/// A difference without what it says of files that are protected or that rules hold back; those that were named by the
/// call may be shown.
pub(crate) fn without_protected(text: &str, named: &[Target], context: &ToolContext) -> String {
    let mut shown = String::new();
    let mut keep = true;
    let mut withheld = 0;
    for line in text.split_inclusive('\n') {
        // What comes after a gap may be of any file until the next one begins.
        if line.starts_with("[… ") {
            shown.push_str(line);
            keep = false;
            continue;
        }
        if line.starts_with("diff --") {
            let path = path_of(line.trim_end());
            let asked = path.and_then(|path| named.iter().find(|target| target.shown() == path));
            let resolved = path.and_then(|path| context.workspace.resolve(path).ok());
            // A link may be in the way of what git compared.
            let held = [path, resolved.as_ref().map(|at| at.shown.as_str())]
                .into_iter()
                .flatten()
                .any(|path| context.workspace.held_back(path).reading);
            let free = resolved.is_some_and(|at| at.place != Place::Protected);
            keep = asked.is_some() || (free && !held);
            if !keep && held {
                withheld += 1;
            } else if !keep {
                let path = path.unwrap_or("a file with an unusual name");
                shown.push_str(&format!(
                    "[the difference of {path} is not shown: it is protected; name it in paths to ask for it]\n"
                ));
            }
        }
        if keep {
            shown.push_str(line);
        }
    }
    if withheld > 0 {
        shown.push_str(&format!(
            "\n[the differences of {withheld} files are not shown: rules of the settings hold back that they are read]\n"
        ));
    }
    shown
}

/// The path in `diff --git a/PATH b/PATH` or `diff --cc PATH`. Renames are switched off, so both are the same.
fn path_of(line: &str) -> Option<&str> {
    if let Some(path) =
        line.strip_prefix("diff --cc ").or_else(|| line.strip_prefix("diff --combined "))
    {
        return Some(path);
    }
    let both = line.strip_prefix("diff --git a/")?;
    let length = both.len().checked_sub(" b/".len())? / 2;
    let (old, new) = (both.get(..length)?, both.get(length..)?.strip_prefix(" b/")?);
    (old == new).then_some(old)
}

/// The folder in which the repository keeps its own files.
pub(crate) fn folder(context: &ToolContext) -> String {
    let place = context.workspace.repository();
    place.map_or_else(|| ".git".to_owned(), |place| place.to_string_lossy().into_owned())
}

/// Settings that say who commits. In the cage the user's home is another, so what stands in the user's own
/// settings is handed over, where the repository doesn't say.
pub(crate) async fn identity(context: &ToolContext) -> Vec<String> {
    let read = async |path: &str| match context.workspace.read(path).await {
        Ok(Found::Text(content)) => user(&content.text),
        Ok(Found::Binary { .. }) | Err(_) => [None, None],
    };
    let own = format!("{}/config", folder(context));
    let (own, general) = (read(&own).await, read(USER_SETTINGS).await);
    let names = ["user.name", "user.email"].into_iter();
    names
        .zip(own.iter().zip(general))
        .filter_map(|(name, (own, general))| match (own, general) {
            (None, Some(value)) => Some(format!("{name}={value}")),
            (Some(_), _) | (None, None) => None,
        })
        .collect()
}

/// The user's own settings of git.
pub(crate) const USER_SETTINGS: &str = "~/.gitconfig";

/// Name and address in the section `user` of git's settings.
fn user(text: &str) -> [Option<String>; 2] {
    let mut found = [None, None];
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.eq_ignore_ascii_case("[user]");
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| inside) else { continue };
        let place = match key.trim().to_ascii_lowercase().as_str() {
            "name" => 0,
            "email" => 1,
            _ => continue,
        };
        let value = value.trim().trim_matches('"').trim();
        found[place] = (!value.is_empty()).then(|| value.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_harmless_and_shows_as_typed() {
        let git = Git::looking(&["log", "-n", "5"]).with(["a b"]);
        assert_eq!(git.line(), "git log -n 5 'a b'");
        let argv = git.argv(true).join(" ");
        assert!(argv.starts_with("git --no-pager --literal-pathspecs --no-optional-locks -c"));
        for setting in ["core.hooksPath=/dev/null", "core.fsmonitor=false", "diff.external="] {
            assert!(argv.contains(setting), "{argv}");
        }
        assert!(argv.contains("safe.directory=*") && argv.ends_with("log -n 5 a b"), "{argv}");
        assert!(!git.argv(false).join(" ").contains("safe.directory"));
    }

    #[test]
    fn a_revision_is_no_option() {
        for good in ["HEAD~2", "main..HEAD", "a1b2^!", "v1.0", "stash@{0}"] {
            assert!(revision(good).is_ok(), "{good}");
        }
        for bad in ["", "-p", "--output=/etc/x", "a b", "a\nb"] {
            assert!(revision(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_branch_has_a_name_that_git_takes() {
        for good in ["main", "feature/x-1", "naïve"] {
            assert!(branch(good).is_ok(), "{good}");
        }
        for bad in
            ["", "-d", "a b", "a..b", "a/", "/a", ".a", "a.lock", "a~1", "HEAD", "a@{1}", "a."]
        {
            assert!(branch(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_header_of_a_difference_names_its_file() {
        assert_eq!(path_of("diff --git a/src/a.rs b/src/a.rs"), Some("src/a.rs"));
        assert_eq!(path_of("diff --git a/a b/c b/a b/c"), Some("a b/c"));
        assert_eq!(path_of("diff --cc x y"), Some("x y"));
        assert_eq!(path_of("diff --git \"a/\\t\" \"b/\\t\""), None);
    }

    #[test]
    fn who_commits_is_read_from_the_settings() {
        let text = "[core]\nname = no\n[user]\n\tname = \"Ada L\"\n\temail = ada@example.org\n[x \"user\"]\nname = z";
        assert_eq!(user(text), [Some("Ada L".to_owned()), Some("ada@example.org".to_owned())]);
        assert_eq!(user("[User]\nemail=\n"), [None, None]);
    }
}
