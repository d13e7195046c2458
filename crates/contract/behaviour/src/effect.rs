//! What an agent wants done, as values.

use std::sync::Arc;

use bottega_llm::{ChatRequest, ToolCall};
use bottega_policy::Spent;
use bottega_types::{CallId, Timestamp};

/// Names an effect, so that none is carried out twice at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EffectId {
    /// Looking over the workspace.
    Survey,
    /// A call of a model or tool.
    Call(CallId),
    /// The alarm at the end of the time limit.
    Alarm,
}

/// One thing an agent wants done. It is outstanding until an [`Input`](crate::Input) tells its result.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Look over the workspace; answered by `Surveyed`.
    Survey,
    /// Ask the model; answered by `Answered` or `Failed`.
    AskModel {
        /// The call.
        call: CallId,
        /// The route or model, as the user named it.
        route: String,
        /// What to ask. Its model's name is filled in by the gateway.
        request: Arc<ChatRequest>,
        /// The worst it may cost; more is refused by the gateway.
        worst: Spent,
    },
    /// Call a tool; answered by `ToolEnded`.
    RunTool {
        /// The call.
        call: CallId,
        /// What the model asked for.
        request: ToolCall,
    },
    /// Wake the agent with `TimeUp` at that moment.
    WakeAt(Timestamp),
}

impl Effect {
    /// Its name.
    #[must_use]
    pub const fn id(&self) -> EffectId {
        match self {
            Self::Survey => EffectId::Survey,
            Self::AskModel { call, .. } | Self::RunTool { call, .. } => EffectId::Call(*call),
            Self::WakeAt(_) => EffectId::Alarm,
        }
    }
}
