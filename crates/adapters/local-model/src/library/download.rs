//! Fetching one file over HTTP: in pieces side by side, taken up again where it was cut.
//!
//! What is there stands in `NAME.part`, and which bytes of it in `NAME.part.json` beside it. Pieces
//! are asked for by `Range` with `If-Range` (RFC 9110 sections 13.1.5 and 14), so that a file that
//! changed at its source is never joined to an older one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bottega_llm::{LibraryError, PullProgress, PullStage};
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use super::options::LibraryOptions;
use super::remote::{Remote, cause, fetch_error};

/// Called with every step of a pull.
pub(crate) type Progress<'a> = &'a (dyn Fn(PullProgress) + Send + Sync);

/// Which bytes of a part are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// Names the content: digest or address.
    content: String,
    /// The strong validator it was fetched under.
    etag: Option<String>,
    total: u64,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    from: u64,
    /// One past the last byte.
    to: u64,
    /// Bytes there, from `from` on.
    done: u64,
}

impl Record {
    fn fresh(content: String, etag: Option<String>, total: u64, piece: u64) -> Self {
        let piece = piece.max(1);
        let pieces = (0..total.div_ceil(piece))
            .map(|index| Piece {
                from: index * piece,
                to: (index * piece + piece).min(total),
                done: 0,
            })
            .collect();
        Self { content, etag, total, pieces }
    }

    fn done(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.done).sum()
    }
}

/// The files of an unfinished fetch.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) file: PathBuf,
    pub(crate) record: PathBuf,
}

impl Part {
    /// Of the model that will be `target`.
    pub(crate) fn of(target: &Path) -> Self {
        let with = |end: &str| {
            let mut name = target.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        Self { file: with(".part"), record: with(".part.json") }
    }

    /// Forgets what is there.
    pub(crate) fn discard(&self) {
        let _ = std::fs::remove_file(&self.file);
        let _ = std::fs::remove_file(&self.record);
    }

    pub(crate) fn disk(&self, action: &'static str) -> impl Fn(std::io::Error) -> LibraryError {
        let path = self.file.clone();
        move |source| LibraryError::Disk { action, path: path.clone(), source }
    }

    fn read_record(&self) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(&self.record).ok()?).ok()
    }

    fn write_record(&self, record: &Record) -> Result<(), LibraryError> {
        let bytes = serde_json::to_vec(record).unwrap_or_default();
        std::fs::write(&self.record, bytes).map_err(self.disk("write the record beside"))
    }
}

/// Refuses when `needed` more bytes don't fit beside `part`.
pub(crate) fn check_disk(options: &LibraryOptions, needed: u64) -> Result<(), LibraryError> {
    match (options.free_disk)(&options.folder) {
        Some(free) if free < needed => {
            Err(LibraryError::NoSpace { needed, free, path: options.folder.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

/// Fetches `remote` into `part`.
pub(crate) async fn download(
    client: &Client,
    options: &LibraryOptions,
    remote: &Remote,
    part: &Part,
    progress: Progress<'_>,
) -> Result<(), LibraryError> {
    let probe = ask(client, options, remote, (0, 1), None).await?;
    let content = remote.digest.map_or_else(|| remote.url.to_string(), |digest| digest.to_string());
    let total = probe
        .headers()
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok()?.rsplit_once('/')?.1.parse().ok());
    let (StatusCode::PARTIAL_CONTENT, Some(total)) = (probe.status(), total) else {
        return whole(options, remote, probe, part, progress).await;
    };
    let etag = strong_etag(&probe);
    drop(probe);
    let known = part.read_record().filter(|known| {
        known.content == content && known.total == total && known.etag == etag && part.file.exists()
    });
    let record = known.unwrap_or_else(|| Record::fresh(content, etag, total, options.piece));
    check_disk(options, total - record.done())?;
    let file =
        std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&part.file);
    file.and_then(|file| file.set_len(total)).map_err(part.disk("create"))?;
    let fetch = Fetch {
        client,
        options,
        remote,
        part,
        progress,
        done: AtomicU64::new(record.done()),
        total,
        etag: record.etag.clone(),
        record: Mutex::new(record),
    };
    fetch.all().await
}

fn strong_etag(response: &Response) -> Option<String> {
    let etag = response.headers().get(ETAG)?.to_str().ok()?;
    (!etag.starts_with("W/")).then(|| etag.to_owned())
}

/// Asks for the bytes `from..to`. A whole file may come instead.
async fn ask(
    client: &Client,
    options: &LibraryOptions,
    remote: &Remote,
    (from, to): (u64, u64),
    etag: Option<&str>,
) -> Result<Response, LibraryError> {
    let mut pause = options.pause;
    let mut attempt = 1;
    loop {
        let mut request = client
            .get(remote.url.clone())
            .headers(remote.headers.clone())
            .header(RANGE, format!("bytes={from}-{}", to.saturating_sub(1)));
        if let Some(etag) = etag {
            request = request.header(IF_RANGE, etag);
        }
        let why = match request.send().await {
            Ok(response) if response.status().is_success() => return Ok(response),
            Ok(response) => {
                let status = response.status();
                let error = fetch_error(&remote.url, format!("HTTP {status}"));
                if !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS {
                    return Err(error);
                }
                error
            }
            Err(error) => fetch_error(&remote.url, cause(&error)),
        };
        if attempt >= options.attempts {
            return Err(why);
        }
        attempt += 1;
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// For servers that know no ranges: all of it in one go, from the response that is there.
async fn whole(
    options: &LibraryOptions,
    remote: &Remote,
    mut response: Response,
    part: &Part,
    progress: Progress<'_>,
) -> Result<(), LibraryError> {
    let total = response.content_length().or(remote.size);
    check_disk(options, total.unwrap_or(0))?;
    part.discard();
    let mut file = tokio::fs::File::create(&part.file).await.map_err(part.disk("create"))?;
    let mut done = 0;
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| fetch_error(&remote.url, cause(&error)))? else {
            break;
        };
        file.write_all(&chunk).await.map_err(part.disk("write"))?;
        done += chunk.len() as u64;
        progress(PullProgress { stage: PullStage::Downloading, done, total });
    }
    file.flush().await.map_err(part.disk("write"))?;
    match total {
        Some(total) if total != done => {
            Err(fetch_error(&remote.url, format!("{done} of {total} bytes arrived")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Bytes that may be lost by a crash: the record is written this often.
const RECORD_EVERY: u64 = 8 << 20;

/// An attempt that brings less than this part of a piece counts as fruitless: a server that always cuts after a few
/// bytes would be asked for ever.
const FRUIT: u64 = 64;

/// A fetch in pieces.
struct Fetch<'a> {
    client: &'a Client,
    options: &'a LibraryOptions,
    remote: &'a Remote,
    part: &'a Part,
    progress: Progress<'a>,
    record: Mutex<Record>,
    /// Bytes written, those not yet recorded included.
    done: AtomicU64,
    total: u64,
    etag: Option<String>,
}

impl Fetch<'_> {
    async fn all(&self) -> Result<(), LibraryError> {
        self.report(PullStage::Downloading, 0);
        let count = self.record().pieces.len();
        futures::stream::iter(0..count)
            .map(|index| self.piece(index))
            .buffer_unordered(self.options.connections.max(1))
            .try_collect::<()>()
            .await
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, stage: PullStage, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let total = Some(self.total);
        (self.progress)(PullProgress { stage, done, total });
    }

    /// Fetches one piece, as often as it takes while it gets on.
    async fn piece(&self, index: usize) -> Result<(), LibraryError> {
        let mut pause = self.options.pause;
        let mut fruitless = 0;
        loop {
            let piece = self.record().pieces[index];
            if piece.from + piece.done == piece.to {
                return Ok(());
            }
            let outcome = self.attempt(index, piece).await;
            let came = self.record().pieces[index].done - piece.done;
            let got_on = came > self.options.piece / FRUIT;
            match outcome {
                Ok(()) => {}
                Err(LibraryError::Fetch { origin, why }) => {
                    fruitless = if got_on { 0 } else { fruitless + 1 };
                    if fruitless >= self.options.attempts {
                        let (done, total) = (self.record().done(), self.total);
                        let kept = format!(
                            "{done} of {total} bytes are here, and the same pull goes on there"
                        );
                        return Err(LibraryError::Fetch { origin, why: format!("{why}; {kept}") });
                    }
                    if !got_on {
                        self.report(PullStage::Retrying, 0);
                    }
                    tokio::time::sleep(pause).await;
                    pause = if got_on { self.options.pause } else { pause * 2 };
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn attempt(&self, index: usize, piece: Piece) -> Result<(), LibraryError> {
        let start = piece.from + piece.done;
        let range = (start, piece.to);
        let response =
            ask(self.client, self.options, self.remote, range, self.etag.as_deref()).await?;
        let begins = format!("bytes {start}-");
        let right = response
            .headers()
            .get(CONTENT_RANGE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|range| range.starts_with(&begins));
        if response.status() != StatusCode::PARTIAL_CONTENT || !right {
            self.part.discard();
            let path = self.part.file.clone();
            let why = "it changed at its source while it was fetched; pull again".to_owned();
            return Err(LibraryError::BadFile { path, why });
        }
        let mut file = tokio::fs::OpenOptions::new()
            .write(true)
            .open(&self.part.file)
            .await
            .map_err(self.part.disk("open"))?;
        file.seek(std::io::SeekFrom::Start(start)).await.map_err(self.part.disk("write"))?;
        let mut unsaved = 0;
        let outcome = self.copy(index, response, &mut file, piece.to - start, &mut unsaved).await;
        self.save(index, &mut file, &mut unsaved).await?;
        outcome
    }

    async fn copy(
        &self,
        index: usize,
        mut response: Response,
        file: &mut tokio::fs::File,
        mut wanted: u64,
        unsaved: &mut u64,
    ) -> Result<(), LibraryError> {
        while wanted > 0 {
            let chunk = response.chunk().await;
            let Some(chunk) =
                chunk.map_err(|error| fetch_error(&self.remote.url, cause(&error)))?
            else {
                return Err(fetch_error(&self.remote.url, "the connection ended early"));
            };
            let length = (chunk.len() as u64).min(wanted);
            let bytes = &chunk[..usize::try_from(length).unwrap_or(chunk.len())];
            file.write_all(bytes).await.map_err(self.part.disk("write"))?;
            wanted -= length;
            *unsaved += length;
            self.report(PullStage::Downloading, length);
            if *unsaved >= RECORD_EVERY {
                self.save(index, file, unsaved).await?;
            }
        }
        Ok(())
    }

    /// Records what is on the disk for sure.
    async fn save(
        &self,
        index: usize,
        file: &mut tokio::fs::File,
        unsaved: &mut u64,
    ) -> Result<(), LibraryError> {
        file.flush().await.map_err(self.part.disk("write"))?;
        let mut record = self.record();
        record.pieces[index].done += std::mem::take(unsaved);
        self.part.write_record(&record)
    }
}
