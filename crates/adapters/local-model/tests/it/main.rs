//! The engine on a real, small model, and the library against servers of its own.

mod engine;
mod library;
mod support;
