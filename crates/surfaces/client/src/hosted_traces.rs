//! What one request caused, put together from what was stored.

use std::collections::HashMap;

use bottega_acl::{Aid, ConversationRef};
use bottega_agency::{MailEnd, TraceRow};
use bottega_api::{ApiError, TraceStepKind, TraceStepView, TraceView};
use bottega_event::{
    AgentEvent, EndKind, MailEvent, Record, Revision, SessionEvent, StreamId, TenderClosing,
    TenderEvent, ToolOutcome,
};
use bottega_llm::ModelRef;
use bottega_types::{CallId, ConversationId, Money, SpanId, TenderId, Timestamp, Tokens, TraceId};

use crate::error::agency_error;
use crate::hosted::HostedAgents;

/// Steps that are shown at most.
const MOST: usize = 2_000;
/// Records that are read at a time.
const PAGE: usize = 500;
/// Who carries tenders out.
const MARKET: &str = "market";
/// The outcome of what goes on.
const UNDER_WAY: &str = "under way";

/// A step that was found, and what tells where it belongs.
struct Found {
    step: TraceStepView,
    /// The step that caused it.
    caused_by: Option<SpanId>,
    /// The step that it is itself, where others can have been caused by it.
    span: Option<SpanId>,
    /// Who did it: of a message its sender.
    by: Option<String>,
    /// The conversation that it belongs to, or is.
    conversation: Option<ConversationRef>,
    /// What it lies within, where that is known from the beginning.
    within: Option<usize>,
}

impl Found {
    fn new(step: TraceStepView, caused_by: SpanId) -> Self {
        let (span, by, conversation, within) = (None, None, None, None);
        Self { step, caused_by: Some(caused_by), span, by, conversation, within }
    }
}

fn step(kind: TraceStepKind, name: String, trace: TraceId, at: Timestamp) -> TraceStepView {
    TraceStepView {
        kind,
        depth: 0,
        name,
        agent: None,
        id: None,
        trace: trace.to_string(),
        at_ms: at.as_millis(),
        waited_ms: None,
        took_ms: None,
        outcome: "ok".to_owned(),
        tokens: None,
        cost_usd: None,
    }
}

/// Who has this stream: the part behind `agent/` or `mail/`.
fn whose(stream: &StreamId) -> Option<String> {
    stream.as_str().split_once('/').map(|(_, whose)| whose.to_owned())
}

fn message(trace: TraceId, row: &TraceRow, record: &Record) -> Option<Found> {
    let MailEvent::Accepted(accepted) = MailEvent::decode(&record.event).ok()? else {
        return None;
    };
    let letter = accepted.letter.open().ok();
    // A stream names most agents by their name, and some by a digest.
    let receivers = letter.iter().flat_map(|letter| letter.receivers.as_slice());
    let mut named = receivers.map(Aid::name).filter(|name| StreamId::mail(name) == record.stream);
    let receiver = named.next().map(ToString::to_string).or_else(|| whose(&record.stream))?;
    let sender = letter.as_ref().and_then(|it| it.sender.as_ref()).map(|it| it.name().to_string());
    let act = letter.as_ref().map_or("message", |letter| letter.performative.as_str());
    let name = format!("{act} {} → {receiver}", sender.as_deref().unwrap_or("?"));
    let mut said = step(TraceStepKind::Message, name, trace, record.at);
    said.id = Some(accepted.id.to_string());
    said.agent = Some(receiver);
    let mut span = None;
    match &row.end {
        None => UNDER_WAY.clone_into(&mut said.outcome),
        Some(MailEnd::Died { at, why }) => {
            said.took_ms = Some(millis(record.at, *at));
            said.outcome = format!("given up: {why}");
        }
        Some(MailEnd::Handled { step: None, .. }) => {}
        Some(MailEnd::Handled { step: Some(step), .. }) => {
            said.waited_ms = Some(millis(record.at, step.began));
            said.took_ms = Some(step.took_ms);
            span = Some(step.span);
        }
    }
    let conversation = letter.and_then(|letter| letter.conversation);
    Some(Found { span, by: sender, conversation, ..Found::new(said, row.caused_by) })
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    to.as_millis().saturating_sub(from.as_millis())
}

/// A use of what lies beyond a server, or a line.
fn told(trace: TraceId, row: &TraceRow, record: &Record) -> Option<Found> {
    let (kind, name) = match AgentEvent::decode(&record.event).ok()? {
        AgentEvent::Reached(reached) => {
            (TraceStepKind::Use, format!("{}: {}", reached.capability, reached.what))
        }
        AgentEvent::Logged(logged) => {
            (TraceStepKind::Log, format!("{}: {}", logged.level, logged.text))
        }
        AgentEvent::Deployed(_)
        | AgentEvent::WebhookFailed(_)
        | AgentEvent::WebhookRecovered(_)
        | AgentEvent::Hosted(_)
        | AgentEvent::Started(_)
        | AgentEvent::Crashed(_)
        | AgentEvent::GaveUp(_)
        | AgentEvent::Upgraded(_)
        | AgentEvent::Stopped(_)
        | AgentEvent::Removed(_) => return None,
    };
    let mut used = step(kind, name, trace, record.at);
    used.agent = whose(&record.stream);
    let by = used.agent.clone();
    Some(Found { by, ..Found::new(used, row.caused_by) })
}

/// A tender, by its whole stream.
fn tender(trace: TraceId, row: &TraceRow, records: &[Record]) -> Option<Found> {
    let opening = records.first()?;
    let TenderEvent::Opened(opened) = TenderEvent::decode(&opening.event).ok()? else {
        return None;
    };
    let id = opening.stream.as_tender()?;
    let name = format!("tender {} by {}", opened.announcement.skill, opened.by);
    let mut put_out = step(TraceStepKind::Tender, name, trace, opening.at);
    put_out.id = Some(id.to_string());
    UNDER_WAY.clone_into(&mut put_out.outcome);
    for record in records {
        if let Ok(TenderEvent::Ended(ended)) = TenderEvent::decode(&record.event) {
            put_out.took_ms = Some(millis(opening.at, record.at));
            put_out.outcome = closing(&ended.closing);
        }
    }
    let conversation = Some(ConversationId::from_bits(id.bits()).into());
    let by = Some(opened.by.to_string());
    Some(Found { by, conversation, ..Found::new(put_out, row.caused_by) })
}

/// A session and what it did, as far as it was read.
struct Work<'r> {
    trace: TraceId,
    row: &'r TraceRow,
    /// Where the session will stand among all that is found.
    at: usize,
    found: Vec<Found>,
    calls: HashMap<CallId, usize>,
    cost: Money,
    tokens: Tokens,
}

impl Work<'_> {
    fn begin(&mut self, kind: TraceStepKind, name: String, call: CallId, at: Timestamp) {
        let mut begun = step(kind, name, self.trace, at);
        UNDER_WAY.clone_into(&mut begun.outcome);
        self.calls.insert(call, self.found.len());
        let within = Some(self.at);
        self.found.push(Found { within, ..Found::new(begun, self.row.caused_by) });
    }

    /// A question or a call came to its end.
    fn end(&mut self, call: CallId, at: Timestamp, outcome: &str) -> Option<&mut TraceStepView> {
        let step = &mut self.found.get_mut(*self.calls.get(&call)?)?.step;
        step.took_ms = Some(millis(Timestamp::from_millis(step.at_ms), at));
        outcome.clone_into(&mut step.outcome);
        Some(step)
    }

    fn cost(step: Option<&mut TraceStepView>, by: Option<ModelRef>, tokens: Tokens, cost: Money) {
        let Some(step) = step else { return };
        if let Some(by) = by {
            step.name = by.to_string();
        }
        step.tokens = Some(tokens.get());
        step.cost_usd = Some(cost.as_dollars());
    }

    fn take(&mut self, event: SessionEvent, at: Timestamp) {
        match event {
            SessionEvent::Started(started) => {
                let name = format!("session of {}", started.agent);
                let mut begun = step(TraceStepKind::Session, name, self.trace, at);
                begun.id = Some(started.session.to_string());
                UNDER_WAY.clone_into(&mut begun.outcome);
                let by = Some(started.agent.clone());
                begun.agent = Some(started.agent);
                self.found.push(Found { by, ..Found::new(begun, self.row.caused_by) });
            }
            SessionEvent::ModelAsked(asked) => {
                self.begin(TraceStepKind::Model, "model".to_owned(), asked.call, at);
            }
            SessionEvent::ModelAnswered(answered) => {
                let (used, cost) = (answered.answer.usage.total(), answered.cost);
                Self::cost(self.end(answered.call, at, "ok"), Some(answered.by), used, cost);
                self.tokens += used;
                self.cost += cost;
            }
            SessionEvent::ModelFailed(failed) => {
                let (used, cost) = (failed.spent.tokens, failed.spent.money);
                let why = format!("failed: {}", failed.error);
                Self::cost(self.end(failed.call, at, &why), failed.by, used, cost);
                self.tokens += used;
                self.cost += cost;
            }
            SessionEvent::ToolStarted(started) => {
                self.begin(TraceStepKind::Tool, started.request.name, started.call, at);
            }
            SessionEvent::ToolFinished(report) => {
                self.end(report.call, at, outcome(report.outcome));
            }
            SessionEvent::Ended(ended) => {
                if let Some(session) = self.found.first_mut() {
                    let begun = Timestamp::from_millis(session.step.at_ms);
                    session.step.took_ms = Some(millis(begun, at));
                    session.step.outcome = ending(&ended.how);
                }
            }
            SessionEvent::Rerouted(_)
            | SessionEvent::Surveyed(_)
            | SessionEvent::Tasked(_)
            | SessionEvent::Stepped(_)
            | SessionEvent::Rewound(_)
            | SessionEvent::Compacted(_)
            | SessionEvent::Nudged(_)
            | SessionEvent::Undone(_)
            | SessionEvent::Removed(_) => {}
        }
    }
}

/// A session with its questions and calls, by its whole stream.
fn session(trace: TraceId, row: &TraceRow, records: &[Record], at: usize) -> Vec<Found> {
    let (found, calls, cost, tokens) = (Vec::new(), HashMap::new(), Money::ZERO, Tokens::ZERO);
    let mut work = Work { trace, row, at, found, calls, cost, tokens };
    for record in records {
        if let Ok(event) = SessionEvent::decode(&record.event) {
            work.take(event, record.at);
        }
    }
    let (cost, tokens) = (work.cost, work.tokens);
    if let Some(session) = work.found.first_mut() {
        session.step.tokens = Some(tokens.get());
        session.step.cost_usd = Some(cost.as_dollars());
    }
    work.found
}

const fn outcome(outcome: ToolOutcome) -> &'static str {
    match outcome {
        ToolOutcome::Succeeded => "ok",
        ToolOutcome::CommandFailed => "the command failed",
        ToolOutcome::Failed => "failed",
        ToolOutcome::Denied => "denied",
        ToolOutcome::Interrupted => "interrupted",
    }
}

fn ending(how: &EndKind) -> String {
    match how {
        EndKind::Done => "ok".to_owned(),
        EndKind::Stuck { why } => format!("stuck: {why}"),
        EndKind::Limit { why } => format!("limit: {why}"),
        EndKind::Refused { why } => format!("refused: {why}"),
        EndKind::Provider { error } => format!("failed: {error}"),
        EndKind::Interrupted => "interrupted".to_owned(),
    }
}

fn closing(how: &TenderClosing) -> String {
    match how {
        TenderClosing::Done { by, .. } => format!("done by {by}"),
        TenderClosing::NoBids => "no bids".to_owned(),
        TenderClosing::Exhausted => "everybody failed".to_owned(),
        TenderClosing::Cancelled => "withdrawn".to_owned(),
    }
}

/// The step that another one lies within. What is found is in the order in which it was stored, so whoever caused something
/// stands before it.
fn parent(found: &[Found], index: usize) -> Option<usize> {
    let one = found.get(index)?;
    let before = || found.iter().enumerate().take(index).rev();
    let first = |is: &dyn Fn(&Found) -> bool| before().find(|(_, it)| is(it)).map(|(at, _)| at);
    if one.within.is_some() {
        return one.within;
    }
    // What the market says in a tender's conversation belongs to the tender.
    let is_said = one.step.kind == TraceStepKind::Message
        && one.by.as_deref().is_some_and(|by| by.split('@').next() == Some(MARKET));
    let of_tender = |it: &Found| {
        it.step.kind == TraceStepKind::Tender
            && one.conversation.is_some()
            && it.conversation == one.conversation
    };
    if is_said && let Some(tender) = first(&of_tender) {
        return Some(tender);
    }
    if let Some(caused_by) = one.caused_by
        && let Some(at) = first(&|it| it.span == Some(caused_by))
    {
        return Some(at);
    }
    // Between a step and what it caused may be others that were not stored. An agent deals with one message at a time, so
    // whatever it did meanwhile, it did about that one.
    let meanwhile = |it: &Found| {
        let (begun, took) = match (it.step.waited_ms, it.step.took_ms) {
            (Some(waited), Some(took)) => (it.step.at_ms + waited, took),
            (None, _) | (_, None) => return false,
        };
        it.step.kind == TraceStepKind::Message
            && it.step.agent.is_some()
            && it.step.agent == one.by
            && (begun..=begun.saturating_add(took)).contains(&one.step.at_ms)
    };
    first(&meanwhile).or_else(|| {
        // A process that was killed told of no step of its own. Its work went on with the message that its agent had in hand:
        // the one that waited longest.
        let in_hand = |it: &&Found| {
            let lasted = it.step.waited_ms.unwrap_or(0) + it.step.took_ms.unwrap_or(u64::MAX / 4);
            it.step.kind == TraceStepKind::Message
                && it.step.agent.is_some()
                && it.step.agent == one.by
                && (it.step.at_ms..=it.step.at_ms.saturating_add(lasted)).contains(&one.step.at_ms)
        };
        let is_work = one.step.kind == TraceStepKind::Session;
        is_work.then(|| found.iter().take(index).position(|it| in_hand(&it))).flatten()
    })
}

/// The steps as a tree, depth first, each by its beginning.
fn arranged(found: Vec<Found>, cut: bool) -> TraceView {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); found.len()];
    let mut roots: Vec<usize> = Vec::new();
    for index in 0..found.len() {
        match parent(&found, index).and_then(|parent| below.get_mut(parent)) {
            Some(children) => children.push(index),
            None => roots.push(index),
        }
    }
    let mut steps: Vec<Option<TraceStepView>> = found.into_iter().map(|it| Some(it.step)).collect();
    let at = |steps: &[Option<TraceStepView>], index: usize| {
        steps.get(index).and_then(Option::as_ref).map(|step| step.at_ms)
    };
    for list in below.iter_mut().chain([&mut roots]) {
        list.sort_by_key(|index| at(&steps, *index));
    }
    let mut view = TraceView {
        traces: Vec::new(),
        steps: Vec::new(),
        took_ms: 0,
        tokens: 0,
        cost_usd: 0.0,
        cut,
    };
    let mut left: Vec<(usize, usize)> = roots.into_iter().rev().map(|root| (root, 0)).collect();
    let (mut begun, mut over) = (u64::MAX, 0);
    while let Some((index, depth)) = left.pop() {
        let Some(mut step) = steps.get_mut(index).and_then(Option::take) else { continue };
        step.depth = depth;
        begun = begun.min(step.at_ms);
        let lasted = step.waited_ms.unwrap_or(0).saturating_add(step.took_ms.unwrap_or(0));
        over = over.max(step.at_ms.saturating_add(lasted));
        if step.kind == TraceStepKind::Session {
            view.tokens += step.tokens.unwrap_or(0);
            view.cost_usd += step.cost_usd.unwrap_or(0.0);
        }
        if !view.traces.contains(&step.trace) {
            view.traces.push(step.trace.clone());
        }
        view.steps.push(step);
        let children = below.get(index).map_or(&[][..], Vec::as_slice);
        left.extend(children.iter().rev().map(|child| (*child, depth + 1)));
    }
    view.took_ms = over.saturating_sub(begun);
    view
}

impl HostedAgents {
    /// The traces that a text speaks of: one by its name, or those that a conversation or a tender belongs to.
    async fn traces_of(&self, text: &str) -> Result<Vec<TraceId>, ApiError> {
        if let Ok(trace) = text.parse::<TraceId>() {
            return Ok(vec![trace]);
        }
        let of_tender = text.parse::<TenderId>().ok();
        let conversation = of_tender.map_or_else(
            || ConversationRef::new(text),
            |id| ConversationId::from_bits(id.bits()).into(),
        );
        let said = self.agency().conversation(&conversation).await.map_err(agency_error)?;
        let mut traces: Vec<TraceId> = Vec::new();
        for trace in said.into_iter().filter_map(|said| said.trace) {
            if !traces.contains(&trace.trace) {
                traces.push(trace.trace);
            }
        }
        Ok(traces)
    }

    /// A stream from one place on, as much as is shown of one.
    async fn stream(&self, stream: &StreamId, from: Revision) -> Result<Vec<Record>, ApiError> {
        let mut records: Vec<Record> = Vec::new();
        let mut after = Revision(from.0.saturating_sub(1));
        while records.len() < MOST {
            let page = self.journal().read_stream(stream, after, PAGE).await;
            let page = page.map_err(|error| agency_error(error.into()))?;
            let Some(last) = page.last() else { break };
            after = last.revision;
            records.extend(page);
        }
        Ok(records)
    }

    pub(crate) async fn traced(&self, text: &str) -> Result<TraceView, ApiError> {
        let (mut found, mut cut) = (Vec::new(), false);
        for trace in self.traces_of(text).await? {
            let rows = self.agency().trace(trace, MOST + 1).await.map_err(agency_error)?;
            for row in &rows {
                if found.len() >= MOST {
                    cut = true;
                    break;
                }
                let kind = row.stream.as_str().split('/').next().unwrap_or_default();
                if kind == "session" {
                    let records = self.stream(&row.stream, row.revision).await?;
                    found.extend(session(trace, row, &records, found.len()));
                } else if kind == "tender" {
                    let records = self.stream(&row.stream, row.revision).await?;
                    found.extend(tender(trace, row, &records));
                } else {
                    let before = Revision(row.revision.0.saturating_sub(1));
                    let record = self.journal().read_stream(&row.stream, before, 1).await;
                    let record = record.map_err(|error| agency_error(error.into()))?;
                    let read = |record: &Record| match kind {
                        "mail" => message(trace, row, record),
                        _ => told(trace, row, record),
                    };
                    found.extend(record.first().and_then(read));
                }
            }
        }
        Ok(arranged(found, cut))
    }
}

#[cfg(test)]
mod tests {
    use bottega_types::Seeded;

    use super::*;

    /// The first of this trace's steps.
    fn trace() -> TraceId {
        "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap()
    }

    fn span(bits: u64) -> SpanId {
        format!("{bits:016x}").parse().unwrap()
    }

    /// A message that was caused by one step, waited a millisecond, and was handled in another step.
    fn said(from: &str, to: &str, at: u64, took: u64, caused_by: u64, own: Option<u64>) -> Found {
        let (from, to) = (format!("{from}@here"), format!("{to}@here"));
        let name = format!("inform {from} → {to}");
        let mut said = step(TraceStepKind::Message, name, trace(), Timestamp::from_millis(at));
        said.agent = Some(to);
        said.waited_ms = Some(1);
        said.took_ms = Some(took);
        Found { span: own.map(span), by: Some(from), ..Found::new(said, span(caused_by)) }
    }

    /// The tree of what was found, indented, and how long all of it took.
    #[track_caller]
    fn check(found: Vec<Found>, expected: &[&str], took: u64) {
        let view = arranged(found, false);
        let shown = view.steps.iter().map(|step| {
            let name = step.name.replace("@here", "");
            format!("{}{name}", "  ".repeat(step.depth))
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        assert_eq!(view.took_ms, took);
    }

    #[test]
    fn what_a_killed_process_began_lies_within_the_message_that_it_had_in_hand() {
        let mut work = step(
            TraceStepKind::Session,
            "session of ann".into(),
            trace(),
            Timestamp::from_millis(20),
        );
        work.took_ms = Some(90);
        // The step of the first attempt is told by nobody; the second one began later.
        let work = Found { by: Some("ann@here".into()), ..Found::new(work, span(77)) };
        let mut first = said("me", "ann", 0, 30, 99, Some(1));
        first.step.waited_ms = Some(80);
        let mut second = said("me", "ann", 10, 30, 99, Some(2));
        second.step.waited_ms = Some(110);
        let tree = ["inform me → ann", "  session of ann", "inform me → ann"];
        check(vec![first, second, work], &tree, 150);
    }

    #[test]
    fn what_a_step_caused_lies_within_it() {
        let found = vec![
            said("me", "ann", 0, 50, 99, Some(1)),
            said("ann", "bob", 10, 20, 1, Some(2)),
            said("ann", "cat", 11, 5, 1, None),
            said("bob", "dan", 12, 3, 2, None),
            said("me", "eve", 60, 5, 99, None),
        ];
        let expected = [
            "inform me → ann",
            "  inform ann → bob",
            "    inform bob → dan",
            "  inform ann → cat",
            "inform me → eve",
        ];
        check(found, &expected, 66);
    }

    /// A step between the two was not stored: it did the one while it dealt with the other.
    #[test]
    fn what_an_agent_did_meanwhile_it_did_about_what_it_dealt_with() {
        let found = vec![
            said("me", "ann", 0, 10, 99, Some(1)),
            said("ann", "bob", 5, 5, 77, None),
            said("ann", "bob", 40, 5, 77, None),
        ];
        let expected = ["inform me → ann", "  inform ann → bob", "inform ann → bob"];
        check(found, &expected, 46);
    }

    #[test]
    fn what_the_market_says_about_a_tender_lies_within_it() {
        let conversation = || Some(ConversationRef::new("cnv_1"));
        let put_out =
            step(TraceStepKind::Tender, "tender".into(), trace(), Timestamp::from_millis(0));
        let opened = Found { conversation: conversation(), ..Found::new(put_out, span(99)) };
        let call =
            Found { conversation: conversation(), ..said("market", "ann", 1, 5, 99, Some(1)) };
        let bid = Found { conversation: conversation(), ..said("ann", "market", 3, 1, 1, Some(2)) };
        let award = Found { conversation: conversation(), ..said("market", "ann", 4, 9, 2, None) };
        let other = said("market", "bob", 20, 1, 99, None);
        let expected = [
            "tender",
            "  inform market → ann",
            "    inform ann → market",
            "  inform market → ann",
            "inform market → bob",
        ];
        check(vec![opened, call, bid, award, other], &expected, 22);
    }

    #[test]
    fn a_session_has_its_questions_and_calls_and_what_they_cost() {
        use bottega_event::{Ended, ModelFailed, ToolStarted};
        use bottega_llm::{ErrorKind, ModelError, ToolCall};
        use bottega_policy::Spent;

        let stream = StreamId::new("session/one").unwrap();
        let call = |bits| CallId::from_bits(bits);
        let row = TraceRow {
            stream,
            revision: Revision(1),
            caused_by: SpanId::new(&Seeded::new(1)),
            end: None,
        };
        let (begun, trace) = (Timestamp::from_millis(1_000), trace());
        let (found, calls) = (Vec::new(), HashMap::new());
        let (cost, tokens) = (Money::ZERO, Tokens::ZERO);
        let mut work = Work { trace, row: &row, at: 0, found, calls, cost, tokens };
        let session = step(TraceStepKind::Session, "session of ann".into(), trace, begun);
        work.found.push(Found::new(session, row.caused_by));
        work.begin(TraceStepKind::Model, "model".into(), call(1), begun);
        let spent = Spent { tokens: Tokens::new(7), money: Money::from_nanos(2_000_000_000) };
        let error = ModelError::new(ErrorKind::CutOff, "cut");
        let failed = ModelFailed { call: call(1), error, spent, unpriced: false, by: None };
        work.take(failed.into(), Timestamp::from_millis(1_200));
        let request = ToolCall { id: "1".into(), name: "grep".into(), arguments: "{}".into() };
        let started = ToolStarted { call: call(2), request };
        work.take(started.into(), Timestamp::from_millis(1_300));
        let ended = Ended { how: EndKind::Interrupted, answer: String::new(), began: begun };
        work.take(ended.into(), Timestamp::from_millis(1_500));
        let shown: Vec<_> = work
            .found
            .iter()
            .map(|it| format!("{} {:?} {}", it.step.name, it.step.took_ms, it.step.outcome))
            .collect();
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[0], "session of ann Some(500) interrupted");
        assert!(shown[1].starts_with("model Some(200) failed: "), "{shown:?}");
        assert_eq!(shown[2], "grep None under way");
        assert_eq!((work.tokens.get(), work.cost), (7, spent.money));
        assert!(work.found[1..].iter().all(|it| it.within == Some(0)));
    }
}
