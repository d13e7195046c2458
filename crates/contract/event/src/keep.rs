//! What a guest keeps under keys of its own.

use serde::{Deserialize, Serialize};

use crate::catalogue::events;

events! {
    /// An event of a `keep/AGENT` stream.
    KeepEvent {
        /// A key has another value, or none any more.
        Set(KeepSet) = "keep.set", 1;
    }
}

/// A key has another value, or none any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepSet {
    /// The key.
    pub key: String,
    /// Its value, in base64 as stored; nothing when it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "bytes")]
    pub value: Option<Vec<u8>>,
}

mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        for value in [Some(vec![0, 255, 10]), Some(Vec::new()), None] {
            let set = KeepSet { key: "a b".to_owned(), value };
            let stored = KeepEvent::from(set.clone()).encode();
            assert_eq!(KeepEvent::decode(&stored), Ok(KeepEvent::Set(set)));
        }
    }
}
