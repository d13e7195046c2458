//! What a request belongs to, by the headers of W3C Trace Context.

use axum::http::{HeaderMap, HeaderValue};
use bottega_telemetry::{Step, StepKind, Trail};
use bottega_types::{Entropy, TraceContext};

/// The header that names the trace and the step of it, to the server and back.
pub(crate) const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// The step of answering a request: of the trace that its headers name, else the first of a fresh one. Headers that
/// can't be read begin a fresh one (section 4.3 of the recommendation).
pub(crate) fn step(
    headers: &HeaderMap,
    request: &str,
    entropy: &dyn Entropy,
    name: String,
) -> Step {
    match given(headers) {
        Some(context) => {
            Step::along(&Trail::new(context.of_request(request)), StepKind::Server, name)
        }
        None => {
            let context = TraceContext::fresh(entropy).of_request(request);
            Step::first(&Trail::new(context), StepKind::Server, name)
        }
    }
}

/// Tells in the answer's headers which step it was.
pub(crate) fn tell(step: &Step, headers: &mut HeaderMap) {
    let context = step.trail().context();
    if let Ok(parent) = HeaderValue::try_from(context.traceparent()) {
        headers.insert(PARENT, parent);
    }
    if let Some(state) = context.state.as_deref().and_then(|it| HeaderValue::try_from(it).ok()) {
        headers.insert(STATE, state);
    }
}

fn given(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all(PARENT).iter();
    let parent = parents.next()?.to_str().ok()?;
    // Two of them name two traces, and so none (section 4.3).
    let context: TraceContext = parents.next().is_none().then(|| parent.parse().ok())??;
    let states = headers.get_all(STATE).iter().filter_map(|state| state.to_str().ok());
    Some(context.with_state(&states.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use bottega_types::Seeded;

    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[track_caller]
    fn check(given: &[(&'static str, &str)], goes_on: bool, state: Option<&str>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        let step = step(&headers, "req_1", &Seeded::new(1), "GET /".to_owned());
        let mut told = HeaderMap::new();
        tell(&step, &mut told);
        let parent = told[PARENT].to_str().unwrap();
        let read: TraceContext = parent.parse().unwrap();
        assert_eq!(read.trace.to_string() == TRACE, goes_on, "{parent}");
        assert_ne!(read.span.to_string(), "00f067aa0ba902b7", "a step of its own");
        assert_eq!(read.sampled, !goes_on, "the asker decides what is recorded");
        assert_eq!(told.get(STATE).map(|state| state.to_str().unwrap()), state);
        assert_eq!(step.trail().context().request.as_deref(), Some("req_1"));
    }

    #[test]
    fn a_request_goes_on_with_the_trace_that_it_names() {
        check(&[(PARENT, GIVEN)], true, None);
        check(&[(PARENT, GIVEN), (STATE, "a=1"), (STATE, "b=2")], true, Some("a=1,b=2"));
        check(&[], false, None);
        check(&[(STATE, "a=1")], false, None);
        check(&[(PARENT, "00-nonsense"), (STATE, "a=1")], false, None);
        check(&[(PARENT, GIVEN), (PARENT, GIVEN)], false, None);
    }
}
