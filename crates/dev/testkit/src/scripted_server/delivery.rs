//! Streams an answer, and notes how the stream ended.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::ledger::Ledger;
use super::{Asked, Close, Saying, Serving, wire};

/// A body of JSON.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Serves a question as the script wants it.
pub(super) fn deliver(ledger: &Arc<Ledger>, asked: &Asked, serving: Serving) -> Response {
    let play = Play { ledger: Arc::clone(ledger), number: asked.number, ending: None };
    let whole = |saying: &Saying| wire::frames(asked, saying);
    let (frames, after) = match serving {
        Serving::Answer(saying) => (whole(&saying), After::End),
        Serving::Cut { answer, after } => (first_bytes(whole(&answer), after), After::Break),
        Serving::Stall { answer, after } => (first_bytes(whole(&answer), after), After::Silence),
        Serving::Garbage(bytes) => (vec![Bytes::from(bytes)], After::End),
        Serving::Status { status, headers } => {
            return play.refuse(status, &headers, &wire::complaint(asked.protocol, status));
        }
        Serving::Overflow => {
            let (status, complaint) = wire::overflow(asked.protocol);
            return play.refuse(status, &[], &complaint);
        }
    };
    let mut response = Response::new(Body::from_stream(stream(play, frames, after)));
    let kind = HeaderValue::from_static(wire::media_type(asked.protocol));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// What follows the last frame.
#[derive(Clone, Copy)]
enum After {
    End,
    Break,
    Silence,
}

fn first_bytes(frames: Vec<Bytes>, mut room: usize) -> Vec<Bytes> {
    let mut first = Vec::new();
    for frame in frames {
        let piece = frame.slice(..room.min(frame.len()));
        room -= piece.len();
        if !piece.is_empty() {
            first.push(piece);
        }
    }
    first
}

fn stream(
    play: Play,
    frames: Vec<Bytes>,
    after: After,
) -> impl futures::Stream<Item = Result<Bytes, io::Error>> {
    let state = (play, VecDeque::from(frames));
    futures::stream::unfold(state, move |(mut play, mut frames)| async move {
        if let Some(frame) = frames.pop_front() {
            return Some((Ok(frame), (play, frames)));
        }
        match (after, play.ending) {
            (After::End, _) => {
                play.end(Close::Whole);
                None
            }
            (After::Break, None) => {
                // What was written so far goes out only when the body has nothing more for now.
                tokio::task::yield_now().await;
                play.end(Close::Cut);
                Some((Err(io::Error::other("cut by the script")), (play, frames)))
            }
            (After::Break, Some(_)) => None,
            (After::Silence, _) => std::future::pending().await,
        }
    })
}

/// One answer under way; notes its end when it is dropped.
struct Play {
    ledger: Arc<Ledger>,
    number: usize,
    ending: Option<Close>,
}

impl Play {
    const fn end(&mut self, close: Close) {
        self.ending = Some(close);
    }

    fn refuse(
        mut self,
        status: u16,
        headers: &[(&'static str, String)],
        complaint: &Value,
    ) -> Response {
        self.end(Close::Whole);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, complaint);
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(*name, value);
            }
        }
        response
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.ledger.note_close(self.number, self.ending.unwrap_or(Close::Left));
    }
}
