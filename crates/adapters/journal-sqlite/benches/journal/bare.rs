//! The peer: one connection, the same tables, the same rows, the same promise of durability.

use std::path::Path;
use std::time::{Duration, Instant};

use bottega_journal_sqlite::{Options, SqliteStore};
use bottega_types::{CommandId, Digest, Seeded, Timestamp};
use rusqlite::{Connection, params};

use crate::report::Times;
use crate::{Failure, WRITERS, data};

pub(crate) struct Bare {
    connection: Connection,
    entropy: Seeded,
    position: i64,
    revisions: Vec<i64>,
    data: String,
}

impl Bare {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        SqliteStore::migrate(&Options::new(path), SqliteStore::FORMAT)?;
        let connection = Connection::open(path)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        for n in 0..WRITERS {
            connection
                .execute("INSERT INTO streams (name) VALUES (?1)", [format!("stream/{n}")])?;
        }
        let (entropy, revisions) = (Seeded::new(1), vec![0; WRITERS]);
        Ok(Self { connection, entropy, position: 0, revisions, data: data() })
    }

    /// Commits `writers` appends at a time, again and again.
    pub(crate) fn append(&mut self, writers: usize, span: Duration) -> Result<Times, Failure> {
        let mut times = Times::default();
        let began = Instant::now();
        while began.elapsed() < span {
            let start = Instant::now();
            self.group(writers)?;
            // Each of the group's writers waited for the whole of it.
            times.waits.extend(std::iter::repeat_n(start.elapsed(), writers));
        }
        Ok(times.ended(began.elapsed()))
    }

    fn group(&mut self, writers: usize) -> Result<(), Failure> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for writer in 0..writers {
            self.insert(writer)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn insert(&mut self, writer: usize) -> Result<(), Failure> {
        self.position += 1;
        self.revisions[writer] += 1;
        let at = Timestamp::from_millis(1_763_600_000_000 + self.position.cast_unsigned());
        let command = CommandId::new(at, &self.entropy).bits().to_be_bytes();
        let digest = Digest::ZERO;
        let sql = "INSERT INTO records (position, stream, revision, kind, version, at, command, previous, digest, data)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.connection.prepare_cached(sql)?.execute(params![
            self.position,
            i64::try_from(writer + 1)?,
            self.revisions[writer],
            "bench.happened",
            1,
            at.as_millis().cast_signed(),
            &command,
            digest.as_bytes(),
            digest.as_bytes(),
            &self.data,
        ])?;
        let sql = "INSERT INTO commands VALUES (?1, ?2, 1)";
        self.connection.prepare_cached(sql)?.execute(params![&command, self.position])?;
        Ok(())
    }

    /// Goes on until there are so many records.
    pub(crate) fn fill_to(&mut self, length: u64) -> Result<(), Failure> {
        while self.position.cast_unsigned() < length {
            self.group(WRITERS)?;
        }
        Ok(())
    }

    /// Reads every column of every record in order; returns how many there are.
    pub(crate) fn scan(&self) -> Result<u64, Failure> {
        let mut sql = self.connection.prepare("SELECT * FROM records ORDER BY position")?;
        let mut rows = sql.query([])?;
        let (mut count, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            count += 1;
            bytes += row.get_ref(3)?.as_str()?.len() + row.get_ref(9)?.as_str()?.len();
            bytes += row.get_ref(6)?.as_blob()?.len() + row.get_ref(8)?.as_blob()?.len();
        }
        assert!(bytes > count * 512, "every byte was looked at");
        Ok(count as u64)
    }
}
