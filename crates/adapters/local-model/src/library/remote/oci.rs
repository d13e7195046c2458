//! An OCI registry (distribution specification 1.1): manifest, anonymous token where one is
//! asked for, and the layer that is a GGUF file.

use std::collections::BTreeMap;

use bottega_llm::LibraryError;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use super::{Remote, accept, at, digest, fetch_error, get, get_json, read_json, registry_address};

const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
    /// Of an index: the manifests it lists.
    #[serde(default)]
    manifests: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

pub(super) async fn resolve(
    client: &Client,
    registry: &str,
    repository: &str,
    tag: &str,
) -> Result<Remote, LibraryError> {
    let base = registry_address(registry)?;
    let mut url = at(&base, &format!("v2/{repository}/manifests/{tag}"))?;
    let mut headers = accept(MANIFESTS);
    let mut response = get(client, &url, headers.clone()).await?;
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|v| v.to_str().ok());
        let challenge = challenge.and_then(Challenge::parse).ok_or_else(|| {
            fetch_error(&url, "it asks for a kind of authentication that is not supported")
        })?;
        let token = challenge.answer(client, repository).await?;
        headers.insert(AUTHORIZATION, token);
        response = get(client, &url, headers.clone()).await?;
    }
    let mut manifest: Manifest = read_json(&url, response).await?;
    if let Some(first) = manifest.manifests.first() {
        url = at(&base, &format!("v2/{repository}/manifests/{}", first.digest))?;
        manifest = get_json(client, &url, headers.clone()).await?;
    }
    let layer = model_layer(&manifest.layers)
        .ok_or_else(|| fetch_error(&url, "the manifest has no layer that could be a model"))?;
    headers.remove(reqwest::header::ACCEPT);
    Ok(Remote {
        url: at(&base, &format!("v2/{repository}/blobs/{}", layer.digest))?,
        headers,
        size: Some(layer.size),
        digest: digest(&layer.digest),
    })
}

/// The layer that says it is GGUF; else the largest.
fn model_layer(layers: &[Layer]) -> Option<&Layer> {
    let says_so = |layer: &&Layer| {
        layer.media_type.contains("gguf")
            || layer.annotations.values().any(|value| value.ends_with(".gguf"))
    };
    layers.iter().find(says_so).or_else(|| layers.iter().max_by_key(|layer| layer.size))
}

/// `Bearer realm="…",service="…",scope="…"` (RFC 6750 section 3).
struct Challenge {
    realm: Url,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("Bearer ")?;
        let field = |name: &str| {
            let start = rest.find(&format!("{name}=\""))? + name.len() + 2;
            Some(rest[start..].split('"').next()?.to_owned())
        };
        Some(Self {
            realm: field("realm")?.parse().ok()?,
            service: field("service"),
            scope: field("scope"),
        })
    }

    async fn answer(&self, client: &Client, repository: &str) -> Result<HeaderValue, LibraryError> {
        let mut url = self.realm.clone();
        let usual = format!("repository:{repository}:pull");
        url.query_pairs_mut()
            .append_pair("service", self.service.as_deref().unwrap_or_default())
            .append_pair("scope", self.scope.as_deref().unwrap_or(&usual));
        let token: Token = get_json(client, &url, HeaderMap::new()).await?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.token))
            .map_err(|_| fetch_error(&url, "the token it gave can't be sent"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}
