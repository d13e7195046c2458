//! What happens in a session: one agent's work from its first task to its end.

use bottega_llm::{Answer, ModelError, ModelRef, ToolCall};
use bottega_policy::{AccessMode, Approval, Budget, Origin, Spent, Verdict};
use bottega_tool::FileChange;
use bottega_types::{CallId, Digest, Money, SessionId, Timestamp, Tokens, TraceContext};
use serde::{Deserialize, Serialize};

use crate::Revision;
use crate::catalogue::events;

events! {
    /// One thing that happened in a session.
    SessionEvent {
        /// The session began.
        Started(Started) = "session.started", 1;
        /// The model, the mode or the limits were set anew, for what follows.
        Rerouted(Rerouted) = "session.rerouted", 1;
        /// The workspace was looked over before the first question.
        Surveyed(Survey) = "session.surveyed", 1;
        /// A person gave a task or said something.
        Tasked(Tasked) = "session.tasked", 1;
        /// The agent took a step by itself, as if the model had asked for it.
        Stepped(Stepped) = "session.stepped", 1;
        /// The latest messages were dropped, and another way is tried from there.
        Rewound(Rewound) = "session.rewound", 1;
        /// The model is about to be asked.
        ModelAsked(ModelAsked) = "model.asked", 1;
        /// The model answered.
        ModelAnswered(ModelAnswered) = "model.answered", 1;
        /// The model gave no answer.
        ModelFailed(ModelFailed) = "model.failed", 1;
        /// A tool is about to be called.
        ToolStarted(ToolStarted) = "tool.started", 1;
        /// A tool call ended, well or not.
        ToolFinished(ToolReport) = "tool.finished", 1;
        /// Older messages were replaced by a summary.
        Compacted(Compaction) = "session.compacted", 1;
        /// The agent was told something by its own guard, as a user's message would.
        Nudged(Nudged) = "session.nudged", 1;
        /// Changes of earlier calls were taken back.
        Undone(Undone) = "session.undone", 1;
        /// The work ended; a new task may follow.
        Ended(Ended) = "session.ended", 1;
        /// A person took the session out of the lists; its blobs are forgotten.
        Removed(Removed) = "session.removed", 1;
    }
}

/// The session began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The session.
    pub session: SessionId,
    /// The agent's definition: `coder`.
    pub agent: String,
    /// The workspace's folder.
    pub workspace: String,
    /// The model and what is known of it.
    pub model: ModelFacts,
    /// How much may be done without asking.
    pub mode: AccessMode,
    /// What ends the work.
    pub limits: Limits,
    /// Makes the model's draws repeatable where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The history that stands before this one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Fork>,
    /// What caused it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// The history that a forked session shares with another: it is referred to, not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The other session.
    pub session: SessionId,
    /// The last of its events that both share.
    pub revision: Revision,
}

/// The model, the mode or the limits were set anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rerouted {
    /// The model from now on.
    pub model: ModelFacts,
    /// The mode from now on.
    pub mode: AccessMode,
    /// The limits from now on; what was spent on the task at hand still counts.
    pub limits: Limits,
}

/// What the agent knows of its model: enough to plan a request and to bound its cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The route or model asked for, as the user named it.
    pub route: String,
    /// Tokens of prompt and answer together; the smallest of the route's models.
    pub context_window: Tokens,
    /// Tokens of one answer at most; the smallest of the route's models.
    pub max_output: Tokens,
    /// Whether prompts should be short and calls constrained.
    pub small: bool,
    /// Whether every model of the route sees images.
    pub images: bool,
    /// Whether other models may stand in for the first. How many tokens one of them counts then says nothing about
    /// how many another does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallbacks: bool,
    /// The dearest a prompt token can be, per million; cache writes included.
    pub input_price: Money,
    /// The dearest an answer token can be, per million.
    pub output_price: Money,
    /// Whether nobody knows what some model of the route costs: then the prices are those of the others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpriced: bool,
}

/// What ends the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Questions to the model.
    pub turns: u32,
    /// Wall-clock seconds of one task.
    pub seconds: u64,
    /// Tokens and money of one task.
    pub budget: Budget,
}

/// What was found in the workspace before the first question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Instruction files (`AGENTS.md`) from the root down: path and text.
    pub instructions: Vec<(String, String)>,
    /// A map of the repository.
    pub map: String,
    /// Facts of the surroundings, a line each: platform, date, branch.
    pub surroundings: Vec<String>,
}

/// A person gave a task or said something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasked {
    /// The words.
    pub text: String,
    /// Files that came with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// JSON Schema that the final answer must follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<serde_json::Value>,
    /// Whether it only says to go on with the task before: then the budget of that one goes on too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
}

/// A file that came with a task; its bytes are a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The file's name.
    pub name: String,
    /// IANA media type.
    pub media_type: String,
    /// The blob that holds it.
    pub blob: Digest,
    /// Its bytes in Base64 (images and documents) or as text; absent when only the blob has them, as it is with all
    /// that is larger than [`INLINE`](Self::INLINE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<String>,
}

impl Attachment {
    /// The most bytes that stand in the event itself.
    pub const INLINE: usize = 4_096;

    /// Whether it is read as text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.media_type.starts_with("text/")
    }
}

/// The agent took a step by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stepped {
    /// The calls it made, as a model would have written them.
    pub calls: Vec<ToolCall>,
    /// The file that it took for the place to look at, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// The latest messages were dropped, and another way is tried from there. The journal keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewound {
    /// How many messages stay, counted from the first.
    pub kept: usize,
    /// What was tried and did not help. For people: the model is not told.
    pub note: String,
}

/// What a question to the model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The next step of the work.
    Turn,
    /// A summary of older messages.
    Compaction,
}

/// The model is about to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelAsked {
    /// The call.
    pub call: CallId,
    /// What it is for.
    pub purpose: Purpose,
    /// The most tokens its answer may have.
    pub max_output: u32,
    /// The worst it can cost; counts as spent until the call ends.
    pub worst: Spent,
}

/// How long an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTiming {
    /// Milliseconds until the first piece of the answer.
    pub first_ms: u64,
    /// Milliseconds until its end.
    pub total_ms: u64,
    /// Attempts it took, the last included.
    pub attempts: u32,
}

/// The model answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelAnswered {
    /// The call.
    pub call: CallId,
    /// Who answered.
    pub by: ModelRef,
    /// The answer.
    pub answer: Answer,
    /// What it cost.
    pub cost: Money,
    /// Whether nobody knew what one of the models costs that were asked: then `cost` does not count its tokens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpriced: bool,
    /// How long it took.
    pub timing: ModelTiming,
}

/// An answer that came within fewer milliseconds than this came in one burst: its speed is the network's.
const BURST_MS: u64 = 50;

impl ModelAnswered {
    /// The answer's tokens and the milliseconds they took after the first piece; nothing for an answer that came
    /// in one burst.
    #[must_use]
    pub fn decoding(&self) -> Option<(u64, u64)> {
        let millis = self.timing.total_ms.saturating_sub(self.timing.first_ms);
        (millis >= BURST_MS).then(|| (self.answer.usage.output.get(), millis))
    }
}

/// The model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFailed {
    /// The call.
    pub call: CallId,
    /// Why.
    pub error: ModelError,
    /// What it may have cost all the same, at most.
    pub spent: Spent,
    /// Whether nobody knows what some of its tokens cost: then its money does not count them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpriced: bool,
    /// Who was asked last, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ModelRef>,
}

/// A tool is about to be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolStarted {
    /// The call.
    pub call: CallId,
    /// What the model asked for.
    pub request: ToolCall,
}

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    /// It did what it should.
    Succeeded,
    /// It did what it should, and what it did failed: tests, a command.
    CommandFailed,
    /// It could not do it.
    Failed,
    /// The policy or a person said no.
    Denied,
    /// The process died while it ran; nobody knows how far it came.
    Interrupted,
}

/// What a person said when asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The verdict that led to the question.
    pub verdict: Verdict,
    /// The answer, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// A tool call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolReport {
    /// The call.
    pub call: CallId,
    /// How it ended.
    pub outcome: ToolOutcome,
    /// What it did, in one line, for people.
    pub summary: String,
    /// What the model reads: the whole output, or an excerpt that says how to get the rest.
    pub text: String,
    /// The blob with the whole output, where `text` is an excerpt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<Digest>,
    /// Files that changed; both versions are blobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FileChange>,
    /// What it changed, or may have changed later, that can't be taken back, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unkept: Option<String>,
    /// The exit status of a command, where one ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Where its text came from, as far as nobody vouches for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
    /// Who allowed it.
    pub approved: Approved,
    /// Milliseconds it took, waiting for a person not counted.
    pub elapsed_ms: u64,
}

/// Older messages were replaced by a summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compaction {
    /// The model call that wrote the summary; absent when it was made without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// The summary.
    pub summary: String,
    /// How many of the messages before it stay as they are, counted from the last.
    pub kept: usize,
}

/// The agent was told something by its own guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nudged {
    /// What it was told.
    pub text: String,
}

/// Changes of earlier calls were taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The calls, the latest first.
    pub calls: Vec<CallId>,
    /// The files that were put back.
    pub paths: Vec<String>,
}

/// A person took the session out of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {}

/// How work ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum EndKind {
    /// The agent says that it is done.
    Done,
    /// The agent could not do it: it went in circles or made no progress.
    Stuck {
        /// What it was seen doing.
        why: String,
    },
    /// A limit or budget was reached.
    Limit {
        /// Which.
        why: String,
    },
    /// A person or the policy refused what the work needs, or the model declined.
    Refused {
        /// What was refused.
        why: String,
    },
    /// The provider gave up.
    Provider {
        /// Its last error.
        error: ModelError,
    },
    /// A person interrupted it.
    Interrupted,
}

/// The work ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub how: EndKind,
    /// The agent's last words to the person.
    pub answer: String,
    /// When it began, for its wall time.
    pub began: Timestamp,
}
