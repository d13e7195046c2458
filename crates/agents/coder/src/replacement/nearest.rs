//! What in a file is most like a text that it has not.

use std::collections::HashMap;

use crate::numbered::number;

/// Lines that are compared at most; a longer file is searched in its beginning.
const MOST_LINES: usize = 20_000;
/// Lines of the wanted text that are compared at most: fewer in a long file.
const MOST_WANTED: usize = 40;
/// Pairs of lines that are compared at most, so that an answer comes in a fraction of a second.
const MOST_PAIRS: usize = 200_000;
/// Below this a run of lines is no help.
const LIKE_ENOUGH: f64 = 0.4;

/// The run of lines in `text` most like `wanted`, numbered, with a line around it.
pub(super) fn nearest(text: &str, wanted: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(MOST_LINES).collect();
    let most = (MOST_PAIRS / lines.len().max(1)).clamp(3, MOST_WANTED);
    let wanted: Vec<&str> =
        wanted.lines().skip_while(|line| line.trim().is_empty()).take(most).collect();
    let length = wanted.iter().rposition(|line| !line.trim().is_empty())? + 1;
    let wanted: Vec<Pairs> = wanted[..length].iter().map(|line| Pairs::of(line)).collect();
    let known: Vec<Pairs> = lines.iter().map(|line| Pairs::of(line)).collect();
    let score = |start: usize| -> f64 {
        let sum: f64 = wanted
            .iter()
            .enumerate()
            .map(|(at, wanted)| known.get(start + at).map_or(0.0, |line| line.likeness(wanted)))
            .sum();
        sum / length as f64
    };
    let (best, likeness) = (0..lines.len())
        .map(|start| (start, score(start)))
        .fold((0, 0.0), |best, next| if next.1 > best.1 { next } else { best });
    if likeness < LIKE_ENOUGH {
        return None;
    }
    let from = best.saturating_sub(1);
    let to = lines.len().min(best + length.min(20) + 1);
    Some(number(lines[from..to].iter().copied(), from + 1))
}

/// The pairs of neighbouring characters in a line, blanks apart, with how often each stands there.
struct Pairs {
    counts: HashMap<(char, char), usize>,
    total: usize,
}

impl Pairs {
    fn of(line: &str) -> Self {
        let characters: Vec<char> = line.chars().filter(|c| !c.is_whitespace()).take(200).collect();
        let mut counts = HashMap::new();
        for pair in characters.windows(2) {
            *counts.entry((pair[0], pair[1])).or_insert(0) += 1;
        }
        Self { counts, total: characters.len().saturating_sub(1) }
    }

    /// Sørensen–Dice coefficient, 0 to 1. Two lines without pairs (blank, or one sign) say little.
    fn likeness(&self, other: &Self) -> f64 {
        if self.total + other.total == 0 {
            return 0.5;
        }
        let shared: usize = self
            .counts
            .iter()
            .map(|(pair, count)| other.counts.get(pair).map_or(0, |there| *count.min(there)))
            .sum();
        2.0 * shared as f64 / (self.total + other.total) as f64
    }
}
