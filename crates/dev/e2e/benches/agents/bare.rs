//! The peer: one connection to SQLite that stores rows of the same size with the same promise of durability, so many in
//! one commit.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::Failure;

pub(crate) struct Bare {
    connection: Connection,
    position: i64,
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
        Ok(Self { connection, position: 0, letter })
    }

    pub(crate) fn commit(&mut self, rows: usize) -> Result<(), Failure> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in 0..rows {
            self.position += 1;
            let command = u128::from(self.position.cast_unsigned()).to_be_bytes();
            let digest = [7_u8; 32];
            let sql =
                "INSERT INTO records VALUES (?1, 1, ?1, 'mail.accepted', 1, ?1, ?2, ?3, ?3, ?4)";
            self.connection.prepare_cached(sql)?.execute(params![
                self.position,
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
