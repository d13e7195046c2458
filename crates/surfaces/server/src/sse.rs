//! Answers that go on, as server-sent events (WHATWG HTML, section 9.2).
//!
//! Each event has its number as `id`, so that a client that lost its connection goes on with `Last-Event-ID`. A stream that
//! has nothing to tell says so now and then, for whoever stands between. What stops it is its last event, `error`, with the
//! same problem details as everywhere.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use bottega_actor::within;
use bottega_api::{ApiError, Problem, codes};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, stream};
use serde::Serialize;

use crate::answer::no_room;
use crate::call::{Call, Reply};
use crate::endpoints::{Parameter, schema};
use crate::fault::Fault;

/// The media type.
pub(crate) const MEDIA: &str = "text/event-stream";
/// The header in which a client says what it has seen.
pub(crate) const LAST: &str = "last-event-id";
/// How long nothing is said at most.
const SILENCE: Duration = Duration::from_secs(15);

/// How a client says what it has seen.
pub(crate) const SEEN: &[Parameter] = &[
    Parameter {
        name: LAST,
        place: "header",
        about: "The `id` of the last event that was seen: the stream goes on after it.",
        schema: schema::<u64>,
    },
    Parameter {
        name: "after",
        place: "query",
        about: "The same, for clients that set no header.",
        schema: schema::<u64>,
    },
];

/// One event: its number, its name, and what it tells.
pub(crate) type Told<T> = (u64, &'static str, T);

/// An answer of events that holds a place among those that go on until it ends or nobody wants it any more.
pub(crate) fn reply<T: Serialize + 'static>(
    call: &Call,
    events: impl Stream<Item = Result<Told<T>, ApiError>> + Send + 'static,
) -> Result<Reply, Fault> {
    let place = Arc::clone(&call.desk.streams_at_once).try_acquire_owned();
    let place = place.map_err(|_| no_room())?;
    let told = stream::unfold(Some((events.boxed(), place)), |open| async {
        let (mut events, place) = open?;
        match within(SILENCE, events.next()).await {
            None => Some((": nothing new\n\n".to_owned(), Some((events, place)))),
            Some(None) => None,
            Some(Some(Ok((id, name, data)))) => {
                let text = serde_json::to_string(&data).unwrap_or_default();
                Some((event(Some(id), name, &text), Some((events, place))))
            }
            Some(Some(Err(error))) => {
                tracing::info!(code = error.code, "a stream ends");
                let status = Fault::from(error.clone()).status.as_u16();
                let problem = serde_json::to_string(&Problem::new(&error, status));
                Some((event(None, "error", &problem.unwrap_or_default()), None))
            }
        }
    });
    let pieces: BoxStream<'static, Bytes> = told.map(Bytes::from).boxed();
    Ok(Reply::going_on(MEDIA, pieces))
}

/// JSON holds no line break, so one `data` line is enough.
fn event(id: Option<u64>, name: &str, data: &str) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {name}\ndata: {data}\n\n")
}

/// The number of the last event that the client has seen, as the header or the query says; 0 for none.
pub(crate) fn seen(headers: &HeaderMap, query: Option<usize>) -> Result<u64, Fault> {
    let Some(header) = headers.get(LAST) else {
        return Ok(query.and_then(|after| u64::try_from(after).ok()).unwrap_or(0));
    };
    let number = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| {
        let error = ApiError::new(codes::MALFORMED, "the header `Last-Event-ID` is no number");
        error.step("send the `id` of the last event that was seen, or leave it out").into()
    })
}
