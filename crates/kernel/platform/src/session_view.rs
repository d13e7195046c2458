//! The view of all sessions.

use bottega_event::{EndKind, Purpose, Record, SessionEvent, ToolOutcome};
use bottega_llm::Usage;
use bottega_store::{Change, Projection, Rows};
use bottega_types::Money;
use serde::{Deserialize, Serialize};

/// Where a session's work is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkState {
    /// It waits for a task.
    #[default]
    Idle,
    /// Work is under way, or was when its process ended.
    Open,
    /// Work ended.
    Ended(EndKind),
}

/// What is known of one session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The beginning of its first task.
    pub title: String,
    /// Where its work is.
    pub state: WorkState,
    /// The agent.
    pub agent: String,
    /// The model or route.
    pub model: String,
    /// The workspace's folder.
    pub workspace: String,
    /// When it began, milliseconds since the epoch.
    pub started_ms: u64,
    /// When something last happened, milliseconds since the epoch.
    pub updated_ms: u64,
    /// Files it changed.
    pub changed: Vec<String>,
    /// The last answer to the person.
    pub answer: String,
    /// Questions to the model, for turns of work.
    pub turns: u32,
    /// Tool calls.
    pub tool_calls: u32,
    /// What it cost in tokens; failed calls count as prompts, since nobody says what was answer.
    pub usage: Usage,
    /// What they cost in money, as far as it is known.
    pub cost: Money,
    /// Answers and failed calls of models without a known price.
    pub unpriced: u64,
    /// Milliseconds of the answers, from question to end.
    pub model_ms: u64,
    /// Tokens of the answers that came piece by piece.
    pub decode_tokens: u64,
    /// Milliseconds of those answers, from the first piece to the end.
    pub decode_ms: u64,
    /// Milliseconds of work, tasks summed.
    pub work_ms: u64,
    /// Whether it was taken out of the lists.
    pub removed: bool,
}

/// Characters of a title.
const TITLE: usize = 72;

impl SessionRow {
    /// Folds one event.
    pub fn fold(&mut self, event: &SessionEvent, at_ms: u64) {
        self.updated_ms = at_ms;
        match event {
            SessionEvent::Started(started) => {
                self.agent = started.agent.clone();
                self.model = started.model.route.clone();
                self.workspace = started.workspace.clone();
                self.started_ms = at_ms;
                if let Some(fork) = started.forked_from {
                    self.title = format!("fork of {}", fork.session);
                }
            }
            SessionEvent::Rerouted(to) => self.model = to.model.route.clone(),
            SessionEvent::Tasked(task) => {
                if self.title.is_empty() {
                    self.title = title(&task.text);
                }
                self.state = WorkState::Open;
            }
            SessionEvent::ModelAnswered(answered) => {
                self.usage += answered.answer.usage;
                self.cost += answered.cost;
                self.unpriced += u64::from(answered.unpriced);
                self.model_ms += answered.timing.total_ms;
                if let Some((tokens, millis)) = answered.decoding() {
                    self.decode_tokens += tokens;
                    self.decode_ms += millis;
                }
            }
            SessionEvent::ModelFailed(failed) => {
                self.usage += Usage { input: failed.spent.tokens, ..Usage::default() };
                self.cost += failed.spent.money;
                self.unpriced += u64::from(failed.unpriced);
            }
            SessionEvent::ToolFinished(report) => {
                if report.outcome != ToolOutcome::Denied {
                    self.tool_calls += 1;
                }
                for change in &report.changes {
                    if !self.changed.contains(&change.path) {
                        self.changed.push(change.path.clone());
                    }
                }
            }
            SessionEvent::Ended(ended) => {
                self.state = WorkState::Ended(ended.how.clone());
                self.answer = ended.answer.clone();
                self.work_ms += at_ms.saturating_sub(ended.began.as_millis());
            }
            SessionEvent::Removed(_) => self.removed = true,
            SessionEvent::ModelAsked(asked) => {
                self.turns += u32::from(asked.purpose == Purpose::Turn);
            }
            SessionEvent::Surveyed(_)
            | SessionEvent::Stepped(_)
            | SessionEvent::Rewound(_)
            | SessionEvent::ToolStarted(_)
            | SessionEvent::Compacted(_)
            | SessionEvent::Nudged(_)
            | SessionEvent::Undone(_) => {}
        }
    }
}

fn title(task: &str) -> String {
    let line = task.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= TITLE {
        return line.to_owned();
    }
    let short: String = line.chars().take(TITLE - 1).collect();
    format!("{}…", short.trim_end())
}

/// The view of all sessions: a row a session, as JSON.
#[derive(Clone, Copy, Debug)]
pub struct SessionView;

impl Projection for SessionView {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn version(&self) -> u32 {
        6
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        record.stream.as_session().map(|session| session.to_string()).into_iter().collect()
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let Some(session) = record.stream.as_session() else { return Vec::new() };
        // A record of a newer version is passed over: the list goes on without it.
        let Ok(event) = SessionEvent::decode(&record.event) else { return Vec::new() };
        let key = session.to_string();
        let mut row: SessionRow =
            rows.get(&key).and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        row.fold(&event, record.at.as_millis());
        vec![Change { key, value: serde_json::to_vec(&row).ok() }]
    }
}
