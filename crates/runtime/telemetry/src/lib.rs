//! What belongs together of all that is done: traces, and the steps of them.
//!
//! What it is: the trail, by which work knows what caused it ([`Trail`]), steps of it with a name, a beginning and an end
//! ([`Step`]), and the way of steps, and of what is measured of them, to a collector of OpenTelemetry ([`Outbox`]). What it
//! is not: the log's form, which is the binary's, and no way for data: nothing that is decided may depend on a trail.
//!
//! The path of one request: the server reads or makes a [`TraceContext`](bottega_types::TraceContext) and works along it;
//! the agency lays it beside each message that is sent meanwhile, stored with those that are; whoever handles the message
//! works along it again. Tasks that are started on the way are [`carried`] along.
//!
//! The path of one step: it ends (`step`), is measured (`meters`), waits in a bounded queue and is sent with others
//! (`outbox`) in the forms of OpenTelemetry (`wire`). Without a collector its end is a line in the log and nothing more.
//!
//! Invariants
//! * Without a trail nothing is made, allocated or written on the way of a message.
//! * What people, models and tools say is no attribute of a step.
//! * No work waits for a collector.

mod meters;
mod outbox;
mod span;
mod step;
mod trail;
mod wire;

pub use meters::Figure;
pub use outbox::{Collector, CollectorError, Outbox};
pub use span::send_by;
pub use step::{Step, StepKind, Value};
pub use trail::{Trail, along, carried, here};
