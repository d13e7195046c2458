//! The journal's tables: appending, reading, the end.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_event::{NewEvent, Position, Record, Revision, StreamId};
use bottega_store::{
    Append, AppendError, Appended, Head, Journal, Sequenced, StoreError, Subscription, follow,
};
use bottega_types::{CommandId, Digest, Timestamp};
use rusqlite::types::FromSqlError;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params};

use crate::SqliteStore;
use crate::inspection::inspect;
use crate::readers::Readers;
use crate::refusal::{contradiction, translate};
use crate::writer::Unit;

/// The two places that say where the journal ends: the head row, and the last record.
pub(crate) fn ends(connection: &Connection) -> Result<(Head, Head), StoreError> {
    let head = stored_head(connection)?;
    let sql = "SELECT position, digest FROM records ORDER BY position DESC LIMIT 1";
    let last =
        connection.prepare_cached(sql).and_then(|mut sql| sql.query_row([], head_of).optional());
    let last = last.map_err(|error| translate(&error, head.position))?;
    Ok((head, last.unwrap_or(Head::EMPTY)))
}

fn stored_head(connection: &Connection) -> Result<Head, StoreError> {
    let sql = "SELECT position, digest FROM head WHERE id = 1";
    let head =
        connection.prepare_cached(sql).and_then(|mut sql| sql.query_row([], head_of).optional());
    let head = head.map_err(|error| translate(&error, Position(1)))?;
    head.ok_or_else(|| contradiction(Position(1), "the journal has lost its head row"))
}

fn head_of(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head { position: Position(unsigned(row.get(0)?)), digest: digest(row, 1)? })
}

/// Moves the head row; once per transaction.
pub(crate) fn store_head(connection: &Connection, head: Head) -> Result<(), StoreError> {
    let sql = "UPDATE head SET position = ?1, digest = ?2 WHERE id = 1";
    let stored = connection
        .prepare_cached(sql)
        .and_then(|mut sql| sql.execute(params![signed(head.position.0), head.digest.as_bytes()]));
    stored.map(drop).map_err(|error| translate(&error, head.position))
}

fn append(
    unit: &mut Unit<'_>,
    append: &Append,
) -> Result<Result<Appended, AppendError>, StoreError> {
    let at = Position(unit.tip.head().position.0 + 1);
    let fail = |error: rusqlite::Error| translate(&error, at);
    let mut revisions = Vec::with_capacity(append.batches.len());
    for batch in &append.batches {
        let known = unit.tip.streams.get(&batch.stream).map(|(_, revision)| *revision);
        revisions.push(match known {
            Some(revision) => revision,
            None => look_up(unit, &batch.stream).map_err(fail)?,
        });
    }
    let sequenced = Sequenced::new(append, unit.tip.head(), &revisions);
    // Nearly every command is new and in place, so whether it was stored before is asked only when it is
    // refused, and otherwise found out by storing its id.
    let fresh = match &sequenced {
        Ok(sequenced) => remember(unit.connection, append.command, sequenced).map_err(fail)?,
        Err(_) => false,
    };
    if !fresh && let Some(first) = first_answer(unit.connection, append.command).map_err(fail)? {
        return Ok(Ok(first));
    }
    let Sequenced { records, answer, head } = match sequenced {
        Ok(sequenced) => sequenced,
        Err(refusal) => return Ok(Err(refusal)),
    };
    insert(unit, &records).map_err(fail)?;
    unit.tip.move_to(head);
    Ok(Ok(answer))
}

/// Stores a command's id and where its events will stand; says `false` when it was stored before.
fn remember(
    connection: &Connection,
    command: CommandId,
    sequenced: &Sequenced,
) -> rusqlite::Result<bool> {
    let Sequenced { records, answer, head: _ } = sequenced;
    let sql = "INSERT INTO commands VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
    let id = command.bits().to_be_bytes();
    let place = params![&id, signed(answer.position.0), clamp(records.len())];
    Ok(connection.prepare_cached(sql)?.execute(place)? == 1)
}

/// What a command was answered when it was stored, if it was.
fn first_answer(connection: &Connection, command: CommandId) -> rusqlite::Result<Option<Appended>> {
    let mut sql =
        connection.prepare_cached("SELECT position, events FROM commands WHERE id = ?1")?;
    let place = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let Some((position, events)) =
        sql.query_row([command.bits().to_be_bytes()], place).optional()?
    else {
        return Ok(None);
    };
    let sql = "SELECT stream, revision FROM records WHERE position > ?1 AND position <= ?2 ORDER BY position";
    let mut sql = connection.prepare_cached(sql)?;
    let mut rows = sql.query([position - events, position])?;
    let mut reached: Vec<(i64, Revision)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (stream, revision) = (row.get(0)?, Revision(unsigned(row.get(1)?)));
        // A batch is adjacent and names its stream once, so a new stream is a new batch.
        match reached.last_mut() {
            Some((last, at)) if *last == stream => *at = revision,
            Some(_) | None => reached.push((stream, revision)),
        }
    }
    let revisions = reached.into_iter().map(|(_, revision)| revision).collect();
    Ok(Some(Appended { position: Position(unsigned(position)), revisions, repeated: true }))
}

/// Where a stream is; remembered when it exists.
fn look_up(unit: &mut Unit<'_>, stream: &StreamId) -> rusqlite::Result<Revision> {
    let mut sql = unit.connection.prepare_cached(
        "SELECT id, (SELECT max(revision) FROM records WHERE stream = streams.id) FROM streams WHERE name = ?1",
    )?;
    let place = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.unwrap_or(0)));
    let Some((id, revision)) = sql.query_row([stream.as_str()], place).optional()? else {
        return Ok(Revision(0));
    };
    let revision = Revision(unsigned(revision));
    unit.tip.streams.insert(stream.clone(), (id, revision));
    Ok(revision)
}

fn insert(unit: &mut Unit<'_>, records: &[Record]) -> rusqlite::Result<()> {
    let mut sql = unit.connection.prepare_cached(
        "INSERT INTO records (position, stream, revision, kind, version, at, command, previous, digest, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for record in records {
        let id = match unit.tip.streams.get_mut(&record.stream) {
            Some((id, revision)) => {
                *revision = record.revision;
                *id
            }
            None => {
                let id = begin_stream(unit.connection, &record.stream)?;
                unit.tip.streams.insert(record.stream.clone(), (id, record.revision));
                id
            }
        };
        sql.execute(params![
            signed(record.position.0),
            id,
            signed(record.revision.0),
            &*record.event.kind,
            record.event.version,
            signed(record.at.as_millis()),
            record.command.bits().to_be_bytes(),
            record.previous.as_bytes(),
            record.digest.as_bytes(),
            &*record.event.data,
        ])?;
    }
    Ok(())
}

fn begin_stream(connection: &Connection, stream: &StreamId) -> rusqlite::Result<i64> {
    let mut sql = connection.prepare_cached("INSERT INTO streams (name) VALUES (?1)")?;
    sql.insert([stream.as_str()])
}

const COLUMNS: &str =
    "position, stream, revision, kind, version, at, command, previous, digest, data FROM records";

fn read_all(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let sql = format!("SELECT {COLUMNS} WHERE position > ?1 ORDER BY position LIMIT ?2");
    read_records(connection, &sql, params![signed(after.0), clamp(limit)], after)
}

fn read_stream(
    connection: &Connection,
    stream: &StreamId,
    after: Revision,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let id = connection
        .prepare_cached("SELECT id FROM streams WHERE name = ?1")
        .and_then(|mut sql| sql.query_row([stream.as_str()], |row| row.get::<_, i64>(0)).optional())
        .map_err(|error| translate(&error, Position(1)))?;
    let Some(id) = id else { return Ok(Vec::new()) };
    let sql =
        format!("SELECT {COLUMNS} WHERE stream = ?1 AND revision > ?2 ORDER BY revision LIMIT ?3");
    read_records(connection, &sql, params![id, signed(after.0), clamp(limit)], Position(0))
}

/// Reads rows into records; what can't be read is reported at the first position that is missing then.
fn read_records(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    after: Position,
) -> Result<Vec<Record>, StoreError> {
    let mut records: Vec<Record> = Vec::new();
    let read = || {
        let mut names = Names::new(connection)?;
        let mut sql = connection.prepare_cached(sql)?;
        let mut rows = sql.query(params)?;
        while let Some(row) = rows.next()? {
            records.push(record(row, &mut names)?);
        }
        Ok(())
    };
    match read() {
        Ok(()) => Ok(records),
        Err(error) => {
            let last = records.last().map_or(after, |record| record.position);
            Err(translate(&error, Position(last.0 + 1)))
        }
    }
}

fn record(row: &Row<'_>, names: &mut Names<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        position: Position(unsigned(row.get(0)?)),
        stream: names.of(row.get(1)?)?,
        revision: Revision(unsigned(row.get(2)?)),
        event: NewEvent { kind: text(row, 3)?, version: row.get(4)?, data: text(row, 9)? },
        at: Timestamp::from_millis(unsigned(row.get(5)?)),
        command: CommandId::from_bits(u128::from_be_bytes(row.get(6)?)),
        previous: digest(row, 7)?,
        digest: digest(row, 8)?,
    })
}

/// The names of the streams that one read meets.
struct Names<'c> {
    sql: CachedStatement<'c>,
    met: HashMap<i64, StreamId>,
}

impl<'c> Names<'c> {
    fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let sql = connection.prepare_cached("SELECT name FROM streams WHERE id = ?1")?;
        Ok(Self { sql, met: HashMap::new() })
    }

    fn of(&mut self, id: i64) -> rusqlite::Result<StreamId> {
        if let Some(name) = self.met.get(&id) {
            return Ok(name.clone());
        }
        let name: Option<String> = self.sql.query_row([id], |row| row.get(0)).optional()?;
        let name = name.ok_or_else(|| unreadable("its stream has lost its name".into()))?;
        let name = StreamId::new(name).map_err(|error| unreadable(error.into()))?;
        self.met.insert(id, name.clone());
        Ok(name)
    }
}

fn unreadable(why: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    FromSqlError::Other(why).into()
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Arc<str>> {
    Ok(row.get_ref(column)?.as_str()?.into())
}

pub(crate) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    Ok(Digest::from_bytes(row.get(column)?))
}

// SQLite's integers are signed; the bits of ours pass through unchanged, and none of them counts so far.
pub(crate) const fn signed(number: u64) -> i64 {
    number.cast_signed()
}

pub(crate) const fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

pub(crate) fn clamp(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[async_trait]
impl Journal for SqliteStore {
    async fn append(&self, new: Append) -> Result<Appended, AppendError> {
        let events = new.batches.iter().flat_map(|batch| &batch.events);
        let weight = events.map(|event| event.data.len() + 256).sum();
        self.writer()?.write(weight, move |unit| append(unit, &new)).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let stream = stream.clone();
        self.readers().read(move |connection| read_stream(connection, &stream, after, limit)).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.readers().read(move |connection| read_all(connection, after, limit)).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.readers().read(stored_head).await
    }

    async fn inspect(&self) -> Result<(), StoreError> {
        self.readers().read(inspect).await
    }

    async fn subscribe(&self, after: Position) -> Result<Subscription, StoreError> {
        self.watch()?;
        let readers: Arc<Readers> = Arc::clone(self.readers());
        Ok(follow(self.bell(), after, move |after, limit| {
            let readers = Arc::clone(&readers);
            Box::pin(async move {
                readers.read(move |connection| read_all(connection, after, limit)).await
            })
        }))
    }
}
