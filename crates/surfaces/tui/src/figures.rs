//! Numbers, spans and moments as people read them.

use bottega_api::RunTotals;
use bottega_types::{Money, Timestamp};

/// `12430` as `12,430`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut result = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result
}

/// `3 turns`, `1 turn`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Bytes in binary units: `1.04 GiB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1_024.0 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{number} B"),
        _ if value < 10.0 => format!("{value:.2} {}", UNITS[unit]),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

/// A number of weights: `1.5 B`, `135 M`.
pub fn weights(number: u64) -> String {
    match number {
        0..1_000_000 => grouped(number),
        1_000_000..1_000_000_000 => format!("{:.0} M", number as f64 / 1e6),
        _ => format!("{:.1} B", number as f64 / 1e9),
    }
}

/// Dollars with two digits at least and no more than they need: `$0.00`, `$0.0031`.
pub fn dollars(amount: f64) -> String {
    if amount >= 1.0 {
        return format!("${amount:.2}");
    }
    // Below a dollar four digits are told, below a cent's hundredth all that there are.
    let nanos = if amount.is_finite() && amount > 0.0 { (amount * 1e9).round() as u64 } else { 0 };
    let kept = if nanos >= 100_000 { nanos / 100_000 * 100_000 } else { nanos };
    Money::from_nanos(kept).to_string()
}

/// What something cost: dollars, `unknown` when no price was known, or the least that it was.
pub fn cost(dollars_in_all: Option<f64>, known: f64) -> String {
    match dollars_in_all {
        Some(amount) => dollars(amount),
        None if known > 0.0 => format!("at least {}", dollars(known)),
        None => "unknown".to_owned(),
    }
}

/// Characters of a session's id that are shown where there is little room; they name it as well as the whole.
const SHORT: usize = 8;

/// The end of a session's id.
pub fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(SHORT)..).unwrap_or(id)
}

/// A span: `12 ms`, `3.4 s`, `41 s`, `5 min 2 s`, `2 h 3 min`.
pub fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
        _ => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// How long ago `then` was at `now`: `just now`, `5 min ago`, `3 h ago`, `6 days ago`, else the day.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    let minutes = now.since(then).as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1_440 => format!("{} h ago", minutes / 60),
        1_440..20_160 => format!("{} ago", counted(minutes / 1_440, "day", "days")),
        _ => then.day().to_string(),
    }
}

/// The time of day in UTC: `14:26:39`.
pub fn clock_time(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..19).unwrap_or(&text).to_owned()
}

/// `3 turns · 12,430 tokens (8,120 cached) · 21.4 tok/s · $0.00 · 41 s`.
pub fn totals(totals: &RunTotals) -> String {
    let mut parts = vec![counted(totals.turns.into(), "turn", "turns")];
    let tokens = counted(totals.input_tokens + totals.output_tokens, "token", "tokens");
    parts.push(match totals.cached_tokens {
        0 => tokens,
        cached => format!("{tokens} ({} cached)", grouped(cached)),
    });
    if let Some(rate) = totals.tokens_per_second {
        parts.push(format!("{rate:.1} tok/s"));
    }
    parts.push(match totals.cost_usd {
        None if totals.known_cost_usd <= 0.0 => "cost unknown".to_owned(),
        all => cost(all, totals.known_cost_usd),
    });
    parts.push(span(totals.elapsed_ms));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1_117_320_768), "1.04 GiB");
        assert_eq!(bytes(98_362_432), "93.8 MiB");
        assert_eq!(weights(1_543_714_304), "1.5 B");
        assert_eq!(dollars(0.0), "$0.00");
        assert_eq!(dollars(0.003_149), "$0.0031");
        assert_eq!(dollars(0.000_015), "$0.000015");
        assert_eq!(dollars(12.345), "$12.35");
        assert_eq!(dollars(f64::NAN), "$0.00");
        assert_eq!(cost(Some(0.0), 0.0), "$0.00");
        assert_eq!(cost(None, 0.0), "unknown");
        assert_eq!(cost(None, 0.25), "at least $0.25");
        assert_eq!(span(999), "999 ms");
        assert_eq!(span(3_450), "3.4 s");
        assert_eq!(span(302_000), "5 min 2 s");
        assert_eq!(span(7_400_000), "2 h 3 min");
    }

    #[test]
    fn a_price_that_is_not_known_is_not_zero() {
        let none = RunTotals { turns: 1, elapsed_ms: 900, ..RunTotals::default() };
        assert_eq!(totals(&none), "1 turn · 0 tokens · $0.00 · 900 ms");
        let unpriced = RunTotals { cost_usd: None, ..none };
        assert_eq!(totals(&unpriced), "1 turn · 0 tokens · cost unknown · 900 ms");
        let partly = RunTotals { known_cost_usd: 0.5, ..unpriced };
        assert_eq!(totals(&partly), "1 turn · 0 tokens · at least $0.50 · 900 ms");
    }

    #[test]
    fn moments_are_told_from_now() {
        let now = Timestamp::from_millis(1_763_648_799_001);
        let before = |minutes: u64| Timestamp::from_millis(now.as_millis() - minutes * 60_000);
        assert_eq!(ago(now, before(0)), "just now");
        assert_eq!(ago(now, before(59)), "59 min ago");
        assert_eq!(ago(now, before(60)), "1 h ago");
        assert_eq!(ago(now, before(1_500)), "1 day ago");
        assert_eq!(ago(now, before(30_000)), "2025-10-30");
        assert_eq!(ago(now, Timestamp::from_millis(u64::MAX)), "just now");
        assert_eq!(clock_time(now), "14:26:39");
    }
}
