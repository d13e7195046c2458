//! Who a server says it is: a certificate with its key, read from two files and held against what TLS asks of them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bottega_api::{ApiError, codes};
use bottega_types::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Where the certificate and the key of a server are, both as PEM (RFC 7468).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and after it those that lead to one that clients know.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// Bytes of such a file at most.
const LARGEST: u64 = 1 << 20;

/// A certificate and a key that belong together, ready to be shown to clients.
#[derive(Debug)]
pub(crate) struct Identity {
    /// How connections are encrypted: TLS 1.2 or 1.3, HTTP/2 or 1.1 as the client likes (ALPN, RFC 7301).
    pub(crate) config: Arc<ServerConfig>,
    /// The names and addresses that the certificate is for.
    pub(crate) names: Vec<String>,
    /// The last moment at which clients accept it.
    pub(crate) until: Timestamp,
}

impl Identity {
    /// Reads both files. What clients would refuse is refused here, where somebody can mend it.
    pub(crate) fn read(files: &TlsFiles, now: Timestamp) -> Result<Self, ApiError> {
        let TlsFiles { certificate, key } = files;
        let chain = pem(certificate)?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
            .collect::<Result<_, _>>()
            .map_err(|error| refuse(certificate, &format!("can't be read: {error}")))?;
        let Some(own) = chain.first() else {
            return Err(refuse(certificate, "holds no certificate in PEM"));
        };
        let (names, until) = facts(certificate, own, now)?;
        keep_private(key)?;
        let secret = PrivateKeyDer::from_pem_slice(&pem(key)?)
            .map_err(|error| refuse(key, &format!("holds no private key in PEM: {error}")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|builder| builder.with_no_client_auth().with_single_cert(chain, secret));
        let mut config = match config {
            Ok(Ok(config)) => config,
            Ok(Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch))) => {
                let why = format!("is not the key of {}", certificate.display());
                return Err(refuse(key, &why));
            }
            Ok(Err(error)) | Err(error) => {
                return Err(refuse(key, &format!("can't be used for TLS: {error}")));
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), names, until })
    }
}

fn refuse(path: &Path, why: &str) -> ApiError {
    ApiError::new(codes::FILE, format!("{} {why}", path.display())).step(
        "name a certificate with its key by `--tls-cert` and `--tls-key`; `bottega help serve` shows how to make them",
    )
}

fn pem(path: &Path) -> Result<Vec<u8>, ApiError> {
    let told = std::fs::metadata(path)
        .map_err(|error| refuse(path, &format!("can't be read: {error}")))?;
    if told.len() > LARGEST {
        return Err(refuse(path, "is larger than 1 MiB, which no certificate and no key is"));
    }
    std::fs::read(path).map_err(|error| refuse(path, &format!("can't be read: {error}")))
}

/// Refuses a key that everybody on this machine may read or write. A group may: that is how services share one.
fn keep_private(path: &Path) -> Result<(), ApiError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let metadata = std::fs::metadata(path)
            .map_err(|error| refuse(path, &format!("can't be read: {error}")))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            let why = format!("is open to everybody on this machine (mode {mode:03o})");
            let error = ApiError::new(codes::FILE, format!("{} {why}", path.display()));
            return Err(error.step(format!(
                "make another key, for this one may be known, and `chmod 600 {}`",
                path.display()
            )));
        }
    }
    Ok(())
}

/// For whom a certificate is, and until when; unless it is for nobody, or not for now.
fn facts(
    path: &Path,
    own: &CertificateDer<'_>,
    now: Timestamp,
) -> Result<(Vec<String>, Timestamp), ApiError> {
    let damaged = |error| refuse(path, &format!("holds no X.509 certificate: {error}"));
    let certificate = Certificate::from_der(own).map_err(damaged)?.tbs_certificate;
    let moment = |time: x509_cert::time::Time| {
        let since = time.to_unix_duration().as_millis();
        Timestamp::from_millis(u64::try_from(since).unwrap_or(u64::MAX))
    };
    let (from, until) =
        (moment(certificate.validity.not_before), moment(certificate.validity.not_after));
    if now > until {
        return Err(refuse(path, &format!("has expired: it held until {until}")));
    }
    if now < from {
        return Err(refuse(path, &format!("does not hold yet: it does from {from} on")));
    }
    let listed = certificate.get::<SubjectAltName>().map_err(damaged)?;
    let names: Vec<String> =
        listed.iter().flat_map(|(_, listed)| &listed.0).filter_map(name).collect();
    if names.is_empty() {
        let why = "names no host: clients look for one among its subject alternative names";
        return Err(refuse(path, why));
    }
    Ok((names, until))
}

/// A name by which a client can look for a server.
fn name(listed: &GeneralName) -> Option<String> {
    match listed {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
            v4().or_else(v6).map(|address| address.to_string())
        }
        GeneralName::OtherName(_)
        | GeneralName::Rfc822Name(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::UniformResourceIdentifier(_)
        | GeneralName::RegisteredId(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};
    use tempfile::TempDir;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const HOST: &[&str] = &["home.example", "192.0.2.7"];

    /// Files with a good certificate for these names and its key, then spoilt.
    fn read(names: &[&str], spoil: impl FnOnce(&TlsFiles)) -> Result<Identity, ApiError> {
        let folder = TempDir::new().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("server.pem"),
            key: folder.path().join("server.key"),
        };
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o640)).unwrap();
        spoil(&files);
        Identity::read(&files, NOW)
    }

    #[track_caller]
    fn check(names: &[&str], spoil: impl FnOnce(&TlsFiles), part: &str) {
        let error = read(names, spoil).unwrap_err();
        assert_eq!(error.code, codes::FILE.name);
        assert!(error.message.contains(part), "{}", error.message);
        assert!(!error.next_step.is_empty());
    }

    #[test]
    fn what_belongs_together_is_an_identity() {
        let identity = read(HOST, |_| ()).unwrap();
        assert_eq!(identity.names, HOST);
        assert!(identity.until > NOW.plus(Duration::from_secs(1)));
        assert_eq!(identity.config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    }

    #[test]
    fn what_clients_would_refuse_is_refused_first() {
        let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
        check(HOST, |files| std::fs::remove_file(&files.certificate).unwrap(), "server.pem can't");
        check(HOST, |files| std::fs::remove_file(&files.key).unwrap(), "server.key can't be read");
        check(HOST, |files| write(&files.certificate, "hello"), "holds no certificate in PEM");
        check(HOST, |files| write(&files.key, "hello"), "holds no private key in PEM");
        let other = KeyPair::generate().unwrap().serialize_pem();
        check(HOST, |files| write(&files.key, &other), "server.key is not the key of");
        check(&[], |_| (), "names no host");
        let damaged =
            "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n".to_owned();
        check(HOST, |files| write(&files.certificate, &damaged), "no X.509 certificate");
    }

    #[test]
    fn a_certificate_holds_in_its_time_alone() {
        let dated = |from: i32, until: i32| {
            move |files: &TlsFiles| {
                let key = KeyPair::generate().unwrap();
                let mut params = CertificateParams::new(vec!["home.example".into()]).unwrap();
                params.not_before = rcgen::date_time_ymd(from, 1, 1);
                params.not_after = rcgen::date_time_ymd(until, 1, 1);
                let certificate = params.self_signed(&key).unwrap();
                std::fs::write(&files.certificate, certificate.pem()).unwrap();
                std::fs::write(&files.key, key.serialize_pem()).unwrap();
            }
        };
        check(HOST, dated(2020, 2021), "has expired: it held until 2021-01-01");
        check(HOST, dated(2090, 2091), "does not hold yet");
        assert!(read(HOST, dated(2020, 2091)).is_ok());
    }

    #[test]
    fn a_key_that_everybody_may_read_is_none() {
        for mode in [0o644, 0o604, 0o602, 0o777] {
            let open = |files: &TlsFiles| {
                let mode = std::fs::Permissions::from_mode(mode);
                std::fs::set_permissions(&files.key, mode).unwrap();
            };
            check(HOST, open, "is open to everybody");
        }
    }
}
