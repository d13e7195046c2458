//! What the platform's and the agency's errors are to a user.

use bottega_agency::AgencyError;
use bottega_api::{ApiError, codes};
use bottega_platform::PlatformError;
use bottega_store::StoreError;

/// What the platform's errors are to a user.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
pub fn api_error(error: PlatformError) -> ApiError {
    let code = match &error {
        PlatformError::NoSession(_) => codes::NO_SESSION,
        PlatformError::Refused(_) | PlatformError::Closed(_) => codes::SESSION_STATE,
        PlatformError::Contended(_) => codes::SESSION_BUSY,
        PlatformError::NoAgent(_) | PlatformError::NoPlace { .. } => codes::USAGE,
        PlatformError::Broke { .. } => codes::INTERNAL,
        PlatformError::Store(StoreError::Damaged(_) | StoreError::DamagedFile(_)) => codes::DAMAGED,
        PlatformError::Store(_) | PlatformError::Undecodable(_) => codes::STORE,
        PlatformError::Workspace(_) => codes::FILE,
    };
    let told = ApiError::new(code, error.to_string());
    if let PlatformError::NoPlace { session, .. } = &error {
        return told.step(format!("`bottega sessions show {session}` numbers them"));
    }
    told
}

/// What the agency's errors are to a user.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
pub fn agency_error(error: AgencyError) -> ApiError {
    let told = |code| ApiError::new(code, error.to_string());
    match &error {
        AgencyError::Unknown(_) | AgencyError::NoLetter { .. } => told(codes::NO_AGENT),
        AgencyError::Taken(_) | AgencyError::RolledBack { .. } => told(codes::AGENT_STATE),
        AgencyError::NotBegun { .. } => {
            told(codes::AGENT_STATE).step("mend what is said there, then repeat")
        }
        AgencyError::NoVersion(name) => told(codes::AGENT_STATE).step(format!(
            "let another version take over with `bottega agent upgrade {} FOLDER`",
            name.local()
        )),
        AgencyError::Foreign { .. } | AgencyError::Malformed(_) => told(codes::MALFORMED),
        AgencyError::Store(_) | AgencyError::Append(_) => told(codes::STORE),
    }
}
