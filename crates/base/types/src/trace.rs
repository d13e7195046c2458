//! What a piece of work was caused by, in the terms of W3C Trace Context.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Entropy;

/// The most characters of a `tracestate` that are passed on. The recommendation asks for at least 512 (section 3.3.1.5).
const LONGEST_STATE: usize = 512;
/// The flag that says that whoever asked records this trace (section 3.2.2.5.1).
const SAMPLED: u8 = 1;

/// The name of all that one request causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(NonZeroU128);

impl TraceId {
    /// Its bits, never all zero.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0.get()
    }
}

/// Reads hexadecimal digits, lower case, as many and no others.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == digits && plain).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Text that is no name of a trace or a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trace is named by 32 hexadecimal digits, a step by 16, and none by zeros alone")]
pub struct NotATraceName;

impl FromStr for TraceId {
    type Err = NotATraceName;

    fn from_str(text: &str) -> Result<Self, NotATraceName> {
        hex(text, 32).and_then(NonZeroU128::new).map(Self).ok_or(NotATraceName)
    }
}

impl FromStr for SpanId {
    type Err = NotATraceName;

    fn from_str(text: &str) -> Result<Self, NotATraceName> {
        let bits = hex(text, 16).and_then(|bits| u64::try_from(bits).ok());
        bits.and_then(NonZeroU64::new).map(Self).ok_or(NotATraceName)
    }
}

impl TryFrom<String> for SpanId {
    type Error = NotATraceName;

    fn try_from(text: String) -> Result<Self, NotATraceName> {
        text.parse()
    }
}

impl From<SpanId> for String {
    fn from(span: SpanId) -> Self {
        span.to_string()
    }
}

/// Thirty-two lower-case hexadecimal digits.
impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The name of one step of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpanId(NonZeroU64);

impl SpanId {
    /// A fresh one.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        // One in 2^64 draws is no name; the first name stands for it.
        Self(NonZeroU64::new(entropy.bits()).unwrap_or(NonZeroU64::MIN))
    }

    /// Its bits, never all zero.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }
}

/// Sixteen lower-case hexadecimal digits.
impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a piece of work was caused by: the trace, the step of it, and the request at its beginning.
///
/// It goes with messages and is stored with those that are, so its stored form only grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The step that caused this.
    pub span: SpanId,
    /// Whether whoever asked records the trace.
    pub sampled: bool,
    /// What tracing systems outside passed on, not looked into (`tracestate`).
    pub state: Option<Arc<str>>,
    /// The name of the request at its beginning, as answers and log lines have it.
    pub request: Option<Arc<str>>,
}

/// Text that is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no `traceparent`; one looks like `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`"
)]
pub struct NotATraceparent;

impl TraceContext {
    /// The beginning of a trace that nobody outside knows of.
    #[must_use]
    pub fn fresh(entropy: &dyn Entropy) -> Self {
        let bits = u128::from(entropy.bits()) << 64 | u128::from(entropy.bits());
        let trace = TraceId(NonZeroU128::new(bits).unwrap_or(NonZeroU128::MIN));
        Self { trace, span: SpanId::new(entropy), sampled: true, state: None, request: None }
    }

    /// A step within this one.
    #[must_use]
    pub fn child(&self, entropy: &dyn Entropy) -> Self {
        Self { span: SpanId::new(entropy), ..self.clone() }
    }

    /// With a `tracestate`, unless it is too long or holds what does not belong into a header: then without one
    /// (section 3.3: what can't be passed on whole is left out).
    #[must_use]
    pub fn with_state(mut self, state: &str) -> Self {
        let plain = state.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        let fits = (1..=LONGEST_STATE).contains(&state.len());
        self.state = (plain && fits).then(|| state.into());
        self
    }

    /// Caused by the request of this name.
    #[must_use]
    pub fn of_request(mut self, name: &str) -> Self {
        self.request = Some(name.into());
        self
    }

    /// The header `traceparent` that tells of it.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

/// Reads a `traceparent` (W3C Trace Context, section 3.2).
impl FromStr for TraceContext {
    type Err = NotATraceparent;

    fn from_str(text: &str) -> Result<Self, NotATraceparent> {
        let mut parts = text.split('-');
        let mut next = |digits| hex(parts.next()?, digits);
        let mut read = || Some((next(2)?, next(32)?, next(16)?, next(2)?));
        let (version, trace, span, flags) = read().ok_or(NotATraceparent)?;
        // A later version may have more behind it; 255 is none (section 3.2.2.1).
        let known = version == 0 && parts.next().is_none() || (1..255).contains(&version);
        let trace = NonZeroU128::new(trace).map(TraceId);
        let span = u64::try_from(span).ok().and_then(NonZeroU64::new).map(SpanId);
        match (known, trace, span) {
            (true, Some(trace), Some(span)) => {
                let sampled = flags & u128::from(SAMPLED) != 0;
                Ok(Self { trace, span, sampled, state: None, request: None })
            }
            _ => Err(NotATraceparent),
        }
    }
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Stored {
    traceparent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Arc<str>>,
}

impl From<TraceContext> for Stored {
    fn from(context: TraceContext) -> Self {
        let traceparent = context.traceparent();
        Self { traceparent, tracestate: context.state, request: context.request }
    }
}

impl TryFrom<Stored> for TraceContext {
    type Error = NotATraceparent;

    fn try_from(stored: Stored) -> Result<Self, NotATraceparent> {
        let Stored { traceparent, tracestate, request } = stored;
        Ok(Self { state: tracestate, request, ..traceparent.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Seeded;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[track_caller]
    fn check(text: &str, sampled: Option<bool>) {
        let read = text.parse::<TraceContext>();
        assert_eq!(read.as_ref().ok().map(|read| read.sampled), sampled, "{text}");
        if let Ok(read) = read {
            assert_eq!(
                (read.trace.to_string(), read.span.to_string()),
                (TRACE.into(), SPAN.into())
            );
        }
    }

    #[test]
    fn a_traceparent_is_read_as_the_recommendation_says() {
        check(&format!("00-{TRACE}-{SPAN}-01"), Some(true));
        check(&format!("00-{TRACE}-{SPAN}-00"), Some(false));
        check(&format!("00-{TRACE}-{SPAN}-03"), Some(true));
        check(&format!("cc-{TRACE}-{SPAN}-01-what-comes-later"), Some(true));
        check(&format!("00-{TRACE}-{SPAN}-01-more"), None);
        check(&format!("ff-{TRACE}-{SPAN}-01"), None);
        check(&format!("00-{}-{SPAN}-01", "0".repeat(32)), None);
        check(&format!("00-{TRACE}-{}-01", "0".repeat(16)), None);
        check(&format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None);
        check(&format!("00-{TRACE}-{SPAN}"), None);
        check(&format!("00-+{}-{SPAN}-01", &TRACE[1..]), None);
        check("", None);
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let fresh = TraceContext::fresh(&Seeded::new(1));
        let full = fresh.clone().with_state("vendor=one").of_request("req_1");
        for context in [fresh, full] {
            let stored = serde_json::to_string(&context).unwrap();
            assert_eq!(serde_json::from_str::<TraceContext>(&stored).unwrap(), context, "{stored}");
        }
        assert!(serde_json::from_str::<TraceContext>(r#"{"traceparent":"no"}"#).is_err());
    }

    #[test]
    fn a_state_is_passed_on_whole_or_not_at_all() {
        let of = |state: &str| TraceContext::fresh(&Seeded::new(1)).with_state(state).state;
        assert_eq!(of("a=1,b=2").as_deref(), Some("a=1,b=2"));
        assert_eq!(of(&"x".repeat(LONGEST_STATE + 1)), None);
        assert_eq!(of("a=1\nb"), None);
        assert_eq!(of(""), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<TraceContext>();
        }
    }
}
