//! All that an agent knows, folded from its events.

use std::collections::BTreeMap;
use std::sync::Arc;

use bottega_behaviour::call_id;
use bottega_event::{
    Attachment, EndKind, Ended, ModelAsked, Purpose, Rerouted, SessionEvent, Started, Survey,
    Tasked, ToolOutcome, ToolReport, ToolStarted,
};
use bottega_llm::{Media, MediaSource, Message, Part, Role, ToolCall, ToolResult};
use bottega_policy::Spent;
use bottega_types::{CallId, Timestamp, Tokens};
use serde_json::Value;

use crate::breaker::Breaker;
use crate::definition::{Definition, FINISH};
use crate::trial::Trial;
use crate::{compaction, context};

/// What a model is told about a call that had begun, and whose result is in another history.
const UNTOLD: &str =
    "It had begun, and how it ended is not known here. Look at the present state before you go on.";

/// Where the agent is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not yet started.
    #[default]
    New,
    /// Nothing to do until a task comes.
    Idle,
    /// At work.
    Working,
}

/// A tool call that has begun.
#[derive(Clone, Debug)]
pub struct OpenTool {
    /// The call.
    pub call: CallId,
    /// What the model asked for.
    pub request: ToolCall,
    /// How it ended, once it has.
    pub report: Option<ToolReport>,
}

/// The task at hand.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// When it was given.
    pub(crate) began: Timestamp,
    /// Questions asked for it.
    pub(crate) turns: u32,
    /// The form its answer must have.
    pub(crate) schema: Option<Arc<Value>>,
    /// Guards against circles.
    pub(crate) breaker: Breaker,
    /// Files changed since the check last passed.
    pub(crate) unchecked: bool,
    /// Files changed since the check last ran.
    pub(crate) check_due: bool,
    /// Whether the check failed when it was last called.
    pub(crate) check_failed: bool,
    /// Whether the check failed before anything was changed: the task is to make it pass.
    pub(crate) mending: bool,
    /// The file that the loop itself opened, since the failing check is about it.
    pub(crate) suspect: Option<String>,
    /// What was tried to make the check pass, where the loop leads.
    pub(crate) trial: Trial,
    /// How often a `finish` was not believed.
    pub(crate) sent_back: u32,
    /// Tools called for it.
    pub(crate) tools_called: u32,
    /// The last refusal that no later success made up for.
    pub(crate) refused: Option<String>,
    /// Model failures in a row.
    pub(crate) failures: u32,
    /// Answers in a row that could not be used.
    pub(crate) useless: u32,
}

/// What the prompt is known to weigh: so many tokens for the first so many messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighed {
    pub(crate) messages: usize,
    pub(crate) tokens: Tokens,
}

/// All that an agent knows, folded from its events.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Where it is.
    pub phase: Phase,
    /// How it was started; `None` before that.
    pub started: Option<Arc<Started>>,
    /// What the workspace looked like.
    pub survey: Option<Arc<Survey>>,
    /// The messages of the next request.
    pub messages: Vec<Arc<Message>>,
    /// The question that waits for its answer.
    pub asked: Option<ModelAsked>,
    /// The tool calls of the last answer, as long as one of them is open.
    pub tools: Vec<OpenTool>,
    /// What the task at hand cost, failed calls at their worst.
    pub spent: Spent,
    /// How the last work ended.
    pub ended: Option<Ended>,
    /// The tasks, in the person's words.
    pub(crate) tasks: Vec<String>,
    /// Where what was read came from, as far as nobody vouches for it.
    pub(crate) origins: std::collections::BTreeSet<bottega_policy::Origin>,
    /// What was attached to the first of them, as the model reads it.
    pub(crate) attached: Vec<Part>,
    pub(crate) work: Option<Work>,
    pub(crate) weighed: Option<Weighed>,
    /// How many calls were made; the next call's name follows from it.
    pub(crate) calls: u64,
    /// What was done to files, for the ledger of a compaction: path → last deed.
    pub(crate) files: BTreeMap<String, &'static str>,
    /// The list of steps, as the planner last gave it.
    pub(crate) plan: Option<String>,
    /// What the last check said.
    pub(crate) last_check: Option<String>,
    /// Set from a compaction until the next answer: a second one in between would not help.
    pub(crate) just_compacted: bool,
    /// Set when the provider or the count says that the window is full.
    pub(crate) overflowed: bool,
}

impl State {
    /// Whether nobody knows what a model costs that may be asked.
    pub(crate) fn unpriced(&self) -> bool {
        self.started.as_ref().is_some_and(|started| started.model.unpriced)
    }

    /// The name of the `offset`-th call after those already made.
    pub(crate) fn next_call(&self, offset: u64) -> CallId {
        let session = self.started.as_ref().map_or(0, |started| started.session.bits());
        call_id(bottega_types::SessionId::from_bits(session), self.calls + offset)
    }

    /// Whether a tool call still waits for its result.
    #[must_use]
    pub fn has_open_tools(&self) -> bool {
        self.tools.iter().any(|tool| tool.report.is_none())
    }

    /// Folds one event.
    pub(crate) fn evolve(&mut self, definition: &Definition, event: &SessionEvent, at: Timestamp) {
        match event {
            SessionEvent::Started(started) => {
                // A fork begins after another session's history, perhaps in the middle of a step.
                self.settle_debts();
                self.spent = Spent::default();
                self.started = Some(Arc::new(started.clone()));
                self.phase = Phase::Idle;
            }
            SessionEvent::Rerouted(to) => self.reroute(to, at),
            SessionEvent::Surveyed(survey) => self.surveyed(survey),
            SessionEvent::Tasked(task) => self.task(task, at),
            SessionEvent::Stepped(stepped) => {
                if let Some(work) = &mut self.work {
                    work.suspect = stepped.about.clone().or(work.suspect.take());
                    work.trial.stepped(&stepped.calls, definition.editor.as_deref());
                }
                let parts = stepped.calls.iter().cloned().map(Part::ToolCall).collect();
                self.messages.push(Arc::new(Message { role: Role::Assistant, parts }));
            }
            SessionEvent::Rewound(rewound) => {
                self.messages.truncate(rewound.kept);
                self.weighed = None;
                if let Some(work) = &mut self.work {
                    work.trial.rewound();
                    work.breaker = Breaker::default();
                }
            }
            SessionEvent::ModelAsked(asked) => {
                let messages = self.messages.len();
                if let Some(work) = &mut self.work {
                    work.trial.asked(messages);
                }
                self.calls += 1;
                self.spent = self.spent + asked.worst;
                if let (Some(work), Purpose::Turn) = (&mut self.work, asked.purpose) {
                    work.turns += 1;
                }
                self.asked = Some(asked.clone());
            }
            SessionEvent::ModelAnswered(answered) => {
                self.settle(Spent { tokens: answered.answer.usage.total(), money: answered.cost });
                let purpose = self.asked.take().map_or(Purpose::Turn, |asked| asked.purpose);
                if purpose == Purpose::Turn {
                    self.just_compacted = false;
                    self.messages.push(Arc::new(answered.answer.message.clone()));
                    let usage = answered.answer.usage;
                    if usage.input.get() > 0 {
                        self.weighed =
                            Some(Weighed { messages: self.messages.len(), tokens: usage.total() });
                    }
                    if let Some(work) = &mut self.work {
                        work.failures = 0;
                        let useless = answered.answer.message.tool_calls().next().is_none()
                            && answered.answer.message.text().trim().is_empty();
                        work.useless = if useless { work.useless + 1 } else { 0 };
                    }
                }
            }
            SessionEvent::ModelFailed(failed) => {
                self.settle(failed.spent);
                self.asked = None;
                if let Some(work) = &mut self.work {
                    work.failures += 1;
                }
                self.overflowed |= failed.error.kind == bottega_llm::ErrorKind::ContextOverflow;
            }
            SessionEvent::ToolStarted(ToolStarted { call, request }) => {
                self.calls += 1;
                self.tools.push(OpenTool { call: *call, request: request.clone(), report: None });
            }
            SessionEvent::ToolFinished(report) => self.tool_finished(definition, report),
            SessionEvent::Compacted(compacted) => {
                self.messages = compaction::apply(self, compacted);
                self.weighed = None;
                self.overflowed = false;
                self.just_compacted = true;
                if let Some(work) = &mut self.work {
                    work.trial.compacted();
                }
            }
            SessionEvent::Nudged(nudged) => {
                let spoke = self.messages.last().is_some_and(|last| last.role == Role::Assistant);
                if let Some(work) = self.work.as_mut().filter(|_| spoke) {
                    work.sent_back += 1;
                }
                self.say(&nudged.text);
            }
            SessionEvent::Undone(undone) => {
                for path in &undone.paths {
                    self.files.insert(path.clone(), "put back by the user");
                }
                self.say(&format!(
                    "The user took your changes back. These files are as they were before: {}.",
                    undone.paths.join(", ")
                ));
            }
            SessionEvent::Ended(ended) => self.end(ended),
            SessionEvent::Removed(_) => self.phase = Phase::Idle,
        }
    }

    fn reroute(&mut self, to: &Rerouted, at: Timestamp) {
        if let Some(started) = &self.started {
            let mut started = Started::clone(started);
            started.model = to.model.clone();
            started.mode = to.mode;
            started.limits = to.limits;
            self.started = Some(Arc::new(started));
            // Another model counts tokens in another way.
            self.weighed = None;
        }
        if let Some(work) = &mut self.work {
            work.began = at;
        }
    }

    fn task(&mut self, task: &Tasked, at: Timestamp) {
        let parts = self.task_parts(task);
        if self.tasks.is_empty() {
            self.attached = task.attachments.iter().map(attachment).collect();
        }
        match self.messages.last_mut() {
            // A person may speak twice in a row (after an interruption); roles must alternate.
            Some(last) if last.role == Role::User => Arc::make_mut(last).parts.extend(parts),
            _ => self.messages.push(Arc::new(Message { role: Role::User, parts })),
        }
        if task.output_schema.is_some() {
            // Another tool is declared from here on, which no earlier count knows of.
            self.weighed = None;
        }
        self.tasks.push(task.text.clone());
        if !task.goes_on {
            self.spent = Spent::default();
        }
        self.ended = None;
        self.phase = Phase::Working;
        self.work = Some(Work {
            began: at,
            turns: 0,
            schema: task.output_schema.clone().map(Arc::new),
            breaker: Breaker::default(),
            unchecked: false,
            check_due: false,
            check_failed: false,
            mending: false,
            suspect: None,
            trial: Trial::default(),
            sent_back: 0,
            tools_called: 0,
            refused: None,
            failures: 0,
            useless: 0,
        });
    }

    fn task_parts(&self, task: &Tasked) -> Vec<Part> {
        let context = if self.tasks.is_empty() { self.fragments() } else { String::new() };
        let mut parts: Vec<Part> = task.attachments.iter().map(attachment).collect();
        parts.push(Part::text(format!("{context}{}", task.text)));
        parts
    }

    /// What the survey tells the model, before its first task. Empty before the survey.
    fn fragments(&self) -> String {
        match (&self.survey, &self.started) {
            (Some(survey), Some(started)) => context::fragments(survey, &started.model),
            _ => String::new(),
        }
    }

    /// The workspace was looked over. The first task may have come before that; nothing was asked yet, so its message
    /// becomes what it would have been in the other order.
    fn surveyed(&mut self, survey: &Survey) {
        self.survey = Some(Arc::new(survey.clone()));
        let (fragments, attached) = (self.fragments(), self.attached.len());
        if self.tasks.is_empty() {
            return;
        }
        if let Some(first) = self.messages.first_mut()
            && let Some(Part::Text { text }) = Arc::make_mut(first).parts.get_mut(attached)
        {
            text.insert_str(0, &fragments);
        }
    }

    /// Adds words to the user's side, keeping roles in turn.
    fn say(&mut self, text: &str) {
        match self.messages.last_mut() {
            Some(last) if last.role == Role::User => {
                Arc::make_mut(last).parts.push(Part::text(text));
            }
            _ => self.messages.push(Arc::new(Message::user(text))),
        }
    }

    /// Replaces the reserve of the open call by what it really cost.
    fn settle(&mut self, cost: Spent) {
        if let Some(asked) = &self.asked {
            self.spent = Spent {
                tokens: self.spent.tokens.saturating_sub(asked.worst.tokens) + cost.tokens,
                money: self.spent.money.saturating_sub(asked.worst.money) + cost.money,
            };
        }
    }

    fn tool_finished(&mut self, definition: &Definition, report: &ToolReport) {
        let (check, editor) = (definition.check.as_deref(), definition.editor.as_deref());
        let Some(open) = self.tools.iter_mut().find(|open| open.call == report.call) else {
            return;
        };
        open.report = Some(report.clone());
        self.origins.extend(report.origins.iter().cloned());
        let request = open.request.clone();
        let is_check = check == Some(request.name.as_str());
        // What a check leaves behind (a lock file, a cache) is not the agent's work.
        let changes = if is_check { &[][..] } else { report.changes.as_slice() };
        for change in changes {
            let deed = match (&change.before, &change.after) {
                (None, _) => "created",
                (_, None) => "deleted",
                _ => "changed",
            };
            self.files.insert(change.path.clone(), deed);
        }
        let is_plan = definition.planner.as_deref() == Some(request.name.as_str());
        if is_plan && report.outcome == ToolOutcome::Succeeded {
            self.plan = Some(report.text.clone());
        }
        if let Some(work) = &mut self.work {
            if request.name == FINISH {
                work.sent_back += 1;
            } else {
                work.tools_called += 1;
                work.breaker.note(&request, report);
                if definition.reader.as_deref() == Some(request.name.as_str()) && work.turns == 0 {
                    let failure = self.last_check.as_deref().unwrap_or_default();
                    work.trial.shown(&report.text, failure);
                }
                if editor == Some(request.name.as_str()) {
                    work.trial.edited(&request, report);
                }
            }
            let changed = !changes.is_empty() && !work.trial.is_reverted();
            work.unchecked |= changed;
            work.check_due |= changed;
            if report.outcome == ToolOutcome::Denied {
                work.refused = Some(report.text.clone());
            } else if report.outcome == ToolOutcome::Succeeded && !changes.is_empty() {
                work.refused = None;
            }
            if is_check {
                work.check_due = false;
                work.unchecked &= report.outcome != ToolOutcome::Succeeded;
                work.check_failed = report.outcome == ToolOutcome::CommandFailed;
                work.mending |= work.check_failed && self.files.is_empty();
                self.last_check = Some(report.text.clone());
            }
        }
        if !self.has_open_tools() {
            self.close_tools();
        }
    }

    /// All calls of an answer have ended: their results become one message, in the order of the calls.
    fn close_tools(&mut self) {
        let results = self
            .tools
            .drain(..)
            .filter_map(|open| {
                let report = open.report?;
                Some(ToolResult {
                    call_id: open.request.id,
                    name: open.request.name,
                    text: report.text,
                    media: Vec::new(),
                    is_error: report.outcome != ToolOutcome::Succeeded,
                })
            })
            .collect();
        self.messages.push(Arc::new(Message::results(results)));
    }

    /// Leaves nothing open: no question, no call, no answer whose calls have no results.
    fn settle_debts(&mut self) {
        // An answer whose calls were never run (`finish`, or an interruption) still owes their results:
        // providers refuse a history with unanswered calls.
        if let Some(last) = self.messages.last()
            && last.role == Role::Assistant
        {
            let owed: Vec<ToolResult> = last.tool_calls().map(|call| self.owed(call)).collect();
            if !owed.is_empty() {
                self.messages.push(Arc::new(Message::results(owed)));
            }
        }
        self.tools.clear();
        self.asked = None;
        self.work = None;
    }

    /// The result of a call whose answer has not got all of its results. A history that was forked in the middle of
    /// calls side by side has those of some.
    fn owed(&self, call: &ToolCall) -> ToolResult {
        let started = self.tools.iter().find(|open| open.request.id == call.id);
        let (text, is_error) = match started.map(|open| &open.report) {
            Some(Some(report)) => (report.text.clone(), report.outcome != ToolOutcome::Succeeded),
            Some(None) => (UNTOLD.to_owned(), true),
            None if call.name == FINISH => ("done".to_owned(), false),
            None => ("not run".to_owned(), true),
        };
        ToolResult {
            call_id: call.id.clone(),
            name: call.name.clone(),
            text,
            media: Vec::new(),
            is_error,
        }
    }

    fn end(&mut self, ended: &Ended) {
        self.settle_debts();
        if ended.how == EndKind::Interrupted {
            self.say("The user interrupted you here.");
        }
        self.phase = Phase::Idle;
        self.ended = Some(ended.clone());
    }
}

fn attachment(attachment: &Attachment) -> Part {
    let inline = attachment.inline.clone().unwrap_or_default();
    if attachment.media_type.starts_with("text/") {
        return Part::text(format!(
            "<file name=\"{}\">\n{}\n</file>\n",
            context::attribute(&attachment.name),
            context::inside(&inline)
        ));
    }
    Part::Media(Media {
        media_type: attachment.media_type.clone(),
        name: Some(attachment.name.clone()),
        source: MediaSource::Base64(inline.into()),
    })
}
