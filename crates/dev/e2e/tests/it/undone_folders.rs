//! Undo takes back the folders that a session made, and no other.

use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use bottega_testkit::{Saying, ScriptedServer};
use rustix::process::Signal;
use serde_json::json;

use crate::home::Home;
use crate::provider::Provider;

#[test]
fn folders_that_were_made_go_and_those_that_were_there_stay() {
    let home = Home::new();
    fs::create_dir_all(home.workspace().join("empty")).unwrap();
    let write = |path: &str| {
        Saying::call("write_file", json!({ "path": path, "content": "x\n" }).to_string())
    };
    let server = ScriptedServer::of_turns([
        write("made/deep/one.txt").and_call(
            "write_file",
            json!({ "path": "made/two.txt", "content": "x\n" }).to_string(),
        ),
        write("empty/inner/three.txt"),
        write("shared/four.txt"),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["make files"]).finish().done();
    home.write("shared/mine.txt", "mine\n");
    let there = |path: &str| home.workspace().join(path).exists();

    home.bottega(&["sessions", "undo", "last", "--steps", "1"]).finish().done();
    assert!(!there("shared/four.txt") && there("shared/mine.txt") && there("made/deep/one.txt"));
    home.bottega(&["sessions", "undo", "last"]).finish().done();
    assert!(!there("made") && !there("empty/inner"));
    assert!(there("empty") && there("shared/mine.txt"));
    home.audit();
}

#[test]
fn what_a_command_changed_is_taken_back_to_the_byte() {
    let home = Home::new();
    home.write("kept.txt", "kept\n");
    home.write("changed.txt", "before\r\n");
    home.write("gone/deep.txt", "deep\n");
    let command = "printf 'after' > changed.txt; rm -r gone; printf x > gone; mkdir -p new/er && cp kept.txt new/er/";
    let server = ScriptedServer::of_turns([
        Saying::call("shell", json!({ "command": command }).to_string()),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["tidy up"]).finish().done();
    let read = |path: &str| fs::read_to_string(home.workspace().join(path)).ok();
    assert_eq!(
        (read("changed.txt").as_deref(), read("gone").as_deref()),
        (Some("after"), Some("x"))
    );

    home.bottega(&["sessions", "undo", "last"]).finish().done();
    assert_eq!(read("changed.txt").as_deref(), Some("before\r\n"));
    assert_eq!(read("gone/deep.txt").as_deref(), Some("deep\n"));
    assert_eq!(read("kept.txt").as_deref(), Some("kept\n"));
    assert!(!home.workspace().join("new").exists());
    home.audit();
}

/// Every entry below a folder: its path, its mode with its type, its bytes or what it leads to.
fn tree(root: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, about) = (entry.path(), entry.metadata().unwrap());
            let bytes = if about.is_dir() {
                open.push(path.clone());
                Vec::new()
            } else if about.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_vec()
            } else {
                fs::read(&path).unwrap()
            };
            found.push((path, about.permissions().mode(), bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn links_empty_folders_modes_and_ignored_files_come_back_too() {
    let home = Home::new();
    let at = |path: &str| home.workspace().join(path);
    home.write(".gitignore", "*.local\n");
    home.write("notes.local", "mine\n");
    home.write("shut/file", "x\n");
    home.write("tool.sh", "#!/bin/sh\n");
    fs::create_dir_all(at("hollow/deep")).unwrap();
    symlink("tool.sh", at("link")).unwrap();
    fs::set_permissions(at("shut"), Permissions::from_mode(0o555)).unwrap();
    let before = tree(&home.workspace());
    let command = "rm notes.local; rm -r hollow; rm link; ln -s /nowhere link; chmod 755 shut; rm shut/file; \
                   mkdir shut/in; touch shut/in/y; chmod 500 shut/in; mv tool.sh t; ln -s t tool.sh; mkdir bare";
    let server = ScriptedServer::of_turns([
        Saying::call("shell", json!({ "command": command }).to_string()),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["tidy up"]).finish().done();
    assert!(at("bare").is_dir() && at("tool.sh").is_symlink() && !at("hollow").exists());

    home.bottega(&["sessions", "undo", "last"]).finish().done();
    assert_eq!(tree(&home.workspace()), before);
    home.audit();
}

#[test]
fn what_a_stopped_command_did_is_taken_back() {
    let home = Home::new();
    home.write("kept.txt", "kept\n");
    let before = tree(&home.workspace());
    let command = "echo gone > kept.txt; touch new; echo waiting; sleep 1000";
    let server = ScriptedServer::of_turns([Saying::call(
        "shell",
        json!({ "command": command }).to_string(),
    )])
    .unwrap();
    let mut live = home.run(&Provider::usual(&server), &["--json", "tidy up"]).start();
    live.wait_for(|event| event["type"] == "tool_output");
    live.signal(Signal::INT);
    live.finish().with_code(130);
    assert!(home.workspace().join("new").exists());

    home.bottega(&["undo"]).finish().done();
    assert_eq!(tree(&home.workspace()), before);
    home.audit();
}

#[test]
fn a_link_that_a_command_put_in_the_way_leads_undo_nowhere() {
    let home = Home::new();
    home.write("d/key", "harmless\n");
    home.write("h/post-commit", "harmless\n");
    fs::create_dir_all(home.workspace().join(".git/hooks")).unwrap();
    let outside = home.workspace().with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    let command = format!("rm -r d h; ln -s {} d; ln -s $(printf .gi)t/hooks h", outside.display());
    let server = ScriptedServer::of_turns([
        Saying::call("shell", json!({ "command": command }).to_string()),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["tidy up"]).finish().done();
    // Somebody wants the link back that stood there.
    home.bottega(&["undo"]).finish().done();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert!(!home.workspace().join(".git/hooks/post-commit").exists());
    assert!(home.workspace().join("d").is_dir() && !home.workspace().join("d").is_symlink());
    home.audit();
}

#[test]
fn what_can_not_be_taken_back_is_told_and_is_no_success() {
    let home = Home::new();
    let large = json!({ "command": "head -c 9000000 /dev/zero > large; echo x > small" });
    let job = json!({ "command": "echo y > by-job", "wait": 60 });
    let server = ScriptedServer::of_turns([
        Saying::call("shell", large.to_string()),
        Saying::call("job", job.to_string()),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["work"]).finish().done();
    let undone = home.bottega(&["undo"]).finish();
    assert_eq!(undone.code, Some(1), "{undone:?}");
    let lines: Vec<&str> = undone.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            // The call that began the job waited for its end, and answers for it.
            "✓ deleted by-job: there was none before",
            "✓ deleted small: there was none before",
            "! not kept, so not taken back: changed files that can't be kept for undo, by their size or kind (1): large",
            "! not kept, so not taken back: what job 1 changed (`echo y > by-job`)",
        ]
    );
    assert!(!home.workspace().join("small").exists() && home.workspace().join("large").exists());
}
