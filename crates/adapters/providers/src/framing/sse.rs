//! Server-sent events (WHATWG HTML, section 9.2.6), of which only the data is needed: every
//! protocol here repeats the event's name inside it.

use bottega_llm::ModelError;

use super::{LONGEST, not_text, too_long};

/// A decoder of server-sent events.
#[derive(Debug, Default)]
pub(crate) struct Sse {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_return: bool,
    begun: bool,
}

impl Sse {
    /// Takes more bytes and appends the data of every event they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<String>) -> Result<(), ModelError> {
        for &byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => self.end_line(out)?,
                _ if self.line.len() >= LONGEST => return Err(too_long()),
                _ => self.line.push(byte),
            }
        }
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<String>) -> Result<(), ModelError> {
        let line = std::mem::take(&mut self.line);
        let mut rest = line.as_slice();
        if !std::mem::replace(&mut self.begun, true) {
            rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
        }
        if rest.is_empty() {
            let data = std::mem::take(&mut self.data);
            if std::mem::take(&mut self.has_data) {
                out.push(String::from_utf8(data).map_err(|_| not_text())?);
            }
        } else if let Some(value) = data_of(rest) {
            if self.data.len() + value.len() >= LONGEST {
                return Err(too_long());
            }
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
        }
        // The line's room is used again for the next one.
        self.line = line;
        self.line.clear();
        Ok(())
    }
}

/// The value of a `data` line; other fields and comments have none.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    let value = line.strip_prefix(b"data")?;
    match value.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None if value.is_empty() => Some(value),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let (mut sse, mut out) = (Sse::default(), Vec::new());
        for piece in pieces {
            sse.push(piece, &mut out).unwrap();
        }
        out
    }

    #[track_caller]
    fn check(wire: &str, expected: &[&str]) {
        assert_eq!(decode(&[wire.as_bytes()]), expected, "{wire:?}");
        for cut in 0..wire.len() {
            let (one, two) = wire.as_bytes().split_at(cut);
            assert_eq!(decode(&[one, two]), expected, "{wire:?} cut at {cut}");
        }
        let bytes: Vec<&[u8]> = wire.as_bytes().chunks(1).collect();
        assert_eq!(decode(&bytes), expected, "{wire:?} byte by byte");
    }

    #[test]
    fn every_line_ending_ends_a_line() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
    }

    #[test]
    fn several_data_lines_are_one_event() {
        check("data: a\ndata\ndata:b\n\n", &["a\n\nb"]);
    }

    #[test]
    fn names_comments_and_empty_events_are_passed_over() {
        check(": hello\nevent: ping\nid: 1\nretry: 2\n\ndatabase: x\n\ndata: ü\n\n", &["ü"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_text_and_half_an_event_is_none() {
        check("\u{feff}data: a\n\ndata: half\n", &["a"]);
    }

    #[test]
    fn what_is_not_text_is_garbled() {
        let (mut sse, mut out) = (Sse::default(), Vec::new());
        assert!(sse.push(b"data: \xff\n\n", &mut out).is_err());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (mut sse, mut out) = (Sse::default(), Vec::new());
        assert!(sse.push(&vec![b'x'; LONGEST + 1], &mut out).is_err());
    }
}
