//! Server-sent events, read piece by piece (WHATWG HTML, section 9.2.6), as far as our own server writes them.

/// What was read and is no whole event yet.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    read: Vec<u8>,
}

/// One event: its name and what it tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// Nobody of ours writes an event of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Bytes of one event at most.
const LONGEST: usize = 8 << 20;

impl EventStream {
    /// Takes what came, and gives the events that are whole.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLong> {
        self.read.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<u8> = self.read.drain(..end + 2).collect();
            events.extend(event(&String::from_utf8_lossy(&block)));
        }
        if self.read.len() > LONGEST { Err(TooLong) } else { Ok(events) }
    }
}

/// The event of a block; nothing where it is a comment, which keeps the connection open.
fn event(block: &str) -> Option<Event> {
    let (mut name, mut data) = ("message", Vec::new());
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value,
            "data" => data.push(value),
            _ => {}
        }
    }
    (!data.is_empty()).then(|| Event { name: name.to_owned(), data: data.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_wherever_the_pieces_end() {
        let text = ": nothing new\n\nid: 1\nevent: step\ndata: {\"a\":1}\n\ndata: x\ndata: ö\n\n";
        let expected = [("step", "{\"a\":1}"), ("message", "x\nö")]
            .map(|(name, data)| Event { name: name.into(), data: data.into() });
        for size in 1..text.len() {
            let mut stream = EventStream::default();
            let pieces = text.as_bytes().chunks(size);
            let events: Vec<Event> = pieces.flat_map(|it| stream.take(it).unwrap()).collect();
            assert_eq!(events, expected, "{size}");
        }
    }

    #[test]
    fn an_event_without_end_is_given_up() {
        let mut stream = EventStream::default();
        let piece = vec![b'x'; 1 << 20];
        let given_up = (0..9).find_map(|_| stream.take(&piece).err());
        assert_eq!(given_up, Some(TooLong));
    }
}
