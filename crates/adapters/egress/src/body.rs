//! Where the body of a request ends (RFC 9112, section 6).

/// What is left of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// So many bytes.
    Sized(u64),
    /// Chunks, until an empty one.
    Chunked(Chunk),
}

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// In the size; how large it is so far and how many digits it has.
    Size(u64, u8),
    /// In what follows the size on its line.
    Extension(u64),
    /// Before the line feed that ends the size's line.
    SizeEnd(u64),
    /// In the data; so many bytes are left.
    Data(u64),
    /// Before the carriage return, or the line feed, that ends the data.
    DataEnd { return_seen: bool },
    /// In the fields that follow the last chunk; whether the line has something on it.
    Trailer { empty: bool },
    /// Before the line feed of such a line.
    TrailerEnd { empty: bool },
    /// Behind everything.
    Done,
}

/// A body that is written wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Digits of a chunk's size at most: what fits 64 bits.
const DIGITS: u8 = 15;

impl Body {
    /// Whether nothing is left.
    pub(crate) const fn is_done(self) -> bool {
        matches!(self, Self::Sized(0) | Self::Chunked(Chunk::Done))
    }

    /// Takes what belongs to the body from the beginning of `bytes`, and says how much that is.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        match self {
            Self::Sized(left) => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                Ok(taken)
            }
            Self::Chunked(chunk) => {
                let mut taken = 0;
                while taken < bytes.len() && *chunk != Chunk::Done {
                    if let Chunk::Data(left) = chunk {
                        let rest = bytes.len() - taken;
                        let data = rest.min(usize::try_from(*left).unwrap_or(usize::MAX));
                        taken += data;
                        *left -= data as u64;
                        if *left == 0 {
                            *chunk = Chunk::DataEnd { return_seen: false };
                        }
                    } else {
                        *chunk = chunk.after(bytes[taken])?;
                        taken += 1;
                    }
                }
                Ok(taken)
            }
        }
    }
}

impl Chunk {
    /// Where a chunked body begins.
    pub(crate) const START: Self = Self::Size(0, 0);

    fn after(self, byte: u8) -> Result<Self, Malformed> {
        match (self, byte) {
            (Self::Size(size, digits), _) if byte.is_ascii_hexdigit() && digits < DIGITS => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Ok(Self::Size(size << 4 | u64::from(digit), digits + 1))
            }
            (Self::Size(size, 1..), b'\r') | (Self::Extension(size), b'\r') => {
                Ok(Self::SizeEnd(size))
            }
            (Self::Size(size, 1..), b';') => Ok(Self::Extension(size)),
            (Self::Extension(size), b' '..=b'~' | b'\t' | 0x80..) => Ok(Self::Extension(size)),
            (Self::SizeEnd(0), b'\n') => Ok(Self::Trailer { empty: true }),
            (Self::SizeEnd(size), b'\n') => Ok(Self::Data(size)),
            (Self::DataEnd { return_seen: false }, b'\r') => {
                Ok(Self::DataEnd { return_seen: true })
            }
            (Self::DataEnd { return_seen: true }, b'\n') => Ok(Self::START),
            (Self::Trailer { empty }, b'\r') => Ok(Self::TrailerEnd { empty }),
            (Self::Trailer { .. }, b' '..=b'~' | b'\t' | 0x80..) => {
                Ok(Self::Trailer { empty: false })
            }
            (Self::TrailerEnd { empty: true }, b'\n') => Ok(Self::Done),
            (Self::TrailerEnd { empty: false }, b'\n') => Ok(Self::Trailer { empty: true }),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many bytes of a text are the body, read in pieces of every length.
    #[track_caller]
    fn check(body: Body, text: &str, expected: Result<usize, Malformed>) {
        for piece in 1..=text.len() {
            let mut left = body;
            let mut taken = 0;
            let mut result = Ok(());
            for part in text.as_bytes().chunks(piece) {
                match left.take(part) {
                    Ok(some) => taken += some,
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                }
                if left.is_done() {
                    break;
                }
            }
            assert_eq!(result.map(|()| taken), expected, "{text:?} in pieces of {piece}");
        }
    }

    #[test]
    fn a_body_ends_where_it_says() {
        check(Body::Sized(3), "abcGET", Ok(3));
        check(Body::Sized(9), "abc", Ok(3));
        let chunked = Body::Chunked(Chunk::START);
        check(chunked, "3\r\nabc\r\n0\r\n\r\nGET", Ok(13));
        check(chunked, "a;x=\"y\"\r\n0123456789\r\n00\r\nA: b\r\n\r\nGET", Ok(33));
        check(chunked, "F\r\n\r\n0\r\n\r\n", Ok(10));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let chunked = Body::Chunked(Chunk::START);
        for text in [
            "\r\n",
            " 3\r\n",
            "-3\r\n",
            "+3\r\n",
            "0x3\r\n",
            "3\nabc",
            "3 \r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "1234567890abcdef\r\n",
            "3;\n\r\n",
            "0\r\n\n",
            "0\r\nA: b\n\r\n",
        ] {
            check(chunked, text, Err(Malformed));
        }
    }

    proptest! {
        /// A body of any chunks is taken whole, and not one byte of what follows.
        #[test]
        fn nothing_of_the_next_request_is_taken(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8), piece in 1_usize..50) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\n\r\n");
            let length = text.len();
            text.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n");
            let (mut body, mut taken) = (Body::Chunked(Chunk::START), 0);
            for part in text.chunks(piece) {
                taken += body.take(part).unwrap();
            }
            prop_assert_eq!((taken, body.is_done()), (length, true));
        }
    }
}
