//! Secrets: found in the environment, the system's keyring or an encrypted file.

mod file;
mod keyring;
mod reference;

use std::path::PathBuf;

use bottega_types::{Redactor, Secret};
use serde::Serialize;

#[cfg(feature = "keyring")]
pub use keyring::SystemKeyring;
pub use keyring::{Keyring, KeyringError, NoKeyring};
pub use reference::{NotAReference, SecretReference, Template};

use crate::secret::file::{SecretFile, Stored};
use crate::secret::reference::{Piece, is_name};
use crate::variable::secret_variables;
use crate::{Environment, Places, ProviderSettings, Settings};

/// Where a secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretPlace {
    /// In the operating system's keyring.
    Keyring,
    /// In Bottega's encrypted file.
    File,
}

/// A stored secret as it is listed: never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretRow {
    /// Its name.
    pub name: String,
    /// Where it is kept.
    pub place: SecretPlace,
}

/// A secret can't be had or kept. No message holds one.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nobody gave it.
    #[error(
        "there is no secret for `{reference}`; set the variable, or run `bottega secret set {name}`"
    )]
    Missing {
        /// The reference as the settings have it.
        reference: String,
        /// The name to store it under.
        name: String,
    },
    /// The name has other characters, or is too long.
    #[error("`{0}` names no secret; use letters, digits, `_`, `-` and `.`, at most 128")]
    Name(String),
    /// The value is empty.
    #[error("the secret is empty; give it on standard input")]
    Empty,
    /// Others may read the identity.
    #[error(
        "{path} can be read by others (mode {mode:03o}); run `chmod 600` on it, and replace your keys if they may have"
    )]
    Exposed {
        /// The identity's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There are secrets, but not the identity that opens them.
    #[error(
        "{path} is missing, and without it the stored secrets can't be read; restore it, or remove {secrets} and set them again"
    )]
    Locked {
        /// The identity's file.
        path: PathBuf,
        /// The encrypted file.
        secrets: PathBuf,
    },
    /// A file is not what Bottega wrote, or was encrypted to another identity.
    #[error("{path} can't be opened: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Another process changes the secrets at this moment.
    #[error("another process is changing the secrets; try again")]
    Busy,
    /// A file or folder refused.
    #[error("can't use {path}: {source}")]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The keyring refused.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

/// Finds and keeps secrets.
///
/// A new secret goes to the system's keyring where there is one, else to an encrypted file. The
/// encrypted file also lists the names of those in the keyring, since keyrings can't be listed.
#[derive(Debug)]
pub struct SecretStore {
    environment: Environment,
    file: SecretFile,
    keyring: Box<dyn Keyring>,
}

impl SecretStore {
    /// A store with the system's keyring, where this build has one.
    #[must_use]
    pub fn new(environment: &Environment, places: &Places) -> Self {
        Self::with_keyring(environment, places, keyring::system(places))
    }

    /// A store with another keyring.
    #[must_use]
    pub fn with_keyring(
        environment: &Environment,
        places: &Places,
        keyring: Box<dyn Keyring>,
    ) -> Self {
        Self { environment: environment.clone(), file: SecretFile::new(places), keyring }
    }

    /// The secret that `reference` speaks of.
    ///
    /// # Errors
    /// [`SecretError::Missing`] when nobody gave it; else when it can't be read.
    pub fn resolve(&self, reference: &SecretReference) -> Result<Secret<String>, SecretError> {
        let name = match reference {
            SecretReference::Variable(name) => {
                if let Some(value) = self.environment.get(name) {
                    return Ok(Secret::new(value.to_owned()));
                }
                name
            }
            SecretReference::Stored(name) => name,
        };
        let missing =
            || SecretError::Missing { reference: reference.to_string(), name: name.clone() };
        match self.file.read()?.remove(name).ok_or_else(missing)? {
            Stored::Here(value) => Ok(value),
            Stored::InKeyring => self.keyring.get(name)?.ok_or_else(missing),
        }
    }

    /// The text that a header's template stands for.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), for the first secret that can't be had.
    pub fn fill(&self, template: &Template) -> Result<Secret<String>, SecretError> {
        let mut text = String::new();
        for piece in template.pieces() {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Secret(reference) => text.push_str(self.resolve(reference)?.expose()),
            }
        }
        Ok(Secret::new(text))
    }

    /// The key of a provider; `None` when its settings name none, or name only the usual variable of a known
    /// provider, and neither it nor a stored secret of its name is there (a local server needs no key).
    ///
    /// # Errors
    /// When a secret is named that there is not, or it can't be read.
    pub fn key_of(
        &self,
        provider: &ProviderSettings,
    ) -> Result<Option<Secret<String>>, SecretError> {
        let Some(reference) = &provider.key else { return Ok(None) };
        match (self.resolve(reference), reference) {
            (Ok(secret), _) => Ok(Some(secret)),
            (Err(SecretError::Missing { .. }), SecretReference::Variable(name))
                if crate::vendor::is_usual_key(name) =>
            {
                Ok(None)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The names of the providers whose keys can be had, in the order in which they are tried: the
    /// known ones as their table has them, then the others by name.
    #[must_use]
    pub fn keyed_providers(&self, settings: &Settings) -> Vec<String> {
        let known = crate::vendor::VENDORS.iter().map(|vendor| vendor.name);
        let own = settings.providers.keys().map(String::as_str);
        let own =
            own.filter(|name| crate::vendor::VENDORS.iter().all(|vendor| vendor.name != *name));
        let has_key = |name: &&str| {
            let provider = settings.providers.get(*name);
            provider.is_some_and(|provider| matches!(self.key_of(provider), Ok(Some(_))))
        };
        known.chain(own).filter(has_key).map(str::to_owned).collect()
    }

    /// Keeps a secret under `name`, in the place of an earlier one, and says where. Line ends around
    /// the value are dropped.
    ///
    /// # Errors
    /// When the name or value can't be, or nothing can keep it.
    pub fn set(&self, name: &str, value: &Secret<String>) -> Result<SecretPlace, SecretError> {
        if !is_name(name) {
            return Err(SecretError::Name(name.to_owned()));
        }
        let value = Secret::new(value.expose().trim().to_owned());
        if value.expose().is_empty() {
            return Err(SecretError::Empty);
        }
        let lock = self.file.lock()?;
        let (stored, place) = match self.keyring.set(name, &value) {
            Ok(()) => (Stored::InKeyring, SecretPlace::Keyring),
            Err(KeyringError::Absent) => (Stored::Here(value), SecretPlace::File),
            Err(error @ KeyringError::Refused { .. }) => return Err(error.into()),
        };
        let mut all = self.file.read()?;
        all.insert(name.to_owned(), stored);
        self.file.write(&lock, &all)?;
        Ok(place)
    }

    /// Every stored secret's name and place.
    ///
    /// # Errors
    /// When the encrypted file can't be read.
    pub fn list(&self) -> Result<Vec<SecretRow>, SecretError> {
        let row = |(name, stored)| {
            let place = match stored {
                Stored::Here(_) => SecretPlace::File,
                Stored::InKeyring => SecretPlace::Keyring,
            };
            SecretRow { name, place }
        };
        Ok(self.file.read()?.into_iter().map(row).collect())
    }

    /// Forgets a secret. Says whether there was one.
    ///
    /// # Errors
    /// When the file or the keyring can't be changed.
    pub fn remove(&self, name: &str) -> Result<bool, SecretError> {
        let lock = self.file.lock()?;
        let mut all = self.file.read()?;
        let Some(stored) = all.remove(name) else { return Ok(false) };
        if let Stored::InKeyring = stored {
            self.keyring.remove(name)?;
        }
        self.file.write(&lock, &all)?;
        Ok(true)
    }

    /// Knows every secret that there is: keys in the environment, what the settings speak of, and
    /// what is stored. One that can't be read is passed over, since it can't get out either.
    #[must_use]
    pub fn redactor(&self, settings: &Settings) -> Redactor {
        let mut secrets: Vec<Secret<String>> = secret_variables()
            .filter_map(|name| self.environment.get(name))
            .map(|value| Secret::new(value.to_owned()))
            .collect();
        for provider in settings.providers.values() {
            let headers = provider.headers.values().flat_map(Template::references);
            let spoken_of = provider.key.iter().chain(headers);
            secrets.extend(spoken_of.filter_map(|reference| self.resolve(reference).ok()));
        }
        let headers = settings.telemetry.headers.values().flat_map(Template::references);
        secrets.extend(headers.filter_map(|reference| self.resolve(reference).ok()));
        for (name, stored) in self.file.read().unwrap_or_default() {
            match stored {
                Stored::Here(value) => secrets.push(value),
                Stored::InKeyring => secrets.extend(self.keyring.get(&name).ok().flatten()),
            }
        }
        Redactor::new(&secrets)
    }
}
