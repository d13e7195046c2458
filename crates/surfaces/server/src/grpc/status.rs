//! What stops a call, as gRPC tells it: a status with the details of `google.rpc`.

use std::collections::HashMap;

use axum::http::StatusCode;
use bottega_api::Problem;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::fault::Fault;

/// Whose codes `reason` gives.
const DOMAIN: &str = "bottega";

/// Bytes of a message and of a next step at most. A status travels in headers, of which clients take 8 KiB, and its text is
/// in them twice.
const LONGEST: usize = 1_000;

/// The code that says in gRPC what the status says in HTTP.
pub(super) fn code(status: StatusCode) -> Code {
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Code::InvalidArgument,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::Unimplemented,
        StatusCode::CONFLICT => Code::FailedPrecondition,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        StatusCode::GATEWAY_TIMEOUT => Code::DeadlineExceeded,
        _ => Code::Internal,
    }
}

/// The status of a fault: its sentence, and as details its code, the next step, the page about it below `url`, and when to
/// come again.
pub(super) fn of(fault: &Fault, url: &str) -> Status {
    let problem = Problem::new(&fault.error, fault.status.as_u16());
    let about = HashMap::from([
        ("title".to_owned(), problem.title),
        ("next_step".to_owned(), shortened(&problem.next_step)),
        ("exit".to_owned(), problem.exit.to_string()),
    ]);
    let mut details = ErrorDetails::new();
    details
        .set_error_info(&problem.code, DOMAIN, about)
        .add_help_link(format!("what {} means", problem.code), format!("{url}{}", problem.about));
    if let Some(wait) = fault.wait() {
        details.set_retry_info(Some(wait));
    }
    Status::with_error_details(code(fault.status), shortened(&problem.detail), details)
}

/// A text, cut where it would be too long for a header.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::STATUSES;
    use bottega_api::{ApiError, codes};

    #[test]
    fn every_error_has_its_code_and_details() {
        let mut table = String::new();
        for (code, _) in STATUSES {
            let error = ApiError::new(*code, "what happened").step("what to do");
            let status = of(&Fault::from(error), "http://127.0.0.1:1");
            assert_eq!(status.message(), "what happened");
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!((info.reason.as_str(), info.domain.as_str()), (code.name, "bottega"));
            assert_eq!(info.metadata["title"], code.title);
            assert_eq!(info.metadata["next_step"], "what to do");
            assert_eq!(info.metadata["exit"], code.exit.to_string());
            let link = &details.help().unwrap().links[0];
            assert_eq!(link.url, format!("http://127.0.0.1:1/docs/errors/{}", code.name));
            assert!(details.retry_info().is_none());
            table.push_str(&format!("{} {:?}\n", code.name, status.code()));
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn a_status_fits_into_headers() {
        let error = ApiError::new(codes::MALFORMED, "ü".repeat(9_000)).step("€".repeat(9_000));
        let status = of(&Fault::from(error), "http://127.0.0.1:1");
        let headers = status.into_http::<()>().into_parts().0.headers;
        let bytes: usize =
            headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        assert!(bytes < 8 << 10, "{bytes}");
    }

    #[test]
    fn who_is_to_come_again_is_told_when() {
        let error = ApiError::new(codes::BUSY, "too much");
        let status = of(&Fault::busy(error), "");
        let wait = status.get_error_details().retry_info().unwrap().retry_delay;
        assert_eq!(
            (status.code(), wait),
            (Code::Unavailable, Some(std::time::Duration::from_secs(1)))
        );
    }
}
