//! The built-in tools: one file each, and the table.

mod apply_patch;
mod ask_user;
mod check;
mod delete_file;
mod edit_file;
mod find_files;
mod git_branch;
mod git_commit;
mod git_diff;
mod git_log;
mod git_status;
mod grep;
mod http_get;
mod job;
mod list_files;
mod read_file;
mod run_tests;
mod shell;
mod todo;
mod write_file;

use bottega_tool::Tool;

/// Every built-in tool, in the order the model is told about them.
pub const BUILT_IN: &[&dyn Tool] = &[
    &read_file::ReadFile,
    &edit_file::EditFile,
    &write_file::WriteFile,
    &list_files::ListFiles,
    &grep::Grep,
    &shell::Shell,
    &run_tests::RunTests,
    &apply_patch::ApplyPatch,
    &delete_file::DeleteFile,
    &find_files::FindFiles,
    &check::Check,
    &job::Job,
    &http_get::HttpGet,
    &git_status::GitStatus,
    &git_diff::GitDiff,
    &git_log::GitLog,
    &git_commit::GitCommit,
    &git_branch::GitBranch,
    &todo::Todo,
    &ask_user::AskUser,
];

/// Those that a small model is told about. It works well with few.
pub(crate) const SMALL: &[&str] =
    &["read_file", "edit_file", "write_file", "list_files", "grep", "shell", "run_tests"];

#[cfg(test)]
mod tests;
