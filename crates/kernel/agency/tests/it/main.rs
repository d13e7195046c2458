//! The agency from outside: what agents hear, what is stored, what survives.

mod deploying;
mod living;
mod mail;
mod saying;
mod world;
