//! What a key does.

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

/// What a person wants of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// To leave it.
    Leave,
    /// Another order of the rows.
    Sort,
    /// To go so many rows down, or up.
    Move(isize),
    /// To go so many screens down, or up.
    Turn(isize),
    /// To go to the first row.
    First,
    /// To go to the last row.
    Last,
}

/// What an event of the terminal means. A new size means nothing: the next drawing asks for it.
#[must_use]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most keys mean nothing, and which there are is not ours to say"
)]
pub fn act(event: &Event) -> Option<Act> {
    let key = event.as_key_event().filter(|key| key.kind != KeyEventKind::Release)?;
    let with = |modifier| key.modifiers.contains(modifier);
    if let KeyCode::Char(letter) = key.code
        && with(KeyModifiers::CONTROL)
    {
        return match letter {
            'c' => Some(Act::Leave),
            'd' | 'f' => Some(Act::Turn(1)),
            'u' | 'b' => Some(Act::Turn(-1)),
            'n' => Some(Act::Move(1)),
            'p' => Some(Act::Move(-1)),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => Act::Leave,
        KeyCode::Char('s' | 'S') => Act::Sort,
        KeyCode::Down | KeyCode::Char('j') => Act::Move(1),
        KeyCode::Up | KeyCode::Char('k') => Act::Move(-1),
        KeyCode::PageDown | KeyCode::Char(' ') => Act::Turn(1),
        KeyCode::PageUp => Act::Turn(-1),
        KeyCode::Home | KeyCode::Char('g') => Act::First,
        KeyCode::End | KeyCode::Char('G') => Act::Last,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;

    use super::*;

    #[track_caller]
    fn check(code: KeyCode, modifiers: KeyModifiers, expected: Option<Act>) {
        assert_eq!(act(&Event::Key(KeyEvent::new(code, modifiers))), expected);
    }

    #[test]
    fn keys_mean_what_the_foot_says() {
        let none = KeyModifiers::NONE;
        check(KeyCode::Char('q'), none, Some(Act::Leave));
        check(KeyCode::Esc, none, Some(Act::Leave));
        check(KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Act::Leave));
        check(KeyCode::Char('c'), none, None);
        check(KeyCode::Char('s'), none, Some(Act::Sort));
        check(KeyCode::Char('s'), KeyModifiers::CONTROL, None);
        check(KeyCode::Char('j'), none, Some(Act::Move(1)));
        check(KeyCode::Up, none, Some(Act::Move(-1)));
        check(KeyCode::PageDown, none, Some(Act::Turn(1)));
        check(KeyCode::Char('G'), KeyModifiers::SHIFT, Some(Act::Last));
        check(KeyCode::Enter, none, None);
    }

    #[test]
    fn a_key_counts_once() {
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(act(&Event::Key(key)), None);
        assert_eq!(act(&Event::Resize(10, 10)), None);
    }
}
