//! The head and the tail of a text that is too long for a model.

/// Room for the line between head and tail, without the hint.
const SEAM: usize = 64;

/// The head (two thirds) and the tail of `text` in at most `limit` bytes, cut at line ends where that
/// costs little, with a line between that counts what is missing and says how to get it (`hint`).
/// Nothing when the text fits.
#[must_use]
pub fn excerpt(text: &str, limit: usize, hint: &str) -> Option<String> {
    if text.len() <= limit {
        return None;
    }
    let room = limit.saturating_sub(SEAM + hint.len());
    let head = head_end(text, room / 3 * 2);
    let tail = tail_start(text, room - room / 3 * 2).max(head);
    let missing = &text[head..tail];
    let (bytes, lines) = (missing.len(), missing.bytes().filter(|byte| *byte == b'\n').count());
    let gap = if head == 0 || text[..head].ends_with('\n') { "" } else { "\n" };
    Some(format!(
        "{}{gap}[{bytes} bytes, {lines} lines left out; {hint}]\n{}",
        &text[..head],
        &text[tail..]
    ))
}

/// The largest end of a head of at most `room` bytes: after a line, unless that loses a quarter of it.
fn head_end(text: &str, room: usize) -> usize {
    let end = text.floor_char_boundary(room);
    match text[..end].rfind('\n') {
        Some(newline) if newline + 1 >= end / 4 * 3 => newline + 1,
        Some(_) | None => end,
    }
}

/// The smallest start of a tail of at most `room` bytes, at a line's start under the same condition.
fn tail_start(text: &str, room: usize) -> usize {
    let start = text.ceil_char_boundary(text.len() - room.min(text.len()));
    match text[start..].find('\n') {
        Some(newline) if newline < (text.len() - start) / 4 => start + newline + 1,
        Some(_) | None => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_whole() {
        assert_eq!(excerpt("abc", 3, "x"), None);
    }

    #[test]
    fn head_and_tail_stand_around_a_count() {
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        let short = excerpt(&text, 400, "narrow the command").unwrap();
        assert!(short.len() <= 400, "{}", short.len());
        assert!(short.starts_with("line 0\n") && short.ends_with("line 999\n"), "{short}");
        assert!(short.contains("lines left out; narrow the command]"), "{short}");
    }

    #[test]
    fn no_character_is_cut_in_two() {
        let text = "é€😀".repeat(500);
        for limit in 100..140 {
            let short = excerpt(&text, limit, "h").unwrap();
            assert!(short.len() <= limit, "{limit}: {}", short.len());
        }
    }

    #[test]
    fn a_limit_below_the_seam_leaves_the_count() {
        assert!(excerpt(&"x".repeat(500), 10, "h").unwrap().starts_with("[500 bytes"));
    }
}
