//! How work ended, in the API's words.

use bottega_api::Ending;
use bottega_event::EndKind;

/// The ending and, where it is not `done`, why.
pub(crate) fn ending(how: &EndKind) -> (Ending, Option<String>) {
    match how {
        EndKind::Done => (Ending::Done, None),
        EndKind::Stuck { why } => (Ending::Failed, Some(why.clone())),
        EndKind::Limit { why } => (Ending::Limit, Some(why.clone())),
        EndKind::Refused { why } => (Ending::Refused, Some(refusal(why))),
        EndKind::Provider { error } => (Ending::Provider, Some(error.to_string())),
        EndKind::Interrupted => (Ending::Interrupted, Some("interrupted".to_owned())),
    }
}

/// What helps, where more is known of it than the ending tells: of a provider's error.
pub(crate) fn next_step(how: &EndKind) -> Option<String> {
    match how {
        EndKind::Provider { error } => Some(error.next_step().to_owned()),
        EndKind::Done
        | EndKind::Stuck { .. }
        | EndKind::Limit { .. }
        | EndKind::Refused { .. }
        | EndKind::Interrupted => None,
    }
}

/// Advice at the end of a refusal that is for the model alone.
const ADVICE: [&str; 2] = [
    "Ask what to do instead, or do it in another way.",
    "Do it in another way, or tell the user what is needed.",
];

/// What was refused, as its person reads it: the model is told of them as “the user”, and gets advice.
fn refusal(told: &str) -> String {
    let mut told = told.trim();
    for advice in ADVICE {
        told = told.strip_suffix(advice).unwrap_or(told).trim_end();
    }
    let told = told.strip_suffix('.').unwrap_or(told);
    match told.strip_prefix("The user said no to this call") {
        Some(reason) => format!("a person said no to a call that the work needed{reason}"),
        None => told.replacen("Not allowed: ", "not allowed: ", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(told: &str, expected: &str) {
        let (how, why) = ending(&EndKind::Refused { why: told.to_owned() });
        assert_eq!((how, why.as_deref()), (Ending::Refused, Some(expected)));
    }

    #[test]
    fn a_refusal_speaks_to_its_person() {
        check(
            "The user said no to this call. Ask what to do instead, or do it in another way.",
            "a person said no to a call that the work needed",
        );
        check(
            "The user said no to this call: keep the folder",
            "a person said no to a call that the work needed: keep the folder",
        );
        check(
            "Not allowed: `rm` is denied. Do it in another way, or tell the user what is needed.",
            "not allowed: `rm` is denied",
        );
        check("the model declined the task", "the model declined the task");
    }
}
