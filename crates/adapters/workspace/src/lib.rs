//! The files of one workspace, on disk.
//!
//! What it is: [`DiskWorkspace`], the [`Workspace`](bottega_tool::Workspace) port over a folder: paths
//! resolved with their links, text in its encoding, atomic writes, listing and searching.
//! What it is not: it decides nothing. It says where a path lies; whether that is allowed is the judge's
//! word. It reaches outside the folder when it is asked to.
//!
//! One write: path → `resolve` (links followed, place known) → the folder opened part by part, no link
//! followed a second time → the file read and held against the expected digest → encoded as it was →
//! temporary file beside it, synced → renamed over it → the folder synced.
//!
//! Invariants
//! * A path that was resolved for judgement is refused when it leads elsewhere by the time it is used.
//! * A file holds its old bytes or its new ones at every moment, with the mode, owner and encoding it had.
//! * A change over several files is carried out whole, or taken back.
//! * Bytes that decode as text encode to the same bytes.
//! * What a command changed is told with the bytes before, as long as ignore files do not name it (`shadow`).
//! * Every result is bounded, in path order, and the same for the same files.
//!
//! A file with several hard links is replaced under the name that was written; the other names keep the
//! old bytes. Package stores link files into many projects, and a write in place would reach all of them.

mod bytes_as_text;
mod change;
mod disk;
mod encoding;
mod guard;
mod ignoring;
mod listing;
mod name;
mod place;
mod read;
mod resolve;
mod restore;
mod search;
mod shadow;
mod similar;
mod stillness;
mod walk;
mod worktree;
mod write;

pub use disk::{DiskWorkspace, Options};
pub use worktree::linked_repository;
