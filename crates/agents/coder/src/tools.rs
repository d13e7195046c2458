//! The built-in tools: one file each, and the table.

mod edit_file;
mod grep;
mod list_files;
mod read_file;
mod run_tests;
mod shell;
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
];

#[cfg(test)]
mod tests;
