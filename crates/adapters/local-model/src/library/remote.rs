//! What a source on the network says it has: one file with its address, size and digest.

mod hub;
mod oci;
mod ollama;

use bottega_llm::LibraryError;
use bottega_types::Digest;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Response};
use serde::de::DeserializeOwned;
use url::Url;

use super::options::LibraryOptions;
use super::source::Source;

/// One file that can be fetched.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) url: Url,
    /// Sent along with each request; may hold a token.
    pub(crate) headers: HeaderMap,
    pub(crate) size: Option<u64>,
    pub(crate) digest: Option<Digest>,
}

/// Asks the source. `None` for sources that are not fetched over HTTP.
pub(crate) async fn resolve(
    client: &Client,
    options: &LibraryOptions,
    source: &Source,
) -> Result<Option<Remote>, LibraryError> {
    match source {
        Source::Hub { repository, revision, file } => {
            hub::resolve(client, options, repository, revision, file.as_deref()).await.map(Some)
        }
        Source::Ollama { registry, name, tag } => {
            let registry = match registry {
                Some(host) => registry_address(host)?,
                None => options.ollama.clone().ok_or_else(|| LibraryError::NoRegistry {
                    example: format!("ollama:HOST/{name}:{tag}"),
                })?,
            };
            ollama::resolve(client, &registry, name, tag).await.map(Some)
        }
        Source::Oci { registry, repository, tag } => {
            oci::resolve(client, registry, repository, tag).await.map(Some)
        }
        Source::Web { url, digest } => Ok(Some(Remote {
            url: url.clone(),
            headers: HeaderMap::new(),
            size: None,
            digest: *digest,
        })),
        Source::Wheels(_) | Source::File(_) => Ok(None),
    }
}

/// The address of the registry on that host. Those on this machine speak plain HTTP, as container tools assume too.
fn registry_address(registry: &str) -> Result<Url, LibraryError> {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let text = format!("{}://{registry}", if local { "http" } else { "https" });
    Url::parse(&text).map_err(|error| LibraryError::BadSource {
        input: registry.to_owned(),
        why: error.to_string(),
    })
}

/// `base` with `path` behind it.
fn at(base: &Url, path: &str) -> Result<Url, LibraryError> {
    let text = format!("{}/{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|error| fetch_error(base, error))
}

/// An error that names where it happened, never what was sent along.
pub(crate) fn fetch_error(origin: &Url, why: impl std::fmt::Display) -> LibraryError {
    let mut origin = origin.clone();
    origin.set_query(None);
    let _ = origin.set_password(None);
    let _ = origin.set_username("");
    LibraryError::Fetch { origin: origin.to_string(), why: why.to_string() }
}

/// The cause at the root of a transport error, which says more than its wrapper.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut root: &dyn std::error::Error = error;
    while let Some(deeper) = root.source() {
        root = deeper;
    }
    root.to_string()
}

async fn get(client: &Client, url: &Url, headers: HeaderMap) -> Result<Response, LibraryError> {
    let sent = client.get(url.clone()).headers(headers).send().await;
    sent.map_err(|error| fetch_error(url, cause(&error)))
}

async fn get_json<T: DeserializeOwned>(
    client: &Client,
    url: &Url,
    headers: HeaderMap,
) -> Result<T, LibraryError> {
    read_json(url, get(client, url, headers).await?).await
}

async fn read_json<T: DeserializeOwned>(url: &Url, response: Response) -> Result<T, LibraryError> {
    let response = refuse_errors(url, response)?;
    response.json().await.map_err(|error| fetch_error(url, cause(&error)))
}

fn refuse_errors(url: &Url, response: Response) -> Result<Response, LibraryError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let hint = match status.as_u16() {
        401 | 403 => "; it may need a token or an accepted licence",
        404 => "; there is no such model or file",
        _ => "",
    };
    Err(fetch_error(url, format!("HTTP {status}{hint}")))
}

fn accept(types: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(reqwest::header::ACCEPT, HeaderValue::from_static(types))])
}

/// `sha256:…` as manifests write it.
fn digest(text: &str) -> Option<Digest> {
    text.strip_prefix("sha256:")?.parse().ok()
}
