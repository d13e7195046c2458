//! Stand-ins for the outside world, for tests only; never in a release.
//!
//! What it is: parts that behave as a test tells them to, and remember what was asked of them.
//! What it is not: a mock of our own rooms; those are used as they are.

mod fake_collector;
mod fake_sandbox;
mod fake_workspace;
mod real_machine;
mod runtime_clock;
mod scripted_model;
mod scripted_server;

pub use fake_collector::{FakeCollector, Reception, Seen, SeenMetric, SeenSpan};
pub use fake_sandbox::{FakeSandbox, Reply};
pub use fake_workspace::FakeWorkspace;
pub use real_machine::{RealMachine, Remembered, Unwatched};
pub use runtime_clock::RuntimeClock;
pub use scripted_model::{Beat, Opening, Script, ScriptedModel};
pub use scripted_server::{Asked, Close, Saying, ScriptedServer, Serving, WireProtocol};
