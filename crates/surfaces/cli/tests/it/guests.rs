//! Guests that are made here: built by their own line, and played by scripts.

use std::path::Path;

use bottega_cli::Needs;

use crate::words::read;
use crate::world::{Came, World};

const MANIFEST: &str = "name = \"greeter\"\nversion = \"0.1.0\"\nworld = \"agent\"\n";
const GRANTED: &str = "[capabilities]\nsend = true\nlog = true\n";
const SCRIPT: &str =
    "name = \"says back\"\n[[steps]]\nhear = { performative = \"request\", content = \"Ada\" }\n";

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Runs a line with the folder behind it.
fn run(line: &[&str], folder: &Path) -> Came {
    let name = folder.display().to_string();
    let came = World::default().run(&[line, &[name.as_str()]].concat());
    let without = |text: String| text.replace(&name, "FOLDER");
    Came { out: without(came.out), err: without(came.err), ..came }
}

#[test]
fn neither_needs_settings() {
    for line in [["agent", "build"], ["agent", "test"]] {
        assert_eq!(read(&line).unwrap().needs(), Needs::Nothing);
    }
}

#[test]
fn a_guest_is_built_and_looked_at() {
    let home = tempfile::tempdir().unwrap();
    let build = "[build]\ncommand = \"echo one; echo two >&2; printf wasm > greeter.wasm\"\n";
    write(home.path(), "bottega.toml", &format!("{MANIFEST}{build}{GRANTED}"));
    let came = run(&["agent", "build"], home.path());
    assert_eq!(came.left.calls, ["inspect wasm greeter"]);
    insta::assert_snapshot!(came.page());
    insta::assert_snapshot!(run(&["--json", "agent", "build"], home.path()).page());
    // What was not granted is told here, and not by the server.
    write(home.path(), "bottega.toml", &format!("{MANIFEST}{build}"));
    insta::assert_snapshot!(run(&["agent", "build"], home.path()).page());
}

#[test]
fn a_build_that_fails_or_makes_nothing_is_told() {
    let home = tempfile::tempdir().unwrap();
    let build = |command: &str| {
        write(
            home.path(),
            "bottega.toml",
            &format!("{MANIFEST}[build]\ncommand = \"{command}\"\n"),
        );
        let came = run(&["agent", "build"], home.path());
        assert!(came.left.calls.is_empty());
        came
    };
    insta::assert_snapshot!(build("echo no compiler; exit 3").page());
    insta::assert_snapshot!(build("true").page());
    write(home.path(), "bottega.toml", &MANIFEST.replace("agent", "outside"));
    insta::assert_snapshot!(run(&["agent", "build"], home.path()).page());
    assert_eq!(run(&["agent", "build"], &home.path().join("nowhere")).exit, 2);
}

#[test]
fn scripts_are_played_and_told() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "bottega.toml", &format!("{MANIFEST}{GRANTED}"));
    insta::assert_snapshot!(run(&["agent", "test"], home.path()).page());
    let says = "says = [{ performative = \"request\", content = \"Ada\" }]\n";
    write(home.path(), "tests/a.toml", &format!("{SCRIPT}{says}"));
    insta::assert_snapshot!(run(&["agent", "test"], home.path()).page());
    write(home.path(), "greeter.wasm", "wasm");
    let came = run(&["agent", "test"], home.path());
    assert_eq!(came.left.calls, ["rehearse wasm greeter"]);
    assert_eq!(
        (came.exit, came.out.as_str()),
        (0, "ok   says back (tests/a.toml)\n1 passed, 0 failed\n")
    );
    insta::assert_snapshot!(run(&["--json", "agent", "test"], home.path()).page());
    write(home.path(), "tests/b.toml", &SCRIPT.replace("says back", "is silent"));
    write(
        home.path(),
        "tests/c.toml",
        &format!("{SCRIPT}says = [{{}}, {{ performative = \"inform\", content = \"Eve\" }}]\n"),
    );
    write(home.path(), "tests/d.toml", &format!("{SCRIPT}syas = []\n"));
    write(home.path(), "tests/notes.md", "no script");
    insta::assert_snapshot!(run(&["agent", "test"], home.path()).page());
    let only = run(&["agent", "test", "--only", "a.t"], home.path());
    assert_eq!((only.exit, only.out.lines().count()), (0, 2));
}

#[test]
fn what_happened_is_written_into_a_script() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "bottega.toml", &format!("{MANIFEST}{GRANTED}"));
    write(home.path(), "greeter.wasm", "wasm");
    write(home.path(), "tests/a.toml", SCRIPT);
    let came = run(&["agent", "test", "--record"], home.path());
    assert_eq!(came.out, "ok   says back (tests/a.toml, recorded)\n1 passed, 0 failed\n");
    insta::assert_snapshot!(std::fs::read_to_string(home.path().join("tests/a.toml")).unwrap());
    let again = run(&["agent", "test"], home.path());
    assert_eq!(
        (again.exit, again.out.as_str()),
        (0, "ok   says back (tests/a.toml)\n1 passed, 0 failed\n")
    );
}
