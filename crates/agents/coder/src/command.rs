//! Commands of this agent's tools: what they need, and how they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bottega_policy::egress::{HostRule, NotAHostRule};
use bottega_policy::{AccessMode, Need, simple_commands};
use bottega_tool::{CommandOutcome, CommandSpec, Ending, SandboxError, ToolContext, ToolError};

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

    /// That, and the hosts that it is to reach from inside the cage; outside of it nothing holds it.
    pub(crate) fn needs(&self, mode: AccessMode) -> Vec<Need> {
        let caged = self.hosts.iter().filter(|_| mode != AccessMode::Full);
        let hosts = caged.map(|host| Need::Network { host: host.to_string() });
        std::iter::once(self.need(mode)).chain(hosts).collect()
    }

    /// Runs it in the workspace's root, in the cage of the mode that it was judged under.
    pub(crate) async fn run(
        &self,
        mode: AccessMode,
        context: &ToolContext,
    ) -> Result<CommandOutcome, SandboxError> {
        let sink = Arc::clone(&context.sink);
        context.sandbox.run(&self.spec(mode, context), &*sink).await
    }

    /// What the sandbox is told of it.
    pub(crate) fn spec(&self, mode: AccessMode, context: &ToolContext) -> CommandSpec {
        let free = mode == AccessMode::Full;
        let root = context.workspace.root();
        CommandSpec {
            // No login shell: the user's start files are not read.
            argv: [context.sandbox.shell(), "-c", &self.line].map(str::to_owned).to_vec(),
            directory: root.clone(),
            writable: vec![root],
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
        }
    }
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
