//! Live output without secrets.

use std::sync::{Arc, Mutex, PoisonError};

use bottega_tool::{CommandSink, StreamName};
use bottega_types::Redactor;

/// A line longer than this is passed on in pieces.
const LONGEST_LINE: usize = 64 * 1024;
/// What is held back of such a line: longer than any secret of one line.
const HELD_BACK: usize = 8 * 1024;

/// Passes output on by whole lines, so that a secret that came in two pieces is still seen as one. A secret
/// of several lines is seen in the report only.
pub(crate) struct LiveOutput {
    to: Arc<dyn CommandSink>,
    redactor: Arc<Redactor>,
    /// The unfinished lines of standard output and standard error.
    unfinished: Mutex<[Vec<u8>; 2]>,
}

impl LiveOutput {
    pub(crate) fn new(to: Arc<dyn CommandSink>, redactor: Arc<Redactor>) -> Self {
        Self { to, redactor, unfinished: Mutex::default() }
    }

    /// Passes on what is left.
    pub(crate) fn flush(&self) {
        let rest =
            std::mem::take(&mut *self.unfinished.lock().unwrap_or_else(PoisonError::into_inner));
        for (stream, bytes) in [StreamName::Out, StreamName::Err].into_iter().zip(rest) {
            self.pass(stream, &bytes);
        }
    }

    fn pass(&self, stream: StreamName, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        self.to.output(stream, self.redactor.clean(&text).as_bytes());
    }
}

impl CommandSink for LiveOutput {
    fn output(&self, stream: StreamName, bytes: &[u8]) {
        let mut unfinished = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        let line = &mut unfinished[match stream {
            StreamName::Out => 0,
            StreamName::Err => 1,
        }];
        line.extend_from_slice(bytes);
        // The sink must not block, and order matters: it is called under the lock.
        if let Some(end) = line.iter().rposition(|byte| *byte == b'\n') {
            let ready: Vec<u8> = line.drain(..=end).collect();
            self.pass(stream, &ready);
        } else if line.len() > LONGEST_LINE {
            // Whole secrets are taken out before the cut, and none that is still coming reaches back to it.
            let clean = self.redactor.clean(&String::from_utf8_lossy(line)).into_owned();
            let cut = clean.floor_char_boundary(clean.len().saturating_sub(HELD_BACK));
            self.to.output(stream, &clean.as_bytes()[..cut]);
            *line = clean.as_bytes()[cut..].to_vec();
        }
    }
}
