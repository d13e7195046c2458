//! A disk without room.

use std::fs;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use bottega_event::{NewEvent, Position};
use bottega_journal_sqlite::{Options, SqliteStore};
use bottega_store::{Append, AppendError, Appended, Batch, Blobs, Expected, Journal, StoreError};
use bottega_types::{Digest, Timestamp};

use crate::{command, open, verified};

/// Appends two events of 16 KiB each.
async fn append(store: &SqliteStore, n: u64) -> Result<Appended, AppendError> {
    let data: std::sync::Arc<str> = format!("\"{}\"", "x".repeat(16 << 10)).into();
    let event = NewEvent { kind: "test.large".into(), version: 1, data };
    let batch = |stream| Batch {
        stream: bottega_store::conformance::stream_id(stream),
        expected: Expected::Any,
        events: vec![event.clone()],
    };
    let batches = vec![batch("a"), batch("b")];
    store.append(Append { command: command(n), at: Timestamp::from_millis(n), batches }).await
}

/// Appends until the disk is full; returns how many appends it took.
async fn fill_up(store: &SqliteStore) -> u64 {
    for n in 0..100_000 {
        match append(store, n).await {
            Ok(_) => {}
            Err(AppendError::Store(StoreError::Full(_))) => return n,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the disk never got full");
}

/// What holds on a full disk: everything acknowledged is there, nothing else, and it can all be read.
async fn check_full(store: &SqliteStore, stored: u64) {
    assert!(stored > 10, "only {stored} appends fitted");
    assert_eq!(verified(store).await.unwrap().position, Position(stored * 2));
    let large = vec![7; 6 << 20];
    assert!(matches!(store.put(&large).await, Err(StoreError::Full(_))));
    assert_eq!(store.get(Digest::of(&large)).await, Ok(None));
    assert_eq!(store.check_file().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_is_a_disk_that_gets_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let small = Options { quota: Some(2 << 20), ..Options::new(&path) };
    let store = SqliteStore::open(&small).unwrap();
    let stored = fill_up(&store).await;
    check_full(&store, stored).await;
    drop(store);
    // More room: the refused append goes through now.
    let store = open(&path);
    assert!(!append(&store, stored).await.unwrap().repeated);
    assert_eq!(verified(&store).await.unwrap().position, Position(stored * 2 + 2));
}

/// On a real file system of 12 MiB, where this machine lets us mount one.
#[test]
fn a_small_disk_gets_full_and_goes_on_after_it_was_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=12m tmpfs "$1" || exit 77
                    exec "$2" --ignored --exact full::on_a_small_disk --nocapture"#;
    let child = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([folder.path().as_os_str(), std::env::current_exe().unwrap().as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("without `unshare` only the quota was tested");
        return;
    };
    // A child that could not mount has closed its end.
    let _told = writeln!(child.stdin.take().unwrap(), "{}", folder.path().display());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if said.contains("running 1 test") {
        assert!(output.status.success() && said.contains("went on after"), "{said}\n{errors}");
    } else {
        eprintln!("mounting is not permitted here, only the quota was tested: {errors}");
    }
}

#[test]
#[ignore = "needs a small file system of its own; the test above makes one and starts this"]
fn on_a_small_disk() {
    let mut folder = String::new();
    std::io::stdin().lock().read_line(&mut folder).unwrap();
    // Somebody runs all ignored tests.
    if folder.is_empty() {
        return;
    }
    let folder = Path::new(folder.trim());
    let filler = folder.join("filler");
    fs::write(&filler, vec![1; 3 << 20]).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = open(&folder.join("journal.db"));
        let stored = fill_up(&store).await;
        check_full(&store, stored).await;
        fs::remove_file(filler).unwrap();
        for n in stored..stored + 20 {
            assert!(!append(&store, n).await.unwrap().repeated);
        }
        assert_eq!(verified(&store).await.unwrap().position, Position(stored * 2 + 40));
        println!("went on after {stored} appends");
    });
}
