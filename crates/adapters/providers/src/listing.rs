//! Which models an address has.

use std::time::Duration;

use bottega_llm::{ErrorKind, ModelError};
use futures::StreamExt as _;
use serde_json::Value;

use crate::adapter::Line;
use crate::{Options, Protocol};

/// The longest list that is read.
const LONGEST: usize = 8 * 1024 * 1024;

/// The names of the models at an address, as `ChatRequest::model` takes them, in the provider's
/// order. One page: providers that divide their list put a thousand on it, or what they recommend.
///
/// # Errors
/// As a call of a model does; `Internal` when no adapter can be built from the options.
pub async fn list_models(options: &Options) -> Result<Vec<String>, ModelError> {
    let line = Line::new(options)
        .map_err(|error| ModelError::new(ErrorKind::InvalidRequest, error.to_string()))?;
    let (path, query) = options.protocol.dialect().list_path();
    let url = line.endpoint.url(path, query);
    let response = line.send(url, "application/json", None).await?;
    let mut bytes = response.bytes_stream();
    let mut body = Vec::new();
    while let Some(more) = line.within_idle(bytes.next()).await? {
        let cut = |_| ModelError::new(ErrorKind::CutOff, "the list of models was cut off");
        body.extend_from_slice(&more.map_err(cut)?);
        if body.len() > LONGEST {
            return Err(ModelError::new(ErrorKind::Garbled, "a list of models beyond all measure"));
        }
    }
    let list: Value = serde_json::from_slice(&body)
        .map_err(|error| ModelError::new(ErrorKind::Garbled, format!("list of models: {error}")))?;
    Ok(names(&list))
}

/// Whether an Ollama server answers at this address within `timeout`. Never an error: the question
/// is asked when looking for any model at all.
pub async fn is_running(base_url: &str, timeout: Duration) -> bool {
    let mut options = Options::new(Protocol::Ollama, base_url);
    options.connect_timeout = timeout;
    options.idle_timeout = timeout;
    let Ok(line) = Line::new(&options) else { return false };
    let url = line.endpoint.url("/api/version", None);
    let asked = tokio::time::timeout(timeout, line.send(url, "application/json", None));
    matches!(asked.await, Ok(Ok(_)))
}

/// The names in any provider's form: `{"data":[{"id"}]}` or `{"models":[{"name"}]}`.
fn names(list: &Value) -> Vec<String> {
    let rows = list.get("data").or_else(|| list.get("models")).unwrap_or(list).as_array();
    rows.into_iter()
        .flatten()
        .filter_map(|row| row.get("id").or_else(|| row.get("name"))?.as_str())
        .map(|name| name.strip_prefix("models/").unwrap_or(name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_list_is_read() {
        for list in [
            json!({ "object": "list", "data": [{ "id": "a" }, { "id": "b/c" }] }),
            json!({ "models": [{ "name": "models/a" }, { "name": "b/c" }] }),
            json!([{ "id": "a" }, { "id": "b/c" }]),
        ] {
            assert_eq!(names(&list), ["a", "b/c"]);
        }
        assert!(names(&json!({})).is_empty());
    }
}
