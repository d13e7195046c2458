//! From what a provider says about a failure to what it means.
//!
//! One table serves every protocol: gateways pass on each other's words, so an error of one vendor
//! arrives through the protocol of another.

use std::time::Duration;

use bottega_llm::{ErrorKind, ModelError};
use serde_json::Value;

use crate::retry_after::seconds;

/// The longest message that is passed on.
const LONGEST: usize = 600;

/// What a provider said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// In prose.
    message: String,
    /// In codes, in lower case: types, reasons, quota names.
    codes: Vec<String>,
    /// As an HTTP status inside the body.
    status: Option<u16>,
    /// When to ask again.
    retry_after: Option<Duration>,
}

impl Complaint {
    /// Reads the body of a failed call.
    pub(crate) fn of_body(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of(&value),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                let text = if text.trim_start().starts_with('<') {
                    "an HTML page instead of an answer"
                } else {
                    text.trim()
                };
                Self { message: shortened(text), ..Self::default() }
            }
        }
    }

    /// Reads an error object, bare or under `error`.
    pub(crate) fn of(value: &Value) -> Self {
        // Gemini answers a failed stream with a list of one.
        let value = value.get(0).unwrap_or(value);
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let mut complaint = Self::default();
        let message = error
            .as_str()
            .or_else(|| text_at(error, &["message", "detail", "msg"]))
            .or_else(|| text_at(value, &["message", "detail"]));
        complaint.message = match message {
            Some(message) => shortened(message),
            None => shortened(&error.to_string()),
        };
        complaint.collect(error);
        // What an upstream said through a reseller stands deeper.
        if let Some(raw) = error.pointer("/metadata/raw").and_then(Value::as_str) {
            complaint.message = shortened(&format!("{}: {raw}", complaint.message));
        }
        complaint
    }

    fn collect(&mut self, error: &Value) {
        for key in ["type", "code", "status", "reason", "quotaId"] {
            match error.get(key) {
                Some(Value::String(code)) => self.codes.push(code.to_ascii_lowercase()),
                Some(Value::Number(number)) => {
                    let status = number.as_u64().and_then(|code| u16::try_from(code).ok());
                    self.status = self.status.or(status.filter(|code| (400..600).contains(code)));
                }
                _ => {}
            }
        }
        if let Some(delay) = error.get("retryDelay").and_then(Value::as_str) {
            self.retry_after = seconds(delay);
        }
        for key in ["details", "violations"] {
            for detail in error.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.collect(detail);
            }
        }
    }

    /// The error that this complaint, with the status it came with, amounts to.
    pub(crate) fn into_error(self, status: Option<u16>) -> ModelError {
        let kind = self.kind(status.or(self.status));
        let message = if self.message.is_empty() {
            "the provider gave no reason".to_owned()
        } else {
            self.message
        };
        ModelError { kind, message, status, retry_after: self.retry_after }
    }

    fn kind(&self, status: Option<u16>) -> ErrorKind {
        let message = self.message.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        let coded = |codes: &[&str]| {
            self.codes.iter().any(|code| codes.iter().any(|known| code.contains(known)))
        };
        // A limit on tokens per minute speaks of tokens too.
        let about_size = !matches!(status, Some(401 | 403 | 404 | 429));
        if about_size && (coded(OVERFLOW_CODES) || says(OVERFLOW_WORDS)) {
            return ErrorKind::ContextOverflow;
        }
        if status == Some(402) || coded(QUOTA_CODES) || says(QUOTA_WORDS) {
            return ErrorKind::QuotaExhausted;
        }
        if coded(KEY_CODES) || says(KEY_WORDS) {
            return ErrorKind::Authentication;
        }
        if coded(&["model_not_found"]) {
            return ErrorKind::NotFound;
        }
        if matches!(status, None | Some(400 | 422)) && (coded(LACK_CODES) || says(LACK_WORDS)) {
            return ErrorKind::Unsupported;
        }
        status.map_or_else(|| self.kind_by_code(), by_status)
    }

    /// The meaning of an error inside a stream, which has no status.
    fn kind_by_code(&self) -> ErrorKind {
        let coded = |codes: &[&str]| {
            self.codes.iter().any(|code| codes.iter().any(|known| code.contains(known)))
        };
        if coded(&["rate_limit", "resource_exhausted", "too_many_requests"]) {
            ErrorKind::RateLimited
        } else if coded(&["permission"]) {
            ErrorKind::Permission
        } else if coded(&["not_found"]) {
            ErrorKind::NotFound
        } else if coded(&["invalid_request", "invalid_argument", "invalid_prompt"]) {
            ErrorKind::InvalidRequest
        } else if coded(&["timeout", "deadline_exceeded"]) {
            ErrorKind::Timeout
        } else {
            // Whatever breaks an answer that had begun is the provider's own trouble.
            ErrorKind::Overloaded
        }
    }
}

#[rustfmt::skip]
const OVERFLOW_CODES: &[&str] = &["context_length_exceeded", "exceed_context_size", "context_window_exceeded", "request_too_large"];
#[rustfmt::skip]
const OVERFLOW_WORDS: &[&str] = &[
    "prompt is too long", "context length", "context window", "maximum context", "context limit", "context size",
    "input token count", "maximum number of tokens allowed", "too many input tokens", "input is too long", "reduce the length of the messages",
];
#[rustfmt::skip]
const QUOTA_CODES: &[&str] = &["insufficient_quota", "billing", "insufficient_balance", "payment_required", "perday"];
#[rustfmt::skip]
const QUOTA_WORDS: &[&str] = &["credit balance is too low", "insufficient balance", "insufficient credits", "out of credits", "billing hard limit"];
#[rustfmt::skip]
const KEY_CODES: &[&str] = &["api_key_invalid", "invalid_api_key", "authentication_error", "unauthenticated"];
const KEY_WORDS: &[&str] = &["api key not valid", "invalid api key"];
const LACK_CODES: &[&str] = &["unsupported_parameter", "unsupported_value"];
#[rustfmt::skip]
const LACK_WORDS: &[&str] = &["does not support", "is not supported", "not supported by this model", "are not supported"];

const fn by_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 | 405 | 410 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        413 => ErrorKind::ContextOverflow,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Overloaded,
    }
}

fn text_at<'v>(value: &'v Value, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|key| value.get(*key).and_then(Value::as_str))
}

fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
