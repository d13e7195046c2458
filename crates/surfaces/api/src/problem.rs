//! An error as HTTP carries it: problem details (RFC 9457).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ApiError, CODES};

/// What went wrong, as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The page about this error, below the server's address: `/docs/errors/BTG0019`.
    #[serde(rename = "type")]
    pub about: String,
    /// What the code means, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in one sentence.
    pub detail: String,
    /// The stable code, as in `BTG0019`.
    pub code: String,
    /// What the user can do, in one sentence.
    pub next_step: String,
    /// The exit code of a command that ends with it.
    pub exit: u8,
    /// The request's name: its `x-request-id`, under which the server logged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// The media type.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// An error under an HTTP status.
    #[must_use]
    pub fn new(error: &ApiError, status: u16) -> Self {
        let title = CODES.iter().find(|code| code.name == error.code).map(|code| code.title);
        Self {
            about: format!("/docs/errors/{}", error.code),
            title: title.unwrap_or("something went wrong").to_owned(),
            status,
            detail: error.message.clone(),
            code: error.code.clone(),
            next_step: error.next_step.clone(),
            exit: error.exit,
            request_id: None,
        }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let Problem { detail, code, next_step, exit, .. } = problem;
        Self { code, message: detail, next_step, exit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_as_it_went() {
        for code in CODES {
            let error = ApiError::new(*code, "what happened").step("what to do");
            let text = serde_json::to_string(&Problem::new(&error, 409)).unwrap();
            let back: Problem = serde_json::from_str(&text).unwrap();
            assert_eq!(back.title, code.title);
            assert_eq!(ApiError::from(back), error);
        }
    }
}
