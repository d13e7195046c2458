//! A keeper as Bottega sees it.

#![expect(unsafe_code, reason = "waiting for one process by its descriptor has no safe form here")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Keepers that were let go before they ended. They end by themselves; what is left of them is taken away at the
/// next opportunity.
#[derive(Debug, Default)]
pub(crate) struct Orphans(Mutex<Vec<OwnedFd>>);

impl Orphans {
    /// Takes away those that have ended. Whether all have.
    pub(crate) fn sweep(&self) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|process| !reap(process));
        left.is_empty()
    }

    fn take(&self, process: OwnedFd) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }
}

/// Takes away a process if it has ended; true when it is gone.
pub(crate) fn reap(process: &OwnedFd) -> bool {
    let flags = libc::WEXITED | libc::WNOHANG | libc::__WALL;
    let id = libc::id_t::try_from(process.as_raw_fd()).unwrap_or_default();
    // SAFETY: the structure lives through the call; zero is a value of it.
    unsafe {
        let mut about: libc::siginfo_t = std::mem::zeroed();
        // Without a process to report, the structure stays as it was. An error means that nobody is left.
        libc::waitid(libc::P_PIDFD, id, &raw mut about, flags) < 0 || about.si_signo != 0
    }
}

/// A keeper that runs, held so that its end can be waited for.
#[derive(Debug)]
pub(crate) struct Process {
    held: Option<AsyncFd<OwnedFd>>,
    orphans: Arc<Orphans>,
}

impl Process {
    /// Takes a process into the care of this runtime.
    pub(crate) fn new(held: OwnedFd, orphans: Arc<Orphans>) -> io::Result<Self> {
        // SAFETY: an `OwnedFd` keeps its descriptor open and is the same as long as it lives.
        let held = unsafe { AsyncFd::register_with_interest(held, Interest::READABLE) }?;
        Ok(Self { held: Some(held), orphans })
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> io::Result<()> {
        while let Some(held) = &self.held {
            let mut ready = held.readable().await?;
            if reap(held.get_ref()) {
                drop(ready);
                self.held = None;
            } else {
                ready.clear_ready();
            }
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let held = held.into_inner();
            if !reap(&held) {
                self.orphans.take(held);
            }
        }
    }
}
