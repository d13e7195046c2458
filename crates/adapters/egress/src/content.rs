//! The bytes of a page: as they were before they were packed for the way (RFC 9110, section 8.4).

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// How a body was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    Plain,
    /// With gzip (RFC 1952).
    Gzip,
}

impl Coding {
    /// The coding that a server names; nothing when nobody asked for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Plain),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            _ => None,
        }
    }

    /// At most `most` bytes of what was packed, and whether there is more. `cut` says that the packed bytes are not all.
    pub(crate) fn unpack(
        self,
        packed: Vec<u8>,
        cut: bool,
        most: usize,
    ) -> io::Result<(Vec<u8>, bool)> {
        match self {
            Self::Plain => Ok((packed, cut)),
            Self::Gzip => {
                let mut unpacked = Vec::new();
                let room = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
                match MultiGzDecoder::new(packed.as_slice()).take(room).read_to_end(&mut unpacked) {
                    Ok(_) => {}
                    // What was read of it is whole as far as it goes.
                    Err(error) if cut && error.kind() == io::ErrorKind::UnexpectedEof => {}
                    Err(error) => return Err(error),
                }
                let more = unpacked.len() > most;
                unpacked.truncate(most);
                Ok((unpacked, more || cut))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn what_was_packed_is_unpacked_as_far_as_it_may_be() {
        let unpack = |bytes: Vec<u8>, cut, most| Coding::Gzip.unpack(bytes, cut, most);
        assert_eq!(unpack(packed(b"hello"), false, 9).unwrap(), (b"hello".to_vec(), false));
        assert_eq!(unpack(packed(b"hello"), false, 5).unwrap(), (b"hello".to_vec(), false));
        assert_eq!(unpack(packed(b"hello"), false, 4).unwrap(), (b"hell".to_vec(), true));
        // A kilobyte that would be a megabyte.
        let bomb = packed(&vec![0; 1 << 20]);
        assert!(bomb.len() < 2_000);
        let (bytes, more) = unpack(bomb, false, 1_000).unwrap();
        assert_eq!((bytes.len(), more), (1_000, true));
        let half = packed(&(0..9_999_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
        let half = half[..half.len() / 2].to_vec();
        assert!(unpack(half.clone(), false, 1 << 20).is_err(), "broken off");
        let (bytes, more) = unpack(half, true, 1 << 20).unwrap();
        assert!(!bytes.is_empty() && more, "left where reading stopped");
        assert!(unpack(b"no gzip".to_vec(), false, 9).is_err());
    }

    #[test]
    fn nothing_is_unpacked_that_nobody_asked_for() {
        let named = ["", "identity", "GZip", "x-gzip", "br", "gzip, gzip"].map(Coding::named);
        let (plain, gzip) = (Some(Coding::Plain), Some(Coding::Gzip));
        assert_eq!(named, [plain, plain, gzip, gzip, None, None]);
        assert_eq!(Coding::Plain.unpack(b"ab".to_vec(), true, 9).unwrap(), (b"ab".to_vec(), true));
    }
}
