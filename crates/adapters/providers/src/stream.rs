//! The thin driver between a connection and the machines that read it.

use std::collections::VecDeque;

use bottega_llm::{ErrorKind, EventStream, ModelError, StreamEvent};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use crate::adapter::Line;
use crate::client::chain;
use crate::dialect::Decoder;
use crate::framing::{Frames, Framing};

/// The events of an answer. Dropping the stream drops the connection with it.
pub(crate) fn answer(
    response: Response,
    framing: Framing,
    decoder: Box<dyn Decoder>,
    line: Line,
) -> EventStream {
    let content = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_page = content.is_some_and(|kind| kind.starts_with("text/html"));
    let bytes = response.bytes_stream().boxed();
    let reading =
        Reading { bytes: Some(bytes), reader: Reader::new(framing, decoder), line, is_page };
    futures::stream::unfold(reading, Reading::next).boxed()
}

struct Reading {
    /// Absent once nothing more is read.
    bytes: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    reader: Reader,
    line: Line,
    is_page: bool,
}

impl Reading {
    async fn next(mut self) -> Option<(Result<StreamEvent, ModelError>, Self)> {
        loop {
            if let Some(event) = self.reader.ready.pop_front() {
                return Some((event.map_err(|error| self.line.clean(error)), self));
            }
            let bytes = self.bytes.as_mut()?;
            if self.is_page {
                self.bytes = None;
                let origin = self.line.endpoint.origin();
                let error = format!("{origin} answered with an HTML page");
                return Some((Err(ModelError::new(ErrorKind::Garbled, error)), self));
            }
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

/// Frames and decoder together, pure: bytes in, events and at most one error out.
pub(crate) struct Reader {
    frames: Frames,
    decoder: Box<dyn Decoder>,
    over: bool,
    /// What was read and not yet handed out.
    pub(crate) ready: VecDeque<Result<StreamEvent, ModelError>>,
}

impl Reader {
    pub(crate) fn new(framing: Framing, decoder: Box<dyn Decoder>) -> Self {
        Self { frames: framing.decoder(), decoder, over: false, ready: VecDeque::new() }
    }

    /// Whether the answer ended, well or not.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// Takes more bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut complete = Vec::new();
        let outcome = self.frames.push(bytes, &mut complete);
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
            self.frame(&data);
        }
        if !self.over {
            let mut events = Vec::new();
            let outcome = self.decoder.close(&mut events);
            self.take(events, outcome);
        }
        self.cut("the connection was closed before the answer was complete");
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
