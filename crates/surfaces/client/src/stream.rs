//! What a run streams: the updates of a session, translated, and the way to interrupt it.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_api::{Ending, RunEvent};
use bottega_behaviour::Input;
use bottega_event::{Revision, Started};
use bottega_platform::{Platform, SessionHandle, Update, read_since};
use futures::StreamExt;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::translate::Translator;
use crate::{Run, RunControl};

/// Streams what happens, from the session's beginning to the end of its work.
pub(crate) fn stream(
    platform: &Platform,
    handle: SessionHandle,
    updates: Receiver<Update>,
    started: &Started,
    resumed: bool,
    translator: Translator,
) -> Run {
    let session = handle.session();
    let first = RunEvent::Session {
        session: session.to_string(),
        model: started.model.route.clone(),
        access_mode: started.mode,
        workspace: started.workspace.clone(),
        resumed,
    };
    let reader = Reader {
        platform: platform.clone(),
        seen: handle.opened_at(),
        handle: handle.clone(),
        updates,
        translator,
        ready: VecDeque::from([first]),
        over: false,
    };
    let events = futures::stream::unfold(reader, |mut reader| async move {
        reader.next().await.map(|event| (event, reader))
    });
    Run { session, events: events.boxed(), control: Arc::new(Control(handle)) }
}

/// Reads a session's updates and translates them.
struct Reader {
    platform: Platform,
    handle: SessionHandle,
    updates: Receiver<Update>,
    translator: Translator,
    /// The last stored event that was translated.
    seen: Revision,
    ready: VecDeque<RunEvent>,
    over: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<RunEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.over |= matches!(event, RunEvent::Ended { .. });
                return Some(event);
            }
            if self.over {
                return None;
            }
            match self.updates.recv().await {
                Ok(update) => self.take(&update),
                Err(RecvError::Lagged(_)) => self.read_stored().await,
                Err(RecvError::Closed) => self.stopped("the session's loop ended"),
            }
        }
    }

    fn take(&mut self, update: &Update) {
        match update {
            Update::Stored { revision, .. } if *revision <= self.seen => return,
            Update::Stored { revision, .. } => self.seen = *revision,
            Update::Stopped { why } => return self.stopped(&why.to_string()),
            Update::Model { .. } | Update::Output { .. } => {}
        }
        self.ready.extend(self.translator.update(update));
    }

    /// Reads from the journal what was missed, so that no stored event is ever left out.
    async fn read_stored(&mut self) {
        let session = self.handle.session();
        match read_since(self.platform.journal.as_ref(), session, self.seen).await {
            Ok(history) => {
                for happened in history {
                    let (revision, at) = (happened.revision, happened.at);
                    let event = Arc::new(happened.event);
                    self.take(&Update::Stored { revision, at, event });
                }
            }
            Err(error) => self.stopped(&error.to_string()),
        }
    }

    fn stopped(&mut self, why: &str) {
        self.ready.push_back(RunEvent::Ended {
            ending: Ending::Failed,
            why: Some(why.to_owned()),
            next_step: Some("run `bottega resume` to go on".to_owned()),
            answer: String::new(),
            session: self.handle.session().to_string(),
            totals: self.translator.totals().clone(),
        });
    }
}

struct Control(SessionHandle);

#[async_trait]
impl RunControl for Control {
    async fn interrupt(&self) {
        // When nothing is under way there is nothing to stop; when the loop is gone it has stopped.
        let _ = self.0.input(Input::Interrupt(Vec::new())).await;
    }
}
