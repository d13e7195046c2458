//! How the server of this user and its clients find each other: a token that lets in, and an address.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bottega_types::Secret;

use crate::Places;
use crate::atomic_file::{Privacy, replace};
use crate::trust::is_absent;

/// Random bytes of a token.
const TOKEN: usize = 32;

/// Why the server's files can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerFileError {
    /// Others may read the token.
    #[error(
        "{path} can be read by others (mode {mode:03o}), and whoever reads it may do all that you may"
    )]
    Exposed {
        /// The token's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds no token.
    #[error("{path} holds no token: it should be {least} visible ASCII characters or more, on one line", least = ServerFiles::SHORTEST)]
    Damaged {
        /// The token's file.
        path: PathBuf,
    },
    /// A file or folder refused.
    #[error("can't use {path}: {source}")]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ServerFileError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Exposed { path, .. } | Self::Damaged { path } => {
                format!("remove {}; the next `bottega serve` makes another", path.display())
            }
            Self::Disk { .. } => "check its permissions and the room on the disk".to_owned(),
        }
    }
}

/// The files through which this user's server and its clients find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    token: PathBuf,
    address: PathBuf,
}

/// Where a server of this user listens, for clients on the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// As other clients write it.
    pub url: String,
    /// Where this machine reaches it, whatever its name leads to from here.
    pub socket: Option<SocketAddr>,
    /// The file of its certificate, which its own user needs nobody to vouch for.
    pub certificate: Option<PathBuf>,
}

impl ServerAddress {
    /// A line each; those after the first may be empty or missing.
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let url = lines.next().filter(|line| !line.is_empty())?.to_owned();
        let socket = lines.next().and_then(|line| line.parse().ok());
        let certificate = lines.next().filter(|line| !line.is_empty()).map(PathBuf::from);
        Some(Self { url, socket, certificate })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, socket, certificate } = self;
        let socket = socket.map(|socket| socket.to_string()).unwrap_or_default();
        let certificate = certificate.as_deref().unwrap_or(Path::new("")).display();
        writeln!(f, "{url}\n{socket}\n{certificate}")
    }
}

impl ServerFiles {
    /// Characters of a token at least.
    pub const SHORTEST: usize = 32;

    /// Those at the user's places.
    #[must_use]
    pub fn new(places: &Places) -> Self {
        Self { token: places.server_token(), address: places.server_address() }
    }

    /// The token's file.
    #[must_use]
    pub fn token_file(&self) -> &Path {
        &self.token
    }

    /// The token that lets clients in; nothing before the first server.
    ///
    /// # Errors
    /// When others may read it, it is none, or the disk refuses.
    pub fn token(&self) -> Result<Option<Secret<String>>, ServerFileError> {
        let text = match fs::read_to_string(&self.token) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(ServerFileError::Damaged { path: self.token.clone() });
            }
            Err(source) => return Err(disk(&self.token, source)),
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;

            let metadata = fs::metadata(&self.token).map_err(|error| disk(&self.token, error))?;
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(ServerFileError::Exposed { path: self.token.clone(), mode });
            }
        }
        let token = text.trim();
        if token.len() < Self::SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ServerFileError::Damaged { path: self.token.clone() });
        }
        Ok(Some(Secret::new(token.to_owned())))
    }

    /// The token, drawn at random when there is none yet. It stays the same from one server to the next.
    ///
    /// # Errors
    /// As [`Self::token`].
    pub fn token_or_new(&self) -> Result<Secret<String>, ServerFileError> {
        if let Some(token) = self.token()? {
            return Ok(token);
        }
        let mut bytes = [0; TOKEN];
        getrandom::fill(&mut bytes)
            .map_err(|error| disk(&self.token, io::Error::other(error.to_string())))?;
        let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        replace(&self.token, format!("{token}\n").as_bytes(), Privacy::Owner)
            .map_err(|error| disk(&self.token, error))?;
        Ok(Secret::new(token))
    }

    /// Where the server listens that runs, or that ran last and was killed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn address(&self) -> Result<Option<ServerAddress>, ServerFileError> {
        match fs::read_to_string(&self.address) {
            Ok(text) => Ok(ServerAddress::read(&text)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(disk(&self.address, source)),
        }
    }

    /// Says where the server listens.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn announce(&self, address: &ServerAddress) -> Result<(), ServerFileError> {
        replace(&self.address, address.to_string().as_bytes(), Privacy::Owner)
            .map_err(|error| disk(&self.address, error))
    }

    /// The server listens no more.
    pub fn withdraw(&self) {
        // What stays behind leads to a server that does not answer, which clients say.
        let _ = fs::remove_file(&self.address);
    }
}

fn disk(path: &Path, source: io::Error) -> ServerFileError {
    ServerFileError::Disk { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn files(folder: &Path) -> ServerFiles {
        ServerFiles::new(&Places::below(folder))
    }

    #[test]
    fn a_token_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        assert!(files.token().unwrap().is_none());
        let first = files.token_or_new().unwrap();
        assert_eq!(first.expose().len(), 43);
        assert_eq!(files.token_or_new().unwrap().expose(), first.expose());
        let mode = fs::metadata(files.token_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[track_caller]
    fn check(content: &[u8], mode: u32, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        files.token_or_new().unwrap();
        fs::write(files.token_file(), content).unwrap();
        fs::set_permissions(files.token_file(), fs::Permissions::from_mode(mode)).unwrap();
        let error = files.token_or_new().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("canary"), "{error}");
        assert_eq!(fs::read(files.token_file()).unwrap(), content, "it is left as it was");
    }

    #[test]
    fn a_token_that_is_none_is_not_taken() {
        check(b"", 0o600, "holds no token");
        check(b"canary", 0o600, "holds no token");
        check(&[b'c'; 40], 0o644, "can be read by others (mode 644)");
        check(b"canary canary canary canary canary canary", 0o600, "holds no token");
        check(&[0xff; 40], 0o600, "holds no token");
    }

    #[test]
    fn an_address_comes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        assert_eq!(files.address().unwrap(), None);
        let plain = ServerAddress {
            url: "http://127.0.0.1:7437".to_owned(),
            socket: None,
            certificate: None,
        };
        let encrypted = ServerAddress {
            url: "https://home.local:7437".to_owned(),
            socket: Some("127.0.0.1:7437".parse().unwrap()),
            certificate: Some("/etc/home pem".into()),
        };
        for address in [plain, encrypted] {
            files.announce(&address).unwrap();
            assert_eq!(files.address().unwrap(), Some(address));
        }
        files.withdraw();
        files.withdraw();
        assert_eq!(files.address().unwrap(), None);
    }
}
