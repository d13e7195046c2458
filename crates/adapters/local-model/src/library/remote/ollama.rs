//! An Ollama registry: a manifest in Docker's form whose model layer is a GGUF file.

use bottega_llm::LibraryError;
use reqwest::Client;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use url::Url;

use super::{Remote, accept, at, digest, fetch_error, get_json};

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const MODEL: &str = "application/vnd.ollama.image.model";

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    size: u64,
}

pub(super) async fn resolve(
    client: &Client,
    registry: &Url,
    name: &str,
    tag: &str,
) -> Result<Remote, LibraryError> {
    let url = at(registry, &format!("v2/{name}/manifests/{tag}"))?;
    let manifest: Manifest = get_json(client, &url, accept(MANIFEST)).await?;
    let layer = manifest
        .layers
        .iter()
        .find(|layer| layer.media_type == MODEL)
        .ok_or_else(|| fetch_error(&url, "the manifest names no model layer"))?;
    Ok(Remote {
        url: at(registry, &format!("v2/{name}/blobs/{}", layer.digest))?,
        headers: HeaderMap::new(),
        size: Some(layer.size),
        digest: digest(&layer.digest),
    })
}
