//! The connections that read: a few, on the runtime's threads for blocking work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bottega_store::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::connection;
use crate::place::Place;

/// Reads that run at the same time; more wait for one of these to end.
const CONNECTIONS: usize = 4;

/// The pool. Connections are opened when they are first needed and kept.
#[derive(Debug)]
pub(crate) struct Readers {
    place: Place,
    patience: Duration,
    /// Connections that nobody uses now; nothing once no more are to be kept.
    idle: Mutex<Option<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(place: Place, patience: Duration) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        Arc::new(Self { place, patience, idle: Mutex::new(Some(Vec::new())), permits })
    }

    /// Keeps no connection from now on, so that the writer can be the last to close: only who writes can
    /// empty the log. Subscriptions that are still held may go on reading.
    pub(crate) fn retire(&self) {
        drop(self.idle().take());
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads on this thread; for opening.
    pub(crate) fn read_here<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle().as_mut().and_then(Vec::pop);
        let connection = match idle {
            Some(connection) => connection,
            None => connection::to_read(&self.place, self.patience)?,
        };
        let outcome = work(&connection);
        if let Some(idle) = self.idle().as_mut() {
            idle.push(connection);
        }
        outcome
    }

    /// Reads on a thread where waiting for the disk holds nobody up. A dropped future lets the read end
    /// unheard.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let readers = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            let outcome = readers.read_here(work);
            drop(permit);
            outcome
        });
        reading
            .await
            .map_err(|error| StoreError::Failed(format!("a read was cut short: {error}")))?
    }
}
