//! Messages as people read them.

use bottega_acl::Performative;
use bottega_api::{AnswerView, ApiError, MailView, ReceiptView, SaidView, WaitingView, codes};
use bottega_types::Timestamp;
use serde_json::Value;

use crate::figures;
use crate::paint::Paint;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::visible;

pub(super) fn receipt(receipt: &ReceiptView) -> String {
    let id = receipt.id.as_deref().map(visible::first_line);
    match (id, receipt.repeated) {
        (Some(id), false) => format!("stored as {id}\n"),
        (Some(id), true) => format!("was stored before, as {id}\n"),
        (None, false) => "sent\n".to_owned(),
        (None, true) => "was sent before\n".to_owned(),
    }
}

/// What the answer says, and nothing else: scripts read it.
pub(super) fn answer(answer: &AnswerView) -> String {
    let Some(message) = &answer.message else { return String::new() };
    let content = match &message["content"] {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        content @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            content.to_string()
        }
    };
    let shown = visible::shown(&content);
    if shown.ends_with('\n') { shown } else { shown + "\n" }
}

/// Why an answer is none, or not the one that was asked for.
pub(super) fn refused(answer: &AnswerView, timeout: u64) -> Option<ApiError> {
    let Some(message) = &answer.message else {
        let why = format!("no answer came within {}", figures::span(timeout.saturating_mul(1_000)));
        let error = ApiError::new(codes::UNDELIVERED, why);
        return Some(error.step(
            "look how the agent is with `bottega agent show`, or wait longer with `--timeout`",
        ));
    };
    let act = message["performative"].as_str().unwrap_or_default();
    let said_no = act.parse().is_ok_and(says_no);
    said_no.then(|| {
        let error = ApiError::new(codes::STUCK, format!("the agent answered with `{act}`"));
        error.step("read what it says, and ask otherwise")
    })
}

const fn says_no(performative: Performative) -> bool {
    match performative {
        Performative::Failure | Performative::NotUnderstood | Performative::Refuse => true,
        Performative::AcceptProposal
        | Performative::Agree
        | Performative::Cancel
        | Performative::Cfp
        | Performative::Confirm
        | Performative::Disconfirm
        | Performative::Inform
        | Performative::InformIf
        | Performative::InformRef
        | Performative::Propagate
        | Performative::Propose
        | Performative::Proxy
        | Performative::QueryIf
        | Performative::QueryRef
        | Performative::RejectProposal
        | Performative::Request
        | Performative::RequestWhen
        | Performative::RequestWhenever
        | Performative::Subscribe => false,
    }
}

/// A conversation, in order.
pub(super) fn conversation(said: &[SaidView], terminal: &Terminal) -> String {
    if said.is_empty() {
        return "nothing of this conversation was stored; transient messages leave no trace\n"
            .to_owned();
    }
    let paint = terminal.out_paint();
    let at = |ms| paint.dim(&Timestamp::from_millis(ms).to_string());
    said.iter().map(|one| format!("{} {}", at(one.at_ms), message(&one.message, paint))).collect()
}

/// A message that came.
pub(super) fn next(waiting: &WaitingView, paint: Paint) -> String {
    message(&waiting.message, paint)
}

/// Who says what to whom, the content below.
fn message(message: &Value, paint: Paint) -> String {
    let word = |value: &Value| visible::first_line(value.as_str().unwrap_or_default());
    let receivers = message["receiver"].as_array().map_or(&[][..], Vec::as_slice);
    let receivers: Vec<String> = receivers.iter().map(word).collect();
    let act = paint.bold(&word(&message["performative"]));
    let (from, to) = (word(&message["sender"]), receivers.join(", "));
    let mut text = format!("{from} → {to} {act}\n");
    // What is no text is an object of base64.
    let content = &message["content"];
    let content = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
    if content != "null" {
        for line in visible::shown(&content).trim_end().lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

pub(super) fn mail(mail: &[MailView], terminal: &Terminal) -> String {
    if mail.is_empty() {
        return "everything was handled\n".to_owned();
    }
    let mut table = Table::new(&["ID", "WHEN", "STATE", "ACT", "CONTENT"]);
    for letter in mail {
        let state = match &letter.dead {
            Some(dead) => format!("{}: {}", dead.cause, dead.words),
            None => "under way".to_owned(),
        };
        let text = |name: &str| match &letter.message[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        table.row(&[
            letter.id.clone(),
            figures::ago(terminal.now(), Timestamp::from_millis(letter.at_ms)),
            state,
            text("performative"),
            text("content"),
        ]);
    }
    table.render(terminal.out_columns(), terminal.out_paint())
}

pub(super) fn resent(id: &str) -> String {
    format!("{} is under way again\n", visible::first_line(id))
}
