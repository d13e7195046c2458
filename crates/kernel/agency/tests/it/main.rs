//! The agency from outside: what agents hear, what is stored, what survives.

mod living;
mod mail;
mod saying;
mod world;
