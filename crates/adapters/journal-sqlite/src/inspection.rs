//! What lies around the records: SQLite's pages and indexes, and the list of commands.

use bottega_event::Position;
use bottega_store::StoreError;
use rusqlite::Connection;

use crate::refusal::translate;

/// Faults that are named; one is often behind many.
const NAMED: i64 = 10;

/// Commands that are not those of the records. A command is stored with the position of its last record and their
/// number; its records are adjacent.
const COMMANDS: &str = "
    SELECT 'command ' || hex(id) || ' is not in record ' || position FROM commands AS c
    WHERE events < 1
       OR (SELECT count(*) FROM records AS r
           WHERE r.command = c.id AND r.position > c.position - c.events AND r.position <= c.position) <> c.events
       OR EXISTS (SELECT 1 FROM records AS r
                  WHERE r.command = c.id AND r.position IN (c.position - c.events, c.position + 1))
    UNION ALL
    SELECT 'record ' || position || ' belongs to no command' FROM records AS r
    WHERE NOT EXISTS (SELECT 1 FROM commands WHERE id = r.command)
    LIMIT ?1";

/// Looks over the whole file.
pub(crate) fn inspect(connection: &Connection) -> Result<(), StoreError> {
    let ask = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
        let mut sql = connection.prepare(sql)?;
        let rows = sql.query_map(parameters, |row| row.get::<_, String>(0))?;
        rows.collect::<rusqlite::Result<Vec<String>>>()
    };
    // https://sqlite.org/pragma.html#pragma_integrity_check: one row `ok`, or one for each fault.
    let mut faults =
        ask(&format!("PRAGMA integrity_check({NAMED})"), &[]).map_err(|error| damage(&error))?;
    faults.retain(|fault| fault != "ok");
    if faults.is_empty() {
        faults = ask(COMMANDS, &[&NAMED]).map_err(|error| damage(&error))?;
    }
    if faults.is_empty() { Ok(()) } else { Err(StoreError::DamagedFile(faults.join("; "))) }
}

/// Damage that SQLite meets while it looks is no record's.
fn damage(error: &rusqlite::Error) -> StoreError {
    let told = translate(error, Position(0));
    if matches!(told, StoreError::Damaged(_)) {
        StoreError::DamagedFile(error.to_string())
    } else {
        told
    }
}
