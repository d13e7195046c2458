//! Which folders may bring their own settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use bottega_types::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::atomic_file::{Privacy, replace};
use crate::{Layer, Places, plain_file};

/// What is known of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It brings no settings, so there is nothing to trust.
    Nothing,
    /// Its settings are those that were trusted.
    Trusted,
    /// Its settings changed since they were trusted.
    Changed,
    /// Nobody trusted it.
    Unknown,
}

/// The list of trusted folders, each with the digest of the settings that were trusted.
#[derive(Clone, Debug)]
pub struct Trust {
    file: PathBuf,
}

/// The list can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file or folder refused.
    #[error("can't use {path}: {source}; check its permissions")]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is there can be no settings file.
    #[error("{path} can't be used: {why}")]
    Unfit {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        why: io::Error,
    },
    /// The list is not what Bottega wrote.
    #[error("{path} is damaged; remove it and trust your folders again")]
    Damaged {
        /// The list.
        path: PathBuf,
    },
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    folders: BTreeMap<PathBuf, Trusted>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trusted {
    settings: Digest,
    since: Timestamp,
}

impl Trust {
    /// The list at its usual place.
    #[must_use]
    pub fn new(places: &Places) -> Self {
        Self { file: places.trust() }
    }

    /// What is known of `folder`.
    ///
    /// # Errors
    /// When the folder's settings or the list can't be read. Nothing is trusted then.
    pub fn standing(&self, folder: &Path) -> Result<Standing, TrustError> {
        self.judge(folder, &Brought::read(folder)?)
    }

    /// What is known of `folder` when it brings this.
    pub(crate) fn judge(&self, folder: &Path, brought: &Brought) -> Result<Standing, TrustError> {
        let Some(found) = brought.digest() else { return Ok(Standing::Nothing) };
        let list = self.read()?;
        Ok(match list.folders.get(&whole(folder)?) {
            Some(trusted) if trusted.settings == found => Standing::Trusted,
            Some(_) => Standing::Changed,
            None => Standing::Unknown,
        })
    }

    /// Trusts the settings that `folder` has now. Another change needs trust anew.
    ///
    /// # Errors
    /// When the folder's settings can't be read, or the list can't be read or written.
    pub fn trust(&self, folder: &Path, now: Timestamp) -> Result<(), TrustError> {
        let settings = Brought::read(folder)?.digest().unwrap_or(Digest::ZERO);
        let mut list = self.read()?;
        list.folders.insert(whole(folder)?, Trusted { settings, since: now });
        self.write(&list)
    }

    /// Trusts `folder` no longer. Says whether it was trusted.
    ///
    /// # Errors
    /// When the list can't be read or written.
    pub fn distrust(&self, folder: &Path) -> Result<bool, TrustError> {
        let mut list = self.read()?;
        let was = list.folders.remove(&whole(folder)?).is_some();
        if was {
            self.write(&list)?;
        }
        Ok(was)
    }

    fn read(&self) -> Result<List, TrustError> {
        match fs::read(&self.file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|_| TrustError::Damaged { path: self.file.clone() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(List::default()),
            Err(source) => Err(TrustError::Disk { path: self.file.clone(), source }),
        }
    }

    fn write(&self, list: &List) -> Result<(), TrustError> {
        let disk = |source| TrustError::Disk { path: self.file.clone(), source };
        let bytes = serde_json::to_vec_pretty(list).map_err(|error| disk(error.into()))?;
        replace(&self.file, &bytes, Privacy::Owner).map_err(disk)
    }
}

/// The folder as the system knows it, so that a link to a trusted folder is that folder.
fn whole(folder: &Path) -> Result<PathBuf, TrustError> {
    fs::canonicalize(folder).map_err(|source| TrustError::Disk { path: folder.to_owned(), source })
}

/// The settings that a folder brings. Read once, so that what was judged is what is used.
pub(crate) struct Brought {
    pub(crate) project: Option<Vec<u8>>,
    pub(crate) local: Option<Vec<u8>>,
}

impl Brought {
    pub(crate) fn read(folder: &Path) -> Result<Self, TrustError> {
        let read = |path: PathBuf| match plain_file::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(why) if why.kind() == io::ErrorKind::InvalidInput => {
                Err(TrustError::Unfit { path, why })
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(TrustError::Disk { path, source }),
        };
        Ok(Self {
            project: read(Places::project_settings(folder))?,
            local: read(Places::local_settings(folder))?,
        })
    }

    /// What stands for a layer, where that layer is brought by a folder.
    pub(crate) const fn of_mut(&mut self, layer: Layer) -> Option<&mut Option<Vec<u8>>> {
        match layer {
            Layer::Project => Some(&mut self.project),
            Layer::Local => Some(&mut self.local),
            Layer::Default | Layer::System | Layer::User | Layer::Environment | Layer::Flag => None,
        }
    }

    /// `None` when there is nothing.
    fn digest(&self) -> Option<Digest> {
        (self.project.is_some() || self.local.is_some()).then(|| {
            let [project, local] =
                [&self.project, &self.local].map(|part| part.as_deref().unwrap_or_default());
            Digest::of_parts(&[project, local])
        })
    }
}

/// Whether an error means that there is no such file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
