//! Money in billionths of a US dollar, so that one token of the cheapest model is a whole number.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Tokens;

const NANOS: u64 = 1_000_000_000;

/// An amount in billionths of a US dollar (nano-dollars). Sums saturate; they never wrap.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(u64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many billionths of a dollar.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The amount in billionths of a dollar.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The amount in dollars, for display and machine-readable output only.
    #[must_use]
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / NANOS as f64
    }

    /// What `tokens` cost when a million of them cost `self`; rounded up, so that an estimate is
    /// never below the bill.
    #[must_use]
    pub fn per_million(self, tokens: Tokens) -> Self {
        let nanos = (u128::from(self.0) * u128::from(tokens.get())).div_ceil(1_000_000);
        Self(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// What is left after `other`, or `None` when `other` is more than there is.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// What is left after `other`, nothing when `other` is more than there is.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Prints dollars with as many digits as the amount needs, two at least: `$0.00`, `$1.25`,
/// `$0.000015`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:09}", self.0 % NANOS);
        let kept = digits.trim_end_matches('0').len().max(2);
        f.pad(&format!("${}.{}", self.0 / NANOS, &digits[..kept]))
    }
}

/// Text that is not an amount of dollars.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an amount of US dollars; write `2`, `0.25` or `$0.25` (nine decimals at most)"
)]
pub struct NotMoney(String);

impl FromStr for Money {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let refuse = || NotMoney(text.to_owned());
        let plain = text.trim().strip_prefix('$').unwrap_or(text.trim());
        let (whole, part) = plain.split_once('.').unwrap_or((plain, ""));
        let digits = |s: &str| s.bytes().all(|byte| byte.is_ascii_digit());
        if part.len() > 9 || !digits(whole) || !digits(part) || whole.len() + part.len() == 0 {
            return Err(refuse());
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| refuse())? };
        let part: u64 = format!("{part:0<9}").parse().map_err(|_| refuse())?;
        whole.checked_mul(NANOS).and_then(|n| n.checked_add(part)).map(Self).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices_round_up() {
        let price: Money = "0.0375".parse().unwrap();
        assert_eq!(price.per_million(Tokens::new(1)), Money::from_nanos(38));
        assert_eq!(price.per_million(Tokens::new(1_000_000)), price);
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "$", ".", "-1", "1.2.3", "ten", "1.0000000001", "99999999999999999999"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_printed_parses_back(nanos: u64) {
            let money = Money::from_nanos(nanos);
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        }
    }
}
