//! A cage built by bubblewrap, where there is no Landlock.

use std::ffi::{CStr, CString};
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use bottega_tool::CommandSpec;
use seccompiler::BpfProgram;

use crate::mounts::{Access, Cover, Made, View};

/// The words for bubblewrap: what it builds, and then the command. `filters` are inherited by it.
pub(crate) fn words(
    view: &View,
    spec: &CommandSpec,
    filters: &[OwnedFd],
    command: &[CString],
) -> Vec<CString> {
    let mut words = Words(vec![c"bwrap".to_owned()]);
    words.add(&[c"--unshare-all", c"--die-with-parent", c"--new-session"]);
    if spec.network {
        words.add(&[c"--share-net"]);
    }
    words.add(&[c"--cap-drop", c"ALL", c"--ro-bind", c"/", c"/"]);
    words.add(&[c"--dev", c"/dev", c"--proc", c"/proc"]);
    for folder in &view.hidden {
        words.add(&[c"--tmpfs", folder]);
    }
    for made in &view.made {
        match made {
            // What is bound makes its own way.
            Made::Folder(_) | Made::File(_) => {}
            Made::Link { at, to } => words.add(&[c"--symlink", to, at]),
        }
    }
    for kept in &view.kept {
        let bind = match kept.access {
            Access::Write => c"--bind",
            Access::Read => c"--ro-bind",
        };
        words.add(&[bind, &kept.path, &kept.path]);
    }
    for (path, cover) in &view.covers {
        match cover {
            Cover::LockedFolder => words.add(&[c"--perms", c"0000", c"--tmpfs", path]),
            Cover::LockedFile => words.add(&[c"--ro-bind", c"/dev/null", path]),
            Cover::Pinned => words.add(&[c"--bind", path, path]),
            // Bubblewrap follows links; the report says so.
            Cover::Link => {}
            Cover::ReadOnly => words.add(&[c"--ro-bind", path, path]),
        }
    }
    for filter in filters {
        let number = filter.as_raw_fd().to_string().into_bytes();
        // Digits hold no NUL.
        words.add(&[c"--add-seccomp-fd", &CString::new(number).unwrap_or_default()]);
    }
    words.add(&[c"--chdir", &crate::cage::c_path(&spec.directory), c"--"]);
    words.0.extend_from_slice(command);
    words.0
}

struct Words(Vec<CString>);

impl Words {
    fn add(&mut self, words: &[&CStr]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }
}

/// A seccomp program as a file that bubblewrap can read: the kernel's own form (`struct sock_filter`).
pub(crate) fn written(program: &BpfProgram) -> io::Result<OwnedFd> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for step in program {
        bytes.extend_from_slice(&step.code.to_ne_bytes());
        bytes.extend_from_slice(&[step.jt, step.jf]);
        bytes.extend_from_slice(&step.k.to_ne_bytes());
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(&bytes)?;
    file.rewind()?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::mounts::Kept;

    #[test]
    fn the_same_view_in_its_words() {
        let path = |path: &str| CString::new(path).unwrap();
        let view = View {
            hidden: vec![path("/home"), path("/tmp")],
            made: vec![
                Made::Folder(path("/home/p")),
                Made::Link { at: path("/home/p/near"), to: path("far") },
            ],
            kept: vec![
                Kept::new(path("/home/p/.cargo"), Access::Read),
                Kept::new(path("/home/p/w"), Access::Write),
            ],
            covers: vec![
                (path("/home/p/.cargo/credentials"), Cover::LockedFile),
                (path("/etc/ssh"), Cover::LockedFolder),
                (path("/home/p/w/.git"), Cover::Pinned),
                (path("/home/p/w/.git/hooks"), Cover::ReadOnly),
            ],
            ..View::default()
        };
        let spec = |network| CommandSpec {
            argv: Vec::new(),
            directory: "/home/p/w".into(),
            writable: Vec::new(),
            guarded: bottega_tool::Guarded::default(),
            environment: BTreeMap::new(),
            network,
            hosts: Vec::new(),
            caged: true,
            timeout: Duration::ZERO,
            keep_output: 0,
        };
        let told = |network| {
            let words = words(&view, &spec(network), &[], &[path("sh"), path("-c"), path("x")]);
            let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
            words.join(" ").replace(" --", "\n--")
        };
        let closed = told(false);
        assert_eq!(
            closed,
            "bwrap\n--unshare-all\n--die-with-parent\n--new-session\n--cap-drop ALL\n--ro-bind / /\n--dev /dev\n--proc /proc\n--tmpfs /home\n--tmpfs /tmp\n--symlink far /home/p/near\n--ro-bind /home/p/.cargo /home/p/.cargo\n--bind /home/p/w /home/p/w\n--ro-bind /dev/null /home/p/.cargo/credentials\n--perms 0000\n--tmpfs /etc/ssh\n--bind /home/p/w/.git /home/p/w/.git\n--ro-bind /home/p/w/.git/hooks /home/p/w/.git/hooks\n--chdir /home/p/w\n-- sh -c x"
        );
        assert_eq!(told(true), closed.replace("--cap-drop", "--share-net\n--cap-drop"));
    }
}
