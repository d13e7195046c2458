//! Writes: atomic, expected, and nothing else changes.

use std::os::unix::fs::MetadataExt;

use bottega_tool::Workspace;
use bottega_types::Digest;
use bottega_workspace::{DiskWorkspace, Options};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::world::{World, wait, word};

/// Writes `f` over `before` with the expectation of `expected`, and says how it ended.
#[track_caller]
fn check(before: Option<&str>, expected: Option<&str>, ending: &str) {
    let world = World::new(&[]);
    if let Some(before) = before {
        world.put("f", before.as_bytes());
    }
    let result = world.write("f", "new", expected.map(|text| Digest::of(text.as_bytes())));
    assert_eq!(word(result), ending);
    let after = if ending == "ok" { Some("new") } else { before };
    assert_eq!(world.on_disk("f").as_deref(), after.map(str::as_bytes));
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[test]
fn only_the_expected_file_is_written_over() {
    check(None, None, "ok");
    check(Some("old"), Some("old"), "ok");
    check(Some("old"), Some("older"), "changed");
    check(Some("old"), None, "changed");
    check(None, Some("old"), "changed");
}

#[test]
fn mode_bits_stay() {
    let world = World::new(&[("f", b"x")]);
    for mode in [0o755, 0o600, 0o444, 0o4755] {
        world.chmod("f", mode);
        let (_, digest) = world.read("f").unwrap();
        let written = world.write("f", &format!("{mode}"), Some(digest)).unwrap();
        assert_eq!((world.mode("f"), written.mode), (mode, mode));
    }
}

#[test]
fn missing_folders_are_made() {
    let world = World::new(&[("file", b"x")]);
    world.write("a/b/c.txt", "x", None).unwrap();
    assert_eq!(world.on_disk("a/b/c.txt").as_deref(), Some(&b"x"[..]));
    assert!(word(world.write("file/below", "x", None)).contains("is a file and no folder"));
}

#[test]
fn another_hard_link_keeps_the_old_bytes() {
    let world = World::new(&[("f", b"old")]);
    std::fs::hard_link(world.path("f"), world.path("g")).unwrap();
    let (_, digest) = world.read("f").unwrap();
    world.write("f", "new", Some(digest)).unwrap();
    assert_eq!(world.on_disk("g").as_deref(), Some(&b"old"[..]));
    assert_ne!(inode(&world, "f"), inode(&world, "g"));
}

fn inode(world: &World, name: &str) -> u64 {
    std::fs::metadata(world.path(name)).unwrap().ino()
}

#[test]
fn a_pipe_is_refused_at_once() {
    let world = World::new(&[("folder/", b"")]);
    mknodat(CWD, world.path("p"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    assert!(word(world.read("p")).contains("pipe"));
    assert!(word(world.write("p", "x", None)).contains("pipe"));
    assert_eq!(word(world.read("folder")), "folder");
    assert_eq!(word(world.write("folder", "x", None)), "folder");
}

#[test]
fn a_folder_that_takes_no_files_is_reported() {
    // Not even root can make a file there.
    let world = World::new(&[("proc@/proc/self", b"")]);
    assert_ne!(word(world.write("proc/new-file", "x", None)), "ok");
    // With other rights than root's, a folder without write permission says so and stays as it is.
    world.put("locked/f", b"x");
    world.chmod("locked", 0o555);
    if !rustix::process::geteuid().is_root() {
        let (_, digest) = world.read("locked/f").unwrap();
        assert_eq!(
            word(world.write("locked/f", "y", Some(digest))),
            "disk: write: PermissionDenied"
        );
        assert_eq!(world.on_disk("locked/f").as_deref(), Some(&b"x"[..]));
    }
    world.chmod("locked", 0o755);
}

#[test]
fn files_that_are_too_large_are_neither_read_nor_written() {
    let world = World::with(&[("f", b"12345"), ("g", b"1234")], |_| Options {
        largest: 4,
        ..Options::default()
    });
    assert_eq!(word(world.read("g")), "ok");
    assert!(word(world.read("f")).contains("5 bytes"));
    assert!(word(world.write("f", "x", Some(Digest::of(b"12345")))).contains("5 bytes"));
}

#[test]
fn a_file_of_any_size_is_read_in_pages() {
    let text: String = (1..=9_000).map(|line| format!("line {line}\r\n")).collect();
    let files: [(&str, &[u8]); 2] = [("f", text.as_bytes()), ("b", b"a\0b\n")];
    let world = World::with(&files, |_| Options { largest: 4, ..Options::default() });
    let page =
        |path: &str, first, count, room| wait(world.workspace.read_page(path, first, count, room));
    let middle = page("f", 5_000, 2, 1_000).unwrap();
    assert_eq!(middle.lines, ["line 5000", "line 5001"]);
    assert_eq!((middle.total, middle.size), (9_000, text.len() as u64));
    assert_eq!(page("f", 8_990, 100, 25).unwrap().lines, ["line 8990", "line 8991", "line 8992"]);
    assert_eq!(page("f", 9_001, 1, 10).unwrap().lines.len(), 0);
    assert!(page("b", 1, 1, 10).unwrap_err().to_string().contains("binary"));
}

#[test]
fn a_wrong_name_gets_the_right_one() {
    let world =
        World::new(&[("src/parser.rs", b""), ("src/printer.rs", b""), ("docs/parser.md", b"")]);
    assert_eq!(
        word(world.read("src/praser.rs")),
        "not found; near: src/parser.rs src/printer.rs docs/parser.md"
    );
    assert_eq!(word(world.read("parser.rs")), "not found; near: src/parser.rs docs/parser.md");
    assert_eq!(word(world.read("zzz")), "not found; near: ");
}

#[test]
fn undo_puts_back_bytes_and_mode_or_takes_the_file_away() {
    let world = World::new(&[("f", b"new"), ("made/deep", b"new")]);
    let digest = Some(Digest::of(b"new"));
    wait(world.workspace.restore("f", Some(b"\0old\xFF"), 0o750, digest)).unwrap();
    assert_eq!(world.on_disk("f").as_deref(), Some(&b"\0old\xFF"[..]));
    assert_eq!(world.mode("f"), 0o750);
    wait(world.workspace.restore("made/deep", None, 0o644, digest)).unwrap();
    assert_eq!(world.on_disk("made/deep"), None);
    // A file that was deleted comes back; one that somebody changed since is left alone.
    wait(world.workspace.restore("made/deep", Some(b"x"), 0o600, None)).unwrap();
    assert_eq!(world.on_disk("made/deep").as_deref(), Some(&b"x"[..]));
    assert_eq!(word(wait(world.workspace.restore("made/deep", None, 0o644, digest))), "changed");
    assert_eq!(word(wait(world.workspace.restore("never/was", None, 0o644, None))), "ok");
}

#[test]
fn undo_takes_away_empty_folders_of_the_workspace_only() {
    let world = World::new(&[("made/deep/file", b"x"), ("full/file", b"x")]);
    let gone = |path: &str| wait(world.workspace.remove_folder(path)).unwrap();
    assert!(!gone("made/deep") && !gone("full") && !gone("full/file"));
    wait(world.workspace.restore("made/deep/file", None, 0o644, Some(Digest::of(b"x")))).unwrap();
    assert!(!gone("made"));
    assert!(gone("made/deep") && gone("made"));
    assert!(!gone("made") && !gone("never/was") && !gone(".") && !gone("..") && !gone("/tmp"));
}

const LARGE: usize = 1 << 20;

/// Stands for Bottega: rewrites a file in the folder it is started in until it is killed.
#[test]
#[ignore = "is started and killed by the next test"]
fn one_who_writes_until_killed() {
    let workspace =
        DiskWorkspace::open(&std::env::current_dir().unwrap(), &Options::default()).unwrap();
    let mut digest = Digest::of(&std::fs::read("f").unwrap());
    for letter in ["b", "a"].iter().cycle() {
        let written = wait(workspace.write("f", &letter.repeat(LARGE), Some(digest))).unwrap();
        digest = written.digest;
    }
}

#[test]
fn a_file_is_old_or_new_when_its_writer_is_killed() {
    let (a, b) = ("a".repeat(LARGE).into_bytes(), "b".repeat(LARGE).into_bytes());
    let world = World::new(&[("f", &a)]);
    for kill in 0..20_u32 {
        let mut writer = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["writing::one_who_writes_until_killed", "--exact", "--ignored"])
            .current_dir(world.workspace.root())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Killed after a different number of writes each time, so at different moments of one.
        let mut before = inode(&world, "f");
        for _ in 0..=kill % 4 {
            while inode(&world, "f") == before {
                assert_eq!(writer.try_wait().unwrap(), None);
                std::thread::yield_now();
            }
            before = inode(&world, "f");
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let now = world.on_disk("f").unwrap();
        assert!(now == a || now == b, "{} bytes, neither old nor new", now.len());
    }
}
