//! Words that every room shares: identifiers, money, tokens, time, entropy, secrets.
//!
//! What it is: small value types that can't be wrong, and the two ports (clock, entropy) through
//! which the outside world reaches code that must be repeatable.
//! What it is not: a place for things without a home. A type moves down here only when two floors
//! need it now.
//!
//! Invariants
//! * An identifier of one kind never passes for another.
//! * Money and tokens never wrap: arithmetic saturates or refuses.
//! * A [`Secret`] has no `Display` and no `Serialize`, and its `Debug` is a fixed word.

mod causes;
mod digest;
mod entropy;
mod id;
mod money;
mod redact;
mod secret;
mod time;
mod tokens;
mod trace;

pub use causes::with_causes;
pub use digest::{Digest, NotADigest};
pub use entropy::{Entropy, Seeded, SystemEntropy};
pub use id::{
    AgentId, CallId, CommandId, ConversationId, GrantId, MessageId, NotAnId, SessionId, TenderId,
};
pub use money::{Money, NotMoney};
pub use redact::{Redactor, StreamRedactor};
pub use secret::Secret;
pub use time::{Clock, Day, ManualClock, SystemClock, Timestamp};
pub use tokens::Tokens;
pub use trace::{NotATraceparent, SpanId, TraceContext, TraceId};
