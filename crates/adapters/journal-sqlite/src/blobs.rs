//! The tables of large things: each blob in parts, found by its digest.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_event::Position;
use bottega_store::{Blobs, StoreError};
use bottega_types::Digest;
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::journal::{clamp, digest, unsigned};
use crate::refusal::translate;
use crate::writer::Unit;

/// The most bytes in one row, so that no row is too large for SQLite or for a page cache.
const PART: usize = 4 << 20;

/// From here on hashing is worth a thread of its own.
const LARGE: usize = 64 << 10;

fn put(connection: &Connection, digest: Digest, bytes: &[u8]) -> rusqlite::Result<()> {
    let known = connection
        .prepare_cached("SELECT id FROM blobs WHERE digest = ?1")?
        .query_row([digest.as_bytes()], |row| row.get::<_, i64>(0))
        .optional()?;
    if let Some(id) = known {
        if read(connection, id, clamp(bytes.len())).is_ok_and(|kept| kept == bytes) {
            // A sweep that looked before this put leaves the blob alone; see `forget`.
            let sql = "UPDATE blobs SET puts = puts + 1 WHERE id = ?1";
            return connection.prepare_cached(sql)?.execute([id]).map(drop);
        }
        // What is kept is not what was put: this is the occasion to mend it.
        remove(connection, id)?;
    }
    let id = connection
        .prepare_cached("INSERT INTO blobs (digest, size, puts) VALUES (?1, ?2, 1)")?
        .insert(params![digest.as_bytes(), clamp(bytes.len())])?;
    let mut sql = connection.prepare_cached("INSERT INTO blob_parts VALUES (?1, ?2, ?3)")?;
    for (part, bytes) in bytes.chunks(PART).enumerate() {
        sql.execute(params![id, clamp(part), bytes])?;
    }
    Ok(())
}

fn read(connection: &Connection, id: i64, size: i64) -> rusqlite::Result<Vec<u8>> {
    let sql = "SELECT bytes FROM blob_parts WHERE blob = ?1 ORDER BY part";
    let mut sql = connection.prepare_cached(sql)?;
    let mut rows = sql.query([id])?;
    // The size is only a hint here: it may be damaged like anything else.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(PART));
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob()?);
    }
    Ok(bytes)
}

fn remove(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM blob_parts WHERE blob = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM blobs WHERE id = ?1")?.execute([id]).map(drop)
}

fn get(connection: &Connection, wanted: Digest) -> Result<Option<Vec<u8>>, StoreError> {
    let found = || {
        let place = connection
            .prepare_cached("SELECT id, size FROM blobs WHERE digest = ?1")?
            .query_row([wanted.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        place.map(|(id, size): (i64, i64)| read(connection, id, size)).transpose()
    };
    match found() {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) if Digest::of(&bytes) == wanted => Ok(Some(bytes)),
        Ok(Some(_)) => Err(StoreError::DamagedBlob(wanted)),
        Err(error) => {
            let error = translate(&error, Position(0));
            let damaged = matches!(error, StoreError::Damaged(_));
            Err(if damaged { StoreError::DamagedBlob(wanted) } else { error })
        }
    }
}

/// A blob as a sweep saw it.
#[derive(Clone, Copy)]
struct Seen {
    id: i64,
    digest: Digest,
    puts: i64,
}

fn list(connection: &Connection) -> Result<Vec<Seen>, StoreError> {
    let list = || {
        let mut sql = connection.prepare_cached("SELECT id, digest, puts FROM blobs")?;
        let rows = sql.query_map([], |row| {
            Ok(Seen { id: row.get(0)?, digest: digest(row, 1)?, puts: row.get(2)? })
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    list().map_err(|error| translate(&error, Position(0)))
}

/// Forgets what a sweep chose, but for what was put again since it looked. Returns the bytes freed.
fn forget(unit: &Unit<'_>, chosen: &[Seen]) -> rusqlite::Result<u64> {
    let mut freed = 0;
    for Seen { id, digest: _, puts } in chosen {
        let size = unit
            .connection
            .prepare_cached("SELECT size FROM blobs WHERE id = ?1 AND puts = ?2")?
            .query_row([id, puts], |row| row.get::<_, i64>(0))
            .optional()?;
        if let Some(size) = size {
            remove(unit.connection, *id)?;
            freed += unsigned(size);
        }
    }
    Ok(freed)
}

#[async_trait]
impl Blobs for SqliteStore {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let writer = self.writer()?;
        let bytes: Arc<[u8]> = bytes.into();
        let digest = if bytes.len() < LARGE {
            Digest::of(&bytes)
        } else {
            let bytes = Arc::clone(&bytes);
            let hashing = tokio::task::spawn_blocking(move || Digest::of(&bytes)).await;
            hashing
                .map_err(|error| StoreError::Failed(format!("hashing was cut short: {error}")))?
        };
        let weight = bytes.len();
        let keep = move |unit: &mut Unit<'_>| {
            let at = unit.tip.head().position;
            put(unit.connection, digest, &bytes).map_err(|error| translate(&error, at)).map(Ok)
        };
        writer.write::<(), StoreError, _>(weight, keep).await?;
        Ok(digest)
    }

    async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.readers().read(move |connection| get(connection, digest)).await
    }

    async fn sweep(
        &self,
        keep: &(dyn for<'d> Fn(&'d Digest) -> bool + Send + Sync),
    ) -> Result<u64, StoreError> {
        let mut freed = 0;
        let seen = self.readers().read(list).await?;
        let chosen: Vec<Seen> = seen.into_iter().filter(|seen| !keep(&seen.digest)).collect();
        // A little at a time, so that others get to write in between.
        for some in chosen.chunks(64) {
            let some = some.to_vec();
            freed += self
                .writer()?
                .write(some.len() * 64, move |unit| {
                    let at = unit.tip.head().position;
                    forget(unit, &some)
                        .map_err(|error| translate(&error, at))
                        .map(Ok::<_, StoreError>)
                })
                .await?;
        }
        Ok(freed)
    }
}
