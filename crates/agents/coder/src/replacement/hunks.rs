//! Hunks of a patch, applied to a text line by line.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::folded::{Edit, Folded};
use super::indentation::reindent;
use super::lines::{line_ranges, windows, with_line_end};
use super::nearest::nearest;
use crate::elision::elided;
use crate::numbered::number;

/// Old lines and the new ones that take their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// The line of the patch that it begins at, from 1.
    pub(crate) line: usize,
    /// Lines of the file that stand before it, the outermost first.
    pub(crate) anchors: Vec<String>,
    /// The line of the file that its first old line is said to be, from 1.
    pub(crate) at: Option<usize>,
    /// Whether it ends where the file does.
    pub(crate) at_end: bool,
    old: Vec<String>,
    new: Vec<String>,
    /// Whether the last old line has no line end, and whether the last new one shall have none.
    open: (bool, bool),
    /// The sign of the line that came last.
    last: char,
}

impl Hunk {
    /// A hunk without lines, which begins at that line of the patch.
    pub(crate) fn new(line: usize) -> Self {
        Self { line, ..Self::default() }
    }

    /// Takes in a line of its body. `false` when it is none.
    pub(crate) fn push(&mut self, line: &str) -> bool {
        // A blank line of context often comes without its leading blank.
        let sign = line.chars().next().unwrap_or(' ');
        let text = || line.get(1..).unwrap_or_default().to_owned();
        match sign {
            ' ' => {
                self.old.push(text());
                self.new.push(text());
            }
            '-' => self.old.push(text()),
            '+' => self.new.push(text()),
            // `\ No newline at end of file`, about the line before it.
            '\\' => {
                self.open.0 |= matches!(self.last, ' ' | '-');
                self.open.1 |= matches!(self.last, ' ' | '+');
            }
            _ => return false,
        }
        self.last = sign;
        true
    }

    /// What its old lines hold, where they are a whole file.
    pub(crate) fn old_text(&self) -> String {
        whole(&self.old, self.open.0)
    }

    /// What its new lines hold, where they are a whole file.
    pub(crate) fn new_text(&self) -> String {
        whole(&self.new, self.open.1)
    }
}

fn whole(lines: &[String], open: bool) -> String {
    let end = if lines.is_empty() || open { "" } else { "\n" };
    format!("{}{end}", lines.join("\n"))
}

/// Why a hunk was not applied. A model reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotApplied {
    /// More than one place.
    #[error(
        "its lines stand in {} places. Add lines before or after them, or an `@@ LINE` that stands before the \
         place:\n{shown}", .lines.len()
    )]
    Ambiguous {
        /// The first lines of the places, from 1.
        lines: Vec<usize>,
        /// The first places with a line of context.
        shown: String,
    },
    /// The change is there already.
    #[error(
        "its old lines are not in the file, but its new ones are, at line {line}: the change was made before"
    )]
    Done {
        /// Where, from 1.
        line: usize,
    },
    /// No such lines, but something like them.
    #[error(
        "its lines are not in the file. Nearest lines are shown with their numbers; copy them exactly, without \
         the number and `|`:\n{shown}"
    )]
    Near {
        /// The lines.
        shown: String,
    },
    /// No such lines, and nothing like them.
    #[error(
        "its lines are not in the file, nor anything like them. Read the file and copy the lines to change"
    )]
    Absent,
    /// The place was found, but not how deep the new lines belong.
    #[error(
        "its lines have lost their indentation, so it is unclear how deep the new ones belong. The file has:\n{shown}"
    )]
    Depth {
        /// The lines as they stand in the file.
        shown: String,
    },
    /// Lines are added, but nothing says where.
    #[error(
        "it only adds lines and nothing says where. Repeat a line of the file next to the place, after a blank"
    )]
    Nowhere,
    /// It changes nothing.
    #[error("its old and its new lines are the same")]
    Same,
    /// It changes lines that another hunk changes.
    #[error("it changes lines that an earlier hunk changes as well; make one hunk of the two")]
    Overlaps,
    /// A line that stands for others.
    #[error(
        "it adds the line `{line}`, which stands for other lines; they would be lost. Write every line"
    )]
    Elided {
        /// The line.
        line: String,
    },
}

/// `text` with all hunks applied, or for each hunk that can't be, its index and why.
pub(crate) fn apply(text: &str, hunks: &[Hunk]) -> Result<String, Vec<(usize, NotApplied)>> {
    let file = Folded::of(text);
    let ranges = line_ranges(file.text());
    let lines: Vec<&str> = ranges.iter().map(|range| &file.text()[range.clone()]).collect();
    let page = Page { text: file.text(), ranges: &ranges, lines: &lines };
    let mut edits: Vec<Edit> = Vec::new();
    let mut taken: Vec<Range<usize>> = Vec::new();
    let mut refused = Vec::new();
    let mut cursor = 0;
    for (index, hunk) in hunks.iter().enumerate() {
        let fitted = page.fit(hunk, cursor).and_then(|(place, own)| {
            let overlaps =
                |other: &Range<usize>| place.start < other.end && other.start < place.end;
            if own.is_empty() || !taken.iter().any(overlaps) {
                Ok((place, own))
            } else {
                Err(NotApplied::Overlaps)
            }
        });
        match fitted {
            Ok((place, own)) => {
                cursor = place.end;
                taken.push(place);
                edits.extend(own);
            }
            Err(why) => refused.push((index, why)),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let added: usize = hunks.iter().map(|hunk| hunk.new.len()).sum();
    let removed: usize = taken.iter().map(Range::len).sum();
    let empty = lines.len() + added == removed;
    Ok(closed(file.apply(&edits), empty, text, hunks.last()))
}

/// `text`, made of `before`, with or without a final line end, where the last hunk says which. One that is `empty`
/// has no lines, not even a blank one.
fn closed(mut text: String, empty: bool, before: &str, last: Option<&Hunk>) -> String {
    let Some(last) = last else { return text };
    // Of an empty file nothing is left that could say how a line ends.
    if before.is_empty() && last.old.is_empty() {
        return last.new_text();
    }
    // So far the last line ends as it did before.
    let ended = before.ends_with('\n');
    match last.open {
        (true, false) if !(ended || empty) => {
            text.push_str(if before.contains("\r\n") { "\r\n" } else { "\n" });
        }
        (false, true) if ended || before.is_empty() => {
            let bare = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
            text.truncate(bare.map_or(text.len(), str::len));
        }
        (true | false, _) => {}
    }
    text
}

/// A file as lines.
struct Page<'t> {
    text: &'t str,
    ranges: &'t [Range<usize>],
    lines: &'t [&'t str],
}

impl Page<'_> {
    /// The lines that a hunk is about, and the edits that it means there. Of places before `cursor` it means
    /// none, where there are others.
    fn fit(&self, hunk: &Hunk, cursor: usize) -> Result<(Range<usize>, Vec<Edit>), NotApplied> {
        if hunk.old == hunk.new && hunk.open.0 == hunk.open.1 {
            return Err(NotApplied::Same);
        }
        if let Some(line) = elided(&hunk.new.join("\n"), self.text) {
            return Err(NotApplied::Elided { line: line.to_owned() });
        }
        let old: Vec<&str> = hunk.old.iter().map(String::as_str).collect();
        let new: Vec<&str> = hunk.new.iter().map(String::as_str).collect();
        if old.is_empty() {
            let at = self.insertion(hunk)?;
            return Ok((at..at, vec![self.inserted(at, &hunk.new)]));
        }
        let (places, literal) = self.places(&old);
        let place = self.choose(&places, hunk, cursor)?;
        let here = &self.lines[place.clone()];
        let own = if literal {
            hunk.new.clone()
        } else {
            reindent(&old, here, &new, self.lines).ok_or_else(|| NotApplied::Depth {
                shown: number(here.iter().copied(), place.start + 1),
            })?
        };
        let edits = self.difference(place.start, here, &own);
        Ok((place, edits))
    }

    /// The places of `old`, from the most literal reading that has any, and whether that is to the byte.
    fn places(&self, old: &[&str]) -> (Vec<Range<usize>>, bool) {
        let exact = windows(self.lines, old, |line| line.to_owned());
        if !exact.is_empty() {
            return (exact, true);
        }
        let readings: [fn(&str) -> String; 3] = [
            |line| line.trim_end().to_owned(),
            |line| line.trim().to_owned(),
            |line| line.split_whitespace().collect::<Vec<_>>().join(" "),
        ];
        let found = readings.iter().map(|key| windows(self.lines, old, key));
        (found.into_iter().find(|places| !places.is_empty()).unwrap_or_default(), false)
    }

    /// The one place that is meant.
    fn choose(
        &self,
        places: &[Range<usize>],
        hunk: &Hunk,
        cursor: usize,
    ) -> Result<Range<usize>, NotApplied> {
        let only = |mut places: Vec<&Range<usize>>| -> Option<Range<usize>> {
            if places.len() == 1 { places.pop().cloned() } else { None }
        };
        if places.is_empty() {
            return Err(self.explain(hunk));
        }
        if let [place] = places {
            return Ok(place.clone());
        }
        let at_end =
            || only(places.iter().filter(|p| hunk.at_end && p.end == self.lines.len()).collect());
        let said = || only(places.iter().filter(|p| Some(p.start + 1) == hunk.at).collect());
        let behind = || -> Option<Range<usize>> {
            let mut firsts: Vec<&Range<usize>> = self
                .anchored(&hunk.anchors)
                .iter()
                .filter_map(|anchor| places.iter().find(|place| place.start >= *anchor))
                .collect();
            firsts.dedup();
            only(firsts)
        };
        let later = || only(places.iter().filter(|place| place.start >= cursor).collect());
        at_end().or_else(said).or_else(behind).or_else(later).ok_or_else(|| self.ambiguous(places))
    }

    fn ambiguous(&self, places: &[Range<usize>]) -> NotApplied {
        let shown: Vec<String> = places
            .iter()
            .take(4)
            .map(|place| {
                let from = place.start.saturating_sub(1);
                let to = self.lines.len().min((place.end + 1).min(from + 8));
                number(self.lines[from..to].iter().copied(), from + 1)
            })
            .collect();
        let lines = places.iter().map(|place| place.start + 1).collect();
        NotApplied::Ambiguous { lines, shown: shown.join("--\n") }
    }

    /// The lines (from 0) of the last anchor, where the others stand before it.
    fn anchored(&self, anchors: &[String]) -> Vec<usize> {
        let mut from: Vec<usize> = Vec::new();
        for (depth, anchor) in anchors.iter().enumerate() {
            let wanted = anchor.trim();
            let first = if depth == 0 { Some(0) } else { from.first().map(|line| line + 1) };
            let Some(first) = first else { return Vec::new() };
            let matching = |part: bool| -> Vec<usize> {
                (first..self.lines.len())
                    .filter(|line| {
                        let line = self.lines[*line].trim();
                        if part { line.contains(wanted) } else { line == wanted }
                    })
                    .collect()
            };
            from = matching(false);
            if from.is_empty() && !wanted.is_empty() {
                from = matching(true);
            }
        }
        from
    }

    /// The line (from 0) before which a hunk without old lines adds its own.
    fn insertion(&self, hunk: &Hunk) -> Result<usize, NotApplied> {
        if self.lines.is_empty() || hunk.at_end {
            return Ok(self.lines.len());
        }
        match self.anchored(&hunk.anchors)[..] {
            [line] => return Ok(line + 1),
            [] => {}
            [..] => {
                let places: Vec<_> =
                    self.anchored(&hunk.anchors).into_iter().map(|line| line..line + 1).collect();
                return Err(self.ambiguous(&places));
            }
        }
        hunk.at
            .filter(|line| (1..=self.lines.len() + 1).contains(line))
            .map(|line| line - 1)
            .ok_or(NotApplied::Nowhere)
    }

    /// Why a hunk's lines were not found, with what helps most.
    fn explain(&self, hunk: &Hunk) -> NotApplied {
        let new: Vec<&str> = hunk.new.iter().map(String::as_str).collect();
        let telling = new.iter().map(|line| line.trim().len()).sum::<usize>() > 8;
        if telling
            && let [place, ..] = &windows(self.lines, &new, |line| line.trim().to_owned())[..]
        {
            return NotApplied::Done { line: place.start + 1 };
        }
        nearest(self.text, &hunk.old.join("\n"))
            .map_or(NotApplied::Absent, |shown| NotApplied::Near { shown })
    }

    /// The edits that make `own` of the lines `here`, which begin at line `first`. Lines that stay are not
    /// touched, so that each keeps its own line end.
    fn difference(&self, first: usize, here: &[&str], own: &[String]) -> Vec<Edit> {
        let own_lines: Vec<&str> = own.iter().map(String::as_str).collect();
        let mut edits = Vec::new();
        for op in capture_diff_slices(Algorithm::Myers, here, &own_lines) {
            match op {
                DiffOp::Equal { .. } => {}
                DiffOp::Delete { old_index, old_len, .. } => {
                    let range = self.bytes(first + old_index, old_len);
                    edits
                        .push(Edit { range: with_line_end(self.text, range), text: String::new() });
                }
                DiffOp::Insert { old_index, new_index, new_len } => {
                    edits.push(
                        self.inserted(first + old_index, &own[new_index..new_index + new_len]),
                    );
                }
                DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                    let range = self.bytes(first + old_index, old_len);
                    edits
                        .push(Edit { range, text: own[new_index..new_index + new_len].join("\n") });
                }
            }
        }
        edits
    }

    /// The bytes of lines, without the last line's end.
    fn bytes(&self, first: usize, count: usize) -> Range<usize> {
        self.ranges[first].start..self.ranges[first + count - 1].end
    }

    /// The edit that puts lines before line `at` (from 0), or behind the last.
    fn inserted(&self, at: usize, own: &[String]) -> Edit {
        let text = own.join("\n");
        match self.ranges.get(at) {
            Some(line) => Edit { range: line.start..line.start, text: format!("{text}\n") },
            None => {
                let end = self.text.len();
                let open = !self.text.is_empty() && !self.text.ends_with('\n');
                let text = if open { format!("\n{text}") } else { format!("{text}\n") };
                Edit { range: end..end, text }
            }
        }
    }
}
