//! Commands of this agent's tools: what they need, and how they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bottega_policy::egress::{HostRule, NotAHostRule};
use bottega_policy::{
    AccessMode, NamedPath, Need, Place, fetched_hosts, named_paths, simple_commands,
};
use bottega_tool::{
    CommandOutcome, CommandSpec, Ending, Guarded, Resolved, ToolContext, ToolError,
};

/// Bytes of output kept from each end of a command's output; the rest is lost for good.
const KEPT: usize = 4 << 20;

/// One line for a shell, with the time it may take.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) line: String,
    pub(crate) timeout: Duration,
    /// What it may reach of the network.
    pub(crate) hosts: Vec<HostRule>,
    pub(crate) environment: &'static [(&'static str, &'static str)],
}

impl Command {
    /// A command as a model writes it, with the hosts that it is to reach.
    pub(crate) fn read(
        line: String,
        timeout: Duration,
        hosts: &[String],
    ) -> Result<Self, ToolError> {
        let bad = |why: String| ToolError::BadArguments { why };
        if line.trim().is_empty() {
            return Err(bad("command is empty".to_owned()));
        }
        if line.contains('\0') {
            return Err(bad("command has a NUL character".to_owned()));
        }
        let hosts: Result<_, NotAHostRule> = hosts.iter().map(|host| host.parse()).collect();
        let hosts = hosts.map_err(|error| bad(error.to_string()))?;
        Ok(Self { line, timeout, hosts, environment: &[] })
    }

    /// What it needs in this access mode. Only `full` runs it outside the cage.
    pub(crate) fn need(&self, mode: AccessMode) -> Need {
        Need::Execute {
            command: self.line.clone(),
            parts: simple_commands(&self.line).unwrap_or_default(),
            caged: mode != AccessMode::Full,
        }
    }

    /// That, and the hosts that it is to reach from inside the cage; outside of it nothing holds it, so that there it
    /// needs the files that its line names, where they are protected or rules speak of them.
    pub(crate) fn needs(&self, mode: AccessMode, context: &ToolContext) -> Vec<Need> {
        let mut needs = vec![self.need(mode)];
        let held = |named: &NamedPath| held(named, mode == AccessMode::Full, context);
        needs.extend(named_paths(&self.line).iter().flat_map(held));
        let hosts = match mode {
            // Rules about hosts hold what the line plainly reaches.
            AccessMode::Full => fetched_hosts(&self.line),
            AccessMode::ReadOnly | AccessMode::Ask | AccessMode::Auto => {
                self.hosts.iter().map(ToString::to_string).collect()
            }
        };
        needs.extend(hosts.into_iter().map(|host| Need::Network { host }));
        needs
    }

    /// Where its output comes from, beside the hosts that it asks for: files outside the workspace that its line names,
    /// and outside the cage the hosts that it plainly fetches from.
    pub(crate) fn sources(&self, mode: AccessMode, context: &ToolContext) -> Vec<Need> {
        let outside = |named: &NamedPath| {
            let Resolved { shown: path, place, there, .. } =
                context.workspace.resolve(&named.path).ok()?;
            // What only looks like a path, as a pattern may, names nothing.
            // A sign alone is most often a separator.
            let sign = named.path == "/";
            let text =
                there && !sign && named.read && place == Place::Outside && !of_the_system(&path);
            text.then_some(Need::Read { path, place })
        };
        let mut sources: Vec<Need> = named_paths(&self.line).iter().filter_map(outside).collect();
        if mode == AccessMode::Full {
            let hosts = fetched_hosts(&self.line);
            sources.extend(hosts.into_iter().map(|host| Need::Network { host }));
        }
        sources
    }

    /// Runs it in the workspace's root, in the cage of the mode that it was judged under.
    pub(crate) async fn run(
        &self,
        mode: AccessMode,
        context: &ToolContext,
    ) -> Result<CommandOutcome, ToolError> {
        let sink = Arc::clone(&context.sink);
        Ok(context.sandbox.run(&self.spec(mode, context).await?, &*sink).await?)
    }

    /// What the sandbox is told of it.
    pub(crate) async fn spec(
        &self,
        mode: AccessMode,
        context: &ToolContext,
    ) -> Result<CommandSpec, ToolError> {
        let free = mode == AccessMode::Full;
        let root = context.workspace.root();
        let guarded = if free { Guarded::default() } else { context.workspace.guarded().await? };
        Ok(CommandSpec {
            // No login shell: the user's start files are not read.
            argv: [context.sandbox.shell(), "-c", &self.line].map(str::to_owned).to_vec(),
            directory: root.clone(),
            writable: vec![root],
            guarded,
            environment: self
                .environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            network: free,
            hosts: if free { Vec::new() } else { self.hosts.clone() },
            caged: !free,
            timeout: self.timeout,
            keep_output: KEPT,
        })
    }
}

/// Folders of programs and devices: what is named in them is run or thrown away, not read.
const SYSTEM: &[&str] =
    &["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/dev/", "/proc/", "/sys/"];

fn of_the_system(path: &str) -> bool {
    SYSTEM.iter().any(|folder| path.starts_with(folder) || path == folder.trim_end_matches('/'))
}

/// What a command needs for a path that it names. In the cage (`free` is false) rules hold by themselves, and what lies
/// elsewhere can't be reached: there it needs a word for protected files of the workspace alone.
fn held(named: &NamedPath, free: bool, context: &ToolContext) -> Vec<Need> {
    let Ok(Resolved { shown: path, place, there, .. }) = context.workspace.resolve(&named.path)
    else {
        return Vec::new();
    };
    if named.maybe && !there {
        return Vec::new();
    }
    let held = context.workspace.held_back(&path);
    let protected = place == Place::Protected;
    if !free && (!protected || path.starts_with(['/', '~'])) {
        return Vec::new();
    }
    let mut needs = Vec::new();
    if named.whole && free && !protected {
        needs.extend(held_in(&named.path, context));
    }
    let secret = protected && !is_of_git(&path);
    if named.read && (held.reading || (secret && !named.written)) {
        needs.push(Need::Read { path: path.clone(), place });
    }
    if named.written && (held.changing || protected) {
        needs.push(Need::Write { path, place });
    }
    needs
}

/// Whether it is a repository's own file: protected from change, and no secret but for its settings, which may hold a
/// password.
fn is_of_git(path: &str) -> bool {
    path.split('/').any(|part| part == ".git") && !path.ends_with("/config")
}

/// What a command needs that changes all that is in a folder.
fn held_in(folder: &str, context: &ToolContext) -> Vec<Need> {
    let Ok(folder) = context.workspace.resolve(folder) else { return Vec::new() };
    let inner = context.workspace.protected_in(&folder.real);
    inner.map(|path| Need::Write { path, place: Place::Protected }).into_iter().collect()
}

/// `exit code 1`, `killed by signal 9`, `timed out after 120 s`.
pub(crate) fn ending(ending: Ending, timeout: Duration) -> String {
    match ending {
        Ending::Exited(code) => format!("exit code {code}"),
        Ending::Signalled(signal) => format!("killed by signal {signal}"),
        Ending::TimedOut => format!("timed out after {} s and was killed", timeout.as_secs()),
    }
}

/// The status of a command that returned one.
pub(crate) const fn status(ending: Ending) -> Option<i32> {
    match ending {
        Ending::Exited(code) => Some(code),
        Ending::Signalled(_) | Ending::TimedOut => None,
    }
}

/// `argument` as one word of a shell line.
pub(crate) fn quoted(argument: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,+@%".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}
