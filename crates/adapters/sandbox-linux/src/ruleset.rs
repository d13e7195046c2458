//! Grants as a Landlock ruleset.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};

use crate::grants::Right;
use crate::kernel::landlock_version;
use crate::looks::Looks;

/// A ruleset that is ready to be entered, and the rights that may still be added to it.
pub(crate) struct Prepared {
    /// The ruleset.
    pub(crate) ruleset: OwnedFd,
    /// Bits of reading, for `landlock_add_rule(2)`.
    pub(crate) read: u64,
    /// Bits of everything.
    pub(crate) write: u64,
    /// Bits of reading and writing a device.
    pub(crate) device: u64,
}

/// What Landlock says about connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// Nothing: something else holds them, or nothing has to.
    Open,
    /// None.
    Closed,
    /// To this port, whatever host. Needs ABI 4.
    Port(u16),
}

/// The version of Landlock that is used: the kernel's, as far as this code knows it.
pub(crate) fn abi() -> ABI {
    match landlock_version() {
        i32::MIN..=0 => ABI::Unsupported,
        1 => ABI::V1,
        2 => ABI::V2,
        3 => ABI::V3,
        4 => ABI::V4,
        5 => ABI::V5,
        6 => ABI::V6,
        7 => ABI::V7,
        8 => ABI::V8,
        9.. => ABI::V9,
    }
}

/// Whether Landlock keeps signals and abstract sockets of a command to itself.
pub(crate) fn holds_signals() -> bool {
    abi() >= ABI::V6
}

/// Builds the ruleset. What the kernel is too old for is left out; the report says so.
pub(crate) fn build(
    looks: &Looks,
    grants: &[(PathBuf, Right)],
    connections: Connections,
) -> Result<Prepared, String> {
    let abi = abi();
    let all = AccessFs::from_all(abi);
    let read = AccessFs::from_read(abi);
    let prepared = (|| {
        let mut ruleset = Ruleset::default().handle_access(all)?;
        if abi >= ABI::V4 && connections != Connections::Open {
            ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
        }
        if abi >= ABI::V6 {
            ruleset = ruleset.scope(Scope::from_all(abi))?;
        }
        let mut created = ruleset.create()?;
        if let Connections::Port(port) = connections {
            created = created.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
        for (path, right) in grants {
            let access: BitFlags<AccessFs> = match right {
                Right::Names => AccessFs::ReadDir.into(),
                Right::Read => read,
                Right::Device => device(abi),
                Right::Write => all,
            };
            // What is gone by now needs no grant.
            let Ok(file) = PathFd::new(path) else { continue };
            let access =
                if looks.is_folder(path) { access } else { access & AccessFs::from_file(abi) };
            created = created.add_rule(PathBeneath::new(file, access))?;
        }
        Ok(created)
    })();
    let created = prepared.map_err(|error: RulesetError| format!("Landlock: {error}"))?;
    let ruleset: Option<OwnedFd> = created.into();
    let ruleset = ruleset.ok_or_else(|| {
        "Landlock (a kernel of 5.13 or later with `landlock` in its list of security modules)"
            .to_owned()
    })?;
    let files = AccessFs::ReadFile | AccessFs::ReadDir;
    Ok(Prepared { ruleset, read: files.bits(), write: all.bits(), device: device(abi).bits() })
}

/// To read, write and control a device.
fn device(abi: ABI) -> BitFlags<AccessFs> {
    let access = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir;
    if abi >= ABI::V5 { access | AccessFs::IoctlDev } else { access }
}
