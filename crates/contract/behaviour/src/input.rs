//! What can happen to an agent.

use bottega_event::{
    ModelAnswered, ModelFailed, Rerouted, Started, Survey, Tasked, ToolReport, Undone,
};

/// One thing that happens to an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A session begins.
    Start(Started),
    /// The model, the mode or the limits change for what follows.
    Reroute(Rerouted),
    /// A person gives a task or says something.
    Task(Tasked),
    /// The host found this session in the journal after its process had gone. It goes on with this model, mode and
    /// these limits.
    Resume(Rerouted),
    /// The workspace was looked over.
    Surveyed(Survey),
    /// The model answered.
    Answered(ModelAnswered),
    /// The model gave no answer.
    Failed(ModelFailed),
    /// A tool call ended.
    ToolEnded(ToolReport),
    /// A person wants the history shortened now.
    Compact,
    /// Earlier changes were taken back by a person.
    Undone(Undone),
    /// The time limit passed. Of calls that were stopped at their work, the host may hand in how far they came.
    TimeUp(Vec<ToolReport>),
    /// A person interrupts the work. As above.
    Interrupt(Vec<ToolReport>),
}
