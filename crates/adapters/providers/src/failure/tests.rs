use std::time::Duration;

use super::*;
use ErrorKind as Kind;

#[track_caller]
fn check(status: u16, body: &str, kind: ErrorKind, message: &str) {
    let error = Complaint::of_body(body.as_bytes()).into_error(Some(status));
    assert_eq!(error.kind, kind, "{body}");
    assert!(error.message.contains(message), "{}", error.message);
    assert_eq!(error.status, Some(status));
}

#[test]
fn an_overflow_is_known_in_every_providers_words() {
    for (status, body) in [
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
        ),
        (
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Your input exceeds the limit.","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
        ),
        (
            400,
            r#"{"object":"error","message":"This model's maximum context length is 4096 tokens.","code":400}"#,
        ),
    ] {
        check(status, body, Kind::ContextOverflow, "");
    }
}

#[test]
fn a_limit_on_tokens_per_minute_is_no_overflow() {
    check(
        429,
        r#"{"error":{"message":"Rate limit reached: too many input tokens per minute for this context window","code":"rate_limit_exceeded"}}"#,
        Kind::RateLimited,
        "Rate limit",
    );
}

#[test]
fn money_and_keys_are_told_apart_from_limits() {
    check(
        429,
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#,
        Kind::QuotaExhausted,
        "quota",
    );
    check(
        400,
        r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
        Kind::QuotaExhausted,
        "",
    );
    check(402, r#"{"error":{"message":"Pay","code":402}}"#, Kind::QuotaExhausted, "Pay");
    check(
        400,
        r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
        Kind::Authentication,
        "",
    );
    check(
        401,
        r#"{"error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
        Kind::Authentication,
        "",
    );
}

#[test]
fn googles_details_say_when_and_which_quota() {
    let body = |quota: &str| {
        format!(
            r#"[{{"error":{{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[
            {{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaId":"{quota}"}}]}},
            {{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}}]}}}}]"#
        )
    };
    let minute = Complaint::of_body(body("GenerateRequestsPerMinute").as_bytes());
    let minute = minute.into_error(Some(429));
    assert_eq!(
        (minute.kind, minute.retry_after),
        (Kind::RateLimited, Some(Duration::from_secs(34)))
    );
    check(429, &body("GenerateRequestsPerDayPerProject"), Kind::QuotaExhausted, "quota");
}

#[test]
fn a_status_alone_has_a_meaning() {
    for (status, kind) in [
        (400, Kind::InvalidRequest),
        (401, Kind::Authentication),
        (403, Kind::Permission),
        (404, Kind::NotFound),
        (408, Kind::Timeout),
        (413, Kind::ContextOverflow),
        (422, Kind::InvalidRequest),
        (429, Kind::RateLimited),
        (500, Kind::Overloaded),
        (502, Kind::Overloaded),
        (503, Kind::Overloaded),
        (529, Kind::Overloaded),
    ] {
        check(status, "", kind, "no reason");
    }
}

#[test]
fn what_a_model_lacks_is_said() {
    check(
        400,
        r#"{"error":"library/gemma:2b does not support tools"}"#,
        Kind::Unsupported,
        "gemma",
    );
    check(
        400,
        r#"{"error":{"message":"Unsupported parameter: 'temperature'","code":"unsupported_parameter"}}"#,
        Kind::Unsupported,
        "",
    );
    check(
        404,
        r#"{"error":"model \"x\" not found, try pulling it first"}"#,
        Kind::NotFound,
        "pulling",
    );
}

#[test]
fn an_error_inside_a_stream_is_known_by_its_code() {
    for (error, kind) in [
        (
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Kind::Overloaded,
        ),
        (
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#,
            Kind::RateLimited,
        ),
        (
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"no"}}"#,
            Kind::InvalidRequest,
        ),
        (r#"{"error":{"code":429,"message":"slow"}}"#, Kind::RateLimited),
        (r#"{"error":{"code":"server_error","message":"oops"}}"#, Kind::Overloaded),
        (r#"{"error":"llama runner exited"}"#, Kind::Overloaded),
    ] {
        let value: Value = serde_json::from_str(error).unwrap();
        assert_eq!(Complaint::of(&value).into_error(None).kind, kind, "{error}");
    }
}

#[test]
fn pages_and_novels_are_cut_short() {
    check(502, "<html><body>Bad gateway</body></html>", Kind::Overloaded, "HTML page");
    let error = Complaint::of_body("ü".repeat(5000).as_bytes()).into_error(Some(500));
    assert_eq!(error.message.chars().count(), LONGEST + 1);
}
