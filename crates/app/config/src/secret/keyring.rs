//! The operating system's keyring.

use std::fmt;

use bottega_types::Secret;

use crate::Places;

/// A place of the operating system for secrets.
pub trait Keyring: fmt::Debug + Send + Sync {
    /// The secret of this name; `None` when there is none.
    ///
    /// # Errors
    /// When there is no keyring, or it refused.
    fn get(&self, name: &str) -> Result<Option<Secret<String>>, KeyringError>;

    /// Keeps a secret in the place of an earlier one.
    ///
    /// # Errors
    /// When there is no keyring, or it refused.
    fn set(&self, name: &str, value: &Secret<String>) -> Result<(), KeyringError>;

    /// Forgets a secret. There need not be one.
    ///
    /// # Errors
    /// When there is no keyring, or it refused.
    fn remove(&self, name: &str) -> Result<(), KeyringError>;
}

/// The keyring can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is none on this machine, in this session or in this build.
    #[error("there is no keyring here")]
    Absent,
    /// It is there and refused.
    #[error("the keyring refused: {why}; unlock it and try again")]
    Refused {
        /// What it says.
        why: String,
    },
}

/// What stands for the keyring where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeyring;

impl Keyring for NoKeyring {
    fn get(&self, _name: &str) -> Result<Option<Secret<String>>, KeyringError> {
        Err(KeyringError::Absent)
    }

    fn set(&self, _name: &str, _value: &Secret<String>) -> Result<(), KeyringError> {
        Err(KeyringError::Absent)
    }

    fn remove(&self, _name: &str) -> Result<(), KeyringError> {
        Err(KeyringError::Absent)
    }
}

/// The keyring of this build.
#[cfg(not(feature = "keyring"))]
pub(super) fn system(_places: &Places) -> Box<dyn Keyring> {
    Box::new(NoKeyring)
}

/// The keyring of this build.
#[cfg(feature = "keyring")]
pub(super) fn system(places: &Places) -> Box<dyn Keyring> {
    Box::new(SystemKeyring::new(places))
}

#[cfg(feature = "keyring")]
pub use of_the_system::SystemKeyring;

#[cfg(feature = "keyring")]
mod of_the_system {
    use bottega_types::{Digest, Secret};
    use keyring::v1::{Entry, Error};

    use super::{Keyring, KeyringError, Places};

    /// Secret Service on Linux and BSD, Keychain on macOS, Credential Manager on Windows.
    ///
    /// A locked keyring asks its owner through a window of its own and waits for the answer.
    #[derive(Clone, Debug)]
    pub struct SystemKeyring {
        service: String,
    }

    impl SystemKeyring {
        /// The keyring's entries for these places: homes apart keep their secrets apart.
        #[must_use]
        pub fn new(places: &Places) -> Self {
            let home = Digest::of(places.data.as_os_str().as_encoded_bytes());
            Self { service: format!("bottega {}", home.short()) }
        }

        fn entry(&self, name: &str) -> Result<Entry, KeyringError> {
            if Entry::store_status().is_err() {
                return Err(KeyringError::Absent);
            }
            Entry::new(&self.service, name).map_err(|error| refused(&error))
        }
    }

    /// Errors about the stored bytes hold those bytes, so the library's text is not passed on for them.
    fn refused(error: &Error) -> KeyringError {
        if matches!(error, Error::NoDefaultStore) {
            return KeyringError::Absent;
        }
        let why = if matches!(error, Error::BadEncoding(_) | Error::BadDataFormat(..)) {
            "what it holds is no text".to_owned()
        } else {
            error.to_string()
        };
        KeyringError::Refused { why }
    }

    impl Keyring for SystemKeyring {
        fn get(&self, name: &str) -> Result<Option<Secret<String>>, KeyringError> {
            match self.entry(name)?.get_password() {
                Ok(value) => Ok(Some(Secret::new(value))),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(refused(&error)),
            }
        }

        fn set(&self, name: &str, value: &Secret<String>) -> Result<(), KeyringError> {
            self.entry(name)?.set_password(value.expose()).map_err(|error| refused(&error))
        }

        fn remove(&self, name: &str) -> Result<(), KeyringError> {
            match self.entry(name)?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(refused(&error)),
            }
        }
    }
}
