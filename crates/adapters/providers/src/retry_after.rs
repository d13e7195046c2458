//! When a provider wants to be asked again.

use std::time::{Duration, UNIX_EPOCH};

use bottega_types::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Longer waits than this are a mistake or an offer nobody can take.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `Retry-After` (RFC 9110 section 10.2.3: seconds or a date) and `retry-after-ms`. A date is
/// measured from the answer's own `Date`, so that a wrong clock here does no harm.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return span(millis / 1000.0);
    }
    let asked = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = asked.parse::<f64>() {
        return span(seconds);
    }
    let when = httpdate::parse_http_date(asked).ok()?;
    let sent = text(DATE.as_str()).and_then(|text| httpdate::parse_http_date(text).ok());
    let since = sent.unwrap_or(UNIX_EPOCH + Duration::from_millis(now.as_millis()));
    Some(when.duration_since(since).unwrap_or_default().min(LONGEST))
}

/// A span in the text form of Google's `RetryInfo`: `34s`, `1.5s`.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    text.strip_suffix('s')?.parse().ok().and_then(span)
}

fn span(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().map(|span| span.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], expected: Option<u64>) {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap())
            })
            .collect();
        let now = Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        assert_eq!(retry_after(&headers, now), expected.map(Duration::from_millis));
    }

    #[test]
    fn every_form_is_read() {
        check(&[], None);
        check(&[("retry-after", "7")], Some(7000));
        check(&[("retry-after", "0.5")], Some(500));
        check(&[("retry-after", "7"), ("retry-after-ms", "250")], Some(250));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], Some(10_000));
        check(
            &[
                ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"),
                ("date", "Sun, 06 Nov 1994 08:49:45 GMT"),
            ],
            Some(2000),
        );
        check(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0));
    }

    #[test]
    fn nonsense_is_no_date_and_a_century_is_a_day() {
        for text in ["soon", "-1", "NaN", "inf"] {
            check(&[("retry-after", text)], None);
        }
        check(&[("retry-after", "999999999")], Some(86_400_000));
        assert_eq!(seconds("1.5s"), Some(Duration::from_millis(1500)));
    }
}
