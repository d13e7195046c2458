//! The table of snapshots.

use async_trait::async_trait;
use bottega_event::{Position, Revision, StreamId};
use bottega_store::{Snapshot, Snapshots, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::journal::{signed, unsigned};
use crate::refusal::translate;

fn save(connection: &Connection, stream: &StreamId, snapshot: &Snapshot) -> rusqlite::Result<()> {
    let Snapshot { revision, version, state } = snapshot;
    connection
        .prepare_cached(
            "INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (stream) DO UPDATE
             SET revision = excluded.revision, version = excluded.version, state = excluded.state
             WHERE excluded.revision >= revision",
        )?
        .execute(params![stream.as_str(), signed(revision.0), version, state])
        .map(drop)
}

fn load(connection: &Connection, stream: &StreamId) -> rusqlite::Result<Option<Snapshot>> {
    connection
        .prepare_cached("SELECT revision, version, state FROM snapshots WHERE stream = ?1")?
        .query_row([stream.as_str()], |row| {
            let revision = Revision(unsigned(row.get(0)?));
            Ok(Snapshot { revision, version: row.get(1)?, state: row.get(2)? })
        })
        .optional()
}

fn forget(connection: &Connection, stream: &StreamId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM snapshots WHERE stream = ?1";
    connection.prepare_cached(sql)?.execute([stream.as_str()]).map(drop)
}

fn told(error: &rusqlite::Error) -> StoreError {
    translate(error, Position(0))
}

#[async_trait]
impl Snapshots for SqliteStore {
    async fn save(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let stream = stream.clone();
        self.writer()?
            .write(snapshot.state.len() + 256, move |unit| {
                save(unit.connection, &stream, &snapshot).map_err(|error| told(&error)).map(Ok)
            })
            .await
    }

    async fn load(&self, stream: &StreamId) -> Result<Option<Snapshot>, StoreError> {
        let stream = stream.clone();
        let load =
            move |connection: &Connection| load(connection, &stream).map_err(|error| told(&error));
        self.readers().read(load).await
    }

    async fn forget(&self, stream: &StreamId) -> Result<(), StoreError> {
        let stream = stream.clone();
        self.writer()?
            .write(256, move |unit| {
                forget(unit.connection, &stream).map_err(|error| told(&error)).map(Ok)
            })
            .await
    }
}
