//! Which processes of this machine carry a mark, and that they are gone.

use std::fs;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::live::PATIENCE;

/// Processes that have a word on their command line, held so that their end can be waited for.
pub(crate) struct Marked {
    held: Vec<(u32, OwnedFd)>,
}

impl Marked {
    /// The processes that have `mark` on their command line now.
    pub(crate) fn find(mark: &str) -> Self {
        let mut held = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let marked = words.windows(mark.len()).any(|window| window == mark.as_bytes());
            let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // One that has ended meanwhile can't be held.
            if let (true, Some(Ok(fd))) = (marked, id.map(|id| pidfd_open(id, PidfdFlags::empty())))
            {
                held.push((pid, fd));
            }
        }
        Self { held }
    }

    pub(crate) fn count(&self) -> usize {
        self.held.len()
    }

    /// Waits until each of them has ended.
    #[track_caller]
    pub(crate) fn wait_until_gone(&self) {
        for (pid, process) in &self.held {
            let patience =
                Timespec { tv_sec: i64::try_from(PATIENCE.as_secs()).unwrap(), tv_nsec: 0 };
            let ended = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&patience)).unwrap();
            assert_eq!(ended, 1, "process {pid} goes on");
        }
    }
}
