//! The envelope: `*** Begin Patch` … `*** End Patch`.

use super::{Deed, NoPatch, Part, range};
use crate::replacement::Hunk;

/// The line that a patch of this kind begins with.
pub(super) const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ADD: &str = "*** Add File: ";
const DELETE: &str = "*** Delete File: ";
const UPDATE: &str = "*** Update File: ";
const MOVE: &str = "*** Move to: ";
const END_OF_FILE: &str = "*** End of File";

/// The parts between the first beginning and the last end.
pub(super) fn read(lines: &[&str]) -> Result<Vec<Part>, NoPatch> {
    let mut reader = Reader { lines, at: 0 };
    let mut parts = Vec::new();
    let mut open = false;
    while let Some(line) = reader.next() {
        let line = line.trim_end();
        if line == BEGIN {
            open = true;
        } else if !open || line.is_empty() {
            // What stands around a patch, as in `apply_patch <<'EOF'`, is none of it.
        } else if line == END {
            open = false;
        } else if let Some(path) = named(line, ADD) {
            let deed = Deed::Add { text: reader.added()? };
            parts.push(Part { path, deed, executable: None });
        } else if let Some(path) = named(line, DELETE) {
            parts.push(Part { path, deed: Deed::Delete { text: None }, executable: None });
        } else if let Some(path) = named(line, UPDATE) {
            parts.push(Part { path, deed: reader.update()?, executable: None });
        } else {
            let why =
                "is no `*** Update File: `, `*** Add File: ` or `*** Delete File: ` with a path";
            return Err(NoPatch::line(lines, reader.at - 1, why));
        }
    }
    if open { Err(NoPatch::Cut) } else { Ok(parts) }
}

/// The path behind `mark`.
fn named(line: &str, mark: &str) -> Option<String> {
    line.strip_prefix(mark).map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned)
}

struct Reader<'t> {
    lines: &'t [&'t str],
    at: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let line = self.lines.get(self.at).copied();
        self.at += 1;
        line
    }

    fn peek(&self) -> Option<&'t str> {
        self.lines.get(self.at).copied()
    }

    /// The lines of a new file.
    fn added(&mut self) -> Result<String, NoPatch> {
        let mut text = String::new();
        while let Some(line) = self.peek().filter(|line| !line.starts_with("*** ")) {
            match line.strip_prefix('+') {
                Some(line) => {
                    text.push_str(line);
                    text.push('\n');
                }
                None if line.trim().is_empty() => {}
                None => {
                    let why = "stands in a new file, so it must begin with `+`";
                    return Err(NoPatch::line(self.lines, self.at, why));
                }
            }
            self.at += 1;
        }
        Ok(text)
    }

    /// The hunks of a file that is changed, and its new path.
    fn update(&mut self) -> Result<Deed, NoPatch> {
        let to = self.peek().and_then(|line| named(line.trim_end(), MOVE));
        if to.is_some() {
            self.at += 1;
        }
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut anchors: Vec<String> = Vec::new();
        let mut at = None;
        while let Some(line) = self.peek() {
            if line.trim_end() == END_OF_FILE {
                self.at += 1;
                if let Some(last) = hunks.last_mut() {
                    last.at_end = true;
                }
            } else if line.starts_with("*** ") {
                break;
            } else if line.trim_end() == "@@" {
                self.at += 1;
            } else if let Some(anchor) = line.strip_prefix("@@ ") {
                self.at += 1;
                match range(line) {
                    Some((first, ..)) => at = Some(first),
                    None => anchors.push(anchor.trim_end().trim_end_matches(" @@").to_owned()),
                }
            } else if line.trim().is_empty() && self.ends_here() {
                self.at += 1;
            } else {
                let hunk = self.hunk(std::mem::take(&mut anchors), at.take())?;
                hunks.push(hunk);
            }
        }
        if !anchors.is_empty() {
            let why = "is followed by no line that begins with ` `, `-` or `+`";
            return Err(NoPatch::line(self.lines, self.at - 1, why));
        }
        if hunks.is_empty() && to.is_none() {
            let why = "is followed by no changes";
            return Err(NoPatch::line(self.lines, self.at - 1, why));
        }
        Ok(Deed::Update { to, hunks })
    }

    /// Whether only blank lines stand before the next mark.
    fn ends_here(&self) -> bool {
        let rest = self.lines.get(self.at..).unwrap_or_default();
        rest.iter()
            .find(|line| !line.trim().is_empty())
            .is_none_or(|line| line.starts_with("*** ") || line.starts_with("@@"))
    }

    fn hunk(&mut self, anchors: Vec<String>, at: Option<usize>) -> Result<Hunk, NoPatch> {
        let mut hunk = Hunk::new(self.at + 1);
        (hunk.anchors, hunk.at) = (anchors, at);
        while let Some(line) = self.peek() {
            if line.starts_with("*** ") || line.starts_with("@@") {
                break;
            }
            if line.is_empty() && self.ends_here() {
                break;
            }
            if !hunk.push(line) {
                let why = "begins with none of ` `, `-` and `+`; each line of a hunk must";
                return Err(NoPatch::line(self.lines, self.at, why));
            }
            self.at += 1;
        }
        Ok(hunk)
    }
}
