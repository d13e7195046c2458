//! Bottega's API, described once: what can be asked, what is shown, what streams, what goes wrong.
//!
//! What it is: plain types with a published JSON form. The command line prints them with `--json`; every
//! other surface carries the same ones.
//! What it is not: it decides nothing and reaches nothing.
//!
//! Invariants
//! * A JSON form only grows: fields are added, never renamed or taken away.
//! * Every error has a stable code, a sentence, a next step, and a page `docs/errors/CODE.md`.

mod agent;
mod cost;
mod error;
mod grant;
mod group;
mod machine;
mod problem;
mod run;
mod session;
mod tender;
mod tool;
mod trace;
mod tree;

pub use agent::{
    AgentEventView, AgentStanding, AgentView, AnswerView, AskRequest, AskStepView, BatchRequest,
    BatchStepView, DeadView, DeliveryClass, DeployRequest, InboxView, MailView, ReceiptView,
    SendRequest, WaitingView,
};
pub use cost::{CostBy, CostReport, CostRow};
pub use error::{ApiError, CODES, Code, codes};
pub use grant::{GrantFor, GrantView};
pub use group::{
    EntryView, MissedView, PublishRequest, PublishedView, SubscribeRequest, SubscriptionView,
    TakeRequest, WriteRequest,
};
pub use machine::{
    AuditReport, Check, CheckState, DoctorReport, NoticeView, SecretView, SettingView, SourceView,
};
pub use problem::Problem;
pub use run::{AttachmentFile, Ending, RunEvent, RunRequest, RunTotals};
pub use session::{
    ChangeView, SessionDetail, SessionState, SessionSummary, TranscriptEntry, UndoView,
};
pub use tender::{BidView, ReputationView, SaidView, TenderRequest, TenderStanding, TenderView};
pub use tool::{ToolAnswer, ToolView};
pub use trace::{TraceStepKind, TraceStepView, TraceView};
pub use tree::{ActorState, ActorView, TreeView};
