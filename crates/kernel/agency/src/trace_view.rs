//! What was stored along each trace.

use bottega_event::{
    AgentEvent, HandledStep, MailEvent, Record, Revision, SessionEvent, StreamId, TenderEvent,
};
use bottega_store::{Change, Projection, Rows};
use bottega_types::{MessageId, SpanId, Timestamp, TraceContext, TraceId};
use serde::{Deserialize, Serialize};

/// A record that belongs to a trace: a row of [`TraceView`], under `TRACE POSITION`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRow {
    /// Where the record stands: a message taken in, a tender opened, a session begun, a use of what lies beyond, a line.
    pub stream: StreamId,
    /// Its place there.
    pub revision: Revision,
    /// The step that caused it.
    pub caused_by: SpanId,
    /// Of a message: what became of it, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<MailEnd>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailEnd {
    /// It was handled.
    Handled {
        /// When that was stored, at the latest a moment after.
        at: Timestamp,
        /// The step of handling it, where that was stored.
        step: Option<HandledStep>,
    },
    /// It was given up.
    Died {
        /// When.
        at: Timestamp,
        /// Why, in words.
        why: String,
    },
}

/// Where a message's row stands, and the row: kept under its stream and name until it is handled.
#[derive(Serialize, Deserialize)]
struct Open {
    key: String,
    row: TraceRow,
}

/// Which records belong to which trace.
#[derive(Clone, Copy, Debug)]
pub struct TraceView;

impl TraceView {
    /// Its name.
    pub(crate) const NAME: &'static str = "traces";

    /// What the keys of a trace's rows begin with.
    pub(crate) fn prefix(trace: TraceId) -> String {
        format!("{trace} ")
    }

    /// Where an open message is kept. No trace's name begins like this.
    fn open(stream: &StreamId, id: MessageId) -> String {
        format!("#{stream} {id}")
    }
}

/// What caused a record, if that is known, and the name of the message that it takes in.
fn cause(record: &Record) -> Option<(TraceContext, Option<MessageId>)> {
    // Most events are about something else, and need not be read for that.
    let trace = match &*record.event.kind {
        "mail.accepted" => {
            let MailEvent::Accepted(accepted) = MailEvent::decode(&record.event).ok()? else {
                return None;
            };
            return Some((accepted.trace?, Some(accepted.id)));
        }
        "tender.opened" => {
            let TenderEvent::Opened(opened) = TenderEvent::decode(&record.event).ok()? else {
                return None;
            };
            opened.trace
        }
        "session.started" => {
            let SessionEvent::Started(started) = SessionEvent::decode(&record.event).ok()? else {
                return None;
            };
            started.trace
        }
        "agent.reached" => {
            let AgentEvent::Reached(reached) = AgentEvent::decode(&record.event).ok()? else {
                return None;
            };
            reached.trace
        }
        "agent.logged" => {
            let AgentEvent::Logged(logged) = AgentEvent::decode(&record.event).ok()? else {
                return None;
            };
            logged.trace
        }
        _ => None,
    };
    trace.map(|trace| (trace, None))
}

/// What became of messages, by a record.
fn ended(record: &Record) -> Vec<(MessageId, Option<MailEnd>)> {
    if !matches!(&*record.event.kind, "mail.handled" | "mail.died" | "mail.resent") {
        return Vec::new();
    }
    let at = record.at;
    match MailEvent::decode(&record.event) {
        Ok(MailEvent::Handled(handled)) => {
            let step = |id| handled.steps.iter().find(|step| step.id == id).copied();
            let end = |id| (id, Some(MailEnd::Handled { at, step: step(id) }));
            handled.ids.iter().copied().map(end).collect()
        }
        Ok(MailEvent::Died(died)) => {
            vec![(died.id, Some(MailEnd::Died { at, why: died.words }))]
        }
        Ok(MailEvent::Resent(resent)) => vec![(resent.id, None)],
        Ok(MailEvent::Accepted(_)) | Err(_) => Vec::new(),
    }
}

impl Projection for TraceView {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        ended(record).into_iter().map(|(id, _)| Self::open(&record.stream, id)).collect()
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        if let Some((cause, message)) = cause(record) {
            let key = format!("{}{:020}", Self::prefix(cause.trace), record.position.0);
            let (stream, revision) = (record.stream.clone(), record.revision);
            let row = TraceRow { stream, revision, caused_by: cause.span, end: None };
            let mut changes =
                vec![Change { key: key.clone(), value: serde_json::to_vec(&row).ok() }];
            changes.extend(message.map(|id| Change {
                key: Self::open(&record.stream, id),
                value: serde_json::to_vec(&Open { key, row }).ok(),
            }));
            return changes;
        }
        let mut changes = Vec::new();
        for (id, end) in ended(record) {
            let open = Self::open(&record.stream, id);
            let Some(Open { key, row }) =
                rows.get(&open).and_then(|bytes| serde_json::from_slice(bytes).ok())
            else {
                continue;
            };
            let over = matches!(end, Some(MailEnd::Handled { .. }));
            let row = TraceRow { end, ..row };
            changes.push(Change { key: key.clone(), value: serde_json::to_vec(&row).ok() });
            let still = if over { None } else { serde_json::to_vec(&Open { key, row }).ok() };
            changes.push(Change { key: open, value: still });
        }
        changes
    }
}
