//! One line of an invoice.

use crate::money::percent_of;

/// From this many pieces on, a line gets the volume discount.
const DISCOUNT_FROM: u64 = 10;

/// The volume discount, in percent.
const DISCOUNT_PERCENT: u64 = 5;

/// So many pieces of one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is sold.
    pub product: String,
    /// How many pieces.
    pub quantity: u64,
    /// The price of one piece, in cents.
    pub unit_price: u64,
}

impl Line {
    /// A line of `quantity` pieces at `unit_price` cents each.
    pub fn new(product: &str, quantity: u64, unit_price: u64) -> Self {
        Self { product: product.to_owned(), quantity, unit_price }
    }

    /// The price of the line in cents, volume discount taken off.
    pub fn total(&self) -> u64 {
        let full = self.quantity * self.unit_price;
        if self.quantity >= DISCOUNT_FROM {
            full - percent_of(full, DISCOUNT_PERCENT)
        } else {
            full
        }
    }
}
