//! Where free text turns into a call.
//!
//! Models are taught to write `<tool_call>` first, and small ones often forget it. A line that
//! begins with `{"name": "` is a call without tags, also inside a code fence.

use super::super::template::CALL_OPENS;

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Between tags.
    Tagged,
    /// As a JSON object alone, already begun up to the quote before the name.
    Bare,
}

/// What the end of a text says about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opener {
    /// No call.
    None,
    /// One may begin here; more text will tell.
    Perhaps {
        /// Where it would begin.
        at: usize,
    },
    /// One began.
    Found {
        /// Where its opener begins.
        at: usize,
        /// Where its opener ends.
        after: usize,
        /// How it is written.
        form: Form,
    },
}

/// What may stand before `{"name": "` in a call without tags.
const FENCES: [&str; 6] = ["", "```json\n", "```\n", "<tools>\n", "```json\n{", "{"];
/// The beginning of a call without tags.
const BARE: [&str; 4] =
    ["{\"name\": \"", "{\"name\":\"", "{\n  \"name\": \"", "{\n    \"name\": \""];

/// Looks for a call in `text`. `line_start` tells whether `text` begins a line.
pub(super) fn find(text: &str, line_start: bool, tagged_only: bool) -> Opener {
    let tagged = text.find(CALL_OPENS);
    let mut perhaps = None;
    if !tagged_only {
        let mut at = if line_start { Some(0) } else { next_line(text, 0) };
        while let Some(start) = at {
            if tagged.is_some_and(|tag| tag <= start) {
                break;
            }
            match bare(&text[start..]) {
                Bare::Yes(length) => {
                    return Opener::Found { at: start, after: start + length, form: Form::Bare };
                }
                Bare::Perhaps => {
                    // The line break before a call belongs to the call.
                    perhaps = perhaps.or(Some(start.saturating_sub(1)));
                }
                Bare::No => {}
            }
            at = next_line(text, start);
        }
    }
    if let Some(at) = tagged {
        return Opener::Found { at, after: at + CALL_OPENS.len(), form: Form::Tagged };
    }
    let tag = super::begins(text, CALL_OPENS);
    let tag = if text[..tag].ends_with('\n') { tag - 1 } else { tag };
    match perhaps.map_or(tag, |at| at.min(tag)) {
        at if at < text.len() => Opener::Perhaps { at },
        _ => Opener::None,
    }
}

fn next_line(text: &str, from: usize) -> Option<usize> {
    text[from..].find('\n').map(|at| from + at + 1).filter(|at| *at < text.len())
}

enum Bare {
    Yes(usize),
    Perhaps,
    No,
}

fn bare(line: &str) -> Bare {
    let mut perhaps = false;
    for fence in FENCES {
        for open in BARE {
            let whole = format!("{fence}{open}");
            if line.starts_with(&whole) {
                return Bare::Yes(whole.len());
            }
            perhaps |= whole.starts_with(line);
        }
    }
    if perhaps { Bare::Perhaps } else { Bare::No }
}
