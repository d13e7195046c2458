//! Decides what a command sees of the files, where it has mounts of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::path::{Path, PathBuf};

use crate::cage::c_path;
use crate::grants::Right;
use crate::looks::{Looks, Seen};
use crate::mounts::{Access, Cover, Kept, Made, View};
use crate::protected;

/// Folders of the machine that are seen as they are: programs, libraries, their settings. Every other one may hold
/// files and sockets of other programs, and a socket that can be reached may be one that runs commands (a terminal
/// multiplexer, an editor, a session bus, a container service, a database).
const SEEN: &[&str] = &[
    "bin", "dev", "etc", "gnu", "lib", "lib32", "lib64", "libx32", "nix", "opt", "proc", "sbin",
    "snap", "sys", "usr",
];

/// How many links in a row are followed.
const LINKS: usize = 8;

/// What decides about the view of one command.
pub(crate) struct Wanted<'a> {
    /// What is where.
    pub(crate) looks: &'a Looks,
    /// The user's home.
    pub(crate) home: Option<&'a Path>,
    /// What may be touched.
    pub(crate) grants: &'a [(PathBuf, Right)],
    /// The roots of what may be written: the workspace and private folders.
    pub(crate) writable: &'a [PathBuf],
    /// Paths as they will be spelled, through whatever links.
    pub(crate) spelled: &'a [PathBuf],
    /// Folders in which protected files are looked for.
    pub(crate) protected: &'a [PathBuf],
    /// What is locked away although what lies around it was granted.
    pub(crate) locked: &'a [PathBuf],
}

/// The view of one command.
pub(crate) fn view(wanted: &Wanted<'_>) -> View {
    let writable = wanted.writable.iter().map(|path| wanted.looks.real(path)).collect();
    view_of(wanted, &hidden(wanted, &writable))
}

fn view_of(wanted: &Wanted<'_>, hidden: &BTreeSet<PathBuf>) -> View {
    let looks = wanted.looks;
    let writable: BTreeSet<PathBuf> = wanted.writable.iter().map(|path| looks.real(path)).collect();
    let below =
        |path: &Path| hidden.iter().any(|folder| path != folder && path.starts_with(folder));

    let mut kept: BTreeMap<PathBuf, Access> = BTreeMap::new();
    for path in &writable {
        if !path.ancestors().skip(1).any(|outer| writable.contains(outer))
            && looks.existing(path).is_some()
        {
            kept.insert(path.clone(), Access::Write);
        }
    }
    for (path, _) in wanted.grants {
        // Ordered by path: what lies around comes first.
        if below(path) && !path.ancestors().any(|outer| kept.contains_key(outer)) {
            kept.insert(path.clone(), Access::Read);
        }
    }
    let mut making = Making {
        looks,
        hidden,
        kept: &kept,
        seen: BTreeSet::new(),
        plain: BTreeSet::new(),
        made: Vec::new(),
    };
    for path in kept.keys() {
        making.stand(path);
    }
    for path in wanted.spelled {
        making.links(path, LINKS);
    }
    let made = making.made;
    View {
        hidden: hidden.iter().map(|path| c_path(path)).collect(),
        made,
        kept: kept.into_iter().map(|(path, access)| Kept::new(c_path(&path), access)).collect(),
        covers: covers(wanted),
        ..View::default()
    }
}

/// Folders that are there, lie in no other one of them, and were not granted as a whole.
fn hidden(wanted: &Wanted<'_>, writable: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let others = std::fs::read_dir("/").into_iter().flatten().flatten().filter_map(|entry| {
        let seen = SEEN.iter().any(|name| entry.file_name() == *name);
        (!seen && entry.file_type().is_ok_and(|kind| kind.is_dir())).then(|| entry.path())
    });
    let whole = |place: &Path| {
        writable.iter().any(|folder| place.starts_with(folder))
            || wanted.grants.iter().any(|(path, right)| path == place && *right != Right::Names)
    };
    let places: BTreeSet<PathBuf> = others
        .chain(wanted.home.map(|home| wanted.looks.real(home)))
        .filter(|place| place.parent().is_some() && wanted.looks.is_folder(place) && !whole(place))
        .collect();
    places
        .iter()
        .filter(|place| !place.ancestors().skip(1).any(|outer| places.contains(outer)))
        .cloned()
        .collect()
}

/// What is being made in hidden folders.
struct Making<'a> {
    looks: &'a Looks,
    hidden: &'a BTreeSet<PathBuf>,
    kept: &'a BTreeMap<PathBuf, Access>,
    seen: BTreeSet<PathBuf>,
    /// Paths that were looked at and are no links.
    plain: BTreeSet<PathBuf>,
    made: Vec<Made>,
}

impl Making<'_> {
    /// Whether a path lies in a hidden folder and in nothing that stays.
    fn is_gone(&self, path: &Path) -> bool {
        !path.ancestors().skip(1).any(|outer| self.kept.contains_key(outer))
            && path.ancestors().skip(1).any(|outer| self.hidden.contains(outer))
    }

    /// Makes the folders that lead to a path.
    fn lead_to(&mut self, path: &Path) {
        let folders: Vec<&Path> = path.ancestors().skip(1).filter(|at| self.is_gone(at)).collect();
        for folder in folders.into_iter().rev() {
            if self.seen.insert(folder.to_owned()) {
                self.made.push(Made::Folder(c_path(folder)));
            }
        }
    }

    /// Makes something for what stays to stand on.
    fn stand(&mut self, path: &Path) {
        if self.is_gone(path) {
            self.lead_to(path);
            if self.seen.insert(path.to_owned()) {
                let at = c_path(path);
                self.made.push(if self.looks.is_folder(path) {
                    Made::Folder(at)
                } else {
                    Made::File(at)
                });
            }
        }
    }

    /// Makes the links through which a path is spelled.
    fn links(&mut self, path: &Path, left: usize) {
        let mut parts: Vec<&Path> = path.ancestors().collect();
        parts.reverse();
        for part in parts {
            if self.kept.contains_key(part) {
                return;
            }
            if self.plain.contains(part) {
                continue;
            }
            let target = match self.looks.at(part) {
                Seen::Link(target) => target,
                Seen::Nothing => return,
                Seen::Folder | Seen::File => {
                    self.plain.insert(part.to_owned());
                    continue;
                }
            };
            if self.is_gone(part) && self.seen.insert(part.to_owned()) {
                self.lead_to(part);
                self.made.push(Made::Link { at: c_path(part), to: c_path(&target) });
            }
            if left > 0 {
                let from = part.parent().unwrap_or(part);
                self.links(&from.join(target), left - 1);
            }
        }
    }
}

/// What stands over locked and protected files.
fn covers(wanted: &Wanted<'_>) -> Vec<(CString, Cover)> {
    let mut covers = Vec::new();
    for path in wanted.locked {
        let cover =
            if wanted.looks.is_folder(path) { Cover::LockedFolder } else { Cover::LockedFile };
        covers.push((c_path(path), cover));
    }
    let protected = protected::covers(wanted.looks, wanted.protected);
    covers.extend(protected.into_iter().map(|(path, cover)| (c_path(&path), cover)));
    covers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home in a folder of its own, with a workspace, tools, and links to them.
    fn check(writable: &str, spelled: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for place in ["home/works/w", "home/.cargo/bin", "home/far/tool", "home/.ssh"] {
            std::fs::create_dir_all(root.join(place)).unwrap();
        }
        std::fs::write(root.join("home/file"), "").unwrap();
        std::os::unix::fs::symlink("far/tool", root.join("home/near")).unwrap();
        std::os::unix::fs::symlink(root.join("home/near"), root.join("home/nearer")).unwrap();
        let grants = [".cargo", ".cargo/bin", "far/tool", "file", "works/w"]
            .map(|name| (root.join("home").join(name), Right::Read));
        let hidden = BTreeSet::from([root.join("home")]);
        let view = view_of(
            &Wanted {
                looks: &Looks::default(),
                home: Some(&root.join("home")),
                grants: &grants,
                writable: &[root.join(writable)],
                spelled: &[root.join(spelled)],
                protected: &[],
                locked: &[],
            },
            &if writable == "home" { BTreeSet::new() } else { hidden },
        );
        let told = |path: &CString| {
            path.to_str().unwrap().replace(&format!("{}/home", root.display()), "~")
        };
        let made = view.made.iter().map(|made| match made {
            Made::Folder(path) => format!("{}/", told(path)),
            Made::File(path) => told(path),
            Made::Link { at, to } => format!("{}->{}", told(at), told(to)),
        });
        let kept = view.kept.iter().map(|kept| format!("{:?} {}", kept.access, told(&kept.path)));
        let all: Vec<_> = made.chain(kept).collect();
        assert_eq!(all.join("\n"), expected);
    }

    #[test]
    fn what_was_granted_stays_and_leads_where_it_led() {
        check(
            "home/works/w",
            "home/nearer/bin",
            "~/.cargo/\n~/far/\n~/far/tool/\n~/file\n~/works/\n~/works/w/\n~/nearer->~/near\n~/near->far/tool\nRead ~/.cargo\nRead ~/far/tool\nRead ~/file\nWrite ~/works/w",
        );
        check("home", "home/nearer", "Write ~");
    }

    #[test]
    fn a_folder_that_was_granted_is_not_hidden() {
        let of = |home: &str, grants: &[(PathBuf, Right)], writable: &[PathBuf]| {
            let looks = Looks::default();
            let wanted = Wanted {
                looks: &looks,
                home: Some(Path::new(home)),
                grants,
                writable,
                spelled: &[],
                protected: &[],
                locked: &[],
            };
            hidden(&wanted, &writable.iter().cloned().collect())
        };
        let tmp = PathBuf::from("/tmp");
        assert!(of("/", &[], &[]).contains(&tmp));
        assert!(of("/tmp/x", &[(tmp.join("x"), Right::Write)], &[]).contains(&tmp));
        assert!(of("/", &[(tmp.clone(), Right::Names)], &[]).contains(&tmp));
        assert!(!of("/", &[(tmp.clone(), Right::Read)], &[]).contains(&tmp));
        assert!(!of("/", &[], &["/".into()]).contains(&tmp));
        assert!(!of("/", &[], &[]).contains(Path::new("/usr")));
    }
}
