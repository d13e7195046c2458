//! Unified diffs, as `diff -u` and `git diff` write them.

use super::{Deed, NoPatch, Part, range};
use crate::replacement::Hunk;

/// The name that stands for no file.
const NOTHING: &str = "/dev/null";

/// One file's part while it is read.
#[derive(Default)]
struct File {
    /// Where it begins, from 0.
    line: usize,
    old: Option<String>,
    new: Option<String>,
    /// What git's extended header says.
    from: Option<String>,
    to: Option<String>,
    names: Option<String>,
    created: bool,
    deleted: bool,
    /// Whether git says that the file may be run afterwards.
    executable: Option<bool>,
    /// Whether git says that it is a link or a repository of its own.
    special: bool,
    hunks: Vec<Hunk>,
}

/// The parts of a diff.
pub(super) fn read(lines: &[&str]) -> Result<Vec<Part>, NoPatch> {
    let mut parts = Vec::new();
    let mut file: Option<File> = None;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let begun = file.get_or_insert_with(|| File { line: at, ..File::default() });
        if let Some(names) = line.strip_prefix("diff --git ") {
            finish(lines, file.take(), &mut parts)?;
            file = Some(File { line: at, names: Some(names.to_owned()), ..File::default() });
        } else if is_header(lines, at) {
            if begun.old.is_some() {
                finish(lines, file.take(), &mut parts)?;
            }
            let file = file.get_or_insert_with(|| File { line: at, ..File::default() });
            file.old = Some(name(lines[at]));
            file.new = Some(name(lines[at + 1]));
            at += 1;
        } else if line.starts_with("@@") {
            if begun.old.is_none() {
                return Err(NoPatch::line(lines, at, "has no `--- FILE` and `+++ FILE` before it"));
            }
            let (hunk, next) = hunk(lines, at)?;
            begun.hunks.push(hunk);
            at = next;
            continue;
        } else if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
            return Err(NoPatch::line(
                lines,
                at,
                "is about a binary file; a patch changes text only",
            ));
        } else if begun.hunks.is_empty() {
            begun.extended(line);
        } else if !line.trim().is_empty() && !line.starts_with("```") {
            let why = "begins with none of ` `, `-` and `+`; each line of a hunk must";
            return Err(NoPatch::line(lines, at, why));
        }
        at += 1;
    }
    finish(lines, file, &mut parts)?;
    Ok(parts)
}

impl File {
    /// Takes a line of git's extended header to heart; other lines are talk.
    fn extended(&mut self, line: &str) {
        let mode = |start: &str| line.strip_prefix(start).map(str::trim);
        let modes = [mode("new file mode "), mode("deleted file mode "), mode("new mode ")];
        self.special |= modes.iter().flatten().any(|mode| !mode.starts_with("100"));
        if let Some(mode) = line.strip_prefix("new file mode ") {
            self.created = true;
            // A file that is none for running is what any new file is.
            self.executable = (mode.trim() == "100755").then_some(true);
        } else if line.starts_with("deleted file mode ") {
            self.deleted = true;
        } else if let Some(mode) = line.strip_prefix("new mode ") {
            self.executable = Some(mode.trim() == "100755");
        } else if let Some(path) = line.strip_prefix("rename from ") {
            self.from = Some(unquoted(path).to_owned());
        } else if let Some(path) = line.strip_prefix("rename to ") {
            self.to = Some(unquoted(path).to_owned());
        }
    }

    fn is_empty(&self) -> bool {
        self.old.is_none() && self.from.is_none() && self.names.is_none()
    }
}

/// Makes a part of what was read of a file.
fn finish(lines: &[&str], file: Option<File>, parts: &mut Vec<Part>) -> Result<(), NoPatch> {
    let Some(file) = file.filter(|file| !file.is_empty()) else { return Ok(()) };
    let wrong = |why| Err(NoPatch::line(lines, file.line, why));
    let (old, new) = match (file.old.clone(), file.new.clone()) {
        (Some(old), Some(new)) => stripped(old, new),
        _ => match (file.from.clone().zip(file.to.clone()), &file.names) {
            (Some(names), _) => names,
            // Without changes in it there is no other place that names the file.
            (None, Some(names)) if file.created || file.deleted || file.executable.is_some() => {
                let Some((old, new)) = names.split_once(' ') else {
                    return wrong("names no two files");
                };
                stripped(old.to_owned(), new.to_owned())
            }
            (None, _) => return wrong("is followed by no changes"),
        },
    };
    if file.special {
        return wrong("is about a link or a submodule; use shell, as with `ln -s`");
    }
    let side = |text: fn(&Hunk) -> String| file.hunks.iter().map(text).collect::<String>();
    let executable = file.executable;
    let part = if old == NOTHING || file.created {
        Part { path: new, deed: Deed::Add { text: side(Hunk::new_text) }, executable }
    } else if new == NOTHING || file.deleted {
        let text = (!file.hunks.is_empty()).then(|| side(Hunk::old_text));
        Part { path: old, deed: Deed::Delete { text }, executable: None }
    } else {
        let to = (old != new).then_some(new);
        if file.hunks.is_empty() && to.is_none() && executable.is_none() {
            return wrong("is followed by no changes");
        }
        if to.is_some() && executable.is_some() {
            return wrong("moves a file and changes its mode; move it, then use shell with chmod");
        }
        Part { path: old, deed: Deed::Update { to, hunks: file.hunks }, executable }
    };
    parts.push(part);
    Ok(())
}

/// Whether the two lines that name a file begin here. A removed line may look like the first of them.
fn is_header(lines: &[&str], at: usize) -> bool {
    let begins = |at: usize, mark: &str| lines.get(at).is_some_and(|line| line.starts_with(mark));
    begins(at, "--- ") && begins(at + 1, "+++ ")
}

/// The path of a `--- ` or `+++ ` line, without the time behind it.
fn name(line: &str) -> String {
    let path = line.get(4..).unwrap_or_default();
    unquoted(path.split('\t').next().unwrap_or(path).trim_end()).to_owned()
}

fn unquoted(path: &str) -> &str {
    let path = path.trim();
    path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path)
}

/// Without git's `a/` and `b/`, where both have them.
fn stripped(old: String, new: String) -> (String, String) {
    let cut = |path: &str, mark: &str| -> Option<String> {
        if path == NOTHING {
            Some(path.to_owned())
        } else {
            path.strip_prefix(mark).map(str::to_owned)
        }
    };
    match (cut(&old, "a/"), cut(&new, "b/")) {
        (Some(old), Some(new)) => (old, new),
        _ => (old, new),
    }
}

/// The hunk whose header stands at `at`, and where the next line stands.
///
/// Its counts are believed where they fit; else it ends where something else begins.
fn hunk(lines: &[&str], at: usize) -> Result<(Hunk, usize), NoPatch> {
    let header = lines[at];
    let counts = range(header);
    let mut hunk = Hunk::new(at + 1);
    match counts {
        Some((first, before, _)) => {
            hunk.at = Some(if before == 0 { first + 1 } else { first.max(1) });
        }
        None => {
            let anchor = header.trim_matches(['@', ' ']);
            hunk.anchors.extend((!anchor.is_empty()).then(|| anchor.to_owned()));
        }
    }
    if let Some((_, before, after)) = counts
        && let Some(next) = counted(lines, at + 1, before, after)
    {
        for line in &lines[at + 1..next] {
            hunk.push(line);
        }
        return Ok((hunk, next));
    }
    let mut next = at + 1;
    while let Some(line) = lines.get(next) {
        let ends =
            line.starts_with("@@") || line.starts_with("diff --git ") || line.starts_with("```");
        if ends || is_header(lines, next) || (line.is_empty() && is_last(lines, next)) {
            break;
        }
        if !hunk.push(line) {
            let why = "begins with none of ` `, `-` and `+`; each line of a hunk must";
            return Err(NoPatch::line(lines, next, why));
        }
        next += 1;
    }
    Ok((hunk, next))
}

/// Where the hunk ends whose body begins at `from`, if its counts are right.
fn counted(lines: &[&str], from: usize, mut before: usize, mut after: usize) -> Option<usize> {
    let mut at = from;
    while before > 0 || after > 0 {
        let line = lines.get(at)?;
        match line.as_bytes().first() {
            Some(b' ') | None => {
                before = before.checked_sub(1)?;
                after = after.checked_sub(1)?;
            }
            Some(b'-') => before = before.checked_sub(1)?,
            Some(b'+') => after = after.checked_sub(1)?,
            Some(b'\\') => {}
            Some(_) => return None,
        }
        at += 1;
    }
    if lines.get(at).is_some_and(|line| line.starts_with('\\')) {
        at += 1;
    }
    let next = lines.get(at).copied().unwrap_or_default();
    let goes_on = next.starts_with([' ', '+']) || (next.starts_with('-') && !is_header(lines, at));
    (!goes_on).then_some(at)
}

/// Whether nothing but blank lines stands here and after, or before the next file.
fn is_last(lines: &[&str], at: usize) -> bool {
    let next = (at..lines.len()).find(|at| !lines[*at].trim().is_empty());
    next.is_none_or(|next| {
        lines[next].starts_with("diff --git ")
            || lines[next].starts_with("```")
            || lines[next].starts_with("@@")
            || is_header(lines, next)
    })
}
