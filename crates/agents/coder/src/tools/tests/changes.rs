//! Calls that find, patch and delete files. What they do to bytes stands in `tests/edits`.

use super::*;

#[tokio::test]
async fn files_are_found_by_name() {
    let workspace = FakeWorkspace::new()
        .with("src/Edit_File.rs", "")
        .with("src/deep/edit.rs", "")
        .with("docs/editing.md", "");
    let bench = Bench::files(workspace);
    let find = async |arguments: Value| bench.text("find_files", arguments).await;
    assert_eq!(find(json!({ "pattern": "edit_file" })).await, "src/Edit_File.rs\n");
    assert_eq!(
        find(json!({ "pattern": "edit" })).await,
        "docs/editing.md\nsrc/Edit_File.rs\nsrc/deep/edit.rs\n"
    );
    assert_eq!(find(json!({ "pattern": "src/**/e*.rs" })).await, "src/deep/edit.rs\n");
    assert_eq!(find(json!({ "pattern": "edit", "path": "docs" })).await, "docs/editing.md\n");
    assert!(find(json!({ "pattern": "nope" })).await.starts_with("no file in . matches nope"));
    bench.refused("find_files", json!({ "pattern": " " }), "pattern is empty").await;
}

#[tokio::test]
async fn a_deleted_file_is_kept_for_undo() {
    let bench = Bench::files(FakeWorkspace::new().with("a", "one\n"));
    bench.refused("delete_file", json!({ "path": "a" }), "you have not read a").await;
    bench.text("read_file", json!({ "path": "a" })).await;
    let output = bench.call("delete_file", json!({ "path": "a" })).await.unwrap();
    assert_eq!(output.text, "deleted a (1 lines)");
    let change = &output.changes[0];
    assert_eq!(change.before_bytes.as_deref(), Some(b"one\n".as_slice()));
    assert_eq!((change.after, bench.workspace.text("a")), (None, None));
}

#[tokio::test]
async fn a_patch_tells_what_it_did_and_keeps_every_version() {
    let workspace = FakeWorkspace::new().with("a.py", "x = 1\ny = 2\n").with("b.py", "z = 3\n");
    let bench = Bench::files(workspace);
    let patch = "*** Begin Patch\n*** Update File: a.py\n@@\n x = 1\n-y = 2\n+y = 3\n*** Add File: c.py\n+new\n\
                 *** Update File: b.py\n*** Move to: d.py\n*** End Patch";
    let arguments = json!({ "patch": patch });
    let prepared =
        find("apply_patch").prepare(&arguments.to_string(), &bench.context).await.unwrap();
    assert_eq!(prepared.summary(), "patch a.py, c.py, b.py, d.py");
    assert_eq!(prepared.needs().len(), 4);
    let details = prepared.details(&bench.context).await;
    assert!(details.contains("+y = 3") && details.contains("+new"), "{details}");
    let output = prepared.run(&bench.context).await.unwrap();
    insta::assert_snapshot!(output.text, @r"
    patched a.py (+1 -1)
    @@ -1,2 +1,2 @@
     x = 1
    -y = 2
    +y = 3
    created c.py (1 lines)
    moved b.py to d.py
    ");
    let kinds: Vec<(&str, bool, bool)> = output
        .changes
        .iter()
        .map(|change| (change.path.as_str(), change.before.is_some(), change.after.is_some()))
        .collect();
    assert_eq!(
        kinds,
        [("a.py", true, true), ("c.py", false, true), ("d.py", false, true), ("b.py", true, false)]
    );
    // What it wrote, it knows.
    bench.text("write_file", json!({ "path": "c.py", "content": "newer\n" })).await;
    assert_eq!(bench.workspace.text("d.py").unwrap(), "z = 3\n");
}
