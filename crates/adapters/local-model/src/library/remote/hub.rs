//! The Hugging Face hub: files of a repository, with their digests, from its public API
//! (`/api/models/{repository}/revision/{revision}?blobs=true`, then `/{repository}/resolve/…`).

use bottega_llm::LibraryError;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::Deserialize;

use super::super::options::LibraryOptions;
use super::{Remote, at, get_json};

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: Option<String>,
    size: Option<u64>,
}

pub(super) async fn resolve(
    client: &Client,
    options: &LibraryOptions,
    repository: &str,
    revision: &str,
    file: Option<&str>,
) -> Result<Remote, LibraryError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = &options.hub_token
        && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
    {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let url = at(&options.hub, &format!("api/models/{repository}/revision/{revision}?blobs=true"))?;
    let listing: Listing = get_json(client, &url, headers.clone()).await?;
    let models: Vec<&Sibling> =
        listing.siblings.iter().filter(|file| file.rfilename.ends_with(".gguf")).collect();
    let chosen = match file {
        Some(wanted) => models.iter().find(|file| file.rfilename == wanted).copied(),
        None => choose(&models),
    };
    let Some(chosen) = chosen else {
        return Err(LibraryError::Unknown {
            name: format!("{repository}:{}", file.unwrap_or("*.gguf")),
            known: models.iter().map(|file| file.rfilename.clone()).collect(),
        });
    };
    let lfs = chosen.lfs.as_ref();
    Ok(Remote {
        url: at(&options.hub, &format!("{repository}/resolve/{revision}/{}", chosen.rfilename))?,
        headers,
        size: lfs.and_then(|lfs| lfs.size).or(chosen.size),
        digest: lfs.and_then(|lfs| lfs.sha256.as_deref()).and_then(|text| text.parse().ok()),
    })
}

/// The quantisation that most people want, when none was named: four bits, medium.
fn choose<'a>(models: &[&'a Sibling]) -> Option<&'a Sibling> {
    const WANTED: [&str; 5] = ["q4_k_m", "q4_k_s", "q4_0", "q5_k_m", "q8_0"];
    let whole = || models.iter().filter(|file| !file.rfilename.contains("-of-0"));
    WANTED
        .iter()
        .find_map(|kind| whole().find(|file| file.rfilename.to_lowercase().contains(kind)))
        .or_else(|| whole().min_by_key(|file| file.size.unwrap_or(u64::MAX)))
        .copied()
}
