//! The time by which an answer is wanted.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bottega_types::Timestamp;

/// The latest time at which the sender would like its reply (SC00061, reply-by), as the date and time token of SC00070
/// writes it: `20261120T142639000Z`, or `+00000000T000130000` for a span from the message's receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyBy {
    /// At this moment.
    At(Timestamp),
    /// This long after the message was received. Whole milliseconds.
    Within(Duration),
}

const DAY: u64 = 86_400_000;

impl ReplyBy {
    /// The moment meant by a message that was received at `received`.
    #[must_use]
    pub fn moment(self, received: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Within(span) => received.plus(span),
        }
    }

    /// The same, as far as the token can say it: years have four digits, and a span is under 10,000 years.
    #[must_use]
    pub fn clamped(self) -> Self {
        match self {
            Self::At(moment) => {
                Self::At(Timestamp::from_millis(moment.as_millis().min(253_402_300_799_999)))
            }
            Self::Within(span) => {
                let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
                Self::Within(Duration::from_millis(millis.min(LONGEST_SPAN)))
            }
        }
    }
}

/// 9999 years of 365 days, 11 months of 30 days, 29 days, and all but a millisecond of one more.
const LONGEST_SPAN: u64 = (9_999 * 365 + 11 * 30 + 29) * DAY + DAY - 1;

/// Days between the epoch and a civil date; the standard era arithmetic of the proleptic Gregorian calendar, with years
/// that begin in March (Richards 2013, in the Explanatory Supplement to the Astronomical Almanac).
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Writes the token, in UTC with its `Z`; a span in years of 365 days and months of 30.
impl fmt::Display for ReplyBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |f: &mut fmt::Formatter<'_>, millis: u64| {
            let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
            write!(f, "T{hour:02}{minute:02}{:02}{:03}", millis / 1000 % 60, millis % 1000)
        };
        match self.clamped() {
            Self::At(moment) => {
                write!(f, "{}", moment.day().to_string().replace('-', ""))?;
                clock(f, moment.as_millis() % DAY)?;
                f.write_str("Z")
            }
            Self::Within(span) => {
                let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
                let days = millis / DAY;
                // Below 365 days are at most 12 months of 30, and the token takes them.
                let (year, rest) = (days / 365, days % 365);
                let (month, day) = ((rest / 30).min(11), rest - (rest / 30).min(11) * 30);
                write!(f, "+{year:04}{month:02}{day:02}")?;
                clock(f, millis % DAY)
            }
        }
    }
}

/// Text that is no date and time token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time to reply by; write `20261120T142639000Z` (UTC) or, from the receipt on, `+00000000T000130000`"
)]
pub struct NotReplyBy(String);

impl FromStr for ReplyBy {
    type Err = NotReplyBy;

    /// Reads the token. Without a `Z` the time is taken as UTC too: nobody knows where a message was written. Another
    /// type designator, and a span into the past, are refused. Milliseconds may be missing, as some platforms omit them.
    fn from_str(text: &str) -> Result<Self, NotReplyBy> {
        read(text).ok_or_else(|| NotReplyBy(text.chars().take(40).collect()))
    }
}

fn read(text: &str) -> Option<ReplyBy> {
    let (relative, rest) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let rest = rest.strip_suffix(['Z', 'z']).unwrap_or(rest);
    let (date, time) = rest.split_once(['T', 't'])?;
    let number = |digits: &str| -> Option<i64> {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    if date.len() != 8 || !matches!(time.len(), 6 | 9) || !rest.is_ascii() {
        return None;
    }
    let (year, month, day) = (number(&date[..4])?, number(&date[4..6])?, number(&date[6..])?);
    let (hour, minute, second) = (number(&time[..2])?, number(&time[2..4])?, number(&time[4..6])?);
    let milli = if time.len() == 9 { number(&time[6..])? } else { 0 };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let clock = ((hour * 60 + minute) * 60 + second) * 1000 + milli;
    if relative {
        let days = year * 365 + month * 30 + day;
        let millis = u64::try_from(days * 86_400_000 + clock).ok()?;
        return Some(ReplyBy::Within(Duration::from_millis(millis)).clamped());
    }
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let millis = u64::try_from(days_of(year, month, day) * 86_400_000 + clock).ok()?;
    Some(ReplyBy::At(Timestamp::from_millis(millis)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<ReplyBy>) {
        assert_eq!(text.parse().ok(), expected, "{text}");
    }

    #[test]
    fn tokens_are_read() {
        let at = |millis| Some(ReplyBy::At(Timestamp::from_millis(millis)));
        let within = |millis| Some(ReplyBy::Within(Duration::from_millis(millis)));
        check("19700101T000000000Z", at(0));
        check("20251120T142639001Z", at(1_763_648_799_001));
        check("20251120T142639001", at(1_763_648_799_001));
        check("20251120t142639z", at(1_763_648_799_000));
        check("20240229T000000000Z", at(1_709_164_800_000));
        check("+00000000T000130000", within(90_000));
        check("+00000001T000000001", within(86_400_001));
        for refused in [
            "",
            "soon",
            "20250229T000000000Z",
            "20251301T000000000Z",
            "20251120T240000000Z",
            "-00000000T000130000",
            "2025-11-20T14:26:39Z",
            "20251120T142639001K",
            "19691231T235959999Z",
            "20251120T14263900",
            "é0251120T142639000",
        ] {
            check(refused, None);
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(millis: u64, relative: bool) {
            let time = if relative {
                ReplyBy::Within(Duration::from_millis(millis))
            } else {
                ReplyBy::At(Timestamp::from_millis(millis))
            };
            prop_assert_eq!(time.to_string().parse::<ReplyBy>(), Ok(time.clamped()));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            let _ = text.parse::<ReplyBy>();
        }
    }
}
