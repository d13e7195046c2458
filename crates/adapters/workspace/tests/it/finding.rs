//! Listing and searching.

use bottega_tool::{Query, Workspace};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::world::{World, wait, word};

fn world() -> World {
    World::new(&[
        (".gitignore", b"target/\n*.log\n"),
        (".git/config", b"needle"),
        (".github/ci.yml", b"needle: yes\n"),
        (".hidden/x", b"needle"),
        (".env", b"NEEDLE=needle\n"),
        ("a.rs", b"one\nneedle two\r\nNeedle\n"),
        ("b.log", b"needle"),
        ("link@a.rs", b""),
        ("server.pem", b"needle"),
        ("src/deep/c.rs", b"x\n  needle\n"),
        ("src/lib.rs", b"needle"),
        ("src/zip.bin", b"needle\nneedle\0"),
        ("target/out", b"needle"),
        ("utf16.txt", b"\xFF\xFEn\0e\0e\0d\0l\0e\0"),
        ("latin.txt", b"caf\xE9 needle\n"),
    ])
}

#[track_caller]
fn check_list(path: &str, globs: &[&str], depth: Option<usize>, limit: usize, expected: &str) {
    let world = world();
    let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
    let listing = wait(world.workspace.list(path, &globs, depth, limit)).unwrap();
    let mut names: Vec<_> = listing.files.iter().map(|file| file.path.as_str()).collect();
    if listing.more {
        names.push("…");
    }
    assert_eq!(names.join(" "), expected);
}

#[test]
fn a_listing_is_what_people_work_on_in_path_order() {
    check_list(
        ".",
        &[],
        None,
        100,
        ".github/ci.yml .gitignore a.rs latin.txt link server.pem src/deep/c.rs src/lib.rs src/zip.bin utf16.txt",
    );
    check_list("src", &[], None, 100, "src/deep/c.rs src/lib.rs src/zip.bin");
    check_list("src", &[], Some(1), 100, "src/deep src/lib.rs src/zip.bin");
    check_list("a.rs", &[], None, 100, "a.rs");
}

#[test]
fn globs_choose() {
    check_list(".", &["*.rs"], None, 100, "a.rs src/deep/c.rs src/lib.rs");
    check_list(".", &["src/*.rs"], None, 100, "src/lib.rs");
    check_list(".", &["src/**/*.rs", "!lib.rs"], None, 100, "src/deep/c.rs");
    check_list(".", &["/a.*"], None, 100, "a.rs");
    check_list(".", &["src/"], Some(2), 100, "src/lib.rs src/zip.bin");
    check_list(".", &["*.log"], None, 100, "");
}

#[test]
fn a_listing_is_bounded_and_says_so() {
    check_list(".", &["*.rs"], None, 2, "a.rs src/deep/c.rs …");
    check_list(".", &["*.rs"], None, 3, "a.rs src/deep/c.rs src/lib.rs");
}

fn query(pattern: &str) -> Query {
    Query {
        pattern: pattern.to_owned(),
        case_sensitive: true,
        globs: Vec::new(),
        within: None,
        skip: 0,
        limit: 100,
    }
}

#[track_caller]
fn check_search(query: &Query, expected: &[&str]) {
    let world = world();
    let matches = wait(world.workspace.search(query)).unwrap();
    let mut lines: Vec<String> = matches
        .lines
        .iter()
        .map(|line| format!("{}:{}:{}", line.path, line.line, line.text))
        .collect();
    if matches.more {
        lines.push("…".to_owned());
    }
    assert_eq!(lines, expected);
}

#[test]
fn a_search_finds_lines_in_path_order() {
    let all = [
        ".github/ci.yml:1:needle: yes",
        "a.rs:2:needle two",
        "latin.txt:1:café needle",
        "src/deep/c.rs:2:  needle",
        "src/lib.rs:1:needle",
        "utf16.txt:1:needle",
    ];
    check_search(&query("needle"), &all);
    let page = Query { skip: 1, limit: 2, ..query("needle") };
    check_search(&page, &[all[1], all[2], "…"]);
    let last = Query { skip: 4, limit: 2, ..query("needle") };
    check_search(&last, &[all[4], all[5]]);
    let past = Query { skip: 40, limit: 2, ..query("needle") };
    check_search(&past, &[]);
}

#[test]
fn a_search_takes_expressions_globs_and_places() {
    let folded = Query { case_sensitive: false, within: Some("a.rs".into()), ..query("^needle$") };
    check_search(&folded, &["a.rs:3:Needle"]);
    check_search(&query("needle two$"), &["a.rs:2:needle two"]);
    let globs =
        Query { globs: vec!["*.rs".into()], within: Some("src".into()), ..query(r"\bneedle") };
    check_search(&globs, &["src/deep/c.rs:2:  needle", "src/lib.rs:1:needle"]);
    let named = Query { within: Some(".env".into()), ..query("needle") };
    check_search(&named, &[".env:1:NEEDLE=needle"]);
}

#[test]
fn what_can_not_be_searched_says_why() {
    let world = world();
    assert_eq!(word(wait(world.workspace.search(&query("(")))), "bad pattern");
    let globs = Query { globs: vec!["a[".into()], ..query("x") };
    assert_eq!(word(wait(world.workspace.search(&globs))), "bad pattern");
    let within = Query { within: Some("scr/lib.rs".into()), ..query("x") };
    assert_eq!(word(wait(world.workspace.search(&within))), "not found; near: src/lib.rs");
    assert!(word(wait(world.workspace.list("nowhere", &[], None, 9))).starts_with("not found"));
}

#[test]
fn long_lines_are_cut_around_the_match() {
    let line = format!("{}needle{}", "ä".repeat(200_000), "b".repeat(200_000));
    let world = World::new(&[("min.js", line.as_bytes())]);
    let matches = wait(world.workspace.search(&query("needle"))).unwrap();
    let text = &matches.lines[0].text;
    assert!(text.starts_with('…') && text.ends_with('…') && text.contains("needle"), "{text}");
    assert!(text.chars().count() <= 302, "{}", text.chars().count());
}

#[test]
fn a_search_over_many_files_keeps_their_order() {
    let files: Vec<(String, String)> =
        (0..700).map(|n| (format!("d{}/f{n:04}", n / 100), format!("needle {n}\n"))).collect();
    let world = World::new(&[]);
    for (name, text) in &files {
        world.put(name, text.as_bytes());
    }
    let all = Query { limit: 1_000, ..query("needle") };
    let matches = wait(world.workspace.search(&all)).unwrap();
    let found: Vec<_> = matches.lines.iter().map(|line| line.path.clone()).collect();
    let names: Vec<_> = files.into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, names);
}

/// A pipe at `place`, or an endless device, with `list` still telling `expected` and nothing waited for.
#[track_caller]
fn check_endless(place: &str, expected: &str) {
    for device in [false, true] {
        let world = World::new(&[
            (".gitignore", b"*.log\n"),
            ("a.log", b"x"),
            ("src/b.rs", b"x"),
            (".git/info/", b""),
        ]);
        let path = world.path(place);
        let _ = std::fs::remove_file(&path);
        if device {
            std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        } else {
            mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        }
        let listing = wait(world.workspace.list(".", &["*.*".to_owned()], None, 100)).unwrap();
        let names: Vec<_> = listing.files.iter().map(|file| file.path.as_str()).collect();
        let names: Vec<_> = names.into_iter().filter(|name| !name.ends_with("ignore")).collect();
        assert_eq!(names.join(" "), expected, "{place}");
    }
}

#[test]
fn an_ignore_file_that_never_ends_is_not_read() {
    check_endless(".gitignore", "a.log src/b.rs");
    check_endless(".ignore", "a.log src/b.rs");
    check_endless(".git/info/exclude", "a.log src/b.rs");
    check_endless("src/.gitignore", "");
    check_endless("../.gitignore", "a.log src/b.rs");
}
