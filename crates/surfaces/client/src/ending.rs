//! How work ended, in the API's words.

use bottega_api::Ending;
use bottega_event::EndKind;

/// The ending and, where it is not `done`, why.
pub(crate) fn ending(how: &EndKind) -> (Ending, Option<String>) {
    match how {
        EndKind::Done => (Ending::Done, None),
        EndKind::Stuck { why } => (Ending::Failed, Some(why.clone())),
        EndKind::Limit { why } => (Ending::Limit, Some(why.clone())),
        EndKind::Refused { why } => (Ending::Refused, Some(why.clone())),
        EndKind::Provider { error } => {
            (Ending::Provider, Some(format!("{error}. {}.", capital(error.next_step()))))
        }
        EndKind::Interrupted => (Ending::Interrupted, Some("interrupted".to_owned())),
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
