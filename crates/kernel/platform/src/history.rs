//! A session's events, read and decoded.

use bottega_event::{Fork, Revision, SessionEvent, StreamId};
use bottega_store::Journal;
use bottega_types::{SessionId, Timestamp};

use crate::PlatformError;

/// One thing that happened in a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// Its place in the stream that holds it. What a fork shares has its numbers in the session it happened in, so
    /// the place in a whole history is the index in what [`read_history`] returns.
    pub revision: Revision,
    /// When it was stored.
    pub at: Timestamp,
    /// What happened.
    pub event: SessionEvent,
}

/// Records read at a time.
const STRIDE: usize = 1_000;

/// Forks of forks that are followed.
const GENERATIONS: usize = 64;

/// All that happened in a session, in order; of a fork, what happened before it in the sessions it comes from
/// stands first. `Err(NoSession)` when nothing did.
pub async fn read_history(
    journal: &dyn Journal,
    session: SessionId,
) -> Result<Vec<Happened>, PlatformError> {
    let chapters = read_chapters(journal, session).await?;
    Ok(chapters.into_iter().flat_map(|chapter| chapter.events).collect())
}

/// The part of a history that happened in one session.
pub(crate) struct Chapter {
    pub(crate) session: SessionId,
    /// In order, from the session's first; never empty.
    pub(crate) events: Vec<Happened>,
}

/// The same by the sessions it happened in, the earliest first and `session` last.
pub(crate) async fn read_chapters(
    journal: &dyn Journal,
    session: SessionId,
) -> Result<Vec<Chapter>, PlatformError> {
    let events = read_own(journal, session, None).await?;
    let mut chapters = vec![Chapter { session, events }];
    for _ in 0..GENERATIONS {
        let first = chapters.last().and_then(|chapter| chapter.events.first());
        let Some(Fork { session, revision }) = first.and_then(forked_from) else { break };
        let events = read_own(journal, session, Some(revision)).await?;
        chapters.push(Chapter { session, events });
    }
    chapters.reverse();
    Ok(chapters)
}

fn forked_from(first: &Happened) -> Option<Fork> {
    let SessionEvent::Started(started) = &first.event else { return None };
    started.forked_from
}

/// What happened in a session after a revision of its own, in order; nothing of what a fork shares.
pub async fn read_since(
    journal: &dyn Journal,
    session: SessionId,
    after: Revision,
) -> Result<Vec<Happened>, PlatformError> {
    read_range(journal, session, after, None).await
}

/// The events of one stream, up to `upto` when it is named.
pub(crate) async fn read_own(
    journal: &dyn Journal,
    session: SessionId,
    upto: Option<Revision>,
) -> Result<Vec<Happened>, PlatformError> {
    let history = read_range(journal, session, Revision(0), upto).await?;
    if history.is_empty() {
        return Err(PlatformError::NoSession(session));
    }
    Ok(history)
}

async fn read_range(
    journal: &dyn Journal,
    session: SessionId,
    mut after: Revision,
    upto: Option<Revision>,
) -> Result<Vec<Happened>, PlatformError> {
    let stream = StreamId::session(session);
    let mut history: Vec<Happened> = Vec::new();
    loop {
        let records = journal.read_stream(&stream, after, STRIDE).await?;
        let read = records.len();
        for record in records {
            if upto.is_some_and(|upto| record.revision > upto) {
                return Ok(history);
            }
            after = record.revision;
            let event = SessionEvent::decode(&record.event)?;
            history.push(Happened { revision: record.revision, at: record.at, event });
        }
        if read < STRIDE {
            return Ok(history);
        }
    }
}
