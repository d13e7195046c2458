//! What one session may do and has seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bottega_actor::{Line, Place};
use bottega_policy::{AccessMode, Grant, GrantScope, Need};
use bottega_tool::FileVersions;
use bottega_types::{Digest, SessionId};

use crate::jobs::JobTable;

/// What one session may do and has seen. Shared by the calls of a turn that run side by side.
#[derive(Debug)]
pub struct SessionScope {
    session: SessionId,
    mode: Mutex<AccessMode>,
    grants: Mutex<Vec<Grant>>,
    seen: Arc<Seen>,
    /// Calls that may still ask a person, in the order in which the model made them. One asks at a time: while a
    /// question is open, the same need of another call waits for its answer.
    asking: Line,
    jobs: Arc<JobTable>,
}

impl SessionScope {
    /// A session that was granted nothing and has seen nothing.
    #[must_use]
    pub fn new(session: SessionId, mode: AccessMode) -> Self {
        Self {
            session,
            mode: Mutex::new(mode),
            grants: Mutex::default(),
            seen: Arc::default(),
            asking: Line::default(),
            jobs: Arc::default(),
        }
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

    /// The commands in the background, which end with this scope.
    pub(crate) fn jobs(&self) -> Arc<JobTable> {
        Arc::clone(&self.jobs)
    }

    /// The line of those who ask, for a question that comes up while a call runs.
    pub(crate) fn line(&self) -> Line {
        self.asking.clone()
    }

    /// What was granted so far.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        lock(&self.grants).clone()
    }

    /// Grants `needs` until the session ends. Of a compound command each part is granted alone as well,
    /// so that another line of the same parts need not be asked for.
    pub fn grant(&self, needs: &[Need]) {
        let mut grants = lock(&self.grants);
        for need in needs.iter().flat_map(with_parts) {
            let grant = Grant { need, scope: GrantScope::Session };
            if !grants.contains(&grant) {
                grants.push(grant);
            }
        }
    }

    /// What the session has read of files.
    #[must_use]
    pub fn versions(&self) -> Arc<dyn FileVersions> {
        self.seen.clone()
    }
}

/// The need itself, and each part of a command as a need of its own.
fn with_parts(need: &Need) -> Vec<Need> {
    let mut needs = vec![need.clone()];
    if let Need::Execute { parts, caged, .. } = need {
        needs.extend(parts.iter().map(|part| Need::Execute {
            command: part.clone(),
            parts: vec![part.clone()],
            caged: *caged,
        }));
    }
    needs
}

/// The version of each file that was seen last, by real path.
#[derive(Debug, Default)]
struct Seen(Mutex<HashMap<String, Digest>>);

impl FileVersions for Seen {
    fn seen(&self, path: &str) -> Option<Digest> {
        lock(&self.0).get(path).copied()
    }

    fn saw(&self, path: &str, digest: Digest) {
        lock(&self.0).insert(path.to_owned(), digest);
    }
}

/// Every change under these locks is one assignment or push, so a poisoned one still guards whole data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
