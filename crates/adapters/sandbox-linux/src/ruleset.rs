//! Grants as a Landlock ruleset.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};

use crate::grants::Right;
use crate::kernel::landlock_version;

/// A ruleset that is ready to be entered, and the rights that may still be added to it.
pub(crate) struct Prepared {
    /// The ruleset.
    pub(crate) ruleset: OwnedFd,
    /// Bits of reading, for `landlock_add_rule(2)`.
    pub(crate) read: u64,
    /// Bits of everything.
    pub(crate) write: u64,
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

/// Builds the ruleset. What the kernel is too old for is left out; the report says so.
pub(crate) fn build(grants: &[(PathBuf, Right)], network: bool) -> Result<Prepared, String> {
    let abi = abi();
    let all = AccessFs::from_all(abi);
    let read = AccessFs::from_read(abi);
    let prepared = (|| {
        let mut ruleset = Ruleset::default().handle_access(all)?;
        if abi >= ABI::V4 && !network {
            ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
        }
        if abi >= ABI::V6 {
            ruleset = ruleset.scope(Scope::from_all(abi))?;
        }
        let mut created = ruleset.create()?;
        for (path, right) in grants {
            let access: BitFlags<AccessFs> = match right {
                Right::Names => AccessFs::ReadDir.into(),
                Right::Read => read,
                Right::Device => {
                    let mut access = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir;
                    if abi >= ABI::V5 {
                        access |= AccessFs::IoctlDev;
                    }
                    access
                }
                Right::Write => all,
            };
            // What is gone by now needs no grant.
            let Ok(file) = PathFd::new(path) else { continue };
            let access = if path.is_dir() { access } else { access & AccessFs::from_file(abi) };
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
    Ok(Prepared { ruleset, read: files.bits(), write: all.bits() })
}
