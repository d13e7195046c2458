//! bottega-journal-sqlite
