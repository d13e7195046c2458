//! What can be set about a library.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bottega_types::Secret;
use url::Url;

/// Tells how many bytes are free in a folder; `None` when it can't be told.
pub type FreeDisk = Arc<dyn Fn(&Path) -> Option<u64> + Send + Sync>;

/// What can be set about a library.
#[derive(Clone)]
pub struct LibraryOptions {
    /// Where models and their records are kept.
    pub folder: PathBuf,
    /// The Hugging Face hub, or a mirror of it.
    pub hub: Url,
    /// Sent to the hub and nowhere else; gated models need it.
    pub hub_token: Option<Secret<String>>,
    /// The Ollama registry of models whose source names none.
    pub ollama: Option<Url>,
    /// Command lines of package clients that understand `download --no-deps -d FOLDER NAME==VERSION`;
    /// the first that can be started is used.
    pub package_clients: Vec<Vec<String>>,
    /// Connections that fetch pieces of one large file at the same time.
    pub connections: usize,
    /// Packages that are fetched at the same time.
    pub packages_at_once: usize,
    /// How often in a row a connection may break that brought little or nothing.
    pub attempts: u32,
    /// The pause before it is, doubled each time.
    pub pause: Duration,
    /// Bytes of one piece of a large file.
    pub piece: u64,
    /// Measures the disk.
    pub free_disk: FreeDisk,
}

impl LibraryOptions {
    /// The public hub, no Ollama registry, four of everything at once.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let client = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            folder: folder.into(),
            hub: known("https://huggingface.co"),
            hub_token: None,
            ollama: None,
            package_clients: vec![
                client(&["pip"]),
                client(&["pip3"]),
                client(&["python3", "-m", "pip"]),
                client(&["uvx", "pip"]),
            ],
            connections: 4,
            packages_at_once: 4,
            attempts: 5,
            pause: Duration::from_millis(500),
            piece: 32 << 20,
            free_disk: Arc::new(crate::hardware::free_disk),
        }
    }
}

fn known(address: &str) -> Url {
    Url::parse(address).expect("a written address is well-formed")
}

impl std::fmt::Debug for LibraryOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LibraryOptions")
            .field("folder", &self.folder)
            .field("hub", &self.hub.as_str())
            .field("ollama", &self.ollama.as_ref().map(Url::as_str))
            .finish_non_exhaustive()
    }
}
