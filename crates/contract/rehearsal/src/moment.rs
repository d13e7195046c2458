//! A moment as people write it.

use bottega_types::Timestamp;
use toml::value::{Datetime, Offset};

/// Reads a moment of RFC 3339 from the epoch on; nothing when it is none.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let Datetime { date: Some(date), time: Some(time), offset: Some(offset) } =
        text.parse().ok()?
    else {
        return None;
    };
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    // Days of the proleptic Gregorian calendar, in years that begin in March.
    let (year, month, day) = (i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = (days - 719_468) * 86_400
        + i64::from(time.hour) * 3600
        + i64::from(time.minute) * 60
        + i64::from(time.second.unwrap_or(0))
        - minutes * 60;
    let millis = seconds * 1000 + i64::from(time.nanosecond.unwrap_or(0) / 1_000_000);
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(|moment| moment.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_moment_needs_its_day_time_and_zone() {
        check("2026-01-01T00:00:00Z", Some("2026-01-01T00:00:00.000Z"));
        check("2000-02-29T23:59:59.5Z", Some("2000-02-29T23:59:59.500Z"));
        check("1970-01-01T01:00:00+01:00", Some("1970-01-01T00:00:00.000Z"));
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "1969-12-31T23:59:59Z",
            "2026-02-30T00:00:00Z",
        ] {
            check(text, None);
        }
    }
}
