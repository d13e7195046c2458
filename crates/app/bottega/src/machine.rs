//! Settings, secrets and health, as the client's trait wants them.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_api::{ApiError, DoctorReport, NoticeView, SecretView, SettingView, SourceView, codes};
use bottega_client::Machine;
use bottega_config::{
    EditError, Editor, FileState, Layer, Places, Problem, SecretPlace, SettingPath, SettingRow,
    Standing, Trust,
};
use bottega_types::{Clock, Secret, SystemClock};

use crate::app::{App, settings_fault};
use crate::doctor;

/// This machine.
pub(crate) struct ThisMachine {
    pub(crate) app: Arc<App>,
}

fn settings_error(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(codes::SETTINGS, error.to_string())
}

/// Why a change of a settings file was refused, with the place.
pub(crate) fn edit_error(error: &EditError) -> ApiError {
    if let EditError::Wrong(problems) = error {
        return settings_fault(problems);
    }
    ApiError::new(codes::SETTINGS, error.to_string()).step("`bottega config path` shows the files")
}

fn secret_error(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(codes::SECRET, error.to_string())
}

fn view(row: &SettingRow) -> SettingView {
    SettingView {
        path: row.path.clone(),
        value: row.value.clone().unwrap_or_default(),
        toml: row.value_text(),
        origin: row.origin.as_ref().map(ToString::to_string).unwrap_or_default(),
        doc: row.doc.clone(),
    }
}

const fn place(place: SecretPlace) -> &'static str {
    match place {
        SecretPlace::Keyring => "keyring",
        SecretPlace::File => "encrypted file",
    }
}

/// The layers whose files can be changed.
fn layer(name: &str) -> Result<Layer, ApiError> {
    [Layer::System, Layer::User, Layer::Project, Layer::Local]
        .into_iter()
        .find(|layer| layer.to_string() == name)
        .ok_or_else(|| {
            let why =
                format!("`{name}` is no layer with a file; choose user, project, local or system");
            ApiError::new(codes::USAGE, why)
        })
}

impl ThisMachine {
    /// The files of settings that can't be used: whoever mends them has to find them.
    fn sources_found(&self) -> Result<Vec<SourceView>, ApiError> {
        let (places, workspace) = (self.app.places()?, &self.app.workspace);
        let wrong: Vec<_> = self.app.problems().iter().filter_map(Problem::file).collect();
        let files = [
            (Layer::System, places.system_settings.clone()),
            (Layer::User, places.user_settings()),
            (Layer::Project, Places::project_settings(workspace)),
            (Layer::Local, Places::local_settings(workspace)),
        ];
        let view = |(layer, path): (Layer, PathBuf)| {
            let state = match (wrong.contains(&path), path.exists()) {
                (true, _) => "not valid",
                (false, true) => "there",
                (false, false) => "absent",
            };
            let path = path.display().to_string();
            SourceView { layer: layer.to_string(), path, state: state.to_owned() }
        };
        Ok(files.into_iter().map(view).collect())
    }
}

#[async_trait]
impl Machine for ThisMachine {
    fn settings(&self) -> Result<Vec<SettingView>, ApiError> {
        Ok(self.app.config()?.list().iter().map(view).collect())
    }

    fn setting(&self, path: &str) -> Result<Vec<SettingView>, ApiError> {
        let path: SettingPath = path.parse().map_err(settings_error)?;
        let rows = self.app.config()?.get(&path);
        let rows = rows.map_err(|problem| settings_fault(&problem.into()))?;
        Ok(rows.iter().map(view).collect())
    }

    fn set(&self, path: &str, value: &str, layer_name: &str) -> Result<String, ApiError> {
        let path: SettingPath = path.parse().map_err(settings_error)?;
        let editor = Editor::new(self.app.sources()?);
        let file = editor
            .set(&path, value, layer(layer_name)?, SystemClock.now())
            .map_err(|error| edit_error(&error))?;
        Ok(file.display().to_string())
    }

    fn sources(&self) -> Result<Vec<SourceView>, ApiError> {
        let Ok(config) = self.app.config() else { return self.sources_found() };
        let state = |state: FileState| match state {
            FileState::Read => "read",
            FileState::Absent => "absent",
            FileState::Ignored => "ignored: the folder is not trusted (`bottega config trust`)",
        };
        Ok(config
            .files()
            .iter()
            .map(|file| SourceView {
                layer: file.layer.to_string(),
                path: file.path.display().to_string(),
                state: state(file.state).to_owned(),
            })
            .collect())
    }

    fn notices(&self) -> Result<Vec<NoticeView>, ApiError> {
        let notices = self.app.config()?.notices().iter();
        Ok(notices
            .map(|notice| NoticeView {
                message: notice.to_string(),
                next_step: self.app.step_of(notice),
            })
            .collect())
    }

    fn trust(&self) -> Result<String, ApiError> {
        let trust = Trust::new(self.app.places()?);
        if trust.standing(&self.app.workspace).map_err(settings_error)? == Standing::Nothing {
            let why = format!("{} brings no settings", self.app.workspace.display());
            return Err(ApiError::new(codes::USAGE, why).step("nothing has to be trusted here"));
        }
        trust.trust(&self.app.workspace, SystemClock.now()).map_err(settings_error)?;
        Ok(self.app.workspace.display().to_string())
    }

    fn secrets(&self) -> Result<Vec<SecretView>, ApiError> {
        let rows = self.app.secrets()?.list().map_err(secret_error)?;
        Ok(rows
            .into_iter()
            .map(|row| SecretView { name: row.name, place: place(row.place).to_owned() })
            .collect())
    }

    fn set_secret(&self, name: &str, value: Secret<String>) -> Result<String, ApiError> {
        let kept = self.app.secrets()?.set(name, &value).map_err(secret_error)?;
        Ok(place(kept).to_owned())
    }

    fn remove_secret(&self, name: &str) -> Result<(), ApiError> {
        match self.app.secrets()?.remove(name).map_err(secret_error)? {
            true => Ok(()),
            false => Err(ApiError::new(codes::SECRET, format!("there is no secret `{name}`"))),
        }
    }

    async fn doctor(&self, full: bool) -> Result<DoctorReport, ApiError> {
        Ok(doctor::examine(&self.app, full).await)
    }
}
