//! Values with a unit: spans of time, money, sizes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bottega_types::Money;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time, written with its unit: `500ms`, `90s`, `10m`, `2h`, `1d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// Money, written in US dollars: `2.5`, `"0.25"` or `"$0.25"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(pub Money);

/// A number of bytes, written as such or with a unit: `65536`, `"64KiB"`, `"5MB"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// Text that is not a measure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct NotAMeasure {
    /// What would have been right.
    pub expected: &'static str,
}

/// Units of time in milliseconds, the largest first.
const TIMES: &[(&str, u64)] =
    &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Units of size in bytes, the largest first.
const SIZES: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// `digits unit` with nothing or blanks between, in the smallest unit.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl Period {
    pub(crate) const EXPECTED: &'static str =
        "a span of time such as `90s`, `500ms`, `10m` or `2h`";

    /// This many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// This many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl FromStr for Period {
    type Err = NotAMeasure;

    fn from_str(text: &str) -> Result<Self, NotAMeasure> {
        measured(text, TIMES).map(Self::millis).ok_or(NotAMeasure { expected: Self::EXPECTED })
    }
}

/// The largest unit that leaves a whole number.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = |(_, unit): &&(&str, u64)| millis != 0 && millis.is_multiple_of(*unit);
        match TIMES.iter().find(fits) {
            Some((name, unit)) => write!(f, "{}{name}", millis / unit),
            None => f.write_str("0s"),
        }
    }
}

impl Dollars {
    pub(crate) const EXPECTED: &'static str =
        "an amount of US dollars such as `2`, `0.25` or `\"$0.25\"`";
}

impl FromStr for Dollars {
    type Err = NotAMeasure;

    fn from_str(text: &str) -> Result<Self, NotAMeasure> {
        text.parse().map(Self).map_err(|_| NotAMeasure { expected: Self::EXPECTED })
    }
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Size {
    pub(crate) const EXPECTED: &'static str =
        "a number of bytes such as `65536`, `\"64KiB\"` or `\"5MB\"`";
}

impl FromStr for Size {
    type Err = NotAMeasure;

    fn from_str(text: &str) -> Result<Self, NotAMeasure> {
        text.trim()
            .parse()
            .ok()
            .or_else(|| measured(text, SIZES))
            .map(Self)
            .ok_or(NotAMeasure { expected: Self::EXPECTED })
    }
}

/// The largest binary unit that leaves a whole number.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(name, unit): &&(&str, u64)| {
            (name.contains('i') || *name == "B") && self.0 != 0 && self.0.is_multiple_of(*unit)
        };
        match SIZES.iter().find(fits) {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => f.write_str("0B"),
        }
    }
}

/// What a file may hold where a measure is expected.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Whole(u64),
    Number(f64),
}

/// How a measure is read from and written to files and what the schema says of it.
macro_rules! in_files {
    ($measure:ident, $format:literal, $types:expr) => {
        impl Serialize for $measure {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $measure {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = match Written::deserialize(deserializer)? {
                    Written::Text(text) => text,
                    Written::Whole(number) => number.to_string(),
                    Written::Number(number) => number.to_string(),
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $measure {
            fn schema_name() -> Cow<'static, str> {
                stringify!($measure).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": $types, "format": $format })
            }
        }
    };
}

in_files!(Period, "period", "string");
in_files!(Dollars, "dollars", ["number", "string"]);
in_files!(Size, "size", ["integer", "string"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr + fmt::Display>(text: &str, expected: Option<&str>) {
        let printed = text.parse::<T>().ok().map(|value| value.to_string());
        assert_eq!(printed.as_deref(), expected, "{text}");
    }

    #[test]
    fn spans_of_time_need_their_unit() {
        check::<Period>("90s", Some("90s"));
        check::<Period>("120s", Some("2m"));
        check::<Period>("1500 ms", Some("1500ms"));
        check::<Period>("0s", Some("0s"));
        for text in ["", "90", "s", "-1s", "1.5s", "99999999999999999999s", "9999999999999999999d"]
        {
            check::<Period>(text, None);
        }
    }

    #[test]
    fn sizes_may_have_one() {
        check::<Size>("65536", Some("64KiB"));
        check::<Size>("5MB", Some("5000000B"));
        check::<Size>("1 GiB", Some("1GiB"));
        for text in ["", "64kib", "-1", "1.5MB"] {
            check::<Size>(text, None);
        }
    }

    #[test]
    fn dollars_come_as_numbers_and_as_text() {
        for text in ["2.5", r#""2.5""#, r#""$2.50""#] {
            let dollars: Dollars = serde_json::from_str(text).unwrap();
            assert_eq!(dollars.to_string(), "$2.50");
        }
        assert!(serde_json::from_str::<Dollars>("-1").is_err());
        assert!(serde_json::from_str::<Dollars>("1e300").is_err());
    }
}
