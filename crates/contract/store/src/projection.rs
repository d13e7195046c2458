//! Views that are folded from the journal, and the port that keeps them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bottega_event::{Position, Record};

use crate::{Journal, StoreError};

/// One change of a projection's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The row.
    pub key: String,
    /// Its new value; nothing takes it away.
    pub value: Option<Vec<u8>>,
}

/// A view as a pure fold: records in, changed rows out.
pub trait Projection: Send + Sync {
    /// Its name, for ever.
    fn name(&self) -> &'static str;

    /// The version of its rows' form; when it differs from the stored one the view is rebuilt.
    fn version(&self) -> u32;

    /// The rows that `record` may change; they are loaded before [`apply`](Self::apply). Empty when the
    /// record does not concern this view.
    fn touches(&self, record: &Record) -> Vec<String>;

    /// What `record` changes. `rows` holds the touched rows as they are, in the order of `touches`.
    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change>;
}

/// The rows that a record touches, as they are before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows(pub Vec<(String, Option<Vec<u8>>)>);

impl Rows {
    /// The value of a touched row.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_deref())
    }
}

/// Keeps the rows of projections and how far each has read.
///
/// Every implementation promises, and the suite `conformance` checks:
/// * rows and checkpoint of one [`advance`](Self::advance) change together or not at all;
/// * an advance whose `from` is not the checkpoint, or whose `version` is not that of the rows, changes
///   nothing and says `false`, so that two processes that fold the same view don't fold a record twice or
///   mix two forms. A view that was dropped or never begun stands at position zero.
#[async_trait]
pub trait Projections: Send + Sync {
    /// The position of the last record that is in the view, and the version of its rows.
    async fn checkpoint(&self, name: &str) -> Result<Option<(Position, u32)>, StoreError>;

    /// Changes rows and moves the checkpoint from `from` to `to`.
    async fn advance(
        &self,
        name: &str,
        version: u32,
        from: Position,
        to: Position,
        changes: Vec<Change>,
    ) -> Result<bool, StoreError>;

    /// One row.
    async fn row(&self, name: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Several rows at once, in the order of `keys`.
    async fn load_rows(
        &self,
        name: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            rows.push(self.row(name, key).await?);
        }
        Ok(rows)
    }

    /// The rows whose keys begin with `prefix`, by key, at most `limit` after the key `after`.
    async fn rows(
        &self,
        name: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Drops a view: its rows and its checkpoint.
    async fn drop_view(&self, name: &str) -> Result<(), StoreError>;
}

/// Records that are folded before the checkpoint moves.
const STRIDE: usize = 2048;

/// Brings a view up to the end of the journal; from the beginning when its version changed or it was
/// dropped. Returns how many records were folded.
pub async fn catch_up(
    projection: &dyn Projection,
    journal: &dyn Journal,
    views: &dyn Projections,
) -> Result<u64, StoreError> {
    let mut folded = 0;
    loop {
        let from = match views.checkpoint(projection.name()).await? {
            Some((position, version)) if version == projection.version() => position,
            Some(_) => {
                views.drop_view(projection.name()).await?;
                Position(0)
            }
            None => Position(0),
        };
        let records = journal.read_all(from, STRIDE).await?;
        let Some(last) = records.last() else { return Ok(folded) };
        let changes = fold(projection, views, &records).await?;
        let moved = views
            .advance(projection.name(), projection.version(), from, last.position, changes)
            .await?;
        // Somebody else folded these records meanwhile; go on from where they are.
        if moved {
            folded += records.len() as u64;
        }
    }
}

async fn fold(
    projection: &dyn Projection,
    views: &dyn Projections,
    records: &[Record],
) -> Result<Vec<Change>, StoreError> {
    let touched: Vec<Vec<String>> =
        records.iter().map(|record| projection.touches(record)).collect();
    let keys: Vec<String> =
        touched.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let values = views.load_rows(projection.name(), &keys).await?;
    // Rows as they are after the records folded so far; a later record sees an earlier one's change.
    let mut present: BTreeMap<String, Option<Vec<u8>>> = keys.into_iter().zip(values).collect();
    let mut changed = BTreeSet::new();
    for (record, keys) in records.iter().zip(touched) {
        let rows = keys.into_iter().map(|key| {
            let value = present.get(&key).cloned().flatten();
            (key, value)
        });
        for Change { key, value } in projection.apply(record, &Rows(rows.collect())) {
            changed.insert(key.clone());
            present.insert(key, value);
        }
    }
    let change = |key: String| {
        let value = present.remove(&key).flatten();
        Change { key, value }
    };
    Ok(changed.into_iter().map(change).collect())
}
