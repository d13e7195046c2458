//! The port through which a person is asked.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Need, Question, Reply};

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// The tool that wants to act.
    pub tool: String,
    /// What it will do, in one line.
    pub summary: String,
    /// The exact command, diff or host. May have many lines.
    pub details: String,
    /// What it needs and does not have.
    pub needs: Vec<Need>,
    /// Why a person is asked.
    pub why: String,
    /// Whether any of it held characters that can't be seen or pass for others. They are spelled out: `{U+202E}`.
    pub hidden: bool,
}

/// What the person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// This once.
    Once,
    /// The same again without asking, in this session.
    Session,
    /// The same again without asking, in every session of this project.
    Project,
    /// No, with what the model should know about it.
    Denied {
        /// The person's words; may be empty.
        reason: String,
    },
    /// No, and the work is to stop: the person interrupted it at the question.
    Stopped,
    /// Nobody could be asked (no terminal). Counts as no.
    Unavailable,
}

/// Someone who can say yes.
///
/// Every implementation promises: it answers each request once, it never answers yes by itself, and
/// dropping the future takes the question back.
#[async_trait]
pub trait Approver: Send + Sync {
    /// Asks, and waits for the answer as long as it takes.
    async fn ask(&self, request: &ApprovalRequest) -> Approval;

    /// Puts a question of the agent's own to the person, and waits for the answer as long as it takes. Whoever can't
    /// show questions keeps this: nobody answers.
    async fn answer(&self, _question: &Question) -> Reply {
        Reply::Unavailable
    }
}
