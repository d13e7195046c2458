//! Leases as locked files in a folder beside the journal.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use bottega_store::{Lease, Leases, StoreError};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::SqliteStore;

impl Leases for SqliteStore {
    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        take(self, name, FlockOperation::NonBlockingLockExclusive)
    }

    fn share(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        take(self, name, FlockOperation::NonBlockingLockShared)
    }
}

fn take(store: &SqliteStore, name: &str, how: FlockOperation) -> Result<Option<Lease>, StoreError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(StoreError::Failed(format!("`{name}` can't name a lease")));
    }
    let folder = store.folder().join("leases");
    lock(&folder, name, how)
        .map_err(|error| StoreError::Failed(format!("no lease in {}: {error}", folder.display())))
}

/// The lock is the kernel's: it goes with the process, however that ends. The file stays, since taking it away
/// would let two holders lock two files of one name.
fn lock(folder: &Path, name: &str, how: FlockOperation) -> io::Result<Option<Lease>> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(name);
    let file: File =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match flock(&file, how) {
        Ok(()) => Ok(Some(Box::new(file))),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
