//! Times and spans, between milliseconds and the types that Protobuf knows.

use bottega_api::{ApiError, codes};
use prost_types::{Duration, Timestamp};

/// A time in milliseconds since the Unix epoch.
pub(super) fn time(ms: u64) -> Timestamp {
    let Duration { seconds, nanos } = span(ms);
    Timestamp { seconds, nanos }
}

/// A span in milliseconds.
pub(super) fn span(ms: u64) -> Duration {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    // Below a billion.
    let nanos = i32::try_from(ms % 1_000 * 1_000_000).unwrap_or(0);
    Duration { seconds, nanos }
}

/// The milliseconds of a span that `field` brought, begun ones whole.
pub(super) fn milliseconds(field: &str, span: Duration) -> Result<u64, ApiError> {
    let seconds = u64::try_from(span.seconds);
    let nanos = u64::try_from(span.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    match (seconds, nanos) {
        (Ok(seconds), Some(nanos)) => {
            Ok(seconds.saturating_mul(1_000).saturating_add(nanos.div_ceil(1_000_000)))
        }
        (Ok(_) | Err(_), _) => {
            let why = format!("`{field}` is no span of time from now on");
            Err(ApiError::new(codes::MALFORMED, why)
                .step("send seconds, and nanoseconds below a billion, neither of them negative"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_stay_what_they_are() {
        for ms in [0, 1, 999, 1_000, 1_795_887_270_074] {
            assert_eq!(milliseconds("x", span(ms)).unwrap(), ms);
            assert_eq!((time(ms).seconds, time(ms).nanos), (span(ms).seconds, span(ms).nanos));
        }
        assert_eq!(milliseconds("x", Duration { seconds: 0, nanos: 1 }).unwrap(), 1);
        assert_eq!(milliseconds("x", Duration { seconds: i64::MAX, nanos: 0 }).unwrap(), u64::MAX);
    }

    #[test]
    fn a_span_that_is_none_is_refused() {
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000)] {
            let error = milliseconds("timeout", Duration { seconds, nanos }).unwrap_err();
            assert!(error.code == "BTG0021" && error.message.contains("`timeout`"), "{error:?}");
        }
    }
}
