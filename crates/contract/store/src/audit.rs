//! Reading a whole journal: to prove that it is what it was, and to hand it out.
//!
//! Both go page by page through the port, so that any journal can be audited, in constant memory.

use std::io::Write;

use bottega_event::{
    Break, ChainVerifier, NewEvent, NotAStreamId, Position, Record, Revision, StreamId,
};
use bottega_types::{CommandId, Digest, Timestamp};
use futures::future;
use serde::{Deserialize, Serialize};

use crate::{Head, Journal, StoreError};

/// Records that are read at a time.
const PAGE: usize = 1024;

/// Told after each page: the records done so far, and the position at which the journal ended when the
/// walk began.
pub type Progress<'p> = &'p mut (dyn FnMut(Position, Position) + Send);

/// Walks the chain from its first record to the end, looks over what lies around the records, and returns that end.
///
/// [`StoreError::DamagedFile`] says that every record is whole and their surroundings are not.
/// [`StoreError::Damaged`] names the first record that is not what was stored, also when the journal is
/// shorter or longer than its own head says. What is appended meanwhile is verified too.
pub async fn verify(journal: &dyn Journal, progress: Progress<'_>) -> Result<Head, StoreError> {
    let goal = journal.head().await?;
    let mut verifier = ChainVerifier::default();
    let mut page = read_page(journal, Position(0)).await?;
    while let Some(last) = page.records.last().map(|record| record.position) {
        // The next page is on its way while this one is hashed.
        let (next, checked) = future::join(
            async {
                if page.broken.is_none() {
                    read_page(journal, last).await
                } else {
                    Ok(Page::default())
                }
            },
            async { page.records.iter().try_for_each(|record| verifier.push(record)) },
        )
        .await;
        checked?;
        progress(verifier.head().0, goal.position);
        let broken = page.broken;
        page = next?;
        page.broken = page.broken.or(broken);
    }
    match page.broken {
        Some(broken) => Err(broken.into()),
        None => {
            let (position, digest) = verifier.head();
            let end = check_end(goal, Head { position, digest }, journal.head().await?)?;
            journal.inspect().await?;
            Ok(end)
        }
    }
}

/// Records that could be read, and what stopped the reading before the page was full.
#[derive(Default)]
struct Page {
    records: Vec<Record>,
    broken: Option<Break>,
}

async fn read_page(journal: &dyn Journal, after: Position) -> Result<Page, StoreError> {
    match journal.read_all(after, PAGE).await {
        Ok(records) => Ok(Page { records, broken: None }),
        Err(StoreError::Damaged(broken)) => {
            // A record before the one that can't be read may have been altered: it is the first then.
            let readable = broken.position().0.saturating_sub(after.0 + 1);
            let readable = usize::try_from(readable).unwrap_or(PAGE).min(PAGE);
            let records = match readable {
                0 => Vec::new(),
                _ => journal.read_all(after, readable).await.unwrap_or_default(),
            };
            Ok(Page { records, broken: Some(broken) })
        }
        Err(error) => Err(error),
    }
}

/// Compares the end that was reached with the ends that the journal claims, before the walk and after it.
fn check_end(before: Head, reached: Head, after: Head) -> Result<Head, Break> {
    if reached.position < before.position {
        let expected = Position(reached.position.0 + 1);
        return Err(Break::Gap { expected, found: before.position });
    }
    let claims = [before, after];
    let same_place = claims.iter().find(|claim| claim.position == reached.position);
    let too_short = (after.position < reached.position).then_some(&after);
    match too_short.or(same_place) {
        Some(claim) if *claim != reached => Err(Break::Unlinked {
            position: reached.position,
            names: claim.digest,
            actual: reached.digest,
        }),
        Some(_) | None => Ok(reached),
    }
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lines could not be written.
    #[error("the export can't be written")]
    Write(#[from] std::io::Error),
}

/// Writes every record after `after` as one line of JSON each, in order, and returns how many.
pub async fn export_jsonl(
    journal: &dyn Journal,
    after: Position,
    writer: &mut (dyn Write + Send),
    progress: Progress<'_>,
) -> Result<u64, ExportError> {
    let goal = journal.head().await?.position;
    let (mut position, mut count) = (after, 0);
    while position < goal {
        let page = journal.read_all(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        let mut lines = Vec::new();
        for record in page.iter().filter(|record| record.position <= goal) {
            serde_json::to_writer(&mut lines, &Line::from(record)).map_err(std::io::Error::from)?;
            lines.push(b'\n');
            count += 1;
        }
        writer.write_all(&lines)?;
        position = last.position;
        progress(position.min(goal), goal);
    }
    writer.flush()?;
    Ok(count)
}

/// One record as a line of an export.
///
/// The event's data stands in a string: to the byte what the chain covers, whatever JSON it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The place among all records, from 1.
    pub position: u64,
    /// The stream.
    pub stream: String,
    /// The place in the stream, from 1.
    pub revision: u64,
    /// The kind of event.
    pub kind: String,
    /// The version of its stored form.
    pub version: u16,
    /// Its stored form, JSON text to the byte.
    pub data: String,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// The command.
    pub command: CommandId,
    /// The digest of the record before.
    pub previous: Digest,
    /// The digest of this record.
    pub digest: Digest,
}

impl From<&Record> for Line {
    fn from(record: &Record) -> Self {
        let Record { position, stream, revision, event, at, command, previous, digest } = record;
        Self {
            position: position.0,
            stream: stream.to_string(),
            revision: revision.0,
            kind: event.kind.to_string(),
            version: event.version,
            data: event.data.to_string(),
            at: at.as_millis(),
            command: *command,
            previous: *previous,
            digest: *digest,
        }
    }
}

impl TryFrom<Line> for Record {
    type Error = NotAStreamId;

    fn try_from(line: Line) -> Result<Self, NotAStreamId> {
        let Line { position, stream, revision, kind, version, data, at, command, previous, digest } =
            line;
        Ok(Self {
            position: Position(position),
            stream: StreamId::new(stream)?,
            revision: Revision(revision),
            event: NewEvent { kind: kind.into(), version, data: data.into() },
            at: Timestamp::from_millis(at),
            command,
            previous,
            digest,
        })
    }
}

#[cfg(test)]
mod tests;
