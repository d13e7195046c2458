//! How this process tells others that the journal has grown, and hears it from them.
//!
//! After each commit a process writes the journal's last position into the bell file; who subscribes
//! watches that file through inotify. SQLite's own files won't do: the log is written before the commit
//! counts, and the index that makes it count is written through a memory map, which inotify does not see.
//! A writer that dies between commit and bell closes the file by dying, which is an event too.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use bottega_event::Position;
use bottega_store::{Bell, StoreError};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::refusal::translate_io;

/// The bell of this process, and the last position that rang it from here.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    pub(crate) bell: Arc<Bell>,
    announced: AtomicU64,
}

impl Signal {
    /// Tells everybody here, and through `file` everywhere, that the journal reaches `position`.
    pub(crate) fn announce(&self, position: Position, file: &File) {
        self.announced.store(position.0, Ordering::Release);
        self.bell.ring();
        // Eight bytes in place, for waking only: when they can't be written others are woken by the next.
        let _best_effort = file.write_at(&position.0.to_le_bytes(), 0);
    }

    /// Rings for what another process announced.
    fn hear(&self, file: &File, flags: ReadFlags) {
        let mut bytes = [0; 8];
        let read = file.read_exact_at(&mut bytes, 0);
        let new =
            read.is_err() || u64::from_le_bytes(bytes) > self.announced.load(Ordering::Acquire);
        // Somebody closed the file, perhaps by dying before it could announce.
        if new || flags.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::QUEUE_OVERFLOW) {
            self.bell.ring();
        }
    }
}

/// The thread that listens to other processes. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Listens to the bell file at `path`.
    pub(crate) fn start(path: &Path, signal: Arc<Signal>) -> Result<Self, StoreError> {
        let fail =
            |error: std::io::Error| translate_io(&error, &format!("watching {}", path.display()));
        let file = File::open(path).map_err(fail)?;
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .and_then(|events| {
                inotify::add_watch(&events, path, WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE)?;
                Ok(events)
            })
            .map_err(|error| fail(error.into()))?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| fail(error.into()))?;
        let stopped = stop.try_clone().map_err(fail)?;
        let thread = std::thread::Builder::new()
            .name("journal-watch".into())
            .spawn(move || listen(&events, &stopped, &file, &signal))
            .map_err(fail)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if rustix::io::write(&self.stop, &1_u64.to_ne_bytes()).is_ok()
            && let Some(thread) = self.thread.take()
        {
            // It has nothing to say: a panic in it was reported by its hook.
            let _ended = thread.join();
        }
    }
}

fn listen(events: &OwnedFd, stopped: &OwnedFd, file: &File, signal: &Signal) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    loop {
        let mut fds = [PollFd::new(events, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        if !fds[1].revents().is_empty() {
            return;
        }
        let mut reader = Reader::new(events, &mut buffer);
        let mut flags = ReadFlags::empty();
        // `WOULDBLOCK` when all that came was read.
        while let Ok(event) = reader.next() {
            flags |= event.events();
        }
        if !flags.is_empty() {
            signal.hear(file, flags);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Does `deed` to the bell file of another process and waits until it is heard here.
    async fn check(deed: impl FnOnce(&Path)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let signal = Arc::new(Signal::default());
        let watch = Watch::start(file.path(), Arc::clone(&signal)).unwrap();
        let heard = signal.bell.rung_after(0);
        deed(file.path());
        let heard = tokio::time::timeout(Duration::from_secs(60), heard).await;
        assert_eq!(heard, Ok(Ok(())));
        drop(watch);
    }

    #[tokio::test]
    async fn an_announcement_of_another_process_rings() {
        let mut kept_open = None;
        check(|path| {
            let file = File::options().write(true).open(path).unwrap();
            Signal::default().announce(Position(1), &file);
            kept_open = Some(file);
        })
        .await;
    }

    /// A process that dies closes its files, announced or not.
    #[tokio::test]
    async fn a_writer_that_goes_away_rings() {
        check(|path| drop(File::options().write(true).open(path).unwrap())).await;
    }
}
