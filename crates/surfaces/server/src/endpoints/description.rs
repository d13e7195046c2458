//! What the server says of itself: the description, and pages made from it.

use axum::http::StatusCode;
use bottega_api::{ApiError, CODES, codes};

use super::{Access, Endpoint, Gives, Group, Patience, Run, Verb};
use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::principal::Needs;
use crate::{openapi, page};

const fn page(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    media: &'static str,
    run: Run,
) -> Endpoint {
    Endpoint {
        verb: Verb::Get,
        path,
        name,
        group: Group::Server,
        summary,
        access: Access::Person,
        needs: Needs::Look,
        patience: Patience::Usual,
        parameters: &[],
        takes: None,
        gives: Gives::text(media, "The page."),
        refuses: &[],
        otherwise: None,
        run,
    }
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    page("/openapi.json", "describeApi", "This API, as OpenAPI 3.1", "application/json", |_| {
        Box::pin(async { Reply::json(StatusCode::OK, &openapi::document()) })
    }),
    page("/docs", "browseApi", "This API, as a page to read", "text/html", |_| {
        Box::pin(async { Ok(Reply::page(page::of(&openapi::document()))) })
    }),
    Endpoint {
        refuses: &[StatusCode::NOT_FOUND],
        ..page(
            "/docs/errors/{code}",
            "explainError",
            "What an error code means, as a page to read",
            "text/html",
            |call| Box::pin(error(call)),
        )
    },
];

async fn error(call: Call) -> Result<Reply, Fault> {
    let wanted = call.part("code");
    let code = CODES.iter().find(|code| code.name == wanted).ok_or_else(|| {
        let error = ApiError::new(codes::USAGE, format!("there is no error `{wanted}`"));
        Fault::under(StatusCode::NOT_FOUND, error.step("read `/docs`: it lists them"))
    })?;
    Ok(Reply::page(page::of_error(code)))
}
