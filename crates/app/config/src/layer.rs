//! The layers of the settings, and where a value came from.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// One layer of the settings. A later one wins over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// What is built in.
    Default,
    /// The machine's file.
    System,
    /// The person's own file.
    User,
    /// The file that a project carries. Counts only in a trusted folder.
    Project,
    /// The person's own file in one project, not shared. Counts only in a trusted folder.
    Local,
    /// Environment variables.
    Environment,
    /// The flags of one command.
    Flag,
}

impl Layer {
    /// Every layer, from the weakest to the strongest.
    pub const ALL: [Self; 7] = [
        Self::Default,
        Self::System,
        Self::User,
        Self::Project,
        Self::Local,
        Self::Environment,
        Self::Flag,
    ];

    /// The layer's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::System => "system",
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The layer that had the last word.
    pub layer: Layer,
    /// The file, for the layers that are files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The line in that file, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The variable or flag, for the layers that have names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Origin {
    pub(crate) const fn built_in() -> Self {
        Self { layer: Layer::Default, file: None, line: None, name: None }
    }

    pub(crate) fn in_file(layer: Layer, file: &Path, line: usize) -> Self {
        Self { layer, file: Some(file.to_owned()), line: Some(line), name: None }
    }

    pub(crate) fn named(layer: Layer, name: &str) -> Self {
        Self { layer, file: None, line: None, name: Some(name.to_owned()) }
    }
}

/// `default`, `user /home/ada/.config/bottega/config.toml:3`, `environment BOTTEGA_LIMITS_TURNS`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.layer)?;
        if let Some(file) = &self.file {
            write!(f, " {}", file.display())?;
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        Ok(())
    }
}
