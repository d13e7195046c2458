//! A machine in a temporary folder.

use std::fs;
use std::path::PathBuf;

use bottega_config::{
    Config, EditError, Editor, Environment, FlagValue, Layer, Places, Problems, Sources, Trust,
};
use bottega_types::Timestamp;
use tempfile::TempDir;

pub(crate) struct World {
    folder: TempDir,
    pub(crate) places: Places,
    pub(crate) environment: Environment,
    pub(crate) flags: Vec<FlagValue>,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut places = Places::below(&folder.path().join("home"));
        places.system_settings = folder.path().join("etc/config.toml");
        fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder, places, environment: Environment::default(), flags: Vec::new() }
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn file(&self, layer: &str) -> PathBuf {
        match layer {
            "system" => self.places.system_settings.clone(),
            "user" => self.places.user_settings(),
            "project" => Places::project_settings(&self.workspace()),
            "local" => Places::local_settings(&self.workspace()),
            other => panic!("{other} is no file"),
        }
    }

    pub(crate) fn write(&self, layer: &str, text: &str) {
        let file = self.file(layer);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(crate) fn trust(&self) {
        let trust = Trust::new(&self.places);
        trust.trust(&self.workspace(), Timestamp::from_millis(1)).unwrap();
    }

    /// Hands out what settings are read from.
    pub(crate) fn with_sources<T>(&self, use_them: impl FnOnce(Sources<'_>) -> T) -> T {
        use_them(Sources {
            environment: &self.environment,
            places: &self.places,
            workspace: Some(&self.workspace()),
            flags: &self.flags,
        })
    }

    pub(crate) fn load(&self) -> Result<Config, Problems> {
        self.with_sources(Config::load)
    }

    pub(crate) fn set(&self, layer: Layer, path: &str, value: &str) -> Result<PathBuf, EditError> {
        let (path, now) = (path.parse().unwrap(), Timestamp::from_millis(1));
        self.with_sources(|sources| Editor::new(sources).set(&path, value, layer, now))
    }

    pub(crate) fn unset(&self, layer: Layer, path: &str) -> Result<PathBuf, EditError> {
        let (path, now) = (path.parse().unwrap(), Timestamp::from_millis(1));
        self.with_sources(|sources| Editor::new(sources).unset(&path, layer, now))
    }

    /// `text` without the name of the temporary folder.
    pub(crate) fn clean(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "")
    }
}

/// A report as a wide terminal without colours shows it: where lines break must not depend on the name
/// of the temporary folder.
pub(crate) fn report(diagnostic: &dyn miette::Diagnostic) -> String {
    let mut text = String::new();
    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
        .with_width(1000)
        .with_links(false)
        .render_report(&mut text, diagnostic)
        .unwrap();
    text
}
