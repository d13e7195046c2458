//! Models on this machine, as the client's trait wants them.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_api::{ApiError, codes};
use bottega_client::{ModelBench, ModelRemoved, Models};
use bottega_config::{EMBEDDED, Editor, Layer, ModelChoice, SettingPath};
use bottega_llm::{LibraryError, LocalModel, ModelLibrary, PullProgress, Recommendation};
use bottega_local_model::{BenchOptions, CATALOGUE, Library, bench};
use bottega_types::{Clock, SystemClock};

use crate::app::App;
use crate::machine::edit_error;
use crate::{grounds, provision};

/// The library of this machine.
pub(crate) struct ThisLibrary {
    pub(crate) app: Arc<App>,
    pub(crate) library: Library,
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
fn library_error(error: LibraryError) -> ApiError {
    let code = match &error {
        LibraryError::BadSource { .. } | LibraryError::NoRegistry { .. } => codes::USAGE,
        LibraryError::Unknown { .. }
        | LibraryError::Taken { .. }
        | LibraryError::WrongDigest { .. }
        | LibraryError::NoSpace { .. }
        | LibraryError::Fetch { .. }
        | LibraryError::BadFile { .. }
        | LibraryError::Disk { .. } => codes::LIBRARY,
    };
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    let told = ApiError::new(code, format!("{error}{}", cause.unwrap_or_default()));
    match &error {
        LibraryError::BadSource { .. } => {
            told.step("`bottega model list` shows the names that can be pulled as they are")
        }
        LibraryError::NoRegistry { .. } => told.step(
            "or set its address once: bottega config set local_model.ollama_registry https://HOST",
        ),
        LibraryError::Taken { name, .. } => told.step(format!(
            "`bottega model rm {name}` makes room for the other one; then pull again"
        )),
        LibraryError::Unknown { .. }
        | LibraryError::WrongDigest { .. }
        | LibraryError::NoSpace { .. }
        | LibraryError::Fetch { .. }
        | LibraryError::BadFile { .. }
        | LibraryError::Disk { .. } => told,
    }
}

/// The name in the library of a model that is written as requests name it.
fn local(name: &str) -> Option<&str> {
    name.strip_prefix(EMBEDDED).and_then(|rest| rest.strip_prefix('/'))
}

/// The setting that names the default model.
fn default_path() -> Result<SettingPath, ApiError> {
    "model.default".parse().map_err(|error: bottega_config::NotAPath| {
        ApiError::new(codes::INTERNAL, error.to_string())
    })
}

#[async_trait]
impl Models for ThisLibrary {
    async fn list(&self) -> Result<Vec<LocalModel>, ApiError> {
        self.library.list().await.map_err(library_error)
    }

    async fn catalogue(&self) -> Result<Vec<String>, ApiError> {
        Ok(CATALOGUE.iter().map(|entry| entry.name.to_owned()).collect())
    }

    async fn show(&self, name: &str) -> Result<LocalModel, ApiError> {
        self.library.show(local(name).unwrap_or(name)).await.map_err(library_error)
    }

    async fn pull(
        &self,
        source: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalModel, ApiError> {
        self.library.pull(source, progress).await.map_err(library_error)
    }

    async fn remove(&self, name: &str) -> Result<ModelRemoved, ApiError> {
        let model = self.show(name).await?;
        let config = self.app.config()?;
        let default = config.settings().model.default.as_deref().and_then(local);
        let is_default = default.and_then(|name| self.library.find(name)) == Some(model.clone());
        self.library.remove(&model.name).await.map_err(library_error)?;
        if !is_default {
            return Ok(ModelRemoved::Other);
        }
        // Nobody wants to be told at the next run that the model they deleted is not there.
        let path = default_path()?;
        let origin = config.origin(&path);
        if origin.is_none_or(|origin| origin.layer != Layer::User) {
            let origin = origin.map(ToString::to_string).unwrap_or_default();
            return Ok(ModelRemoved::StillDefault { origin });
        }
        let editor = Editor::new(self.app.sources()?);
        let file = editor.unset(&path, Layer::User, SystemClock.now());
        let file = file.map_err(|error| edit_error(&error))?.display().to_string();
        Ok(ModelRemoved::WasDefault { file })
    }

    async fn use_default(&self, model: &str) -> Result<String, ApiError> {
        let settings = self.app.config()?.settings();
        let local = self.list().await?.iter().any(|known| known.name == model);
        let name = if local { format!("local/{model}") } else { model.to_owned() };
        ModelChoice::named(&name, settings).map_err(|error| {
            ApiError::new(codes::NO_MODEL, error.to_string()).step(grounds::names(settings))
        })?;
        if let Some(name) = self::local(&name)
            && self.library.find(name).is_none()
        {
            return Err(grounds::not_here(&self.library, name).await);
        }
        let path = default_path()?;
        let editor = Editor::new(self.app.sources()?);
        let file = editor
            .set(&path, &name, Layer::User, SystemClock.now())
            .map_err(|error| edit_error(&error))?;
        Ok(file.display().to_string())
    }

    async fn recommend(&self) -> Result<Recommendation, ApiError> {
        self.library.recommend().await.map_err(library_error)
    }

    async fn bench(&self, name: &str) -> Result<ModelBench, ApiError> {
        let model = self.show(name).await?;
        let options =
            provision::engine_options(self.app.config()?.settings(), &model.name, &model.path);
        let result = bench(options, BenchOptions::default())
            .await
            .map_err(|error| ApiError::new(codes::LIBRARY, error.to_string()))?;
        Ok(ModelBench {
            model: model.name,
            threads: result.threads,
            prompt_per_second: result.prompt,
            decode_per_second: result.output,
            bare: Some((result.bare_prompt, result.bare_output)),
        })
    }
}
