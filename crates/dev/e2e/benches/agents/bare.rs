//! The peer: one connection to SQLite that stores the same rows with the same promise of durability, so many in one commit,
//! each of a stream of its own as messages to different agents are.

use std::path::Path;

use bottega_types::{Clock as _, MessageId, SystemClock, SystemEntropy};
use rusqlite::{Connection, params};

use crate::Failure;

pub(crate) struct Bare {
    connection: Connection,
    position: i64,
    revision: i64,
    letter: String,
}

impl Bare {
    pub(crate) fn open(file: &Path) -> Result<Self, Failure> {
        let connection = Connection::open(file)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE records (position INTEGER PRIMARY KEY, stream INTEGER, revision INTEGER, kind TEXT,
                 version INTEGER, at INTEGER, command BLOB, previous BLOB, digest BLOB, data TEXT);
             CREATE UNIQUE INDEX of_stream ON records (stream, revision);
             CREATE TABLE commands (command BLOB PRIMARY KEY, position INTEGER) WITHOUT ROWID;",
        )?;
        let letter = bottega_acl::json::encode(&crate::message(&crate::name(0)?)?);
        Ok(Self { connection, position: 0, revision: 0, letter })
    }

    pub(crate) fn commit(&mut self, rows: usize) -> Result<(), Failure> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.revision += 1;
        for stream in 1..=i64::try_from(rows)? {
            self.position += 1;
            let command = MessageId::new(SystemClock.now(), &SystemEntropy).bits().to_be_bytes();
            let digest = [7_u8; 32];
            let sql =
                "INSERT INTO records VALUES (?1, ?2, ?3, 'mail.accepted', 1, ?1, ?4, ?5, ?5, ?6)";
            self.connection.prepare_cached(sql)?.execute(params![
                self.position,
                stream,
                self.revision,
                &command[..],
                &digest[..],
                &self.letter
            ])?;
            let sql = "INSERT INTO commands VALUES (?1, ?2)";
            self.connection.prepare_cached(sql)?.execute(params![&command[..], self.position])?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}
