use proptest::prelude::*;
use similar::TextDiff;

use super::*;
use crate::replacement::apply;

/// What is read of a patch, a line for each part.
#[track_caller]
fn check(patch: &str, expected: &str) {
    let told = match read(patch) {
        Err(why) => why.to_string(),
        Ok(patch) => {
            let parts: Vec<String> = patch.parts.iter().map(told).collect();
            parts.join("\n")
        }
    };
    assert_eq!(told, expected);
}

fn told(part: &Part) -> String {
    let deed = match &part.deed {
        Deed::Add { text } => format!("add {text:?}"),
        Deed::Delete { text } => format!("delete {text:?}"),
        Deed::Update { to, hunks } => {
            let to = to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            let hunks: Vec<String> = hunks
                .iter()
                .map(|hunk| {
                    format!(
                        " {}:{:?}{:?}{}{:?}>{:?}",
                        hunk.line,
                        hunk.at,
                        hunk.anchors,
                        if hunk.at_end { "end" } else { "" },
                        hunk.old_text(),
                        hunk.new_text()
                    )
                })
                .collect();
            format!("update{to}{}", hunks.concat())
        }
    };
    let mode = match part.executable {
        Some(true) => " +x",
        Some(false) => " -x",
        None => "",
    };
    format!("{}: {deed}{mode}", part.path)
}

#[test]
fn an_envelope_is_read() {
    check(
        "run apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: n.txt\n+a\n+\n*** Delete File: d.txt\n\
         *** Update File: u.txt\n*** Move to: v.txt\n@@ fn a\n@@ fn b\n x\n\n-y\n+z\n\n@@\n-q\n\
         *** End of File\n*** End Patch\nEOF",
        "n.txt: add \"a\\n\\n\"\n\
         d.txt: delete None\n\
         u.txt: update to v.txt 11:None[\"fn a\", \"fn b\"]\"x\\n\\ny\\n\">\"x\\n\\nz\\n\" \
         17:None[]end\"q\\n\">\"\"",
    );
}

#[test]
fn an_envelope_may_have_ranges_for_anchors() {
    check(
        "*** Begin Patch\n*** Update File: a\n@@ -3,2 +3,2 @@ fn x\n b\n-c\n*** End Patch",
        "a: update 4:Some(3)[]\"b\\nc\\n\">\"b\\n\"",
    );
}

#[test]
fn a_diff_is_read() {
    check(
        "Some talk.\n\ndiff --git a/x.c b/x.c\nindex 1..2 100644\n--- a/x.c\t2026-01-01\n+++ b/x.c\n\
         @@ -1,2 +1,2 @@ int f()\n a\n-b\n+c\n@@ -9 +9,0 @@\n-z\n--- y.c\n+++ y.c\n@@ -0,0 +1 @@\n+q\n\
         \\ No newline at end of file\n",
        "x.c: update 7:Some(1)[]\"a\\nb\\n\">\"a\\nc\\n\" 11:Some(9)[]\"z\\n\">\"\"\n\
         y.c: update 15:Some(1)[]\"\">\"q\"",
    );
}

#[test]
fn what_git_says_beside_the_hunks_counts() {
    check("diff --git a/a b/b\nrename from a\nrename to b\n", "a: update to b");
    check("diff --git a/a b/a\nnew file mode 100644\nindex 0..0\n", "a: add \"\"");
    check("diff --git a/a b/a\ndeleted file mode 100644\nindex 0..0\n", "a: delete None");
    check("--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n", "n: add \"x\\n\"");
    check("--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n", "n: delete Some(\"x\\n\")");
}

#[test]
fn what_is_no_patch_is_told() {
    check("*** Begin Patch\n*** End Patch", "it names no file to change");
    check(
        "*** Begin Patch\n*** Update File: a\n*** End Patch",
        "line 2 of it, `*** Update File: a`, is followed by no changes",
    );
    check(
        "*** Begin Patch\n*** Add File: a\nx\n*** End Patch",
        "line 3 of it, `x`, stands in a new file, so it must begin with `+`",
    );
    check(
        "*** Begin Patch\n*** Rename File: a\n*** End Patch",
        "line 2 of it, `*** Rename File: a`, is no `*** Update File: `, `*** Add File: ` or `*** Delete File: ` \
         with a path",
    );
    check(
        "@@ -1 +1 @@\n-a\n+b\n--- a\n",
        "line 1 of it, `@@ -1 +1 @@`, has no `--- FILE` and `+++ FILE` before it",
    );
}

/// A text of few different lines, so that many are alike.
fn text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec!["a", "b", "", "  c", "\td", "-- e", "++ f"]);
    (prop::collection::vec(line, 0..14), any::<bool>()).prop_map(|(lines, open)| {
        let text = lines.join("\n");
        if open || lines.is_empty() { text } else { format!("{text}\n") }
    })
}

/// A diff of two texts, with that many lines of context, makes the second of the first.
#[track_caller]
fn check_diff(before: &str, after: &str, radius: usize) {
    let diff = TextDiff::configure().diff_lines(before, after);
    let diff = diff.unified_diff().context_radius(radius).header("a/x", "b/x").to_string();
    let patch = read(&diff).unwrap();
    let Deed::Update { to: None, hunks } = &patch.parts[0].deed else { panic!("{diff}") };
    assert_eq!(apply(before, hunks), Ok(after.to_owned()), "{diff}");
}

#[test]
fn a_place_may_overlap_another_that_is_alike() {
    check_diff("\n\n\n  c\na\na\na\na\nb\n", "\n\td\n  c\na\n", 0);
    check_diff("a\n\td\n\nf\n\td\n\nf\n\td\n", "a\n\td\n\nf\n  c\n", 0);
}

#[test]
fn a_blank_line_that_is_left_is_a_line() {
    check_diff("\na", "\n", 0);
    check_diff("a", "", 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diff_makes_of_the_old_text_the_new(before in text(), after in text(), radius in 0_usize..4) {
        prop_assume!(before != after);
        check_diff(&before, &after, radius);
    }

    #[test]
    fn any_text_is_read_or_refused(
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "*** Begin Patch", "*** End Patch", "*** Add File: a", "*** Update File: a", "*** Move to: b",
                "*** Delete File: a", "*** End of File", "@@", "@@ x", "@@ -1,2 +1 @@", "--- a/a", "+++ b/a",
                "diff --git a/a b/a", "rename from a", "+x", "-x", " x", "x", "", "\\ No newline", "é",
            ]),
            0..20,
        ),
        file in text(),
    ) {
        if let Ok(patch) = read(&lines.join("\n")) {
            for part in patch.parts {
                if let Deed::Update { hunks, .. } = part.deed {
                    let _ = apply(&file, &hunks);
                }
            }
        }
    }
}
