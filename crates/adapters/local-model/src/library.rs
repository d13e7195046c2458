//! The models on this machine's disk: what is there, where more come from, which one suits.
//!
//! One pull: name or [`source`] → lock → [`remote`] (what is there) → [`download`] or [`wheels`] →
//! digest → [`gguf`] → [`records`].

mod catalogue;
mod download;
pub(crate) mod gguf;
mod options;
mod pull;
mod records;
mod remote;
mod source;
mod wheels;

use async_trait::async_trait;
use bottega_llm::{LibraryError, LocalModel, ModelLibrary, PullProgress, Recommendation};
use reqwest::Client;

pub use catalogue::{CATALOGUE, CatalogueEntry, DEFAULT_MODEL};
pub use options::{FreeDisk, LibraryOptions};
use pull::{Pull, Wanted};
use records::Records;

use crate::hardware;

/// A folder of models, shared by every process that names the same one.
#[derive(Clone, Debug)]
pub struct Library {
    options: LibraryOptions,
    records: Records,
}

impl Library {
    /// Opens the folder of `options`; it is made at the first pull.
    #[must_use]
    pub fn new(options: LibraryOptions) -> Self {
        let records = Records::new(options.folder.clone());
        Self { options, records }
    }

    /// One model, by name, without waiting. `None` when it is not here.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<LocalModel> {
        self.records.read(&source::safe_name(name))
    }

    /// Looks whether a model's file is one, and as long as it says. Reads its header alone.
    ///
    /// # Errors
    /// [`LibraryError::BadFile`] with what is wrong.
    pub fn check(&self, model: &LocalModel) -> Result<(), LibraryError> {
        let read = gguf::read(&model.path);
        read.map(drop)
            .map_err(|error| LibraryError::BadFile { path: model.path.clone(), why: error.why() })
    }
}

#[async_trait]
impl ModelLibrary for Library {
    async fn list(&self) -> Result<Vec<LocalModel>, LibraryError> {
        self.records.all()
    }

    async fn show(&self, name: &str) -> Result<LocalModel, LibraryError> {
        match self.find(name) {
            Some(model) => Ok(model),
            None => Err(LibraryError::Unknown {
                name: name.to_owned(),
                known: self.records.all()?.into_iter().map(|model| model.name).collect(),
            }),
        }
    }

    async fn pull(
        &self,
        source: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalModel, LibraryError> {
        let wanted = match catalogue::find(source) {
            Some(entry) => Wanted::from_catalogue(entry)?,
            None => Wanted::from_source(source)?,
        };
        self.records.create()?;
        let client = client()?;
        let pull =
            Pull { options: &self.options, records: &self.records, client: &client, progress };
        pull.run(&wanted).await
    }

    async fn remove(&self, name: &str) -> Result<(), LibraryError> {
        let model = self.show(name).await?;
        self.records.remove(&model.name)
    }

    async fn recommend(&self) -> Result<Recommendation, LibraryError> {
        let hardware = hardware::measure(&self.options.folder).await;
        let (entry, why) = catalogue::advise(&hardware);
        Ok(Recommendation {
            hardware,
            name: entry.name.to_owned(),
            quantisation: entry.quantisation.to_owned(),
            why,
        })
    }
}

/// The client of one pull. Reading the system's certificates takes milliseconds, which a start that fetches nothing
/// does not spend.
fn client() -> Result<Client, LibraryError> {
    // Somebody else in this process may have chosen the same provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("bottega/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(std::time::Duration::from_secs(15))
        .read_timeout(std::time::Duration::from_secs(60))
        .build()
        .map_err(|error| LibraryError::Fetch {
            origin: "the network".to_owned(),
            why: remote::cause(&error),
        })
}
