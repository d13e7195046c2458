//! The handle that everybody holds.

use std::sync::{Arc, Mutex, PoisonError};

use bottega_event::Position;
use bottega_store::{Bell, StoreError};

use crate::place::{Place, Writable};
use crate::readers::Readers;
use crate::refusal::{contradiction, translate};
use crate::signal::{Signal, Watch};
use crate::turn::Turn;
use crate::writer::{Writer, WriterHandle};
use crate::{Options, connection, place, schema};

/// Journal, blobs, snapshots and views in one SQLite file. Clones share it.
///
/// Its methods must be called inside a tokio runtime. When the last clone is dropped the writer finishes
/// what it was handed, subscriptions end with [`StoreError::Closing`], and that drop waits for both.
#[derive(Clone, Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: Result<WriterHandle, String>,
    watch: Mutex<Option<Watch>>,
    readers: Arc<Readers>,
    signal: Arc<Signal>,
    place: Place,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.signal.bell.close();
        self.readers.retire();
    }
}

impl SqliteStore {
    /// The format that this build writes.
    pub const FORMAT: u32 = schema::FORMAT;

    /// Opens the journal, creates it when it is not there, and brings an older one to the present format.
    ///
    /// Blocks for a moment; meant for the start of a process. [`StoreError::TooNew`] when a newer build
    /// wrote it.
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        let place = Place::prepare(options)?;
        let readers = Readers::new(place.clone(), options.patience);
        let signal = Arc::new(Signal::default());
        let writer = match &place.writable {
            Writable::Here => Ok(start_writer(options, &place, &signal)?),
            Writable::Elsewhere(why) | Writable::Nowhere(why) => {
                readers.read_here(check_format)?;
                Err(why.clone())
            }
        };
        Ok(Self(Arc::new(Inner { writer, watch: Mutex::default(), readers, signal, place })))
    }

    /// Why this process could not write the journal at `path`, which is there: its mode, its file system or a full
    /// disk; nothing when it could. Changes nothing.
    pub fn why_not_written(path: &std::path::Path) -> Result<Option<String>, StoreError> {
        place::why_not_written(path)
    }

    /// Brings the journal to `format`, forward or back, and returns the format it had. Going back drops
    /// only what can be rebuilt: views and snapshots. No process may have it open meanwhile.
    pub fn migrate(options: &Options, format: u32) -> Result<u32, StoreError> {
        let place = Place::prepare(options)?;
        match &place.writable {
            Writable::Here => {
                let connection =
                    connection::to_write(&place.path, options.quota, options.patience)?;
                let turn = Turn::new(place.open_bell()?, options.patience);
                schema::migrate(&connection, &turn, format)
            }
            Writable::Elsewhere(why) | Writable::Nowhere(why) => {
                Err(StoreError::ReadOnly(why.clone()))
            }
        }
    }

    /// Lets SQLite check the whole file: its pages, and that tables and indexes agree. It finds damage
    /// that the chain does not cover (indexes, blobs' tables, free pages).
    pub async fn check_file(&self) -> Result<(), StoreError> {
        self.0
            .readers
            .read(|connection| {
                let sql = "PRAGMA integrity_check(1)";
                let found: String = connection
                    .query_row(sql, [], |row| row.get(0))
                    .map_err(|error| translate(&error, Position(0)))?;
                if found == "ok" { Ok(()) } else { Err(contradiction(Position(0), &found)) }
            })
            .await
    }

    /// The folder that the journal stands in.
    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.0
            .place
            .path
            .parent()
            .map_or_else(std::path::PathBuf::new, std::path::Path::to_path_buf)
    }

    pub(crate) fn writer(&self) -> Result<&WriterHandle, StoreError> {
        self.0.writer.as_ref().map_err(|why| StoreError::ReadOnly(why.clone()))
    }

    pub(crate) fn readers(&self) -> &Arc<Readers> {
        &self.0.readers
    }

    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.0.signal.bell)
    }

    /// Begins to listen to other processes, if it has not yet begun and there can be any.
    pub(crate) fn watch(&self) -> Result<(), StoreError> {
        let mut watch = self.0.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.0.place.bell();
        let quiet = matches!(self.0.place.writable, Writable::Nowhere(_)) || !path.exists();
        if watch.is_none() && !quiet {
            *watch = Some(Watch::start(&path, Arc::clone(&self.0.signal))?);
        }
        Ok(())
    }
}

fn start_writer(
    options: &Options,
    place: &Place,
    signal: &Arc<Signal>,
) -> Result<WriterHandle, StoreError> {
    let connection = connection::to_write(&place.path, options.quota, options.patience)?;
    let file = place.open_bell()?;
    let bell = file.try_clone();
    let bell =
        bell.map_err(|error| crate::refusal::translate_io(&error, "opening the bell file"))?;
    let turn = Turn::new(file, options.patience);
    schema::migrate(&connection, &turn, schema::FORMAT)?;
    Writer::start(connection, turn, bell, Arc::clone(signal), options.queue)
}

fn check_format(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    let format = schema::format_of(connection)?;
    if format == schema::FORMAT {
        return Ok(());
    }
    Err(StoreError::ReadOnly(format!(
        "it has the older format {format}; open it once where it can be written"
    )))
}
