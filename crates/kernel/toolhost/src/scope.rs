//! What one session may do and has seen.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bottega_actor::{Line, Place};
use bottega_policy::{AccessMode, Grant, GrantScope, Need, Origin};
use bottega_tool::{FileVersions, Lines, SeenFiles};
use bottega_types::{CallId, Digest, Redactor, SessionId};

use crate::GrantBook;
use crate::jobs::JobTable;
use crate::stopping::Stopping;

/// What one session may do and has seen. Shared by the calls of a turn that run side by side.
#[derive(Debug)]
pub struct SessionScope {
    session: SessionId,
    mode: Mutex<AccessMode>,
    /// What was granted and is in no book.
    grants: Mutex<Vec<Grant>>,
    book: Option<Book>,
    /// Where what the agent read came from, as far as nobody vouches for it.
    carries: Mutex<BTreeSet<Origin>>,
    seen: Arc<Seen>,
    /// Calls that may still ask a person, in the order in which the model made them. One asks at a time: while a
    /// question is open, the same need of another call waits for its answer.
    asking: Line,
    jobs: Arc<JobTable>,
    stopping: Stopping,
}

impl SessionScope {
    /// A session that was granted nothing and has seen nothing.
    #[must_use]
    pub fn new(session: SessionId, mode: AccessMode) -> Self {
        Self {
            session,
            mode: Mutex::new(mode),
            grants: Mutex::default(),
            book: None,
            carries: Mutex::default(),
            seen: Arc::default(),
            asking: Line::default(),
            jobs: Arc::default(),
            stopping: Stopping::default(),
        }
    }

    /// The same scope, with a book that keeps what is granted for longer. `project` names the workspace in it.
    #[must_use]
    pub fn with_book(self, book: Arc<GrantBook>, project: String) -> Self {
        Self { book: Some(Book { book, project, held: Mutex::default() }), ..self }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// How much may be done without asking.
    #[must_use]
    pub fn mode(&self) -> AccessMode {
        *lock(&self.mode)
    }

    /// From now on this mode holds. Calls under way go on in the mode they were judged in.
    pub fn reroute(&self, mode: AccessMode) {
        *lock(&self.mode) = mode;
    }

    /// The place of the next call among those that may ask a person. Questions come in the order of places, so
    /// calls that run side by side take theirs before they start.
    pub fn place(&self) -> Place {
        self.asking.join()
    }

    /// Stops the calls whose tools are at work now. Each ends with a report of what it had changed by then.
    pub fn stop_work(&self) {
        self.stopping.stop();
    }

    /// The calls whose tools are at work.
    #[must_use]
    pub fn at_work(&self) -> BTreeSet<CallId> {
        self.stopping.at_work()
    }

    pub(crate) const fn stopping(&self) -> &Stopping {
        &self.stopping
    }

    /// The commands in the background, which end with this scope.
    pub(crate) fn jobs(&self) -> Arc<JobTable> {
        Arc::clone(&self.jobs)
    }

    /// The line of those who ask, for a question that comes up while a call runs.
    pub(crate) fn line(&self) -> Line {
        self.asking.clone()
    }

    /// Reads again what the book says. A book that can't be read grants nothing.
    pub async fn refresh(&self) {
        let Some(book) = &self.book else { return };
        let held = book.book.holding(self.session, &book.project).await;
        let held = held.unwrap_or_else(|error| {
            tracing::warn!(%error, "stored grants do not hold now");
            Vec::new()
        });
        *lock(&book.held) = held;
    }

    /// What was granted so far, as of the last [`refresh`](Self::refresh).
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        let mut grants = lock(&self.grants).clone();
        if let Some(book) = &self.book {
            grants.extend(lock(&book.held).iter().cloned());
        }
        grants
    }

    /// Grants `needs`, of a compound command each part alone, so that another line of the same parts need not be
    /// asked for. What the book can't keep, since it holds a secret or the disk is full, holds while this process
    /// works on the session.
    pub async fn grant(&self, needs: &[Need], scope: GrantScope, redactor: &Redactor) {
        let known = self.grants();
        let mut grants: Vec<Grant> = Vec::new();
        for need in needs.iter().flat_map(Need::granted) {
            let grant = Grant { need, scope };
            if !known.contains(&grant) && !grants.contains(&grant) {
                grants.push(grant);
            }
        }
        let Some(book) = &self.book else { return lock(&self.grants).extend(grants) };
        let secret = |grant: &Grant| {
            let text = grant.need.to_string();
            redactor.clean(&text) != text
        };
        let (unfit, fit): (Vec<Grant>, Vec<Grant>) = grants.into_iter().partition(secret);
        lock(&self.grants).extend(unfit);
        if let Err(error) = book.book.give(self.session, &book.project, fit.clone()).await {
            tracing::warn!(%error, "a grant was not stored; it holds in this process only");
            lock(&self.grants).extend(fit);
        }
        self.refresh().await;
    }

    /// The agent read text from these origins. It does not forget that.
    pub fn read_from(&self, origins: &[Origin]) {
        lock(&self.carries).extend(origins.iter().cloned());
    }

    /// Where what the agent read came from, as far as nobody vouches for it.
    #[must_use]
    pub fn carries(&self) -> Vec<Origin> {
        lock(&self.carries).iter().cloned().collect()
    }

    /// What the session has read of files.
    #[must_use]
    pub fn versions(&self) -> Arc<dyn FileVersions> {
        self.seen.clone()
    }
}

/// Where grants are kept.
#[derive(Debug)]
struct Book {
    book: Arc<GrantBook>,
    project: String,
    /// What it said when it was read last.
    held: Mutex<Vec<Grant>>,
}

/// What was seen of files, by real path.
#[derive(Debug, Default)]
struct Seen(Mutex<SeenFiles>);

impl FileVersions for Seen {
    fn seen(&self, path: &str) -> Option<Digest> {
        lock(&self.0).seen(path)
    }

    fn unseen_line(&self, path: &str) -> Option<usize> {
        lock(&self.0).unseen_line(path)
    }

    fn saw(&self, path: &str, digest: Digest) {
        lock(&self.0).saw(path, digest);
    }

    fn saw_lines(&self, path: &str, digest: Digest, lines: Lines) {
        lock(&self.0).saw_lines(path, digest, lines);
    }

    fn edited(&self, path: &str, digest: Digest) {
        lock(&self.0).edited(path, digest);
    }
}

/// Every change under these locks is one assignment or push, so a poisoned one still guards whole data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
