//! Commands in a cage that Linux itself holds, without root and without a helper program.
//!
//! What it is: [`LinuxSandbox`], the [`Sandbox`](bottega_tool::Sandbox) port: one spawn per command,
//! files under Landlock and mounts, system calls under seccomp, no capabilities, no new privileges, limits, a
//! clean environment, and a keeper process that lets nothing outlive the command.
//! What it is not: a shell (none is added), a container (the command sees the real paths), or a judge. The way to
//! granted hosts is another port's ([`Egress`](bottega_tool::Egress)).
//!
//! One command: spec → what holds it here (`means`) → plan (`plan`): environment (`environment`), private folders
//! (`scratch`), what is where (`looks`), paths (`grants`), what is seen of the files (`view`), Landlock ruleset (`ruleset`), seccomp
//! programs (`filter`), all before the fork → keeper, in new namespaces (`cage`, `mounts`, `network`) → command →
//! output to the sink and to a bounded excerpt (`follow`, `excerpt`) → the keeper tells the status over a line
//! (`line`), kills what is left (`keeper`, `descent`) and tells that nothing is → outcome, while the keeper ends.
//!
//! How nothing outlives a command
//! * The keeper and Bottega hold the two ends of a socket. When Bottega's end closes (the future was
//!   dropped, the time is over, Bottega was killed with SIGKILL), the keeper kills everything.
//! * Where the machine allows PID and mount namespaces (root, or unprivileged user namespaces), the keeper
//!   is process 1 of one: when it ends, the kernel kills every process in it, daemons included.
//! * Elsewhere the keeper is a child subreaper: daemons that forked twice become its children. It stops the
//!   whole tree before it kills it, so that one that forks faster than it dies finds no room under the
//!   limit on processes. Below Landlock ABI 6 a command could also kill its keeper; then the command itself
//!   dies (parent-death signal), its daemons may not.
//! * It ends when its pipes are closed and its main process is gone. What it left behind and still holds a pipe
//!   has [`Options::grace`] to finish; what holds none is killed at once.
//!
//! What the cage holds, and where
//! * Everywhere (Landlock, Linux 5.13): an allow-list of paths. The command's `HOME` is a private one.
//! * Everywhere (seccomp): no ptrace, mounts, namespaces, keys, io_uring, bpf, modules, no limits of others.
//! * Without the network granted: a network namespace with a loopback of its own, so that tests may start
//!   servers and nobody else hears them (as root one may be lent again, to one command at a time, when no socket is
//!   left in it: `network`); where there can't be one, no sockets but local ones that connect to nobody.
//! * With hosts granted: the same network namespace, with a door to the egress proxy in it, whose socket Bottega
//!   holds. Where there can't be one, Landlock ABI 4 (Linux 6.7) allows TCP to the proxy's port and nothing else;
//!   it knows no addresses, so that another machine could be reached at that port. Below, a refusal.
//! * With mount namespaces only: a command sees system folders and what it was granted, and no other file or socket
//!   by name; everything but what it may write is read-only, modes, owners and times included; `.git` (what
//!   it leads to in the workspace included) and `.bottega` of the workspace, and `.git` of its folders, are
//!   read-only, and can't be made where they are not there (`protected`, `placeholder`), as is what rules keep from a
//!   command, which is refused where there are no mounts; what they keep from being read is locked away; terminals, shared memory and
//!   other processes are its own. Sockets that lie in what it may read can be connected to, until Landlock ABI 9.
//! * Landlock ABI 6 (Linux 6.12): no signals to other programs, no abstract sockets of theirs.
//! * Processes: `RLIMIT_NPROC`, which does not bind root, and `pid_max` of the PID namespace (Linux 6.14), which
//!   does. Memory per process, and files one by one: many of either fill a machine all the same, so the machine
//!   takes a caged process first when memory runs out.
//! * Where there is no Landlock, bubblewrap builds the same view, without a way to hosts (`bubblewrap`).
//!
//! [`LinuxSandbox`] refuses caged commands where neither is there, or seccomp is missing.
//!
//! Invariants
//! * Between fork and exec nothing is allocated and no lock is taken.
//! * A caged command never runs with less of the cage than the report says.
//! * A command costs one process beside its own.

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
mod looks;
mod means;
mod mounts;
mod network;
mod options;
mod placeholder;
mod plan;
mod process;
mod protected;
mod report;
mod ruleset;
mod sandbox;
mod scratch;
mod view;

pub use options::{Landlock, Namespaces, Options};
pub use sandbox::LinuxSandbox;
