//! `bottega tool`.

use crate::world::{Came, World};

fn run(words: &[&str]) -> Came {
    World::default().run(words)
}

#[test]
fn the_tools_are_listed_and_shown() {
    insta::assert_snapshot!(run(&["tool", "list"]).page());
    insta::assert_snapshot!(run(&["tool", "list", "--json"]).page());
    for name in ["grep", "word_count", "weather", "nothing"] {
        insta::assert_snapshot!(run(&["tool", "show", name]).page());
    }
}

#[test]
fn a_folders_tool_is_added() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().display().to_string();
    let add = |manifest: &str| {
        std::fs::write(home.path().join("bottega.toml"), manifest).unwrap();
        let came = run(&["tool", "add", &folder]);
        let without = |text: String| text.replace(&folder, "FOLDER");
        Came { out: without(came.out), err: without(came.err), ..came }
    };
    let manifest = |name: &str, world: &str| {
        format!("name = \"{name}\"\nversion = \"0.1.0\"\nworld = \"{world}\"\n")
    };
    // No module yet.
    insta::assert_snapshot!(add(&manifest("word-count", "tool")).page());
    for name in ["word-count", "weather"] {
        std::fs::write(home.path().join(format!("{name}.wasm")), "wasm").unwrap();
        let came = add(&manifest(name, "tool"));
        assert_eq!(came.left.calls, [format!("add name = \"{name}\" wasm")]);
        insta::assert_snapshot!(came.page());
    }
    let agent = add(&manifest("word-count", "agent"));
    assert!(agent.left.calls.is_empty());
    insta::assert_snapshot!(agent.page());
}

#[test]
fn a_tool_is_called_by_hand() {
    let came = run(&["tool", "call", "word_count", "{\"text\": \"a b c\"}"]);
    assert_eq!(came.left.calls, ["call word_count {\"text\":\"a b c\"}"]);
    insta::assert_snapshot!(came.page());
    let failed = run(&["tool", "call", "weather"]);
    assert_eq!(
        (failed.exit, failed.left.calls.as_slice()),
        (1, &["call weather {}".to_owned()][..])
    );
    insta::assert_snapshot!(failed.page());
    for wrong in ["[1]", "text"] {
        let came = run(&["tool", "call", "word_count", wrong]);
        assert!(came.left.calls.is_empty());
        insta::assert_snapshot!(came.page());
    }
}

#[test]
fn a_slip_in_one_name_takes_none_away() {
    let came = run(&["tool", "rm", "word_count", "nothing"]);
    assert!(came.left.calls.is_empty());
    let came = run(&["tool", "rm", "word_count", "weather", "word_count"]);
    assert_eq!(came.left.calls, ["remove word_count", "remove weather"]);
    insta::assert_snapshot!(came.page());
}
