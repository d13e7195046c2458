//! What the store must keep, under all that can happen to a file.

mod ports;
