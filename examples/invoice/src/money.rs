//! Amounts as text.

/// Writes an amount with two decimals: `1234` becomes `12.34`.
pub fn format_cents(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Takes `percent` of an amount, rounded half up to the cent.
pub(crate) fn percent_of(cents: u64, percent: u64) -> u64 {
    (cents * percent + 50) / 100
}
