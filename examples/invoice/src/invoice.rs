//! A whole invoice.

use crate::line::Line;
use crate::money::percent_of;

/// What shipping costs, in cents.
const SHIPPING: u64 = 490;

/// Goods worth more than this, in cents, are shipped for nothing.
const FREE_SHIPPING_ABOVE: u64 = 10_000;

/// The tax on goods and shipping, in percent.
const TAX_PERCENT: u64 = 20;

/// The lines that one customer buys.
#[derive(Clone, Debug, Default)]
pub struct Invoice {
    lines: Vec<Line>,
}

impl Invoice {
    /// An invoice without lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    pub fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// The value of the goods in cents.
    pub fn goods(&self) -> u64 {
        self.lines.iter().map(Line::total).sum()
    }

    /// What shipping costs in cents; an empty invoice ships nothing.
    pub fn shipping(&self) -> u64 {
        if self.lines.is_empty() || self.goods() > FREE_SHIPPING_ABOVE {
            0
        } else {
            SHIPPING
        }
    }

    /// The tax in cents.
    pub fn tax(&self) -> u64 {
        percent_of(self.goods() + self.shipping(), TAX_PERCENT)
    }

    /// What the customer pays, in cents: goods, shipping and tax.
    pub fn total(&self) -> u64 {
        self.goods() + self.shipping() - self.tax()
    }
}
