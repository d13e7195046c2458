//! One JSON value per line.

use bottega_llm::ModelError;

use super::{LONGEST, not_text, too_long};

/// A decoder of lines. Empty lines are passed over.
#[derive(Debug, Default)]
pub(crate) struct Ndjson {
    line: Vec<u8>,
}

impl Ndjson {
    /// Takes more bytes and appends every line they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<String>) -> Result<(), ModelError> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.extend(&rest[..end])?;
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.line);
            if !line.trim_ascii().is_empty() {
                out.push(String::from_utf8(line).map_err(|_| not_text())?);
            }
        }
        self.extend(rest)
    }

    /// The last line when it is whole although nothing ended it.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).ok()?;
        serde_json::from_str::<serde::de::IgnoredAny>(&line).ok().map(|_| line)
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        if self.line.len() + bytes.len() > LONGEST {
            return Err(too_long());
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wire: &str, lines: &[&str], last: Option<&str>) {
        for cut in 0..=wire.len() {
            let (mut decoder, mut out) = (Ndjson::default(), Vec::new());
            let (one, two) = wire.as_bytes().split_at(cut);
            decoder.push(one, &mut out).unwrap();
            decoder.push(two, &mut out).unwrap();
            assert_eq!(out, lines, "cut at {cut}");
            assert_eq!(decoder.finish().as_deref(), last, "cut at {cut}");
        }
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        check("{\"a\":\"ü\"}\n\n \r\n{}\n", &["{\"a\":\"ü\"}", "{}"], None);
    }

    #[test]
    fn a_last_line_counts_only_when_it_is_whole() {
        check("{}\n{\"done\":true}", &["{}"], Some("{\"done\":true}"));
        check("{}\n{\"done\":tr", &["{}"], None);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (mut decoder, mut out) = (Ndjson::default(), Vec::new());
        assert!(decoder.push(&vec![b'x'; LONGEST + 1], &mut out).is_err());
    }
}
