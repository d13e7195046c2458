//! An error with all that led to it.

use std::error::Error;

/// What an error says and then each of its causes, from the outermost in, without what only repeats its cause.
#[must_use]
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let next = inner.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn each_cause_is_told_once() {
        let inner = Layer("refused", None);
        let middle = Layer("no way there: refused", Some(Box::new(inner)));
        let outer = Layer("could not ask", Some(Box::new(middle)));
        assert_eq!(with_causes(&outer), "could not ask: no way there: refused");
    }
}
