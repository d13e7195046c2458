//! What SQLite and the system say, in the words of the port.

use std::io;

use bottega_event::{Break, Position};
use bottega_store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// Translates an error that came while the record at `at`, or one after it, was read or written.
pub(crate) fn translate(error: &Error, at: Position) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error() {
        Some(refusal) if refusal.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            StoreError::Full(text)
        }
        Some(refusal) => by_code(refusal.code, text, at),
        // Everything else that can come from our own statements: a value has not the type it was stored
        // with, or is not UTF-8.
        None => Break::Unreadable { position: at, why: text }.into(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is rusqlite's and may grow")]
fn by_code(code: ErrorCode, text: String, at: Position) -> StoreError {
    match code {
        ErrorCode::DiskFull => StoreError::Full(text),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::ReadOnly(text),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy(text),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch => {
            Break::Unreadable { position: at, why: text }.into()
        }
        _ => StoreError::Failed(text),
    }
}

/// Whether the error means that somebody else has the lock now.
pub(crate) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Translates what the system says about a file; `what` names the attempt and the file.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is the standard library's and grows")]
pub(crate) fn translate_io(error: &io::Error, what: &str) -> StoreError {
    let text = format!("{what}: {error}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(text),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            StoreError::ReadOnly(text)
        }
        _ => StoreError::Failed(text),
    }
}

/// What is said when the journal's own parts contradict each other.
pub(crate) fn contradiction(at: Position, why: &str) -> StoreError {
    Break::Unreadable { position: at, why: why.to_owned() }.into()
}
