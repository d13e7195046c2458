use async_trait::async_trait;
use bottega_types::Seeded;

use super::*;
use crate::{Append, AppendError, Appended, Expected, MemoryStore, Subscription, conformance};

/// A journal whose records can be tampered with after they were stored.
struct Tampered {
    records: Vec<Record>,
    head: Head,
    /// From here on nothing can be read.
    unreadable: Option<Position>,
    /// What is wrong around the records.
    around: Option<&'static str>,
}

impl Tampered {
    async fn of_length(length: u64) -> Self {
        let store = MemoryStore::new();
        let entropy = Seeded::new(length);
        for n in 0..length {
            let command = CommandId::new(Timestamp::from_millis(n), &entropy);
            store.append(conformance::append(command, &[("a/b", Expected::Any, 1)])).await.unwrap();
        }
        let records = store.read_all(Position(0), usize::MAX).await.unwrap();
        Self { records, head: store.head().await.unwrap(), unreadable: None, around: None }
    }
}

#[async_trait]
impl Journal for Tampered {
    async fn append(&self, _append: Append) -> Result<Appended, AppendError> {
        Err(StoreError::ReadOnly("it was tampered with".into()).into())
    }

    async fn read_stream(
        &self,
        _stream: &StreamId,
        _after: Revision,
        _limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        Ok(Vec::new())
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        let page = self.records.iter().filter(|record| record.position > after).take(limit);
        let page: Vec<Record> = page.cloned().collect();
        match self.unreadable {
            Some(position) if page.iter().any(|record| record.position >= position) => {
                Err(Break::Unreadable { position, why: "the page is torn".into() }.into())
            }
            Some(_) | None => Ok(page),
        }
    }

    async fn head(&self) -> Result<Head, StoreError> {
        Ok(self.head)
    }

    async fn inspect(&self) -> Result<(), StoreError> {
        self.around.map_or(Ok(()), |why| Err(StoreError::DamagedFile(why.into())))
    }

    async fn subscribe(&self, _after: Position) -> Result<Subscription, StoreError> {
        Err(StoreError::Closing)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// Verifies a journal of 3,000 records after `tamper`; `expected` is the position that must be named.
#[track_caller]
fn check(tamper: impl FnOnce(&mut Tampered), expected: Option<u64>) {
    runtime().block_on(async {
        let mut journal = Tampered::of_length(3000).await;
        tamper(&mut journal);
        let mut told = Vec::new();
        let outcome = verify(&journal, &mut |done, _goal| told.push(done.0)).await;
        let named = match outcome {
            Ok(head) => {
                assert_eq!((head, told.last()), (journal.head, Some(&3000)));
                None
            }
            Err(StoreError::Damaged(broken)) => Some(broken.position().0),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(named, expected);
    });
}

#[test]
fn an_untouched_journal_verifies() {
    check(|_| {}, None);
}

#[test]
fn an_altered_record_is_named() {
    check(|journal| journal.records[2099].event.data = "{}".into(), Some(2100));
}

#[test]
fn a_missing_record_is_named() {
    check(|journal| drop(journal.records.remove(1023)), Some(1024));
}

#[test]
fn a_missing_end_is_named() {
    check(|journal| journal.records.truncate(2500), Some(2501));
}

#[test]
fn a_head_that_was_set_back_is_named() {
    check(|journal| journal.head = Head::EMPTY, Some(3000));
}

#[test]
fn a_head_with_another_digest_is_named() {
    check(|journal| journal.head.digest = Digest::ZERO, Some(3000));
}

#[test]
fn an_unreadable_record_is_named() {
    check(|journal| journal.unreadable = Some(Position(1500)), Some(1500));
}

#[test]
fn an_altered_record_before_an_unreadable_one_is_first() {
    let tamper = |journal: &mut Tampered| {
        journal.unreadable = Some(Position(1500));
        journal.records[1400].revision.0 += 1;
    };
    check(tamper, Some(1401));
}

#[test]
fn damage_around_the_records_is_told_when_they_are_whole() {
    runtime().block_on(async {
        let mut journal = Tampered::of_length(3).await;
        journal.around = Some("row 3 missing from an index");
        let told = verify(&journal, &mut |_, _| {}).await;
        assert_eq!(told, Err(StoreError::DamagedFile("row 3 missing from an index".into())));
        journal.records[1].event.data = "{}".into();
        let told = verify(&journal, &mut |_, _| {}).await;
        assert!(matches!(told, Err(StoreError::Damaged(_))), "{told:?}");
    });
}

#[test]
fn an_export_reads_back_and_verifies() {
    runtime().block_on(async {
        let journal = Tampered::of_length(1500).await;
        let mut lines = Vec::new();
        let count = export_jsonl(&journal, Position(0), &mut lines, &mut |_, _| {}).await.unwrap();
        let lines = String::from_utf8(lines).unwrap();
        let records = lines
            .lines()
            .map(|line| Record::try_from(serde_json::from_str::<Line>(line).unwrap()).unwrap());
        let records: Vec<Record> = records.collect();
        assert_eq!((count, &records), (1500, &journal.records));
    });
}

#[test]
fn an_export_can_begin_later() {
    runtime().block_on(async {
        let journal = Tampered::of_length(20).await;
        let mut lines = Vec::new();
        let count = export_jsonl(&journal, Position(18), &mut lines, &mut |_, _| {}).await.unwrap();
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!((count, lines.lines().count()), (2, 2));
        assert!(lines.starts_with(r#"{"position":19,"stream":"a/b","revision":19,"#), "{lines}");
    });
}
