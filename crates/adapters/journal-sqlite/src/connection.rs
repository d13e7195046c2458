//! How connections are opened and what they promise.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use bottega_event::Position;
use bottega_store::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::place::{Place, Writable};
use crate::refusal::translate;
use crate::turn::patiently;

/// For every connection: nothing outside the file, and cells that don't fit their page are refused.
const COMMON: &str = "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; \
                      PRAGMA cell_size_check = ON; PRAGMA cache_size = -16384;";

/// The one connection of this process that writes. It never waits inside SQLite: see [`crate::turn`].
pub(crate) fn to_write(
    path: &Path,
    quota: Option<u64>,
    patience: Duration,
) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.execute_batch(COMMON)?;
        // WAL and FULL together: a commit is one synced write to the log.
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        if let Some(quota) = quota {
            let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            connection.execute_batch(&format!(
                "PRAGMA max_page_count = {}",
                (quota / u64::from(page)).max(1)
            ))?;
        }
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    // The first of several processes to come switches the file to WAL; the others wait for it.
    patiently(patience, || open().map_err(|error| error_or_wait(&error)))
}

/// One connection of several that read.
pub(crate) fn to_read(place: &Place, patience: Duration) -> Result<Connection, StoreError> {
    let common = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = if nobody_writes(place) {
        // Without this SQLite would want to create its log and index beside a file that is to stay as it is.
        let uri = immutable_uri(&place.path);
        Connection::open_with_flags(uri, common | OpenFlags::SQLITE_OPEN_URI)
    } else {
        Connection::open_with_flags(&place.path, common)
    };
    let set_up = |connection: Connection| {
        connection.busy_timeout(patience)?;
        connection.execute_batch(COMMON)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    };
    opened.and_then(set_up).map_err(|error| translate(&error, Position(1)))
}

fn nobody_writes(place: &Place) -> bool {
    let log_is_empty = std::fs::metadata(place.log()).map_or(true, |log| log.len() == 0);
    matches!(place.writable, Writable::Nowhere(_)) && log_is_empty
}

fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte));
            }
            other => write!(uri, "%{other:02x}").expect("writing to a string can't fail"),
        }
    }
    uri + "?immutable=1"
}

/// `None`: try again.
fn error_or_wait(error: &rusqlite::Error) -> Option<StoreError> {
    (!crate::refusal::is_busy(error)).then(|| translate(error, Position(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_synced_before_it_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = to_write(file.path(), None, Duration::ZERO).unwrap();
        let mode: String =
            connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        let level: i32 =
            connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        // https://sqlite.org/pragma.html#pragma_synchronous: 2 is FULL.
        assert_eq!((mode.as_str(), level), ("wal", 2));
    }

    #[test]
    fn odd_paths_survive_as_uri() {
        let uri = immutable_uri(Path::new("/a b/ü?#%.db"));
        assert_eq!(uri, "file:/a%20b/%c3%bc%3f%23%25.db?immutable=1");
    }
}
