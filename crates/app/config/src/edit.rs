//! Changing a settings file without disturbing what else stands in it.

use std::path::{Path, PathBuf};

use bottega_types::Timestamp;
use serde_json::Value;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike};

use crate::atomic_file::{Privacy, replace};
use crate::config::{Draft, find};
use crate::plain_file;
use crate::problem::{Problem, ProblemKind, Problems, Quoted};
use crate::reading::{read_file, read_text};
use crate::trust::{Standing, Trust, TrustError, is_absent};
use crate::{Config, Layer, Places, SettingPath, Sources};

/// Changes settings files.
///
/// A change is checked before it is written, together with all else in the file and with the other
/// layers: when it would make anything wrong, the file stays as it is. Comments, order and layout stay.
#[derive(Clone, Copy, Debug)]
pub struct Editor<'s> {
    sources: Sources<'s>,
}

/// Nothing was written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EditError {
    /// The setting, its value or the rest of the file is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Wrong(#[from] Problems),
    /// This layer is no file.
    #[error("the {layer} layer is no file; choose system, user, project or local")]
    NoFile {
        /// The layer.
        layer: Layer,
    },
    /// There is no workspace that could have a file.
    #[error("there is no project here; run this inside one, or change your user settings")]
    NoWorkspace,
    /// The disk refused.
    #[error("can't write {file}: {source}")]
    Disk {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The list of trusted folders can't be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl<'s> Editor<'s> {
    /// An editor of the files among these sources.
    #[must_use]
    pub const fn new(sources: Sources<'s>) -> Self {
        Self { sources }
    }

    /// Sets `path` to `value`, written as on a command line: text without quotes, items of a list
    /// separated by commas. Returns the file. The files of a project stay trusted when they were, or
    /// become so when this is the first of them: whoever writes settings here knows what they say.
    ///
    /// # Errors
    /// See [`EditError`]; the file is unchanged then.
    pub fn set(
        &self,
        path: &SettingPath,
        value: &str,
        layer: Layer,
        now: Timestamp,
    ) -> Result<PathBuf, EditError> {
        let field = find(path).map_err(Problems::from)?;
        let value = read_text(value, field, path, None);
        let value = value.or_else(|problems| Problems::none(problems).map(|()| Value::Null))?;
        self.change(layer, now, |document| insert(document.as_table_mut(), path.keys(), &value))
    }

    /// Takes `path` out of a layer's file, so that a weaker layer counts again. Returns the file.
    ///
    /// # Errors
    /// See [`EditError`]; the file is unchanged then.
    pub fn unset(
        &self,
        path: &SettingPath,
        layer: Layer,
        now: Timestamp,
    ) -> Result<PathBuf, EditError> {
        find(path).map_err(Problems::from)?;
        self.change(layer, now, |document| remove(document.as_table_mut(), path.keys()))
    }

    fn change(
        &self,
        layer: Layer,
        now: Timestamp,
        edit: impl FnOnce(&mut DocumentMut),
    ) -> Result<PathBuf, EditError> {
        let file = self.file(layer)?;
        let disk = |source| EditError::Disk { file: file.clone(), source };
        let before = match plain_file::read_text(&file) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => String::new(),
            Err(error) => return Err(disk(error)),
        };
        let mut document: DocumentMut = match before.parse() {
            Ok(document) => document,
            Err(error) => return Err(not_toml(&file, &before, &error).into()),
        };
        edit(&mut document);
        let after = document.to_string();
        let checked = read_file(layer, Quoted { file: &file, text: &after });
        checked.map(drop).or_else(Problems::none)?;
        self.check_together(Draft { layer, text: &after })?;
        let trust = self.trust_of(layer)?;
        replace(&file, after.as_bytes(), Privacy::AsBefore).map_err(disk)?;
        if let Some((trust, workspace)) = trust {
            trust.trust(workspace, now)?;
        }
        Ok(file)
    }

    /// Refuses a change after which the layers together have a problem that they did not have before.
    fn check_together(&self, draft: Draft<'_>) -> Result<(), Problems> {
        let Err(after) = Config::with_draft(self.sources, Some(draft)) else { return Ok(()) };
        let before = Config::load(self.sources).err();
        let is_fresh = |problem: &&Problem| {
            !before.iter().flat_map(Problems::iter).any(|known| known.kind() == problem.kind())
        };
        Problems::none(after.iter().filter(is_fresh).cloned().collect())
    }

    /// The trust to renew after a change: none when the folder's other settings are not trusted.
    fn trust_of(&self, layer: Layer) -> Result<Option<(Trust, &Path)>, TrustError> {
        let Some(workspace) =
            self.sources.workspace.filter(|_| matches!(layer, Layer::Project | Layer::Local))
        else {
            return Ok(None);
        };
        let trust = Trust::new(self.sources.places);
        Ok(match trust.standing(workspace)? {
            Standing::Nothing | Standing::Trusted => Some((trust, workspace)),
            Standing::Changed | Standing::Unknown => None,
        })
    }

    fn file(&self, layer: Layer) -> Result<PathBuf, EditError> {
        let workspace = || self.sources.workspace.ok_or(EditError::NoWorkspace);
        match layer {
            Layer::System => Ok(self.sources.places.system_settings.clone()),
            Layer::User => Ok(self.sources.places.user_settings()),
            Layer::Project => Ok(Places::project_settings(workspace()?)),
            Layer::Local => Ok(Places::local_settings(workspace()?)),
            Layer::Default | Layer::Environment | Layer::Flag => Err(EditError::NoFile { layer }),
        }
    }
}

impl From<Problem> for EditError {
    fn from(problem: Problem) -> Self {
        Self::Wrong(problem.into())
    }
}

fn not_toml(file: &Path, text: &str, error: &toml_edit::TomlError) -> Problem {
    let kind = ProblemKind::Syntax { message: error.message().to_owned() };
    Problem::in_text(kind, Quoted { file, text }, error.span().unwrap_or_default())
}

fn insert(table: &mut dyn TableLike, keys: &[String], value: &Value) {
    match keys {
        [] => {}
        [last] => {
            let mut fresh = to_toml(value);
            match table.get_mut(last) {
                // The comment behind the old value stays behind the new one.
                Some(Item::Value(old)) => {
                    *fresh.decor_mut() = old.decor().clone();
                    *old = fresh;
                }
                _ => {
                    table.insert(last, Item::Value(fresh));
                }
            }
        }
        [first, rest @ ..] => {
            let below = table.entry(first).or_insert_with(|| {
                let mut fresh = Table::new();
                // No header of its own where it holds nothing but further tables.
                fresh.set_implicit(true);
                Item::Table(fresh)
            });
            if let Some(below) = below.as_table_like_mut() {
                insert(below, rest, value);
            }
        }
    }
}

fn remove(table: &mut dyn TableLike, keys: &[String]) {
    match keys {
        [] => {}
        [last] => {
            table.remove(last);
        }
        [first, rest @ ..] => {
            if let Some(below) = table.get_mut(first).and_then(Item::as_table_like_mut) {
                remove(below, rest);
            }
        }
    }
}

fn to_toml(value: &Value) -> toml_edit::Value {
    match value {
        Value::Bool(yes) => (*yes).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(broken)) => broken.into(),
            (None, None) => number.to_string().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(to_toml).collect::<Array>().into(),
        // A single setting is never one of these: tables are not set whole.
        Value::Null | Value::Object(_) => "".into(),
    }
}
