//! What the cage on this machine can do.

use bottega_tool::CageReport;

use crate::cage::Containment;
use crate::kernel::{self, has_seccomp, landlock_version};
use crate::means::Means;
use crate::options::Options;

/// What is missing to hold a command to granted hosts.
pub(crate) fn no_way_to_hosts(
    options: &Options,
    containment: Containment,
    means: &Means,
) -> Option<String> {
    if options.egress.is_none() {
        return Some("an egress proxy".to_owned());
    }
    if matches!(means, Means::Bubblewrap(_)) {
        return Some("Landlock, since bubblewrap has no way to an egress proxy".to_owned());
    }
    (!containment.has_network() && landlock_version() < 4).then(|| {
        "a network namespace or Landlock ABI 4 (Linux 6.7), to hold a command to the hosts that it was granted"
            .to_owned()
    })
}

/// Whether something bounds the number of processes, and what.
fn processes(options: &Options, containment: Containment) -> Result<String, String> {
    match (containment, options.processes) {
        (_, None) => Err("no limit is set".to_owned()),
        (Containment::Namespaces { .. }, Some(most)) if kernel::version() >= (6, 14) => {
            Ok(format!("{most}, by a PID namespace"))
        }
        (_, Some(_)) if kernel::is_root() => Err(
            "root is bound by no limit before Linux 6.14 or without a PID namespace: run as an ordinary user"
                .to_owned(),
        ),
        (_, Some(most)) => Ok(format!("{most}")),
    }
}

/// Granted hosts and how a command is held to them.
fn hosts(options: &Options, containment: Containment, means: &Means) -> Result<String, String> {
    match no_way_to_hosts(options, containment, means) {
        Some(missing) => Err(format!("needs {missing}")),
        None if containment.has_network() => {
            Ok("egress proxy in a network of its own".to_owned())
        }
        None => Err(
            "held to the port of the egress proxy by Landlock; needs a network namespace to be held to its address"
                .to_owned(),
        ),
    }
}

/// The report where bubblewrap builds the cage.
fn wrapped(options: &Options, means: &Means) -> CageReport {
    let by = |what: &str| Ok(format!("bubblewrap: {what}"));
    let features = [
        ("files", by("mounts; nothing is held by Landlock")),
        ("network: all sockets", by("a network of its own")),
        ("network: granted hosts", hosts(options, Containment::Subreaper, means)),
        ("system calls", Ok("seccomp".to_owned())),
        ("privileges", by("no new ones, no capabilities")),
        ("processes are bounded", processes(options, Containment::Subreaper)),
        ("nothing outlives a command", by("a PID namespace, under a keeper")),
        ("other processes are invisible", by("a PID namespace")),
        (
            "repositories and project settings are read-only",
            by("mounts; not a `.git` that is a link"),
        ),
        ("modes, owners and times of other files can't be changed", by("mounts")),
        ("terminals and shared memory of other programs are hidden", by("devices of its own")),
        ("sockets of other programs are hidden", by("mounts")),
    ];
    CageReport {
        features: features.into_iter().map(|(name, state)| (name.to_owned(), state)).collect(),
        holds: true,
    }
}

/// The report for `doctor`. `refused` says why namespaces are not used, where they are not.
pub(crate) fn report(
    options: &Options,
    containment: Containment,
    refused: Option<&str>,
    means: &Result<Means, String>,
) -> CageReport {
    if let Ok(means @ Means::Bubblewrap(_)) = means {
        return wrapped(options, means);
    }
    let version = landlock_version();
    let since = |needed: i32, what: &str, release: &str| {
        if version >= needed {
            Ok(what.to_owned())
        } else {
            Err(format!("needs Landlock ABI {needed} (Linux {release}); this kernel has {version}"))
        }
    };
    let seccomp = |what: &str| {
        if has_seccomp() {
            Ok(what.to_owned())
        } else {
            Err("the kernel has no seccomp filters".to_owned())
        }
    };
    let namespaces = |what: &str| match (containment, refused) {
        (Containment::Namespaces { .. }, _) => Ok(what.to_owned()),
        (Containment::Subreaper, why) => {
            Err(format!("needs PID and mount namespaces: {}", why.unwrap_or("not allowed here")))
        }
    };
    let kept = match containment {
        Containment::Namespaces { user: false, .. } => "by a PID namespace, as root",
        Containment::Namespaces { user: true, .. } => "by a PID namespace of a user namespace",
        Containment::Subreaper => "by a keeper that adopts daemons",
    };
    let loopback = match containment {
        Containment::Namespaces { loopback: true, .. } => Ok("network namespace".to_owned()),
        Containment::Namespaces { loopback: false, .. } | Containment::Subreaper => {
            Err("needs a network namespace; without the network, tests can't start servers"
                .to_owned())
        }
    };
    let files = means.clone().map(|_| format!("Landlock ABI {version}"));
    let features = [
        ("files", files.map_err(|missing| format!("needs {missing}"))),
        ("renames between folders", since(2, "Landlock", "5.19")),
        ("truncation", since(3, "Landlock", "6.2")),
        ("network: TCP", since(4, "Landlock and seccomp", "6.7")),
        ("network: all sockets", seccomp("seccomp")),
        ("network: a loopback of its own", loopback),
        ("network: granted hosts", hosts(options, containment, &Means::Landlock)),
        ("device controls", since(5, "Landlock", "6.10")),
        ("signals and abstract sockets", since(6, "Landlock", "6.12")),
        ("system calls", seccomp("seccomp")),
        ("privileges", Ok("no new ones, no capabilities".to_owned())),
        ("processes are bounded", processes(options, containment)),
        ("nothing outlives a command", Ok(kept.to_owned())),
        ("other processes are invisible", namespaces("PID namespace")),
        (
            "repositories and project settings are read-only",
            namespaces("mount namespace").map_err(|why| {
                format!("{why}; a command can change `.git` so that your own git runs something")
            }),
        ),
        ("modes, owners and times of other files can't be changed", namespaces("mount namespace")),
        ("terminals and shared memory of other programs are hidden", namespaces("mount namespace")),
        (
            "sockets of other programs are hidden",
            namespaces("mount namespace").map_err(|why| {
                format!("{why}; without the network no command can connect to any, with it to all")
            }),
        ),
    ];
    CageReport {
        features: features.into_iter().map(|(name, state)| (name.to_owned(), state)).collect(),
        holds: means.is_ok(),
    }
}
