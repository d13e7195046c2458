//! Over TLS: whom clients find, by which names, and what becomes of a certificate that is replaced.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Uri;
use bottega_client::{Agents as _, Remote};
use bottega_server::{Limits, TlsFiles};
use bottega_types::Secret;
use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;

use crate::peer::Caller;
use crate::peer::wire::ListAgentsRequest;
use crate::peer::wire::agent_service_client::AgentServiceClient;
use crate::world::{Ask, Site, TOKEN, served_at};

/// A certificate with its key in a folder that goes when this is dropped.
struct Papers {
    folder: TempDir,
    pem: String,
}

impl Papers {
    /// For these names, which vouches for itself.
    fn new(names: &[&str]) -> Self {
        let mut papers = Self { folder: TempDir::new().unwrap(), pem: String::new() };
        papers.renew(names);
        papers
    }

    fn renew(&mut self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        self.pem = CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem();
        let files = self.files();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&files.certificate, &self.pem).unwrap();
    }

    fn files(&self) -> TlsFiles {
        let file = |name: &str| self.folder.path().join(name);
        TlsFiles { certificate: file("server.pem"), key: file("server.key") }
    }
}

fn client(site: &Site, host: &str, believed: Option<&str>) -> Remote {
    let port = site.address.rsplit(':').next().unwrap();
    let url = format!("https://{host}:{port}");
    Remote::believing(&url, Secret::new(TOKEN.into()), believed.map(str::as_bytes)).unwrap()
}

#[test]
fn who_believes_in_the_certificate_is_served() {
    let papers = Papers::new(&["localhost", "127.0.0.1"]);
    served_at("127.0.0.1:0", Some(papers.files()), &[], Limits::default(), async |site| {
        assert_eq!(
            site.url,
            format!("https://localhost:{}", site.address.rsplit(':').next().unwrap())
        );
        for host in ["localhost", "127.0.0.1"] {
            client(site, host, Some(&papers.pem)).list().await.unwrap();
        }
        let other = Papers::new(&["localhost"]);
        for believed in [None, Some(other.pem.as_str())] {
            let error = client(site, "localhost", believed).list().await.unwrap_err();
            assert_eq!(error.code, "BTG0023");
            assert!(error.message.contains("is not who it should be"), "{}", error.message);
            assert!(error.next_step.contains("--ca-cert"), "{}", error.next_step);
        }
        assert_eq!(site.agents.calls().len(), 2);
        // Nothing is answered to who does not encrypt, not even health.
        let plain = Ask::new("GET /health/live").raw(site).await;
        assert!(!plain.contains("HTTP/"), "{plain:?}");
    });
}

/// Makes connections for gRPC: HTTP/2 over TLS, to who shows that certificate.
struct Dial {
    address: String,
    config: Arc<ClientConfig>,
}

impl Dial {
    fn new(site: &Site, pem: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self { address: site.address.clone(), config: Arc::new(config) }
    }
}

impl tonic::codegen::Service<Uri> for Dial {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (address, connector) = (self.address.clone(), TlsConnector::from(self.config.clone()));
        Box::pin(async move {
            let name = ServerName::try_from(to.host().unwrap().to_owned()).unwrap();
            let stream = TcpStream::connect(address).await?;
            let stream = connector.connect(name, stream).await?;
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            Ok(TokioIo::new(stream))
        })
    }
}

#[test]
fn calls_are_made_by_the_names_of_the_server() {
    let papers = Papers::new(&["home.example", "*.lan.example"]);
    let limits = Limits::default();
    served_at("0.0.0.0:0", Some(papers.files()), &[], limits, async |site| {
        let port = site.address.rsplit(':').next().unwrap();
        assert_eq!(site.url, format!("https://home.example:{port}"));
        let call = async |name: &str| {
            let endpoint = Endpoint::from_shared(format!("https://{name}:{port}")).unwrap();
            let mut dial = Dial::new(site, &papers.pem);
            dial.address = format!("127.0.0.1:{port}");
            let channel = endpoint.connect_with_connector(dial).await.unwrap();
            let caller = Caller(Some(format!("Bearer {TOKEN}")));
            let mut agents = AgentServiceClient::new(InterceptedService::new(channel, caller));
            agents.list_agents(ListAgentsRequest::default()).await
        };
        call("home.example").await.unwrap();
        call("attic.lan.example").await.unwrap();
        assert_eq!(site.agents.calls().len(), 2);
    });
    // Named otherwise than its certificate says, it goes by what it was named.
    let hosts = ["attic.lan.example"];
    let served = served_at("0.0.0.0:0", Some(papers.files()), &hosts, limits, async |site| {
        let port = site.address.rsplit(':').next().unwrap();
        let endpoint = Endpoint::from_shared(format!("https://home.example:{port}")).unwrap();
        let mut dial = Dial::new(site, &papers.pem);
        dial.address = format!("127.0.0.1:{port}");
        let channel = endpoint.connect_with_connector(dial).await.unwrap();
        let caller = Caller(Some(format!("Bearer {TOKEN}")));
        let mut agents = AgentServiceClient::new(InterceptedService::new(channel, caller));
        let refused = agents.list_agents(ListAgentsRequest::default()).await.unwrap_err();
        assert!(site.agents.calls().is_empty());
        refused
    });
    assert!(served.message().contains("no name of this server"), "{served:?}");
}

#[test]
fn a_certificate_that_is_replaced_is_taken_up() {
    let mut papers = Papers::new(&["localhost"]);
    let limits = Limits { certificate_look: Duration::from_millis(20), ..Limits::default() };
    let files = papers.files();
    served_at("127.0.0.1:0", Some(files.clone()), &[], limits, async |site| {
        client(site, "localhost", Some(&papers.pem)).list().await.unwrap();
        let first = papers.pem.clone();
        papers.renew(&["localhost"]);
        // Looked at again and again, it is there in the end.
        while client(site, "localhost", Some(&papers.pem)).list().await.is_err() {
            tokio::task::yield_now().await;
        }
        client(site, "localhost", Some(&first)).list().await.unwrap_err();
        // What can't be used changes nothing.
        std::fs::write(&files.key, "no key").unwrap();
        for _ in 0..20 {
            client(site, "localhost", Some(&papers.pem)).list().await.unwrap();
        }
    });
}
