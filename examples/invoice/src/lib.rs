//! Adds up an invoice: lines, volume discount, shipping, tax. All amounts are whole cents.

mod invoice;
mod line;
mod money;

pub use invoice::Invoice;
pub use line::Line;
pub use money::format_cents;
