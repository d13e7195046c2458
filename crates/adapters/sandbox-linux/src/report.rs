//! What the cage on this machine can do.

use bottega_tool::CageReport;

use crate::cage::Containment;
use crate::kernel::{has_seccomp, landlock_version};

/// What is missing for any cage at all; nothing when caged commands can run.
pub(crate) fn missing() -> Option<String> {
    let mut missing = Vec::new();
    if landlock_version() < 1 {
        missing.push("Landlock (Linux 5.13 or later, with `landlock` among the security modules: see `lsm=` of the kernel)");
    }
    if !has_seccomp() {
        missing.push("seccomp filters");
    }
    (!missing.is_empty()).then(|| missing.join(" and "))
}

/// The report for `doctor`. `refused` says why namespaces are not used, where they are not.
pub(crate) fn report(containment: Containment, refused: Option<&str>) -> CageReport {
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
    let features = [
        ("files", since(1, &format!("Landlock ABI {version}"), "5.13")),
        ("renames between folders", since(2, "Landlock", "5.19")),
        ("truncation", since(3, "Landlock", "6.2")),
        ("network: TCP", since(4, "Landlock and seccomp", "6.7")),
        ("network: all sockets", seccomp("seccomp")),
        ("network: a loopback of its own", loopback),
        ("device controls", since(5, "Landlock", "6.10")),
        ("signals and abstract sockets", since(6, "Landlock", "6.12")),
        ("system calls", seccomp("seccomp")),
        ("privileges", Ok("no new ones, no capabilities".to_owned())),
        ("nothing outlives a command", Ok(kept.to_owned())),
        ("other processes are invisible", namespaces("PID namespace")),
        ("git settings and hooks are read-only", namespaces("mount namespace")),
        (
            "sockets of other programs are hidden",
            namespaces("mount namespace").map_err(|why| {
                format!("{why}; without the network no command can connect to any, with it to all")
            }),
        ),
    ];
    CageReport {
        features: features.into_iter().map(|(name, state)| (name.to_owned(), state)).collect(),
        holds: missing().is_none(),
    }
}
