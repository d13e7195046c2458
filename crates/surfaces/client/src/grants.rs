//! Grants, as the client's callers see and name them.

use bottega_api::{ApiError, GrantFor, GrantView, codes};
use bottega_platform::{GrantError, HeldGrant};
use bottega_policy::{GrantScope, Need};
use bottega_types::GrantId;

use crate::error::api_error;

/// The grant that `text` names: its id, or a unique end of one.
pub(crate) fn find_grant(held: &[HeldGrant], text: &str) -> Result<GrantId, ApiError> {
    let named = |held: &&HeldGrant| !text.is_empty() && held.given.id.to_string().ends_with(text);
    let mut found = held.iter().filter(named).map(|held| held.given.id);
    let (why, step) = match (found.next(), found.next()) {
        (Some(id), None) => return Ok(id),
        (Some(one), Some(two)) => {
            let why = format!("`{text}` names several grants, {one} and {two} among them");
            (why, "write more of its end")
        }
        (None, _) => (format!("no grant `{text}` holds"), "run `bottega grants list --all`"),
    };
    Err(ApiError::new(codes::USAGE, why).step(step))
}

pub(crate) fn grant_error(error: GrantError) -> ApiError {
    match error {
        GrantError::Store(error) => api_error(error.into()),
        GrantError::Undecodable(error) => api_error(error.into()),
        GrantError::Append(error) => ApiError::new(codes::STORE, error.to_string()),
    }
}

pub(crate) fn grant_view(held: &HeldGrant) -> GrantView {
    let given = &held.given;
    GrantView {
        id: given.id.to_string(),
        may: given.grant.need.to_string(),
        uncaged: matches!(given.grant.need, Need::Execute { caged: false, .. }),
        scope: match given.grant.scope {
            GrantScope::Once | GrantScope::Session => GrantFor::Session,
            GrantScope::Project => GrantFor::Project,
        },
        session: given.session.to_string(),
        project: given.project.clone(),
        at_ms: held.at.as_millis(),
    }
}
