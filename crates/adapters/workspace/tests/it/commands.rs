//! What a command changed: told with both versions, so that it can be taken back.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use bottega_tool::{CommandChanges, Workspace as _, WorkspaceError};
use bottega_types::Digest;

use crate::world::{World, wait};

/// Runs `command` as a command that the workspace knows of. Returns what it changed, a line a file.
fn changes(world: &World, command: impl FnOnce(&Path)) -> (Vec<String>, CommandChanges) {
    let watch = wait(world.workspace.command_begins()).unwrap();
    command(&world.path(""));
    let changes = wait(watch.ended()).unwrap();
    let text = |bytes: &Option<Vec<u8>>| match bytes {
        Some(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        None => "-".to_owned(),
    };
    let mut lines: Vec<String> = changes
        .changes
        .iter()
        .map(|it| format!("{} {} {}", it.path, text(&it.before_bytes), text(&it.after_bytes)))
        .collect();
    lines.sort();
    (lines, changes)
}

#[track_caller]
fn check(world: &World, command: impl FnOnce(&Path), expected: &[&str]) {
    assert_eq!(changes(world, command).0, expected);
}

#[test]
fn a_command_answers_for_what_it_made_changed_and_deleted() {
    let world = World::new(&[("a", b"1"), ("b/c", b"2"), ("d", b"3"), ("still", b"4")]);
    let command = |root: &Path| {
        fs::write(root.join("a"), "one").unwrap();
        fs::remove_dir_all(root.join("b")).unwrap();
        fs::rename(root.join("d"), root.join("e")).unwrap();
        fs::create_dir_all(root.join("f/g")).unwrap();
        fs::write(root.join("f/g/h"), [0, 255]).unwrap();
        fs::write(root.join("still"), "4").unwrap();
    };
    let (lines, told) = changes(&world, command);
    let expected = [
        "a \"1\" \"one\"",
        "b/ \"\" -",
        "b/c \"2\" -",
        "d \"3\" -",
        "e - \"3\"",
        "f/ - \"\"",
        "f/g/ - \"\"",
        "f/g/h - \"\\0\u{fffd}\"",
    ];
    assert_eq!(lines, expected);
    assert!(told.changes.iter().all(|change| change.is_folder() == change.path.ends_with('/')));
    check(&world, |_| {}, &[]);
}

#[test]
fn a_folder_that_takes_the_place_of_another_brings_its_files() {
    let world = World::new(&[("b/c", b"1")]);
    check(
        &world,
        |root| fs::create_dir_all(root.join("a/a")).unwrap(),
        &["a/ - \"\"", "a/a/ - \"\""],
    );
    // What stamps files counts in ticks; this one is over before the next command begins.
    let began = fs::metadata(world.path("a/a")).unwrap().modified().unwrap();
    while fs::File::create(world.path("tick")).unwrap().metadata().unwrap().modified().unwrap()
        <= began
    {}
    fs::remove_file(world.path("tick")).unwrap();
    let moved = |root: &Path| fs::rename(root.join("b"), root.join("a/a")).unwrap();
    check(&world, moved, &["a/a/c - \"1\"", "b/ \"\" -", "b/c \"1\" -"]);
}

#[test]
fn between_commands_a_person_may_work() {
    let world = World::new(&[("a", b"1")]);
    check(&world, |root| fs::write(root.join("a"), "2").unwrap(), &["a \"1\" \"2\""]);
    fs::write(world.path("").join("a"), "person").unwrap();
    check(&world, |root| fs::write(root.join("a"), "3").unwrap(), &["a \"person\" \"3\""]);
}

#[test]
fn a_command_does_not_answer_for_a_tool_beside_it() {
    let world = World::new(&[("a", b"1")]);
    let tool = |root: &Path| {
        let (_, digest) = world.read("a").unwrap();
        world.write("a", "tool", Some(digest)).unwrap();
        fs::write(root.join("b"), "command").unwrap();
    };
    check(&world, tool, &["b - \"command\""]);
}

/// A write of our own may be half done when the files are looked over.
#[test]
fn a_write_under_way_is_no_change() {
    let world = World::new(&[(".b.77-1.bottega-tmp", b"half"), ("a", b"1")]);
    let command = |root: &Path| {
        fs::rename(root.join(".b.77-1.bottega-tmp"), root.join("b")).unwrap();
        fs::write(root.join(".c.77-2.bottega-tmp"), "half").unwrap();
    };
    check(&world, command, &["b - \"half\""]);
}

#[test]
fn a_name_that_is_not_utf_8_comes_back() {
    let world = World::new(&[("a", b"1")]);
    let root = world.path("");
    let name = OsStr::from_bytes(b"bad\xff.txt");
    fs::create_dir(root.join(OsStr::from_bytes(b"d\xfe"))).unwrap();
    let deep = OsStr::from_bytes(b"d\xfe/x");
    fs::write(root.join(name), "precious").unwrap();
    fs::write(root.join(deep), "too").unwrap();
    let before = tree(&root);
    let (lines, told) = changes(&world, |root| {
        fs::remove_file(root.join(name)).unwrap();
        fs::remove_dir_all(root.join(OsStr::from_bytes(b"d\xfe"))).unwrap();
    });
    assert_eq!(
        lines,
        ["bad\u{fffd}ff.txt \"precious\" -", "d\u{fffd}fe/ \"\" -", "d\u{fffd}fe/x \"too\" -"]
    );
    for change in told.changes {
        let bytes = change.before_bytes.as_deref();
        wait(world.workspace.restore(&change.path, bytes, change.mode, None)).unwrap();
    }
    assert_eq!(tree(&root), before);
    assert_eq!(fs::read(root.join(name)).unwrap(), b"precious");
    assert_eq!(world.read("bad\u{fffd}ff.txt").unwrap().0, "precious");
}

#[test]
fn what_ignore_files_name_and_what_only_comes_to_light_is_no_change() {
    let world = World::new(&[(".gitignore", b"target\n"), ("target/out", b"1"), ("x", b"1")]);
    check(&world, |root| fs::write(root.join("target/out"), "2").unwrap(), &[]);
    let old = fs::metadata(world.path("").join("target/out")).unwrap().modified().unwrap();
    // Files older than the command by more than the file system's clock can blur.
    while old.elapsed().unwrap().as_millis() < 60 {
        std::thread::yield_now();
    }
    let light = |root: &Path| fs::write(root.join(".gitignore"), "other\n").unwrap();
    check(&world, light, &[".gitignore \"target\\n\" \"other\\n\""]);
    let dark = |root: &Path| fs::write(root.join(".gitignore"), "x\n").unwrap();
    check(&world, dark, &[".gitignore \"other\\n\" \"x\\n\""]);
}

#[test]
fn an_ignored_file_outside_ignored_folders_is_somebodys_work() {
    let world =
        World::new(&[(".gitignore", b"*.local\nout\n"), ("a.local", b"1"), ("out/x", b"1")]);
    let command = |root: &Path| {
        fs::remove_file(root.join("a.local")).unwrap();
        fs::write(root.join("b.local"), "2").unwrap();
        fs::remove_dir_all(root.join("out")).unwrap();
    };
    check(&world, command, &["a.local \"1\" -", "b.local - \"2\""]);
}

#[test]
fn links_and_folders_are_told_as_what_they_are() {
    let world = World::new(&[("a", b"1"), ("b", b"1"), ("c/d", b"1")]);
    fs::create_dir(world.path("empty")).unwrap();
    symlink("a", world.path("link")).unwrap();
    let command = |root: &Path| {
        fs::remove_file(root.join("link")).unwrap();
        symlink("nowhere", root.join("link")).unwrap();
        fs::remove_file(root.join("b")).unwrap();
        symlink("/etc", root.join("b")).unwrap();
        fs::remove_dir(root.join("empty")).unwrap();
        fs::write(root.join("empty"), "").unwrap();
        fs::set_permissions(root.join("c"), fs::Permissions::from_mode(0o500)).unwrap();
    };
    let (lines, told) = changes(&world, command);
    let expected = [
        "b \"1\" \"/etc\"",
        "c/ \"\" \"\"",
        "empty - \"\"",
        "empty/ \"\" -",
        "link \"a\" \"nowhere\"",
    ];
    assert_eq!(lines, expected);
    let modes: Vec<_> =
        told.changes.iter().map(|it| (it.path.as_str(), it.mode_before, it.mode)).collect();
    assert!(modes.contains(&("b", Some(0o644), 0o120_777)), "{modes:?}");
    assert!(modes.contains(&("link", Some(0o120_777), 0o120_777)), "{modes:?}");
    assert!(modes.contains(&("c/", Some(0o755), 0o500)), "{modes:?}");
}

#[test]
fn undo_never_follows_a_link_that_somebody_put_in_the_way() {
    let world = World::new(&[("a/b", b"1"), (".git/hooks/b", b"theirs")]);
    let outside = world.outside("a");
    fs::create_dir_all(outside.join("empty")).unwrap();
    fs::write(outside.join("b"), "theirs").unwrap();
    fs::remove_dir_all(world.path("a")).unwrap();
    for folder in [outside, world.path(".git/hooks")] {
        symlink(&folder, world.path("a")).unwrap();
        for expected in [None, Some(Digest::of(b"theirs"))] {
            for bytes in [None, Some(&b"1"[..])] {
                let refused = wait(world.workspace.restore("a/b", bytes, 0o644, expected));
                assert!(matches!(refused, Err(WorkspaceError::Changed { .. })), "{refused:?}");
            }
        }
        assert!(!wait(world.workspace.remove_folder("a/empty")).unwrap());
        assert_eq!(fs::read(folder.join("b")).unwrap(), b"theirs");
        assert_eq!(folder.join("empty").exists(), folder.ends_with("a"));
        fs::remove_file(world.path("a")).unwrap();
    }
}

#[test]
fn an_ignore_file_that_a_command_writes_hides_nothing_that_was_known() {
    let world = World::new(&[("a", b"1"), ("d/b", b"2"), ("d/c", b"3")]);
    let hides = |root: &Path| {
        fs::write(root.join(".gitignore"), "*\n").unwrap();
        fs::write(root.join("a"), "one").unwrap();
        fs::write(root.join("d/b"), "two").unwrap();
    };
    let expected = [".gitignore - \"*\\n\"", "a \"1\" \"one\"", "d/b \"2\" \"two\""];
    check(&world, hides, &expected);
    let later = |root: &Path| fs::remove_file(root.join("d/c")).unwrap();
    check(&world, later, &["d/c \"3\" -"]);
}

#[test]
fn mode_bits_are_a_change() {
    let world = World::new(&[("run.sh", b"1")]);
    let path = world.path("").join("run.sh");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let executable =
        |_: &Path| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let (lines, told) = changes(&world, executable);
    assert_eq!(lines, ["run.sh \"1\" \"1\""]);
    assert_eq!((told.changes[0].mode_before, told.changes[0].mode), (Some(0o640), 0o755));
}

#[test]
fn the_next_command_answers_for_one_that_went_away() {
    let world = World::new(&[("a", b"1")]);
    let watch = wait(world.workspace.command_begins()).unwrap();
    fs::write(world.path("").join("a"), "2").unwrap();
    drop(watch);
    check(&world, |root| fs::write(root.join("b"), "3").unwrap(), &["a \"1\" \"2\"", "b - \"3\""]);
    check(&world, |_| {}, &[]);
}

#[test]
fn a_file_too_large_to_keep_is_named() {
    let world = World::new(&[("small", b"1")]);
    let large = vec![7; 9 << 20];
    let (lines, told) = changes(&world, |root| fs::write(root.join("large"), &large).unwrap());
    assert_eq!((lines.len(), told.not_kept, told.named), (0, 1, vec!["large".to_owned()]));
}

/// Everything below a folder with its mode, and bytes or what it leads to.
fn tree(root: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            let name = entry.path().strip_prefix(root).unwrap().display().to_string();
            let bytes = if kind.is_dir() {
                open.push(entry.path());
                Vec::new()
            } else if kind.is_symlink() {
                fs::read_link(entry.path()).unwrap().into_os_string().into_vec()
            } else {
                fs::read(entry.path()).unwrap()
            };
            found.push((name, mode, bytes));
        }
    }
    found.sort();
    found
}

/// A pipe holds no bytes that could be kept, and waits for whoever reads it.
#[test]
fn what_is_neither_file_nor_link_nor_folder_is_named() {
    let world = World::new(&[("small", b"1")]);
    let pipe = |root: &Path| {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("pipe"),
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
    };
    let (lines, told) = changes(&world, pipe);
    assert_eq!((lines.len(), told.not_kept, told.named), (0, 1, vec!["pipe".to_owned()]));
    check(&world, |_| {}, &[]);
}
