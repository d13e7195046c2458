//! The encrypted file of secrets.
//!
//! It is an age file (age-encryption.org/v1) to one X25519 identity, which stands in a file of its
//! own beside it, made at first use and readable by its owner only. So a backup or a synchronised
//! copy of the encrypted file alone tells nothing, and the `age` program can open it by hand.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use bottega_types::Secret;
use serde::{Deserialize, Serialize};

use crate::Places;
use crate::atomic_file::{Privacy, make_folder, replace};
use crate::secret::SecretError;
use crate::trust::is_absent;

/// What the file knows of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// Its value.
    Here(Secret<String>),
    /// That the keyring has it.
    InKeyring,
}

/// All that is stored, by name.
pub(super) type All = BTreeMap<String, Stored>;

#[derive(Debug)]
pub(super) struct SecretFile {
    secrets: PathBuf,
    identity: PathBuf,
}

/// Held while the file is read, changed and written; other processes are refused meanwhile.
pub(super) struct Lock {
    _file: File,
}

/// What is encrypted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    secrets: BTreeMap<String, Written>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Value(String),
    Keyring,
}

const VERSION: u32 = 1;

impl SecretFile {
    pub(super) fn new(places: &Places) -> Self {
        Self { secrets: places.secrets(), identity: places.identity() }
    }

    /// Everything that is stored. Nothing when nothing ever was.
    pub(super) fn read(&self) -> Result<All, SecretError> {
        let bytes = match fs::read(&self.secrets) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(All::new()),
            Err(source) => return Err(disk(&self.secrets, source)),
        };
        let Some(identity) = self.identity()? else {
            let (path, secrets) = (self.identity.clone(), self.secrets.clone());
            return Err(SecretError::Locked { path, secrets });
        };
        let plain = age::decrypt(&identity, &bytes).map_err(|error| self.damaged(&error))?;
        // serde's message would quote what stands in the file.
        let content: Content = serde_json::from_slice(&plain)
            .map_err(|_| self.damaged(&"it holds something else than secrets"))?;
        if content.version != VERSION {
            let why = format!("it is of version {}, made by another Bottega", content.version);
            return Err(self.damaged(&why));
        }
        let stored = |(name, written)| match written {
            Written::Value(value) => (name, Stored::Here(Secret::new(value))),
            Written::Keyring => (name, Stored::InKeyring),
        };
        Ok(content.secrets.into_iter().map(stored).collect())
    }

    /// Replaces what is stored.
    pub(super) fn write(&self, _lock: &Lock, all: &All) -> Result<(), SecretError> {
        let identity = match self.identity()? {
            Some(identity) => identity,
            None => self.make_identity()?,
        };
        let written = |(name, stored): (&String, &Stored)| {
            let written = match stored {
                Stored::Here(value) => Written::Value(value.expose().clone()),
                Stored::InKeyring => Written::Keyring,
            };
            (name.clone(), written)
        };
        let content = Content { version: VERSION, secrets: all.iter().map(written).collect() };
        let plain = serde_json::to_vec(&content).map_err(|e| disk(&self.secrets, e.into()))?;
        let bytes = age::encrypt(&identity.to_public(), &plain)
            .map_err(|error| disk(&self.secrets, io::Error::other(error.to_string())))?;
        replace(&self.secrets, &bytes, Privacy::Owner).map_err(|e| disk(&self.secrets, e))
    }

    /// Keeps other processes from changing the file. Does not wait.
    pub(super) fn lock(&self) -> Result<Lock, SecretError> {
        let path = self.secrets.with_extension("lock");
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        make_folder(folder, Privacy::Owner).map_err(|error| disk(folder, error))?;
        let file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| disk(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(SecretError::Busy),
            Err(TryLockError::Error(error)) => Err(disk(&path, error)),
        }
    }

    fn identity(&self) -> Result<Option<Identity>, SecretError> {
        let text = match fs::read_to_string(&self.identity) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(source) => return Err(disk(&self.identity, source)),
        };
        self.check_mode()?;
        let key = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let why = "it holds no age identity";
        let damaged = || SecretError::Damaged { path: self.identity.clone(), why: why.to_owned() };
        key.and_then(|key| key.trim().parse().ok()).ok_or_else(damaged).map(Some)
    }

    #[cfg(unix)]
    fn check_mode(&self) -> Result<(), SecretError> {
        use std::os::unix::fs::PermissionsExt as _;

        let metadata = fs::metadata(&self.identity).map_err(|error| disk(&self.identity, error))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 == 0 {
            return Ok(());
        }
        Err(SecretError::Exposed { path: self.identity.clone(), mode })
    }

    #[cfg(not(unix))]
    fn check_mode(&self) -> Result<(), SecretError> {
        Ok(())
    }

    fn make_identity(&self) -> Result<Identity, SecretError> {
        let identity = Identity::generate();
        let text = format!(
            "# Opens the secrets of Bottega in secrets.age. Keep it to yourself.\n# public key: {}\n{}\n",
            identity.to_public(),
            identity.to_string().expose_secret()
        );
        replace(&self.identity, text.as_bytes(), Privacy::Owner)
            .map_err(|error| disk(&self.identity, error))?;
        Ok(identity)
    }

    fn damaged(&self, why: &dyn std::fmt::Display) -> SecretError {
        SecretError::Damaged { path: self.secrets.clone(), why: why.to_string() }
    }
}

fn disk(path: &Path, source: io::Error) -> SecretError {
    SecretError::Disk { path: path.to_owned(), source }
}
