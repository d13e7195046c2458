//! Bytes that are not what was written.

use std::fs;
use std::path::{Path, PathBuf};

use bottega_event::{NewEvent, Position, Record};
use bottega_journal_sqlite::{Options, SqliteStore};
use bottega_store::{Append, AppendError, Batch, Blobs, Expected, Head, Journal, StoreError};
use bottega_types::{Digest, Entropy, Seeded, Timestamp};

use crate::{command, open, verified};

const LENGTH: u64 = 300;

/// A closed journal whose `n`-th record says `record-n.`, and what was in it.
async fn journal(folder: &Path) -> (PathBuf, Vec<Record>) {
    let path = folder.join("journal.db");
    let store = open(&path);
    let appends = (1..=LENGTH).map(async |n| {
        let data = format!(r#"{{"says":"record-{n}.","{}":0}}"#, "-".repeat(n as usize % 90));
        let event = NewEvent { kind: "test.said".into(), version: 1, data: data.into() };
        let stream = bottega_store::conformance::stream_id(["a", "b", "c"][n as usize % 3]);
        let batches = vec![Batch { stream, expected: Expected::Any, events: vec![event] }];
        store
            .append(Append { command: command(n), at: Timestamp::from_millis(n), batches })
            .await
            .unwrap();
    });
    for append in appends {
        append.await;
    }
    store.put(b"a blob that will be damaged").await.unwrap();
    let records = store.read_all(Position(0), usize::MAX).await.unwrap();
    drop(store);
    let log = fs::metadata(folder.join("journal.db-wal"));
    assert!(log.is_err(), "the last to close has emptied the log");
    (path, records)
}

/// Flips the last bit of `text` wherever it stands: once in a page, and perhaps in what was left over when a page was
/// split.
fn flip(bytes: &mut [u8], text: &[u8]) -> usize {
    let places: Vec<usize> =
        (0..=bytes.len() - text.len()).filter(|at| &bytes[*at..*at + text.len()] == text).collect();
    places.iter().for_each(|at| bytes[at + text.len() - 1] ^= 0x01);
    places.len()
}

async fn named(path: &Path) -> Position {
    match verified(&open(path)).await {
        Err(StoreError::Damaged(broken)) => broken.position(),
        other => panic!("the damage was not found: {other:?}"),
    }
}

#[tokio::test]
async fn a_flipped_byte_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _records) = journal(folder.path()).await;
    let whole = fs::read(&path).unwrap();
    for victim in [1, 2, 150, LENGTH - 1, LENGTH] {
        let mut bytes = whole.clone();
        assert!(flip(&mut bytes, format!("record-{victim}.").as_bytes()) > 0);
        fs::write(&path, bytes).unwrap();
        assert_eq!(named(&path).await, Position(victim));
    }
}

/// Anywhere in the file: either it is found, or it changed nothing that can be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_flipped_byte_changes_the_story_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let (path, records) = journal(folder.path()).await;
    let whole = fs::read(&path).unwrap();
    let entropy = Seeded::new(11);
    let mut found = 0;
    for _ in 0..400 {
        let (at, bit) = (entropy.bits() as usize % whole.len(), entropy.bits() % 8);
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let Ok(store) = SqliteStore::open(&Options::new(&path)) else {
            found += 1;
            continue;
        };
        match verified(&store).await {
            Ok(head) => {
                let read = store.read_all(Position(0), usize::MAX).await.unwrap();
                assert!(read == records, "byte {at}, bit {bit} changed what is read");
                assert_eq!(head.position, Position(LENGTH));
            }
            Err(_) => found += 1,
        }
    }
    assert!(found > 100, "only {found} were found");
}

/// Runs `sql` on a closed journal and says which record is named then.
async fn tampered(sql: &str) -> Position {
    let folder = tempfile::tempdir().unwrap();
    let (path, _records) = journal(folder.path()).await;
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    named(&path).await
}

#[tokio::test]
async fn tampering_by_sql_is_found_and_named() {
    for (sql, position) in [
        ("UPDATE records SET data = '{}' WHERE position = 7", 7),
        ("UPDATE records SET at = at + 1 WHERE position = 8", 8),
        ("DELETE FROM records WHERE position = 9", 9),
        ("DELETE FROM records WHERE position > 290", 291),
        ("UPDATE streams SET name = 'z' WHERE name = 'b'", 1),
        ("DELETE FROM streams WHERE name = 'a'", 3),
        ("UPDATE head SET position = 400", 301),
        ("UPDATE head SET position = 1", 300),
    ] {
        assert_eq!(tampered(sql).await, Position(position), "{sql}");
    }
}

/// Flips a bit of `text` in the pages of one table or index alone.
fn flip_in(path: &Path, place: &str, text: &[u8]) {
    let pages: Vec<i64> = {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut sql = connection.prepare("SELECT pageno FROM dbstat WHERE name = ?1").unwrap();
        sql.query_map([place], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut bytes = fs::read(path).unwrap();
    let flipped: usize = pages
        .into_iter()
        .map(|page| flip(&mut bytes[(page as usize - 1) * 4096..][..4096], text))
        .sum();
    assert!(flipped > 0, "it is not in {place}");
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn damage_around_the_records_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _records) = journal(folder.path()).await;
    let whole = fs::read(&path).unwrap();
    let store = open(&path);
    assert_eq!(store.inspect().await, Ok(()));
    drop(store);
    let id = command(150).bits().to_be_bytes();
    for (place, text, named) in [
        ("sqlite_autoindex_streams_1", b"b".as_slice(), "sqlite_autoindex_streams_1"),
        ("commands", id.as_slice(), "command"),
    ] {
        fs::write(&path, &whole).unwrap();
        flip_in(&path, place, text);
        match verified(&open(&path)).await {
            Err(StoreError::DamagedFile(why)) => assert!(why.contains(named), "{why}"),
            other => panic!("{place}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn commands_that_are_not_those_of_the_records_are_found() {
    for sql in [
        "UPDATE commands SET position = position + 1 WHERE position = 7",
        "UPDATE commands SET events = 2 WHERE position = 7",
        "UPDATE commands SET events = 0 WHERE position = 7",
        "DELETE FROM commands WHERE position = 7",
        "INSERT INTO commands VALUES (zeroblob(16), 7, 1)",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (path, _records) = journal(folder.path()).await;
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let told = verified(&open(&path)).await;
        assert!(matches!(told, Err(StoreError::DamagedFile(_))), "{sql}: {told:?}");
    }
}

#[tokio::test]
async fn nothing_is_built_on_a_broken_end() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _records) = journal(folder.path()).await;
    let sql = "DELETE FROM records WHERE position = 300";
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let store = open(&path);
    let append = bottega_store::conformance::append(command(0), &[("a", Expected::Any, 1)]);
    let refused = store.append(append).await;
    assert!(matches!(refused, Err(AppendError::Store(StoreError::Damaged(_)))), "{refused:?}");
    assert_ne!(store.head().await, Ok(Head::EMPTY));
}

#[tokio::test]
async fn a_damaged_blob_is_refused_and_can_be_mended() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _records) = journal(folder.path()).await;
    let mut bytes = fs::read(&path).unwrap();
    let text = "a blob that will be damaged";
    assert!(flip(&mut bytes, text.as_bytes()) > 0);
    fs::write(&path, bytes).unwrap();
    let (store, digest) = (open(&path), Digest::of(text.as_bytes()));
    assert_eq!(store.get(digest).await, Err(StoreError::DamagedBlob(digest)));
    assert_eq!(store.put(text.as_bytes()).await, Ok(digest));
    assert_eq!(store.get(digest).await, Ok(Some(text.into())));
}
