//! What a GGUF file says about its model, read from its header without loading it.
//!
//! Format: ggml's `docs/gguf.md`, versions 2 and 3, little-endian.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use crate::engine::llama::block;

/// What the header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GgufHeader {
    /// `general.architecture`: `qwen2`, `llama`, …
    pub architecture: String,
    /// `general.name`, where there is one.
    pub name: Option<String>,
    /// `general.license`, where there is one.
    pub licence: Option<String>,
    /// The quantisation, named as llama.cpp names it: `Q4_K_M`, …
    pub quantisation: String,
    /// Number of weights in all tensors.
    pub parameters: u64,
    /// The window it was trained for; zero when the file doesn't say.
    pub context_window: u64,
    /// Whether a chat template is there; without one, ChatML is assumed.
    pub has_chat_template: bool,
}

/// Why a file is no readable GGUF file.
#[derive(Debug, thiserror::Error)]
pub enum NotGguf {
    /// It can't be read, or ends too early.
    #[error("{path} can't be read as GGUF: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else, or broken.
    #[error("{path} is no usable GGUF file: {why}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl NotGguf {
    /// What is wrong, without the file's name.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Unreadable { source, .. } => source.to_string(),
            Self::Broken { why, .. } => why.clone(),
        }
    }
}

/// Reads the header of `path`.
///
/// # Errors
/// [`NotGguf`] when the file isn't one, or ends before the last of its weights.
pub(crate) fn read(path: &Path) -> Result<GgufHeader, NotGguf> {
    let unreadable = |source| NotGguf::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut reader = Reader { from: BufReader::with_capacity(1 << 16, file), alignment: 32 };
    reader.header().map_err(|fault| match fault {
        Fault::Io(source) => unreadable(source),
        Fault::Broken(why) => NotGguf::Broken { path: path.to_owned(), why },
    })
}

enum Fault {
    Io(io::Error),
    Broken(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Longer names and texts than this are a sign of a broken file.
const LONGEST: u64 = 1 << 24;
/// So are more entries than this.
const MOST: u64 = 1 << 24;

const STRING: u32 = 8;
const ARRAY: u32 = 9;

struct Reader {
    from: BufReader<File>,
    /// `general.alignment`: where the weights begin, and each tensor among them, is a multiple of it.
    alignment: u64,
}

impl Reader {
    fn header(&mut self) -> Result<GgufHeader, Fault> {
        let mut magic = [0; 4];
        self.from.read_exact(&mut magic)?;
        if &magic != b"GGUF" {
            return Err(Fault::Broken("it does not begin with `GGUF`".into()));
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(Fault::Broken(format!("version {version} is not known")));
        }
        let tensors = self.count()?;
        let entries = self.count()?;
        let mut header = GgufHeader::default();
        for _ in 0..entries {
            self.entry(&mut header)?;
        }
        let mut weights_end = 0_u64;
        for _ in 0..tensors {
            self.skip_string()?;
            let dimensions = self.u32()?.min(8);
            let mut weights = 1_u64;
            for _ in 0..dimensions {
                weights = weights.saturating_mul(self.u64()?);
            }
            header.parameters = header.parameters.saturating_add(weights);
            let (kind, offset) = (self.u32()?, self.u64()?);
            weights_end = weights_end.max(offset.saturating_add(tensor_bytes(kind, weights)));
        }
        let mut needed = self.from.stream_position()?;
        if tensors > 0 {
            needed = needed.next_multiple_of(self.alignment).saturating_add(weights_end);
        }
        let there = self.from.get_ref().metadata()?.len();
        if there < needed {
            let why = format!("it is cut short: {there} of {needed} bytes are there");
            return Err(Fault::Broken(why));
        }
        if header.architecture.is_empty() {
            return Err(Fault::Broken("it names no architecture".into()));
        }
        Ok(header)
    }

    fn entry(&mut self, header: &mut GgufHeader) -> Result<(), Fault> {
        let key = self.string()?;
        let kind = self.u32()?;
        match (key.as_str(), kind) {
            ("general.architecture", STRING) => header.architecture = self.string()?,
            ("general.name", STRING) => header.name = Some(self.string()?),
            ("general.license", STRING) => header.licence = Some(self.string()?),
            ("tokenizer.chat_template", STRING) => {
                header.has_chat_template = true;
                self.skip_string()?;
            }
            ("general.alignment", _) => self.alignment = self.number(kind)?.max(1),
            ("general.file_type", _) => header.quantisation = quantisation(self.number(kind)?),
            (key, _) if key.ends_with(".context_length") => {
                header.context_window = self.number(kind)?;
            }
            _ => self.skip_value(kind)?,
        }
        Ok(())
    }

    fn number(&mut self, kind: u32) -> Result<u64, Fault> {
        match kind {
            4 | 5 => Ok(u64::from(self.u32()?)),
            10 | 11 => self.u64(),
            _ => {
                self.skip_value(kind)?;
                Ok(0)
            }
        }
    }

    fn skip_value(&mut self, kind: u32) -> Result<(), Fault> {
        match kind {
            STRING => self.skip_string(),
            ARRAY => {
                let of = self.u32()?;
                let count = self.count()?;
                match width(of) {
                    Some(width) => self.skip(width * count),
                    None if of == STRING => (0..count).try_for_each(|_| self.skip_string()),
                    None => Err(Fault::Broken(format!("an array of type {of}"))),
                }
            }
            other => match width(other) {
                Some(width) => self.skip(width),
                None => Err(Fault::Broken(format!("a value of type {other}"))),
            },
        }
    }

    fn skip_string(&mut self) -> Result<(), Fault> {
        let length = self.length()?;
        self.skip(length)
    }

    fn string(&mut self) -> Result<String, Fault> {
        let length = self.length()?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.from.read_exact(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        let bytes =
            i64::try_from(bytes).map_err(|_| Fault::Broken("a size beyond sense".into()))?;
        Ok(self.from.seek_relative(bytes)?)
    }

    fn length(&mut self) -> Result<u64, Fault> {
        match self.u64()? {
            length if length <= LONGEST => Ok(length),
            length => Err(Fault::Broken(format!("a text of {length} bytes"))),
        }
    }

    fn count(&mut self) -> Result<u64, Fault> {
        match self.u64()? {
            count if count <= MOST => Ok(count),
            count => Err(Fault::Broken(format!("{count} entries"))),
        }
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        let mut bytes = [0; 4];
        self.from.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// Bytes of a value of fixed size.
const fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// Bytes of a tensor of so many weights; none for a type that the engine doesn't know.
fn tensor_bytes(kind: u32, weights: u64) -> u64 {
    block(kind).map_or(0, |(count, bytes)| (weights / count).saturating_mul(bytes))
}

/// `general.file_type`, as `llama.h` numbers it (`enum llama_ftype`).
fn quantisation(file_type: u64) -> String {
    let name = match file_type {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        19 => "IQ2_XXS",
        20 => "IQ2_XS",
        21 => "Q2_K_S",
        22 => "IQ3_XS",
        23 => "IQ3_XXS",
        24 => "IQ1_S",
        25 => "IQ4_NL",
        26 => "IQ3_S",
        27 => "IQ3_M",
        28 => "IQ2_S",
        29 => "IQ2_M",
        30 => "IQ4_XS",
        31 => "IQ1_M",
        32 => "BF16",
        36 => "TQ1_0",
        37 => "TQ2_0",
        38 => "MXFP4_MOE",
        other => return format!("type {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn text(bytes: &mut Vec<u8>, text: &str) {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }

    /// A small but whole GGUF file: one tensor of 32 × 4 zeros.
    pub(crate) fn sample() -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(6_u64.to_le_bytes());
        for (key, value) in [
            ("general.architecture", "llama"),
            ("general.license", "apache-2.0"),
            ("tokenizer.chat_template", "{{ messages }}"),
        ] {
            text(&mut bytes, key);
            bytes.extend(STRING.to_le_bytes());
            text(&mut bytes, value);
        }
        for (key, value) in [("llama.context_length", 4096_u32), ("general.file_type", 15)] {
            text(&mut bytes, key);
            bytes.extend(4_u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        text(&mut bytes, "tokenizer.ggml.tokens");
        bytes.extend(ARRAY.to_le_bytes());
        bytes.extend(STRING.to_le_bytes());
        bytes.extend(2_u64.to_le_bytes());
        text(&mut bytes, "a");
        text(&mut bytes, "b");
        text(&mut bytes, "token_embd.weight");
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend(32_u64.to_le_bytes());
        bytes.extend(4_u64.to_le_bytes());
        bytes.extend([0; 12]);
        bytes.resize(bytes.len().next_multiple_of(32) + 512, 0);
        bytes
    }

    #[track_caller]
    fn parse(bytes: &[u8]) -> Result<GgufHeader, NotGguf> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path())
    }

    #[test]
    fn a_header_tells_what_the_model_is() {
        let expected = GgufHeader {
            architecture: "llama".into(),
            name: None,
            licence: Some("apache-2.0".into()),
            quantisation: "Q4_K_M".into(),
            parameters: 128,
            context_window: 4096,
            has_chat_template: true,
        };
        assert_eq!(parse(&sample()).unwrap(), expected);
    }

    #[test]
    fn a_header_cut_anywhere_is_refused() {
        let whole = sample();
        let header = whole.len() - 512 - 32;
        for length in 0..header {
            assert!(parse(&whole[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn sizes_beyond_sense_are_refused() {
        let mut bytes = sample();
        bytes[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(parse(&bytes).is_err());
        assert!(parse(b"PK\x03\x04").unwrap_err().to_string().contains("GGUF"));
    }

    #[test]
    fn weights_that_are_cut_short_are_refused() {
        let whole = sample();
        for missing in [1, 511, 512] {
            let there = whole.len() - missing;
            let told = parse(&whole[..there]).unwrap_err().to_string();
            let expected = format!("it is cut short: {there} of {} bytes are there", whole.len());
            assert!(told.ends_with(&expected), "{told}");
        }
        assert_eq!((tensor_bytes(12, 512), tensor_bytes(u32::MAX, 512)), (288, 0));
    }
}
