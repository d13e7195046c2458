//! Files under the granted folder, and nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use bottega_manifest::World;
use bottega_sandbox_wasm::{Handled, Home, Provision};

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, engine, manifest};

const IMPORTS: &str = r#"
    (import "bottega:guest/files@0.1.0" "list" (func $list (param i32 i32 i32)))
    (import "bottega:guest/files@0.1.0" "read" (func $read (param i32 i32 i32)))
    (import "bottega:guest/files@0.1.0" "write" (func $writes (param i32 i32 i32 i32 i32)))
    (import "bottega:guest/files@0.1.0" "remove" (func $remove (param i32 i32 i32)))"#;

/// The first byte of a message says what to do with the path after it: `l`, `r`, `w` or `d`.
const HANDLE: &str = "(local $verb i32)
    (local.set $verb (i32.load8_u (local.get $ptr)))
    (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
    (local.set $len (i32.sub (local.get $len) (i32.const 1)))
    (if (i32.eq (local.get $verb) (i32.const 108))
        (then (call $list (local.get $ptr) (local.get $len) (i32.const 64))
            (if (i32.eqz (i32.load8_u (i32.const 64))) (then
                ;; The name of the first entry.
                (if (i32.eqz (i32.load (i32.const 72))) (then (return (call $say (i32.const 0) (i32.const 0)))))
                (return (call $say (i32.load (i32.load (i32.const 68))) (i32.load offset=4 (i32.load (i32.const 68)))))))))
    (if (i32.eq (local.get $verb) (i32.const 114))
        (then (call $read (local.get $ptr) (local.get $len) (i32.const 64))
            (if (i32.eqz (i32.load8_u (i32.const 64))) (then
                (return (call $say (i32.load (i32.const 68)) (i32.load (i32.const 72))))))))
    (if (i32.eq (local.get $verb) (i32.const 119))
        ;; What is written is the path itself.
        (then (call $writes (local.get $ptr) (local.get $len) (local.get $ptr) (local.get $len) (i32.const 64))))
    (if (i32.eq (local.get $verb) (i32.const 100))
        (then (call $remove (local.get $ptr) (local.get $len) (i32.const 64))))
    (call $told (i32.const 4))";

/// Runs `l path` and the like, and compares what the guest says; `done` where it says nothing.
async fn check(home: &Path, access: &str, story: &[(&str, &str)]) {
    let wasm = TextAgent { imports: IMPORTS, handle: HANDLE, ..TextAgent::default() }.wasm();
    let lines = format!("[capabilities]\nfiles = {{ folder = \"notes\", access = \"{access}\" }}");
    let guest = engine().agent(&wasm, manifest(World::Agent, &lines)).unwrap();
    let provision =
        Provision { home: Some(Home::open(home).unwrap()), ..SampleHost::default().provision() };
    let mut agent = guest.start(provision, "").await.unwrap();
    for (message, expected) in story {
        let said = match agent.handle(message).await.unwrap() {
            Handled::Done => "done".to_owned(),
            Handled::Refused(said) => said,
        };
        assert_eq!(said, *expected, "{message}");
    }
}

#[tokio::test]
async fn files_are_written_read_listed_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let story = [
        ("l.", ""),
        ("wa/b/c.txt", "done"),
        ("ra/b/c.txt", "a/b/c.txt"),
        ("l.", "a"),
        ("la/b", "c.txt"),
        ("wa/b/c.txt", "done"),
        ("da/b", "`a/b`: Directory not empty (os error 39)"),
        ("da/b/c.txt", "done"),
        ("da/b", "done"),
        ("ra/b/c.txt", "there is no `a/b/c.txt`"),
    ];
    check(home.path(), "read-write", &story).await;
    assert_eq!(fs::read_dir(home.path().join("notes/a")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_granted_for_reading_is_not_written() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("notes")).unwrap();
    fs::write(home.path().join("notes/a"), "kept").unwrap();
    let only = "the folder was granted for reading only";
    check(home.path(), "read-only", &[("wa", only), ("da", only), ("ra", "kept")]).await;
}

#[tokio::test]
async fn no_path_and_no_link_leads_out() {
    let home = tempfile::tempdir().unwrap();
    let notes = home.path().join("notes");
    fs::create_dir(&notes).unwrap();
    fs::write(home.path().join("secret"), "secret").unwrap();
    fs::write(notes.join("own"), "own").unwrap();
    symlink("../secret", notes.join("up")).unwrap();
    symlink(home.path().join("secret"), notes.join("absolute")).unwrap();
    symlink("..", notes.join("folder")).unwrap();
    symlink("/proc/self/root", notes.join("magic")).unwrap();
    symlink("own", notes.join("inside")).unwrap();
    symlink("circle", notes.join("circle")).unwrap();
    let wrong = "a path is relative to the granted folder, without `..`, `.` or empty parts";
    let story = [
        ("r../secret", wrong),
        ("r/etc/passwd", wrong),
        ("ra/../../secret", wrong),
        ("r", wrong),
        ("rup", "`up` leads out of the granted folder"),
        ("rabsolute", "`absolute` leads out of the granted folder"),
        ("rfolder/secret", "`folder/secret` leads out of the granted folder"),
        ("wfolder/new", "`folder` leads out of the granted folder"),
        ("dfolder/secret", "`folder` leads out of the granted folder"),
        ("rmagic/etc/passwd", "`magic/etc/passwd` leads out of the granted folder"),
        ("rcircle", "`circle` leads out of the granted folder"),
        ("lfolder", "`folder` leads out of the granted folder"),
        // A link that stays inside is followed for reading, and never written through.
        ("rinside", "own"),
        ("winside", "`inside` is no plain file"),
        // What is removed is the link.
        ("dup", "done"),
    ];
    check(home.path(), "read-write", &story).await;
    assert_eq!(fs::read(home.path().join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_granted_folder_that_is_a_link_leads_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("a"), "secret").unwrap();
    symlink(elsewhere.path(), home.path().join("notes")).unwrap();
    check(home.path(), "read-only", &[("ra", "`notes` leads out of the granted folder")]).await;
}

#[tokio::test]
async fn what_is_no_plain_file_is_not_read() {
    let home = tempfile::tempdir().unwrap();
    let notes = home.path().join("notes");
    fs::create_dir_all(notes.join("folder")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(notes.join("pipe")).status().unwrap();
    assert!(made.success());
    let story = [
        ("rpipe", "`pipe` is no plain file"),
        ("wpipe", "`pipe` is no plain file"),
        ("rfolder", "`folder` is no plain file"),
        ("w.", "the granted folder itself is no file"),
    ];
    check(home.path(), "read-write", &story).await;
}

#[tokio::test]
async fn a_host_that_sets_nothing_aside_says_so() {
    let wasm = TextAgent { imports: IMPORTS, handle: HANDLE, ..TextAgent::default() }.wasm();
    let lines = "[capabilities]\nfiles = { folder = \".\" }";
    let guest = engine().agent(&wasm, manifest(World::Agent, lines)).unwrap();
    let provision: Provision = SampleHost::default().provision();
    let mut agent = guest.start(provision, "").await.unwrap();
    let said = agent.handle("ra").await.unwrap();
    assert_eq!(said, Handled::Refused("this host set no folder aside for the guest".to_owned()));
}
