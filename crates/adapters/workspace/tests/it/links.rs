//! Where paths lead.

use bottega_policy::Place;
use bottega_tool::{FileKind, Workspace};
use bottega_workspace::Options;

use crate::world::{World, wait, word};

fn world() -> World {
    let world = World::with(
        &[
            ("src/a.rs", b"a"),
            ("in@src", b""),
            ("in.rs@src/a.rs", b""),
            ("out@OUT", b""),
            ("abs@OUT/w/src", b""),
            ("dangling@src/new.rs", b""),
            ("dangling-out@OUT/new", b""),
            ("one@two", b""),
            ("two@one", b""),
            ("innocent@.git/config", b""),
            (".git/config", b"x"),
        ],
        |folder| Options {
            home: Some(folder.join("home")),
            protected: vec![folder.join("data")],
            ..Options::default()
        },
    );
    std::fs::write(world.outside("secret"), "s").unwrap();
    world
}

/// Each line reads `path -> shown, place`; `OUT` stands for the folder around the workspace.
#[track_caller]
fn check(lines: &str) {
    let world = world();
    let out = world.outside("").to_string_lossy().trim_end_matches('/').to_owned();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (path, expected) = line.split_once(" -> ").unwrap();
        let (shown, place) = world.place(&path.replace("OUT", &out));
        assert_eq!(format!("{}, {place:?}", shown.replace(&out, "OUT")), expected, "{line}");
    }
}

#[test]
fn links_are_followed_before_the_place_is_told() {
    check(
        "src/a.rs -> src/a.rs, Inside
         ./src/../src//a.rs -> src/a.rs, Inside
         . -> ., Inside
         in/a.rs -> src/a.rs, Inside
         in.rs -> src/a.rs, Inside
         abs/a.rs -> src/a.rs, Inside
         new/folder/x -> new/folder/x, Inside
         dangling -> src/new.rs, Inside
         dangling-out -> OUT/new, Outside
         .. -> OUT, Outside
         ../secret -> OUT/secret, Outside
         out/secret -> OUT/secret, Outside
         out/w/src/a.rs -> src/a.rs, Inside
         in/../../secret -> OUT/secret, Outside
         OUT/w/src/a.rs -> src/a.rs, Inside
         OUT/data/journal -> OUT/data/journal, Protected
         ~/.ssh/id -> OUT/home/.ssh/id, Protected
         ~/notes -> OUT/home/notes, Outside
         innocent -> .git/config, Protected
         .git -> .git, Protected
         src/.env -> src/.env, Protected
         src/.env.example -> src/.env.example, Inside",
    );
}

#[test]
fn links_in_a_circle_end() {
    assert!(word(world().workspace.resolve("one")).contains("circle"));
    assert!(word(world().workspace.resolve("a\0b")).contains("NUL"));
}

#[test]
fn a_write_goes_through_a_link_and_leaves_it() {
    let world = world();
    let (_, digest) = world.read("in.rs").unwrap();
    world.write("in.rs", "new", Some(digest)).unwrap();
    world.write("dangling", "made", None).unwrap();
    assert_eq!(world.on_disk("src/a.rs").as_deref(), Some(&b"new"[..]));
    assert_eq!(world.on_disk("src/new.rs").as_deref(), Some(&b"made"[..]));
    assert!(world.path("in.rs").symlink_metadata().unwrap().is_symlink());
    assert!(world.path("dangling").symlink_metadata().unwrap().is_symlink());
}

#[test]
fn a_link_that_is_swapped_after_judgement_is_refused() {
    let world = world();
    assert_eq!(world.place("in/a.rs").1, Place::Inside);
    let (_, digest) = world.read("in/a.rs").unwrap();
    std::fs::write(world.outside("a.rs"), "a").unwrap();
    world.put("in@OUT", b"");
    assert!(word(world.read("in/a.rs")).contains("leads to"));
    assert!(word(world.write("in/a.rs", "evil", Some(digest))).contains("leads to"));
    assert_eq!(std::fs::read(world.outside("a.rs")).unwrap(), b"a");
    // Looked at again, the new place is judged anew.
    assert_eq!(world.place("in/a.rs").1, Place::Outside);
    assert_eq!(word(world.read("in/a.rs")), "ok");
}

#[test]
fn a_folder_that_becomes_a_link_after_judgement_is_refused() {
    let world = world();
    assert_eq!(world.place("new/file").1, Place::Inside);
    world.put("new@OUT", b"");
    assert!(word(world.write("new/file", "evil", None)).contains("leads to"));
    assert!(!world.outside("file").exists());
}

#[test]
fn stat_tells_what_is_there() {
    let world = world();
    world.chmod("src/a.rs", 0o640);
    let stat = |path: &str| wait(world.workspace.stat(path)).unwrap();
    let file = stat("in.rs").unwrap();
    assert_eq!((file.kind, file.size, file.mode), (FileKind::File, 1, 0o640));
    assert_eq!(stat("src").map(|stat| stat.kind), Some(FileKind::Folder));
    assert_eq!(stat("dangling").map(|stat| stat.kind), Some(FileKind::Link));
    assert_eq!(stat("nothing"), None);
    assert_eq!(stat("src/a.rs/below"), None);
}
