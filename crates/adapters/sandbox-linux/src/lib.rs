//! Commands in a cage that Linux itself holds, without root and without a helper program.
//!
//! What it is: [`LinuxSandbox`], the [`Sandbox`](bottega_tool::Sandbox) port: one spawn per command,
//! files under Landlock, system calls under seccomp, no capabilities, no new privileges, limits, a clean
//! environment, and a keeper process that lets nothing outlive the command.
//! What it is not: a shell (none is added), a container (the command sees the real paths), or a judge.
//!
//! One command: spec → environment (`environment`) → private folders (`scratch`) → paths (`grants`) →
//! Landlock ruleset (`ruleset`) and seccomp programs (`filter`), all built before the fork → fork:
//! watcher → keeper → command (`cage`) → output to the sink and to a bounded excerpt (`excerpt`) →
//! the keeper kills what is left and reports the status → outcome.
//!
//! How nothing outlives a command
//! * The keeper and Bottega hold the two ends of a socket. When Bottega's end closes (the future was
//!   dropped, the time is over, Bottega was killed with SIGKILL), the keeper kills everything.
//! * Where the machine allows PID and mount namespaces (root, or unprivileged user namespaces), the keeper
//!   is process 1 of one: when it ends, the kernel kills every process in it, daemons included.
//! * Elsewhere the keeper is a child subreaper: daemons that forked twice become its children, and it
//!   kills its children until it has none. A command that creates processes faster than they can be
//!   killed could outrun that; the limit on processes bounds it. Below Landlock ABI 6 a command could also
//!   kill its keeper; then the command itself dies (parent-death signal), its daemons may not.
//! * When the main process ends, what it left behind has [`Options::grace`] to finish before it is killed.
//!
//! What the cage holds, and where
//! * Everywhere (Landlock, Linux 5.13): an allow-list of paths. The command's `HOME` is a private one.
//! * Everywhere (seccomp): no ptrace, mounts, namespaces, keys, io_uring, bpf, modules.
//! * Without the network granted: a network namespace with a loopback of its own, so that tests may start
//!   servers and nobody else hears them; where there can't be one, no sockets but local ones.
//! * With namespaces only: other processes are invisible, `.git/config`, `.git/hooks` and `.bottega` of the
//!   workspace are read-only if they are there, and the sockets of other programs below `/run` are hidden.
//!   Elsewhere a command without the network can't connect a socket at all.
//! * Landlock ABI 6 (Linux 6.12): no signals to other programs, no abstract sockets of theirs.
//!
//! [`LinuxSandbox`] refuses caged commands where Landlock or seccomp is missing.
//!
//! Invariants
//! * Between fork and exec nothing is allocated and no lock is taken.
//! * A caged command never runs with less of the cage than the report says.

mod bubblewrap;
mod cage;
mod descent;
mod environment;
mod excerpt;
mod filter;
mod follow;
mod grants;
mod keeper;
mod kernel;
mod line;
mod means;
mod mounts;
mod network;
mod options;
mod plan;
mod process;
mod report;
mod ruleset;
mod sandbox;
mod scratch;
mod view;

pub use options::{Landlock, Namespaces, Options};
pub use sandbox::LinuxSandbox;
