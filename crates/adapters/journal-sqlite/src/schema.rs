//! The tables, as steps from one format to the next and back.

use bottega_event::Position;
use bottega_store::StoreError;
use rusqlite::{Connection, OptionalExtension};

use crate::refusal::translate;
use crate::turn::Turn;

/// `BTGA`: what SQLite's header says about whose file it is.
const APPLICATION: i32 = 0x4254_4741;

/// One step between two formats.
#[derive(Debug)]
pub(crate) struct Step {
    /// The format it leads to.
    pub(crate) format: u32,
    /// From the format before.
    pub(crate) up: &'static str,
    /// To the format before. It may drop only what can be rebuilt; the first format has none before it.
    pub(crate) down: Option<&'static str>,
}

/// Every step, oldest first. A stored file says its format in `user_version`.
pub(crate) const STEPS: &[Step] = &[
    Step {
        format: 1,
        up: "
            PRAGMA application_id = 0x42544741;
            CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
            CREATE TABLE records (
                position INTEGER PRIMARY KEY,
                stream INTEGER NOT NULL,
                revision INTEGER NOT NULL,
                kind TEXT NOT NULL,
                version INTEGER NOT NULL,
                at INTEGER NOT NULL,
                command BLOB NOT NULL,
                previous BLOB NOT NULL,
                digest BLOB NOT NULL,
                data TEXT NOT NULL
            ) STRICT;
            CREATE UNIQUE INDEX records_by_stream ON records (stream, revision);
            CREATE TABLE commands (
                id BLOB PRIMARY KEY,
                position INTEGER NOT NULL,
                events INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE head (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                position INTEGER NOT NULL,
                digest BLOB NOT NULL
            ) STRICT;
            INSERT INTO head VALUES (1, 0, zeroblob(32));
            CREATE TABLE blobs (
                id INTEGER PRIMARY KEY,
                digest BLOB NOT NULL UNIQUE,
                size INTEGER NOT NULL,
                puts INTEGER NOT NULL
            ) STRICT;
            CREATE TABLE blob_parts (
                blob INTEGER NOT NULL,
                part INTEGER NOT NULL,
                bytes BLOB NOT NULL,
                PRIMARY KEY (blob, part)
            ) STRICT;",
        down: None,
    },
    Step {
        format: 2,
        up: "
            CREATE TABLE views (
                id INTEGER PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                version INTEGER NOT NULL,
                position INTEGER NOT NULL
            ) STRICT;
            CREATE TABLE view_rows (
                view INTEGER NOT NULL,
                key TEXT NOT NULL,
                value BLOB NOT NULL,
                PRIMARY KEY (view, key)
            ) STRICT, WITHOUT ROWID;",
        down: Some("DROP TABLE view_rows; DROP TABLE views;"),
    },
    Step {
        format: 3,
        up: "
            CREATE TABLE snapshots (
                stream TEXT PRIMARY KEY,
                revision INTEGER NOT NULL,
                version INTEGER NOT NULL,
                state BLOB NOT NULL
            ) STRICT;",
        down: Some("DROP TABLE snapshots;"),
    },
];

/// The format that this build writes.
pub(crate) const FORMAT: u32 = STEPS[STEPS.len() - 1].format;

/// The format of the file; zero when it is new. Refuses a newer one, and a file that is not ours.
pub(crate) fn format_of(connection: &Connection) -> Result<u32, StoreError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let look = || {
        let sql = "SELECT name FROM sqlite_schema LIMIT 1";
        let table: Option<String> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
        Ok((number("application_id")?, number("user_version")?, table))
    };
    let (application, format, table) = look().map_err(|error| translate(&error, Position(1)))?;
    let format = u32::try_from(format).unwrap_or(u32::MAX);
    match (application, format, table) {
        (0, 0, None) => Ok(0),
        (APPLICATION, found, _) if found > FORMAT => {
            Err(StoreError::TooNew { found, known: FORMAT })
        }
        (APPLICATION, found, _) if found > 0 => Ok(found),
        (_, _, _) => {
            let path = connection.path().unwrap_or_default();
            Err(StoreError::Failed(format!(
                "{path} is a database of another program; name another file"
            )))
        }
    }
}

/// Brings the file to format `to`, forward or back, in one transaction; returns the format it had.
pub(crate) fn migrate(connection: &Connection, turn: &Turn, to: u32) -> Result<u32, StoreError> {
    if !(1..=FORMAT).contains(&to) {
        let known = format!("there is no format {to}; this build knows 1 to {FORMAT}");
        return Err(StoreError::Failed(known));
    }
    if format_of(connection)? == to {
        return Ok(to);
    }
    turn.begin(connection)?;
    // Another process may have been quicker.
    let outcome = format_of(connection).and_then(|from| {
        let walk = walk(connection, from, to).and_then(|()| connection.execute_batch("COMMIT"));
        walk.map(|()| from).map_err(|error| translate(&error, Position(1)))
    });
    if !connection.is_autocommit() {
        // What stopped the migration is the better error.
        let _rolled_back = connection.execute_batch("ROLLBACK");
    }
    outcome
}

fn walk(connection: &Connection, from: u32, to: u32) -> rusqlite::Result<()> {
    for step in STEPS.iter().filter(|step| step.format > from && step.format <= to) {
        connection.execute_batch(step.up)?;
    }
    for step in STEPS.iter().rev().filter(|step| step.format > to && step.format <= from) {
        connection.execute_batch(step.down.unwrap_or_default())?;
    }
    connection.pragma_update(None, "user_version", to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_count_from_one_and_only_the_first_has_no_way_back() {
        for (step, format) in STEPS.iter().zip(1..) {
            assert_eq!(step.format, format);
            assert_eq!(step.down.is_none(), format == 1);
        }
    }
}
