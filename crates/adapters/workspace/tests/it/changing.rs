//! Changes over several files.

use bottega_tool::{FileChange, FileStep, Workspace, WorkspaceError};
use bottega_types::Digest;

use crate::world::{World, wait, word};

fn write(path: &str, text: &str, expected: Option<&[u8]>) -> FileStep {
    let expected = expected.map(Digest::of);
    FileStep::Write { path: path.to_owned(), text: text.to_owned(), expected, executable: None }
}

fn moved(path: &str, to: &str, text: Option<&str>, expected: &[u8]) -> FileStep {
    let (path, to, text) = (path.to_owned(), to.to_owned(), text.map(str::to_owned));
    FileStep::Move { path, to, text, expected: Digest::of(expected) }
}

fn delete(path: &str, expected: &[u8]) -> FileStep {
    FileStep::Delete { path: path.to_owned(), expected: Digest::of(expected) }
}

fn change(world: &World, steps: &[FileStep]) -> Result<Vec<FileChange>, WorkspaceError> {
    wait(world.workspace.change(steps))
}

#[test]
fn every_step_is_carried_out_and_told() {
    let world = World::new(&[("a", b"a\n"), ("b", b"caf\xe9\n"), ("c", b"c\n")]);
    world.chmod("b", 0o755);
    let steps = [
        write("a", "A\n", Some(b"a\n")),
        write("new/n", "n\n", None),
        moved("b", "d/b", Some("\u{e9}\n"), b"caf\xe9\n"),
        delete("c", b"c\n"),
    ];
    let changes = change(&world, &steps).unwrap();
    let told: Vec<_> = changes
        .iter()
        .map(|c| (c.path.as_str(), c.before_bytes.as_deref(), c.after_bytes.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("a", Some(&b"a\n"[..]), Some(&b"A\n"[..])),
            ("new/n", None, Some(b"n\n")),
            ("d/b", None, Some(b"\xe9\n")),
            ("b", Some(b"caf\xe9\n"), None),
            ("c", Some(b"c\n"), None),
        ]
    );
    assert_eq!((world.on_disk("b"), world.on_disk("c")), (None, None));
    assert_eq!((world.on_disk("d/b").unwrap(), world.mode("d/b")), (b"\xe9\n".to_vec(), 0o755));
    // What was told is enough to go back.
    for change in changes.iter().rev() {
        let before = change.before_bytes.as_deref();
        wait(world.workspace.restore(&change.path, before, change.mode, change.after)).unwrap();
    }
    assert_eq!((world.on_disk("b").unwrap(), world.mode("b")), (b"caf\xe9\n".to_vec(), 0o755));
    assert_eq!((world.on_disk("a").unwrap(), world.on_disk("d/b")), (b"a\n".to_vec(), None));
}

#[test]
fn what_is_not_as_expected_stops_all_before_it_begins() {
    let world = World::new(&[("a", b"a\n"), ("b", b"mine\n"), ("bin", b"\0")]);
    let first = || write("a", "A\n", Some(b"a\n"));
    for (second, expected) in [
        (write("b", "B\n", Some(b"b\n")), "changed"),
        (write("b", "B\n", None), "changed"),
        (delete("gone", b"x"), "changed"),
        (moved("b", "a", None, b"mine\n"), "changed"),
        (write("b", "\0", Some(b"mine\n")), "unusable: the new text holds control characters"),
        (write("bin", "x", Some(b"\0")), "unusable: it holds binary data"),
    ] {
        let actual = word(change(&world, &[first(), second.clone()]));
        assert!(actual.starts_with(expected), "{second:?}: {actual}");
        assert_eq!(world.on_disk("a").unwrap(), b"a\n", "{second:?}");
    }
    assert_eq!(world.on_disk("b").unwrap(), b"mine\n");
}

#[test]
fn what_fails_half_way_is_taken_back() {
    let world = World::new(&[("a", b"a\n"), ("c", b"c\n")]);
    world.chmod("c", 0o640);
    // Nothing is at either of the last two; but when the one is a file, the other can't be below it.
    let steps = [
        write("a", "A\n", Some(b"a\n")),
        delete("c", b"c\n"),
        write("f", "f\n", None),
        write("f/g", "g\n", None),
    ];
    assert!(change(&world, &steps).is_err());
    assert_eq!((world.on_disk("a").unwrap(), world.on_disk("f")), (b"a\n".to_vec(), None));
    assert_eq!((world.on_disk("c").unwrap(), world.mode("c")), (b"c\n".to_vec(), 0o640));
    assert!(world.leftovers().is_empty());
}
