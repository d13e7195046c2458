//! What was asked, and how it ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Asked;

/// How the stream of an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// All that was meant to be sent was sent.
    Whole,
    /// The server broke it off, as the script wanted.
    Cut,
    /// The client went away first.
    Left,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) asked: Vec<Arc<Asked>>,
    pub(super) closes: BTreeMap<usize, Close>,
    ended: BTreeMap<usize, Instant>,
    others: Vec<String>,
}

/// What was asked, and how it ended. Tests wait on it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    book: Mutex<Book>,
    changed: Condvar,
}

impl Ledger {
    /// A panic elsewhere in a test does not make the book unreadable.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a question, which is told its number.
    pub(super) fn note(&self, read: impl FnOnce(usize) -> Asked) -> Arc<Asked> {
        let mut book = self.book();
        let asked = Arc::new(read(book.asked.len()));
        book.asked.push(Arc::clone(&asked));
        self.changed.notify_all();
        asked
    }

    pub(super) fn note_other(&self, request: String) {
        self.book().others.push(request);
    }

    pub(super) fn note_close(&self, number: usize, close: Close) {
        let now = Instant::now();
        let mut book = self.book();
        book.closes.insert(number, close);
        book.ended.insert(number, now);
        drop(book);
        self.changed.notify_all();
    }

    pub(super) fn asked(&self) -> Vec<Arc<Asked>> {
        self.book().asked.clone()
    }

    pub(super) fn close(&self, number: usize) -> Option<Close> {
        self.book().closes.get(&number).copied()
    }

    pub(super) fn ended(&self, number: usize) -> Option<Instant> {
        self.book().ended.get(&number).copied()
    }

    pub(super) fn others(&self) -> Vec<String> {
        self.book().others.clone()
    }

    /// Waits until `holds`. False when `patience` ended first.
    pub(super) fn wait_until(&self, patience: Duration, holds: impl Fn(&Book) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.book(), patience, |book| !holds(book));
        let (_book, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }
}
