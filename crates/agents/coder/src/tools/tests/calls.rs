//! Calls that touch files.

use super::*;

fn crlf_bom() -> FakeWorkspace {
    FakeWorkspace::new().with("a.txt", "\u{feff}one\r\ntwo\r\n")
}

#[tokio::test]
async fn a_file_is_read_with_numbers() {
    let bench = Bench::files(FakeWorkspace::new().with("src/a.rs", "fn a() {\n}\n\nlast"));
    assert_eq!(
        bench.text("read_file", json!({ "path": "src/a.rs" })).await,
        "src/a.rs: lines 1-4 of 4\n1|fn a() {\n2|}\n3|\n4|last\n"
    );
    assert_eq!(
        bench
            .text("read_file", json!({ "path": "src/a.rs", "start_line": 2, "line_count": 1 }))
            .await,
        "src/a.rs: lines 2-2 of 4\n2|}\n[2 more lines: read_file with start_line 3]\n"
    );
    bench.refused("read_file", json!({ "path": "src/a.rs", "start_line": 9 }), "has 4 lines").await;
    bench.refused("read_file", json!({ "path": "src" }), "is a folder").await;
    bench.refused("read_file", json!({ "path": "b" }), "there is no file `b`").await;
    bench.refused("read_file", json!({ "pat": "b" }), "missing field `path`").await;
}

#[tokio::test]
async fn a_long_file_is_read_in_pages_that_join() {
    let whole: String = (1..=2_000).map(|n| format!("line {n}\n")).collect();
    let bench = Bench::files(FakeWorkspace::new().with("a", &whole));
    let mut joined = String::new();
    let mut from = 1;
    while from <= 2_000 {
        let page = bench.text("read_file", json!({ "path": "a", "start_line": from })).await;
        assert!(page.len() <= 4_000, "{}", page.len());
        for line in page.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())) {
            joined.push_str(&format!("{}\n", line.split_once('|').unwrap().1));
            from += 1;
        }
    }
    assert_eq!(joined, whole);
}

#[tokio::test]
async fn a_very_long_line_is_cut_and_a_binary_file_named() {
    let bench = Bench::files(
        FakeWorkspace::new()
            .with("min.js", "é".repeat(5_000))
            .with("x.png", b"\x89PNG\0\0")
            .with("none", ""),
    );
    let text = bench.text("read_file", json!({ "path": "min.js" })).await;
    assert!(
        text.len() < 2_200
            && text.contains(
                "[8000 bytes of this line left out: read_file with start_line 1, start_byte 2000]"
            ),
        "{text}"
    );
    let rest = json!({ "path": "min.js", "start_byte": 2_000 });
    let text = bench.text("read_file", rest).await;
    assert!(text.len() > 3_500 && text.contains("start_line 1, start_byte"), "{text}");
    let last = bench.text("read_file", json!({ "path": "min.js", "start_byte": 9_990 })).await;
    assert_eq!(last, "min.js: lines 1-1 of 1\n1|ééééé\n");
    assert_eq!(
        bench.text("read_file", json!({ "path": "x.png" })).await,
        "x.png is a binary file of 6 bytes; it has no lines to show"
    );
    assert_eq!(bench.text("read_file", json!({ "path": "none" })).await, "none is empty");
    bench
        .refused(
            "edit_file",
            json!({ "path": "x.png", "old_text": "P", "new_text": "Q" }),
            "binary",
        )
        .await;
    bench.refused("write_file", json!({ "path": "x.png", "content": "Q" }), "binary").await;
}

#[tokio::test]
async fn an_edit_changes_the_file_and_shows_what() {
    let bench = Bench::files(FakeWorkspace::new().with("a.py", "def f():\n    return 1\n"));
    let edit = json!({ "path": "a.py", "old_text": "    return 1", "new_text": "    return 2" });
    let output = bench.call("edit_file", edit).await.unwrap();
    insta::assert_snapshot!(output.text, @r"
    edited a.py (+1 -1)
    @@ -1,2 +1,2 @@
     def f():
    -    return 1
    +    return 2
    ");
    let change = &output.changes[0];
    assert_eq!(change.before_bytes.as_deref(), Some(b"def f():\n    return 1\n".as_slice()));
    assert_eq!(change.after, Some(Digest::of(b"def f():\n    return 2\n")));
    assert_eq!(bench.workspace.text("a.py").unwrap(), "def f():\n    return 2\n");
}

#[tokio::test]
async fn byte_order_mark_and_line_ends_stay() {
    let bench = Bench::files(crlf_bom());
    bench
        .text("edit_file", json!({ "path": "a.txt", "old_text": "two", "new_text": "2\n3" }))
        .await;
    assert_eq!(bench.workspace.text("a.txt").unwrap(), "\u{feff}one\r\n2\r\n3\r\n");
    bench.text("read_file", json!({ "path": "a.txt" })).await;
    bench.text("write_file", json!({ "path": "a.txt", "content": "x\ny" })).await;
    assert_eq!(bench.workspace.text("a.txt").unwrap(), "\u{feff}x\r\ny\r\n");
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_read_is_left_alone() {
    let bench = Bench::files(FakeWorkspace::new().with("a", "one\n"));
    bench.text("read_file", json!({ "path": "a" })).await;
    bench.workspace.put("a", "two\n");
    let edit = json!({ "path": "a", "old_text": "two", "new_text": "three" });
    bench.refused("edit_file", edit.clone(), "changed on disk since you read it").await;
    bench.refused("write_file", json!({ "path": "a", "content": "x" }), "changed on disk").await;
    assert_eq!(bench.workspace.text("a").unwrap(), "two\n");
    bench.text("read_file", json!({ "path": "./a" })).await;
    bench.text("edit_file", edit).await;
    assert_eq!(bench.workspace.text("a").unwrap(), "three\n");
}

#[tokio::test]
async fn a_file_that_was_not_read_is_not_replaced() {
    let bench = Bench::files(FakeWorkspace::new().with("a", "one\n"));
    bench
        .refused("write_file", json!({ "path": "a", "content": "x" }), "you have not read it")
        .await;
    assert_eq!(
        bench.text("write_file", json!({ "path": "new/b", "content": "x\ny\n" })).await,
        "created new/b (2 lines)"
    );
    // What it wrote itself, it knows.
    bench.text("write_file", json!({ "path": "new/b", "content": "x\nz\n" })).await;
    assert_eq!(bench.workspace.text("new/b").unwrap(), "x\nz\n");
    let again =
        bench.call("write_file", json!({ "path": "new/b", "content": "x\nz\n" })).await.unwrap();
    assert!(again.text.contains("already") && again.changes.is_empty());
}

#[tokio::test]
async fn text_that_stands_for_text_is_refused() {
    let bench = Bench::files(FakeWorkspace::new().with("a", "one\ntwo\n"));
    bench.text("read_file", json!({ "path": "a" })).await;
    let elided = "three\n// ... existing code ...\n";
    bench
        .refused("write_file", json!({ "path": "a", "content": elided }), "stands for other lines")
        .await;
    let edit = json!({ "path": "a", "old_text": "two", "new_text": elided });
    bench.refused("edit_file", edit, "stands for other lines").await;
}

#[tokio::test]
async fn a_refused_edit_of_a_small_file_shows_it() {
    let bench = Bench::files(FakeWorkspace::new().with("a", "one\n"));
    let edit = json!({ "path": "a", "old_text": "qqqq zzzz", "new_text": "x" });
    bench.refused("edit_file", edit, "It has these lines:\n1|one").await;
}

#[tokio::test]
async fn a_path_that_moved_after_judgement_is_refused() {
    let bench = Bench::files(FakeWorkspace::new().with("a", "one\n").with("/etc/passwd", "root\n"));
    let edit = json!({ "path": "a", "old_text": "one", "new_text": "x" }).to_string();
    let prepared = find("edit_file").prepare(&edit, &bench.context).await.unwrap();
    bench.workspace.link("a", "/etc/passwd");
    let refusal = prepared.run(&bench.context).await.unwrap_err().to_string();
    assert!(refusal.contains("leads elsewhere"), "{refusal}");
}

#[tokio::test]
async fn what_a_call_needs_is_known_before_it_runs() {
    let bench = Bench::files(FakeWorkspace::new().with("a", "one\n"));
    let check = async |tool: &str, arguments: Value, need: Need| {
        assert_eq!(bench.needs(tool, arguments).await, [need]);
    };
    let (a, out) = ("a".to_owned(), "/etc/passwd".to_owned());
    check(
        "read_file",
        json!({ "path": "./a" }),
        Need::Read { path: a.clone(), place: Place::Inside },
    )
    .await;
    let outside = Need::Read { path: out, place: Place::Outside };
    check("read_file", json!({ "path": "../etc/passwd" }), outside).await;
    let edit = json!({ "path": "a", "old_text": "x", "new_text": "y" });
    check("edit_file", edit, Need::Write { path: a, place: Place::Inside }).await;
    let protected = Need::Write { path: ".env".to_owned(), place: Place::Protected };
    check("write_file", json!({ "path": ".env", "content": "" }), protected).await;
    let all = Need::Read { path: ".".to_owned(), place: Place::Inside };
    check("list_files", json!({}), all.clone()).await;
    check("grep", json!({ "pattern": "x" }), all).await;
}

#[tokio::test]
async fn files_are_listed_and_the_rest_announced() {
    let workspace =
        FakeWorkspace::new().with("src/a.rs", "").with("src/deep/b.rs", "").with("README.md", "");
    let bench = Bench::files(workspace);
    assert_eq!(bench.text("list_files", json!({})).await, "README.md\nsrc/a.rs\nsrc/deep/b.rs\n");
    assert_eq!(bench.text("list_files", json!({ "depth": 1 })).await, "README.md\nsrc/\n");
    assert_eq!(
        bench.text("list_files", json!({ "path": "src", "globs": ["b.*"] })).await,
        "src/deep/b.rs\n"
    );
    assert_eq!(bench.text("list_files", json!({ "globs": ["*.py"] })).await, "no files in . match");
    for n in 0..400 {
        bench.workspace.put(&format!("many/{n}"), "");
    }
    assert!(bench.text("list_files", json!({ "path": "many" })).await.contains("there are more"));
}

#[tokio::test]
async fn lines_are_found_with_context_and_in_pages() {
    let lines: String = (1..=150).map(|n| format!("let x{n} = 0;\n")).collect();
    let workspace = FakeWorkspace::new()
        .with("a.rs", "one\ntwo\nthree\nTWO\n")
        .with("b.rs", lines)
        .with(".env", "two=secret");
    let bench = Bench::files(workspace);
    assert_eq!(
        bench.text("grep", json!({ "pattern": "two" })).await,
        "a.rs\n2|two\n[matches in protected files are not shown; read_file asks for them]\n"
    );
    let both = json!({ "pattern": "two", "path": "a.rs", "ignore_case": true, "context": 1 });
    assert_eq!(bench.text("grep", both).await, "a.rs\n1|one\n2|two\n3|three\n4|TWO\n");
    let far = json!({ "pattern": "x(1|9) ", "globs": ["*.rs"], "context": 1 });
    assert_eq!(
        bench.text("grep", far).await,
        "b.rs\n1|let x1 = 0;\n2|let x2 = 0;\n--\n8|let x8 = 0;\n9|let x9 = 0;\n10|let x10 = 0;\n"
    );
    let first = bench.text("grep", json!({ "pattern": "let" })).await;
    assert!(
        first.ends_with("[more matches: grep again with skip 100, or narrow the search]\n"),
        "{first}"
    );
    let second = bench.text("grep", json!({ "pattern": "let", "skip": 100 })).await;
    assert!(
        second.starts_with("b.rs\n101|") && second.ends_with("150|let x150 = 0;\n"),
        "{second}"
    );
    assert_eq!(
        bench.text("grep", json!({ "pattern": "nope" })).await,
        "no line matches `nope` in ."
    );
    let bench = Bench::files(FakeWorkspace::new().with("b.bin", "let\0"));
    assert_eq!(
        bench.text("grep", json!({ "pattern": "nope", "path": "b.bin" })).await,
        "no line matches `nope` in b.bin: it is a binary file, and those are not searched"
    );
    bench.refused("grep", json!({ "pattern": "(" }), "the pattern is not valid").await;
}

#[tokio::test]
async fn what_was_not_read_is_not_written_over() {
    let bench = Bench::files(FakeWorkspace::new().with("a", "1\n2\n3\n4\n"));
    let whole = json!({ "path": "a", "content": "1\n" });
    let read =
        |from: usize, count: usize| json!({ "path": "a", "start_line": from, "line_count": count });
    bench.text("read_file", read(1, 2)).await;
    bench.refused("write_file", whole.clone(), "you have not read line 3 of a").await;
    let edit = json!({ "path": "a", "old_text": "1", "new_text": "one" });
    bench.text("edit_file", edit).await;
    bench.refused("write_file", whole.clone(), "you have not read line 1 of a").await;
    bench.text("read_file", read(3, 2)).await;
    bench.text("read_file", read(1, 2)).await;
    bench.text("write_file", whole).await;
    assert_eq!(bench.workspace.text("a").as_deref(), Some("1\n"));
}
