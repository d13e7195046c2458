//! What a tool is, and the ports that tools work through.
//!
//! What it is: the [`Tool`] trait, its description for models, its output, and the ports
//! [`Workspace`] (files), [`Sandbox`] (commands) and [`Web`] (pages).
//! What it is not: it judges nothing and runs nothing by itself. `bottega-toolhost` calls tools,
//! `bottega-workspace`, `bottega-sandbox-linux` and `bottega-egress` stand behind the ports.
//!
//! One call: arguments → [`Tool::prepare`] → [`Prepared`] (its needs go to the judge) →
//! [`Prepared::run`] → [`ToolOutput`].
//!
//! Invariants
//! * A tool reaches files and commands only through the [`ToolContext`] it is given.
//! * What a tool needs is known before it runs, from the same parsed arguments that it runs with.
//! * An output is bounded and says how to get the rest.

mod egress;
mod excerpt;
mod jobs;
mod output;
mod plain;
mod sandbox;
mod tool;
mod versions;
mod web;
mod workspace;

pub use egress::Egress;
pub use excerpt::excerpt;
pub use jobs::{JobLook, Jobs, TooManyJobs};
pub use output::{CommandChanges, FileChange, ToolError, ToolOutput};
pub use plain::{plain, spelled};
pub use sandbox::{
    CageReport, CommandOutcome, CommandSink, CommandSpec, Ending, Guarded, Sandbox, SandboxError,
    StreamName,
};
pub use tool::{
    Effect, Prepared, Respondent, Tool, ToolCatalogue, ToolContext, describe, parse_arguments,
};
pub use versions::{FileVersions, Lines, SeenFiles};
pub use web::{NoWeb, Web, WebAnswer, WebError};
pub use workspace::{
    CommandWatch, Encoding, FileContent, FileKind, FileStat, FileStep, Found, HeldBack, ListedFile,
    Listing, Matched, Matches, Page, Query, Resolved, Workspace, WorkspaceError, Written,
};
