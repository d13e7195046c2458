//! New lines at the depth that the file means.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The blanks a line begins with.
pub(super) fn leading(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// `new` in the indentation of `here`: the file's lines that `old` was found to mean, one for one.
///
/// Lines that `new` shares with `old` come out as the file has them. The others keep their depth relative
/// to an `old` line, in the file's unit. Nothing when the lines of `old` don't tell the depth, since lines
/// of one depth in `old` have several in the file.
pub(super) fn reindent(
    old: &[&str],
    here: &[&str],
    new: &[&str],
    file: &[&str],
) -> Option<Vec<String>> {
    if is_in_place(old, here, new) {
        return Some(new.iter().map(|line| (*line).to_owned()).collect());
    }
    let depths = Depths::of(old, here, new, file);
    let (old_words, new_words): (Vec<&str>, Vec<&str>) =
        (old.iter().map(|l| l.trim()).collect(), new.iter().map(|l| l.trim()).collect());
    let mut lines = Vec::with_capacity(new.len());
    for op in capture_diff_slices(Algorithm::Myers, &old_words, &new_words) {
        match op {
            DiffOp::Equal { old_index, new_index, len } => {
                for at in 0..len {
                    let moved = leading(old[old_index + at]) != leading(new[new_index + at]);
                    lines.push(if moved {
                        depths.place(new[new_index + at])?
                    } else {
                        here[old_index + at].to_owned()
                    });
                }
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                for at in 0..new_len {
                    let line = new[new_index + at];
                    let twin = (at < old_len).then(|| old_index + at);
                    lines.push(match twin {
                        Some(twin)
                            if leading(old[twin]) == leading(line) && !line.trim().is_empty() =>
                        {
                            format!(
                                "{}{}",
                                leading(here[twin]),
                                line.trim_start_matches([' ', '\t'])
                            )
                        }
                        Some(_) | None => depths.place(line)?,
                    });
                }
            }
            DiffOp::Insert { new_index, new_len, .. } => {
                for line in &new[new_index..new_index + new_len] {
                    lines.push(depths.place(line)?);
                }
            }
            DiffOp::Delete { .. } => {}
        }
    }
    Some(lines)
}

/// Whether `new` was written at the file's own depth although `old` was not.
fn is_in_place(old: &[&str], here: &[&str], new: &[&str]) -> bool {
    let first =
        |lines: &[&str]| lines.iter().find(|l| !l.trim().is_empty()).map(|l| leading(l).to_owned());
    let (old, here, new) = (first(old), first(here), first(new));
    new == here && new != old
}

/// How depths of the old text translate into the file's.
struct Depths<'t> {
    /// Columns in the old text, indentation in the file, whether no other line contradicts it.
    known: Vec<(usize, &'t str, bool)>,
    /// Columns of one level in the old and new text.
    level: usize,
    /// One level in the file.
    unit: String,
}

impl<'t> Depths<'t> {
    fn of(old: &[&str], here: &[&'t str], new: &[&str], file: &[&str]) -> Self {
        let mut known: Vec<(usize, &'t str, bool)> = Vec::new();
        for (old, here) in old.iter().zip(here).filter(|(old, _)| !old.trim().is_empty()) {
            let (columns, indent) = (columns(leading(old)), leading(here));
            match known.iter_mut().find(|(known, ..)| *known == columns) {
                Some((_, there, sure)) => *sure &= *there == indent,
                None => known.push((columns, indent, true)),
            }
        }
        known.sort_by_key(|(columns, ..)| *columns);
        let unit = unit(file).unwrap_or_else(|| "    ".to_owned());
        let both: Vec<&str> = old.iter().chain(new).copied().collect();
        let level = unit_columns(&both).unwrap_or_else(|| columns(&unit));
        Self { known, level, unit }
    }

    /// `line` at its depth in the file.
    fn place(&self, line: &str) -> Option<String> {
        let text = line.trim_start_matches([' ', '\t']);
        if text.trim().is_empty() {
            return Some(String::new());
        }
        let wanted = columns(leading(line));
        let below = self.known.iter().rev().find(|(columns, ..)| *columns <= wanted);
        let (from, indent, sure) = below.or_else(|| self.known.first())?;
        if !sure {
            return None;
        }
        if let Some(deeper) = wanted.checked_sub(*from) {
            let blanks = " ".repeat(deeper % self.level);
            return Some(format!(
                "{indent}{}{blanks}{text}",
                self.unit.repeat(deeper / self.level)
            ));
        }
        let mut indent = *indent;
        for _ in 0..(from - wanted).div_ceil(self.level) {
            indent = indent.strip_suffix(self.unit.as_str()).unwrap_or_default();
        }
        Some(format!("{indent}{text}"))
    }
}

/// The width of an indentation; a tab counts four.
fn columns(indent: &str) -> usize {
    indent.chars().map(|blank| if blank == '\t' { 4 } else { 1 }).sum()
}

/// What one level looks like in the file: a tab, or the commonest step between neighbouring lines.
fn unit(file: &[&str]) -> Option<String> {
    let tabs = file.iter().filter(|line| line.starts_with('\t')).count();
    let blanks = file.iter().filter(|line| line.starts_with("  ")).count();
    if tabs > blanks {
        return Some("\t".to_owned());
    }
    unit_columns(file).map(|columns| " ".repeat(columns))
}

/// The commonest step inwards, in columns.
fn unit_columns(lines: &[&str]) -> Option<usize> {
    let depths: Vec<usize> = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| columns(leading(line)))
        .collect();
    let mut counts = [0_usize; 9];
    for pair in depths.windows(2) {
        let step = pair[1].saturating_sub(pair[0]);
        if (2..=8).contains(&step) {
            counts[step] += 1;
        }
    }
    let best = (2..=8).max_by_key(|step| (counts[*step], 8 - step))?;
    (counts[best] > 0).then_some(best)
}
