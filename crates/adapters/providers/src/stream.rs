//! The thin driver between a connection and the machines that read it.

use std::collections::VecDeque;

use bottega_llm::{ErrorKind, EventStream, ModelError, StreamEvent};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use reqwest::Response;
use serde_json::Value;

use crate::adapter::Line;
use crate::client::chain;
use crate::dialect::Decoder;
use crate::failure::Complaint;
use crate::framing::{Frames, Framing};

/// The events of an answer. Dropping the stream drops the connection with it.
pub(crate) fn answer(
    response: Response,
    framing: Framing,
    decoder: Box<dyn Decoder>,
    line: Line,
) -> EventStream {
    let bytes = response.bytes_stream().boxed();
    let reading = Reading { bytes: Some(bytes), reader: Reader::new(framing, decoder), line };
    futures::stream::unfold(reading, Reading::next).boxed()
}

struct Reading {
    /// Absent once nothing more is read.
    bytes: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    reader: Reader,
    line: Line,
}

impl Reading {
    async fn next(mut self) -> Option<(Result<StreamEvent, ModelError>, Self)> {
        loop {
            if let Some(event) = self.reader.ready.pop_front() {
                return Some((event.map_err(|error| self.line.clean(error)), self));
            }
            let bytes = self.bytes.as_mut()?;
            match self.line.within_idle(bytes.next()).await {
                Ok(Some(Ok(more))) => self.reader.push(&more),
                Ok(Some(Err(error))) => self.reader.cut(&chain(error)),
                Ok(None) => self.reader.close(),
                Err(silence) => self.reader.fail(silence),
            }
            if self.reader.is_over() {
                self.bytes = None;
            }
        }
    }
}

/// The most of an answer without frames that is looked at.
const LONGEST_PRELUDE: usize = 64 * 1024;

/// What a whole answer without a single frame was instead: an error that came with a good status, an
/// answer in one piece, or a page. `None` when it may be the beginning of a stream.
fn no_stream(body: &[u8]) -> Option<ModelError> {
    let garbled = |what: &str| Some(ModelError::new(ErrorKind::Garbled, what));
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.get("error").is_some() => {
            let error = Complaint::of(&value).into_error(Some(400));
            Some(ModelError { status: None, ..error })
        }
        Ok(_) => garbled("an answer in one piece, although a stream was asked for"),
        Err(_) if body.trim_ascii_start().starts_with(b"<") => {
            garbled("an HTML page instead of an answer")
        }
        Err(_) => None,
    }
}

/// Frames and decoder together, pure: bytes in, events and at most one error out.
pub(crate) struct Reader {
    frames: Frames,
    decoder: Box<dyn Decoder>,
    over: bool,
    /// What came before the first frame: when none ever comes, it says why.
    prelude: Option<Vec<u8>>,
    /// What was read and not yet handed out.
    pub(crate) ready: VecDeque<Result<StreamEvent, ModelError>>,
}

impl Reader {
    pub(crate) fn new(framing: Framing, decoder: Box<dyn Decoder>) -> Self {
        Self {
            frames: framing.decoder(),
            decoder,
            over: false,
            prelude: Some(Vec::new()),
            ready: VecDeque::new(),
        }
    }

    /// Whether the answer ended, well or not.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// Takes more bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut complete = Vec::new();
        let outcome = self.frames.push(bytes, &mut complete);
        self.prelude.take_if(|_| !complete.is_empty());
        if let Some(prelude) = &mut self.prelude {
            let room = LONGEST_PRELUDE.saturating_sub(prelude.len());
            prelude.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        for data in complete {
            self.frame(&data);
        }
        if let Err(error) = outcome {
            self.fail(error);
        }
    }

    /// The connection ended in good order.
    pub(crate) fn close(&mut self) {
        if let Some(data) = self.frames.finish() {
            self.prelude = None;
            self.frame(&data);
        }
        if !self.over {
            let mut events = Vec::new();
            let outcome = self.decoder.close(&mut events);
            self.take(events, outcome);
        }
        match self.prelude.take().and_then(|prelude| no_stream(&prelude)) {
            Some(error) => self.fail(error),
            None => self.cut("the connection was closed before the answer was complete"),
        }
    }

    /// The connection broke.
    pub(crate) fn cut(&mut self, why: &str) {
        self.fail(ModelError::new(ErrorKind::CutOff, why));
    }

    /// Ends the answer with an error, unless it has ended.
    pub(crate) fn fail(&mut self, error: ModelError) {
        if !std::mem::replace(&mut self.over, true) {
            self.ready.push_back(Err(error));
        }
    }

    fn frame(&mut self, data: &str) {
        if !self.over {
            let mut events = Vec::new();
            let outcome = self.decoder.frame(data, &mut events);
            self.take(events, outcome);
        }
    }

    fn take(&mut self, events: Vec<StreamEvent>, outcome: Result<(), ModelError>) {
        for event in events {
            self.over = matches!(event, StreamEvent::Ended(_));
            self.ready.push_back(Ok(event));
            if self.over {
                return;
            }
        }
        if let Err(error) = outcome {
            self.fail(error);
        }
    }
}
