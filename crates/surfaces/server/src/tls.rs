//! The server's identity as it is now: read at the start, and again when its files change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bottega_api::ApiError;
use bottega_types::{Clock, Timestamp};
use tokio_rustls::TlsAcceptor;

use crate::identity::{Identity, TlsFiles};

/// How connections are encrypted.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    identity: Arc<Identity>,
    /// Of the files as they were read last, whether what they held could be used or not.
    seen: [Option<Stamp>; 2],
}

/// What changes with a file: whoever replaces or rewrites it changes one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    number: u64,
}

impl Tls {
    pub(crate) fn read(files: TlsFiles, clock: &dyn Clock) -> Result<Self, ApiError> {
        let seen = stamps(&files);
        let identity = Arc::new(Identity::read(&files, clock.now())?);
        Ok(Self { files, state: Mutex::new(State { identity, seen }) })
    }

    fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).identity)
    }

    /// Meets the next client.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.identity().config))
    }

    /// The names that the certificate is for.
    pub(crate) fn names(&self) -> Vec<String> {
        self.identity().names.clone()
    }

    /// The last moment at which clients accept the certificate.
    pub(crate) fn until(&self) -> Timestamp {
        self.identity().until
    }

    /// Reads the files again where one of them changed. What can't be used is told once, and the server stays who it was:
    /// the two files can't be replaced in one moment, so one of them alone may be new.
    pub(crate) fn look(&self, clock: &dyn Clock) {
        let seen = stamps(&self.files);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.seen == seen {
            return;
        }
        state.seen = seen;
        match Identity::read(&self.files, clock.now()) {
            Ok(identity) => {
                tracing::info!(until = %identity.until, "the certificate was read again");
                state.identity = Arc::new(identity);
            }
            Err(error) => {
                tracing::warn!("the old certificate stays in use: {}", error.message);
            }
        }
    }
}

fn stamps(files: &TlsFiles) -> [Option<Stamp>; 2] {
    [&files.certificate, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let number = 0;
        Some(Stamp { modified: metadata.modified().ok(), length: metadata.len(), number })
    })
}
