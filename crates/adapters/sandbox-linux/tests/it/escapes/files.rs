//! Files: what must not be read, written or changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{has, try_out, world};
use crate::world::{BOTH, World};

/// The world with Bottega's own files in it.
fn with_journal(namespaces: bottega_sandbox_linux::Namespaces) -> World {
    world(namespaces, |options| {
        let root = options.scratch.parent().unwrap().to_owned();
        fs::create_dir_all(root.join("bottega/data")).unwrap();
        fs::write(root.join("bottega/data/journal.db"), "SECRET").unwrap();
        options.unreadable.push(root.join("bottega"));
    })
}

/// Every file outside of the workspace with its bytes, mode and times.
fn outside(world: &World) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        let mut entries: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let about = path.symlink_metadata().unwrap();
            let text =
                if about.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
            let times = if about.is_file() { about.mtime_nsec() } else { 0 };
            found.push(format!("{} {:o} {times} {text}", path.display(), about.mode()));
            if about.is_dir() {
                walk(&path, found);
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["home", "outside", "lent", "bottega"] {
        walk(&world.path(folder), &mut found);
    }
    found
}

#[test]
fn nothing_outside_is_read() {
    for namespaces in BOTH {
        let boss = std::process::id().to_string();
        try_out(&with_journal(namespaces), "files::reading", &[("BOSS", boss)]);
    }
}

#[test]
fn nothing_outside_is_written() {
    for namespaces in BOTH {
        let world = with_journal(namespaces);
        let before = outside(&world);
        try_out(&world, "files::writing", &[]);
        assert_eq!(outside(&world), before);
    }
}

#[test]
fn nothing_outside_is_changed_without_being_opened() {
    for namespaces in BOTH {
        let world = with_journal(namespaces);
        let before = outside(&world);
        if has(&world, "modes, owners and times") {
            try_out(&world, "files::changing_without_opening", &[]);
            assert_eq!(outside(&world), before);
        }
    }
}

#[test]
fn no_descriptor_of_bottega_is_inherited() {
    for namespaces in BOTH {
        let _journal = fs::File::open("/etc/passwd").unwrap();
        try_out(&world(namespaces, |_| {}), "files::descriptors", &[]);
    }
}
