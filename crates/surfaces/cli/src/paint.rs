//! Colour, where it is wanted.

/// Paints text for a terminal, or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    /// Whether colours are wanted.
    pub(crate) on: bool,
}

impl Paint {
    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }

    /// Each line on its own, so that a colour never spills into what is written beside it.
    fn with(self, code: &str, text: &str) -> String {
        if !self.on || text.is_empty() {
            return text.to_owned();
        }
        let mut painted = String::with_capacity(text.len() + 8);
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                painted.push('\n');
            }
            if !line.is_empty() {
                painted.push_str(&format!("\u{1b}[{code}m{line}\u{1b}[0m"));
            }
        }
        painted
    }

    /// The lines of a unified diff: added green, removed red, places cyan, the rest as it is.
    pub(crate) fn diff_line(self, line: &str) -> String {
        match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => self.bold(line),
            Some(b'+') => self.green(line),
            Some(b'-') => self.red(line),
            Some(b'@') => self.cyan(line),
            Some(_) | None => line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_ends_with_its_line() {
        assert_eq!(Paint { on: true }.dim("a\n\nb"), "\u{1b}[2ma\u{1b}[0m\n\n\u{1b}[2mb\u{1b}[0m");
        assert_eq!(Paint { on: false }.dim("a\nb"), "a\nb");
    }
}
