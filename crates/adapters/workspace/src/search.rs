//! Finding lines in files.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bottega_policy::Place;
use bottega_tool::{Matched, Matches, Query, WorkspaceError};
use grep::matcher::{LineTerminator, Matcher};
use grep::regex::{RegexMatcher, RegexMatcherBuilder};
use grep::searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};

use crate::guard::Guard;
use crate::listing::{Globs, entries};
use crate::place::Places;
use crate::resolve::shown;
use crate::walk::{Missing, spot};

/// Characters of a line that are kept.
const LINE: usize = 300;

/// Characters kept before the match where a line is cut.
const BEFORE_MATCH: usize = 80;

/// Files that are searched between two looks at whether there is enough.
const BATCH: usize = 256;

/// The longest line that is searched, in bytes; a file with a longer one is passed over from there.
const LONGEST_LINE: usize = 32 << 20;

/// Searches `real`, a file or a folder.
pub(crate) fn search(
    places: &Places,
    guard: &Guard,
    real: &Path,
    query: &Query,
    stop: &AtomicBool,
) -> Result<Matches, WorkspaceError> {
    let matcher = RegexMatcherBuilder::new()
        .case_insensitive(!query.case_sensitive)
        .multi_line(true)
        .crlf(true)
        .build(&query.pattern)
        .map_err(|error| WorkspaceError::BadPattern { why: error.to_string() })?;
    let globs = Globs::new(&query.globs)?;
    // One more than is returned, to know whether there is more.
    let enough = query.skip.saturating_add(query.limit).saturating_add(1);
    let withheld = Cell::new(0);
    let mut files = entries(real, None, stop)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        // What was asked for by name was judged by name; what a walk comes across was not.
        .filter(|entry| entry.depth() == 0 || places.of(entry.path()) != Place::Protected)
        .filter_map(|entry| {
            let shown = shown(places, entry.path());
            if !globs.match_path(&shown) {
                return None;
            }
            if entry.depth() > 0 && guard.of(&shown).reading {
                withheld.set(withheld.get() + 1);
                return None;
            }
            Some(entry.into_path())
        });
    let mut lines = Vec::new();
    loop {
        let batch: Vec<PathBuf> = files.by_ref().take(BATCH).collect();
        if batch.is_empty() || lines.len() >= enough || stop.load(Ordering::Relaxed) {
            break;
        }
        lines.extend(search_batch(places, &matcher, &batch, enough - lines.len(), stop));
    }
    let more = lines.len() >= enough;
    lines.truncate(enough - 1);
    lines.drain(..query.skip.min(lines.len()));
    drop(files);
    Ok(Matches { lines, more, withheld: withheld.get() })
}

/// Searches files side by side; the lines come in the order of the files.
fn search_batch(
    places: &Places,
    matcher: &RegexMatcher,
    files: &[PathBuf],
    enough: usize,
    stop: &AtomicBool,
) -> Vec<Matched> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Vec<Matched>>> = files.iter().map(|_| Mutex::default()).collect();
    let work = || {
        let mut searcher = SearcherBuilder::new()
            .line_number(true)
            .line_terminator(LineTerminator::crlf())
            .binary_detection(BinaryDetection::quit(0))
            .heap_limit(Some(LONGEST_LINE))
            .build();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = files.get(index) else { break };
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let lines = search_file(places, &mut searcher, matcher, path, enough);
            if let Ok(mut slot) = results[index].lock() {
                *slot = lines;
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    // A thread costs as much as a few small files.
    let threads = cores.min(8).min(files.len().div_ceil(16));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    results
        .into_iter()
        .flat_map(|lines| lines.into_inner().unwrap_or_default())
        .take(enough)
        .collect()
}

/// The matching lines of one file; none when it is binary or can't be read.
fn search_file(
    places: &Places,
    searcher: &mut Searcher,
    matcher: &RegexMatcher,
    path: &Path,
    enough: usize,
) -> Vec<Matched> {
    let opened = spot(path, Missing::Fail).and_then(|spot| spot.open()).map(File::from);
    let Ok(file) = opened else { return Vec::new() };
    if !file.metadata().is_ok_and(|about| about.is_file()) {
        return Vec::new();
    }
    let mut lines =
        Lines { path: shown(places, path), matcher, enough, found: Vec::new(), binary: false };
    // A file that can't be read to its end still gives what was found in it.
    let _ = searcher.search_file(matcher, &file, &mut lines);
    if lines.binary { Vec::new() } else { lines.found }
}

struct Lines<'a> {
    path: String,
    matcher: &'a RegexMatcher,
    enough: usize,
    found: Vec<Matched>,
    binary: bool,
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let bytes = found.bytes();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let start = self.matcher.find(bytes).ok().flatten().map_or(0, |place| place.start());
        self.found.push(Matched {
            path: self.path.clone(),
            line: found.line_number().unwrap_or_default(),
            text: cut(bytes, start),
        });
        Ok(self.found.len() < self.enough)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        self.binary = true;
        Ok(false)
    }
}

/// A line as text, cut around the byte where the match starts.
fn cut(bytes: &[u8], start: usize) -> String {
    // Far more than is kept, so that a line of megabytes is not turned into text whole.
    let from = start.saturating_sub(LINE * 4);
    let to = bytes.len().min(start + LINE * 4);
    let part = &bytes[from..to];
    let text = match std::str::from_utf8(part) {
        Ok(text) => text.to_owned(),
        // Cut inside a character, or no Unicode at all: then every byte is a Latin-1 character.
        Err(_) if from == 0 && to == bytes.len() => part.iter().copied().map(char::from).collect(),
        Err(_) => String::from_utf8_lossy(part).into_owned(),
    };
    let count = text.chars().count();
    if from == 0 && to == bytes.len() && count <= LINE {
        return text;
    }
    let matched = text.char_indices().take_while(|(at, _)| *at < start - from).count();
    let skip = if count - matched < LINE && count > LINE {
        count - LINE
    } else {
        matched.saturating_sub(BEFORE_MATCH)
    };
    let kept: String = text.chars().skip(skip).take(LINE).collect();
    let before = if from > 0 || skip > 0 { "…" } else { "" };
    let after = if to < bytes.len() || skip + LINE < count { "…" } else { "" };
    format!("{before}{kept}{after}")
}
