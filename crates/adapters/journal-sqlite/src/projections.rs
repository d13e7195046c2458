//! The tables of views: how far each has read, and its rows.

use async_trait::async_trait;
use bottega_event::Position;
use bottega_store::{Change, Projections, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::journal::{signed, unsigned};
use crate::refusal::translate;

/// A view as it is stored.
struct View {
    id: i64,
    version: u32,
    position: Position,
}

/// A row of a listing.
type Listed = (String, Vec<u8>);

/// What an advance moves.
struct Move {
    version: u32,
    from: Position,
    to: Position,
    changes: Vec<Change>,
}

fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<View>> {
    connection
        .prepare_cached("SELECT id, version, position FROM views WHERE name = ?1")?
        .query_row([name], |row| {
            let position = Position(unsigned(row.get(2)?));
            Ok(View { id: row.get(0)?, version: row.get(1)?, position })
        })
        .optional()
}

fn advance(connection: &Connection, name: &str, wanted: &Move) -> rusqlite::Result<bool> {
    let view = find(connection, name)?;
    let at =
        view.as_ref().map_or((Position(0), wanted.version), |view| (view.position, view.version));
    if at != (wanted.from, wanted.version) {
        return Ok(false);
    }
    let to = signed(wanted.to.0);
    let id = match view {
        Some(view) => {
            let sql = "UPDATE views SET position = ?2 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute([view.id, to])?;
            view.id
        }
        None => connection
            .prepare_cached("INSERT INTO views (name, version, position) VALUES (?1, ?2, ?3)")?
            .insert(params![name, wanted.version, to])?,
    };
    let mut put =
        connection.prepare_cached("INSERT OR REPLACE INTO view_rows VALUES (?1, ?2, ?3)")?;
    let mut take =
        connection.prepare_cached("DELETE FROM view_rows WHERE view = ?1 AND key = ?2")?;
    for Change { key, value } in &wanted.changes {
        match value {
            Some(value) => put.execute(params![id, key, value])?,
            None => take.execute(params![id, key])?,
        };
    }
    Ok(true)
}

fn load(
    connection: &Connection,
    name: &str,
    keys: &[String],
) -> rusqlite::Result<Vec<Option<Vec<u8>>>> {
    let Some(view) = find(connection, name)? else { return Ok(vec![None; keys.len()]) };
    let mut sql =
        connection.prepare_cached("SELECT value FROM view_rows WHERE view = ?1 AND key = ?2")?;
    keys.iter()
        .map(|key| sql.query_row(params![view.id, key], |row| row.get(0)).optional())
        .collect()
}

fn list(
    connection: &Connection,
    name: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<Listed>> {
    let Some(view) = find(connection, name)? else { return Ok(Vec::new()) };
    let (from, strictly) = match after {
        Some(after) if after >= prefix => (after, true),
        Some(_) | None => (prefix, false),
    };
    // Keys are compared byte by byte, as Rust compares text.
    let sql = "SELECT key, value FROM view_rows WHERE view = ?1 AND key >= ?2 ORDER BY key";
    let mut sql = connection.prepare_cached(sql)?;
    let mut rows = sql.query(params![view.id, from])?;
    let mut listed = Vec::new();
    while listed.len() < limit
        && let Some(row) = rows.next()?
    {
        let key: String = row.get(0)?;
        if !key.starts_with(prefix) {
            break;
        }
        if !(strictly && key == from) {
            listed.push((key, row.get(1)?));
        }
    }
    Ok(listed)
}

fn drop_view(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    let Some(view) = find(connection, name)? else { return Ok(()) };
    connection.prepare_cached("DELETE FROM view_rows WHERE view = ?1")?.execute([view.id])?;
    connection.prepare_cached("DELETE FROM views WHERE id = ?1")?.execute([view.id]).map(drop)
}

fn told(error: &rusqlite::Error) -> StoreError {
    translate(error, Position(0))
}

#[async_trait]
impl Projections for SqliteStore {
    async fn checkpoint(&self, name: &str) -> Result<Option<(Position, u32)>, StoreError> {
        let name = name.to_owned();
        let find =
            move |connection: &Connection| find(connection, &name).map_err(|error| told(&error));
        Ok(self.readers().read(find).await?.map(|view| (view.position, view.version)))
    }

    async fn advance(
        &self,
        name: &str,
        version: u32,
        from: Position,
        to: Position,
        changes: Vec<Change>,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let sizes = changes
            .iter()
            .map(|Change { key, value }| key.len() + value.as_ref().map_or(0, Vec::len));
        let weight = sizes.sum();
        let wanted = Move { version, from, to, changes };
        self.writer()?
            .write(weight, move |unit| {
                advance(unit.connection, &name, &wanted).map_err(|error| told(&error)).map(Ok)
            })
            .await
    }

    async fn row(&self, name: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.load_rows(name, &[key.to_owned()]).await?;
        Ok(rows.into_iter().next().flatten())
    }

    async fn load_rows(
        &self,
        name: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let (name, keys) = (name.to_owned(), keys.to_vec());
        let load = move |connection: &Connection| {
            load(connection, &name, &keys).map_err(|error| told(&error))
        };
        self.readers().read(load).await
    }

    async fn rows(
        &self,
        name: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let (name, prefix, after) = (name.to_owned(), prefix.to_owned(), after.map(str::to_owned));
        let list = move |connection: &Connection| {
            list(connection, &name, &prefix, after.as_deref(), limit).map_err(|error| told(&error))
        };
        self.readers().read(list).await
    }

    async fn drop_view(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer()?
            .write(256, move |unit| {
                drop_view(unit.connection, &name).map_err(|error| told(&error)).map(Ok)
            })
            .await
    }
}
