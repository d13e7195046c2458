//! The settings that hold, each with its origin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::conflict::conflicts;
use crate::notice::{Notice, unknown_variable};
use crate::problem::{Problem, ProblemKind, Problems, Quoted};
use crate::reading::{Entry, read_file, read_text, unknown};
use crate::shape::SHAPE;
use crate::trust::{Brought, Standing, Trust, is_absent};
use crate::variable::read_environment;
use crate::{Environment, Layer, Origin, Places, SettingPath, Settings, plain_file};

/// Where settings are read from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'s> {
    /// The environment.
    pub environment: &'s Environment,
    /// Where the files are.
    pub places: &'s Places,
    /// The root of the workspace, where there is one.
    pub workspace: Option<&'s Path>,
    /// What flags of the command line set.
    pub flags: &'s [FlagValue],
}

/// A flag of the command line that sets a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagValue {
    /// The flag as it was written: `--access-mode`.
    pub flag: String,
    /// The setting: `access.mode`.
    pub path: SettingPath,
    /// The value as it was written; items of a list are separated by commas.
    pub value: String,
}

/// What a layer's file may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'t> {
    pub(crate) layer: Layer,
    pub(crate) text: &'t str,
}

/// Every value that holds, by its place.
pub(crate) type Entries = BTreeMap<SettingPath, Entry>;

/// The settings that hold, each with its origin.
#[derive(Clone, Debug)]
pub struct Config {
    settings: Settings,
    entries: Entries,
    files: Vec<SettingsFile>,
    notices: Vec<Notice>,
}

/// A file that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingsFile {
    /// The layer it is.
    pub layer: Layer,
    /// Where.
    pub path: PathBuf,
    /// What came of it.
    pub state: FileState,
}

/// What came of looking for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It was read.
    Read,
    /// There is none.
    Absent,
    /// It is there and does not count, since the folder is not trusted.
    Ignored,
}

/// One setting as it is listed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettingRow {
    /// Its place.
    pub path: String,
    /// Its value; `None` when nobody set it and it has no default.
    pub value: Option<Value>,
    /// Where the value came from.
    pub origin: Option<Origin>,
    /// What it means.
    pub doc: String,
}

impl SettingRow {
    /// The value as a settings file has it; empty when there is none.
    #[must_use]
    pub fn value_text(&self) -> String {
        self.value.as_ref().map(as_toml).unwrap_or_default()
    }
}

impl Config {
    /// Reads and merges every layer.
    ///
    /// # Errors
    /// Everything that is wrong, in all files, variables and flags together. A file of an untrusted
    /// folder is not looked into.
    pub fn load(sources: Sources<'_>) -> Result<Self, Problems> {
        Self::with_draft(sources, None)
    }

    /// What [`load`](Self::load) would say if a file were as the draft has it.
    pub(crate) fn with_draft(
        sources: Sources<'_>,
        draft: Option<Draft<'_>>,
    ) -> Result<Self, Problems> {
        let mut config = Self {
            settings: Settings::default(),
            entries: BTreeMap::new(),
            files: Vec::new(),
            notices: Vec::new(),
        };
        let mut problems = Vec::new();
        config.add(defaults());
        let user = sources.places.user_settings();
        for (layer, path) in
            [(Layer::System, &sources.places.system_settings), (Layer::User, &user)]
        {
            let drafted = draft.filter(|draft| draft.layer == layer);
            match drafted.map_or_else(|| plain_file::read(path), |draft| Ok(draft.text.into())) {
                Ok(bytes) => config.add_file(layer, path, &bytes, &mut problems),
                Err(error) if is_absent(&error) => config.looked_at(layer, path, FileState::Absent),
                Err(error) => problems.push(unreadable(path, &error)),
            }
        }
        if let Some(workspace) = sources.workspace {
            config.add_workspace(workspace, &Trust::new(sources.places), draft, &mut problems);
        }
        let environment = read_environment(sources.environment);
        config.add(environment.entries);
        problems.extend(environment.problems);
        config.notices.extend(environment.unknown.into_iter().map(unknown_variable));
        let ignored = environment.ignored.into_iter().map(|why| Notice::IgnoredVariable { why });
        config.notices.extend(ignored);
        for flag in sources.flags {
            match from_flag(flag) {
                Ok(entry) => config.add(vec![entry]),
                Err(wrong) => problems.extend(wrong),
            }
        }
        Problems::none(problems)?;
        config.settle()?;
        Ok(config)
    }

    /// What is set.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Which files were looked for, from the weakest layer to the strongest.
    #[must_use]
    pub fn files(&self) -> &[SettingsFile] {
        &self.files
    }

    /// What the person should know.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Where the value at `path` came from; `None` when it has no value.
    #[must_use]
    pub fn origin(&self, path: &SettingPath) -> Option<&Origin> {
        self.entries.get(path).map(|entry| &entry.origin)
    }

    /// The setting at `path`, or all below it.
    ///
    /// # Errors
    /// When there can be nothing at this place.
    pub fn get(&self, path: &SettingPath) -> Result<Vec<SettingRow>, Problem> {
        find(path)?;
        let mut rows = self.list();
        rows.retain(|row| row.path.parse().is_ok_and(|at: SettingPath| at.is_within(path)));
        Ok(rows)
    }

    /// Every setting, in the order of the reference page and then of the names.
    #[must_use]
    pub fn list(&self) -> Vec<SettingRow> {
        let mut known: Vec<_> = SHAPE.leaves().into_iter().map(|(path, _)| path).collect();
        let dynamic = self.entries.keys().filter(|path| !known.contains(path));
        let dynamic: Vec<_> = dynamic.cloned().collect();
        known.extend(dynamic);
        let row = |path: SettingPath| {
            let entry = self.entries.get(&path);
            SettingRow {
                doc: SHAPE.at(&path).map(|field| field.doc.clone()).unwrap_or_default(),
                value: entry.map(|entry| entry.value.clone()),
                origin: entry.map(|entry| entry.origin.clone()),
                path: path.to_string(),
            }
        };
        known.into_iter().map(row).collect()
    }

    fn looked_at(&mut self, layer: Layer, path: &Path, state: FileState) {
        self.files.push(SettingsFile { layer, path: path.to_owned(), state });
    }

    fn add_file(&mut self, layer: Layer, path: &Path, bytes: &[u8], problems: &mut Vec<Problem>) {
        self.looked_at(layer, path, FileState::Read);
        match std::str::from_utf8(bytes) {
            Ok(text) => match read_file(layer, Quoted { file: path, text }) {
                Ok(entries) => self.add(entries),
                Err(wrong) => problems.extend(wrong),
            },
            Err(error) => {
                let kind = ProblemKind::Unreadable { message: error.to_string() };
                problems.push(Problem::in_file(kind, path));
            }
        }
    }

    fn add_workspace(
        &mut self,
        workspace: &Path,
        trust: &Trust,
        draft: Option<Draft<'_>>,
        problems: &mut Vec<Problem>,
    ) {
        let project = Places::project_settings(workspace);
        let local = Places::local_settings(workspace);
        let judged = Brought::read(workspace)
            .and_then(|brought| Ok((trust.judge(workspace, &brought)?, brought)));
        let (mut standing, mut brought) = match judged {
            Ok(judged) => judged,
            Err(error) => {
                let kind = ProblemKind::Unreadable { message: error.to_string() };
                problems.push(Problem::in_file(kind, workspace));
                return;
            }
        };
        if let Some(draft) = draft
            && let Some(drafted) = brought.of_mut(draft.layer)
        {
            *drafted = Some(draft.text.into());
            // The first settings of a folder are trusted when they are written here.
            if standing == Standing::Nothing {
                standing = Standing::Trusted;
            }
        }
        let folder = workspace.to_owned();
        match standing {
            Standing::Nothing | Standing::Trusted => {}
            Standing::Unknown => self.notices.push(Notice::Untrusted { folder }),
            Standing::Changed => self.notices.push(Notice::Changed { folder }),
        }
        for (layer, path, bytes) in
            [(Layer::Project, project, brought.project), (Layer::Local, local, brought.local)]
        {
            match (bytes, standing) {
                (None, _) => self.looked_at(layer, &path, FileState::Absent),
                (Some(bytes), Standing::Trusted) => self.add_file(layer, &path, &bytes, problems),
                (Some(_), Standing::Nothing | Standing::Changed | Standing::Unknown) => {
                    self.looked_at(layer, &path, FileState::Ignored);
                }
            }
        }
    }

    fn add(&mut self, entries: Vec<Entry>) {
        for mut entry in entries {
            let adds = SHAPE.at(&entry.path).is_some_and(|field| field.adds);
            if adds && let Some(before) = self.entries.get(&entry.path) {
                join(&before.value, &mut entry.value);
            }
            self.entries.insert(entry.path.clone(), entry);
        }
    }

    /// Makes the typed settings of the entries, and checks what only all layers together show.
    fn settle(&mut self) -> Result<(), Problems> {
        let mut tree = Value::Object(Map::new());
        for entry in self.entries.values() {
            put(&mut tree, entry.path.keys(), entry.value.clone());
        }
        let path = SettingPath::root();
        self.settings = serde_json::from_value(tree).map_err(|error| {
            Problem::named(ProblemKind::Conflict { path, why: error.to_string() }, "settings")
        })?;
        Problems::none(conflicts(&self.settings, &self.entries))
    }
}

/// Where `path` leads in the shape.
pub(crate) fn find(path: &SettingPath) -> Result<&'static crate::shape::Field, Problem> {
    let mut field = &*SHAPE;
    let mut here = SettingPath::root();
    for key in path.keys() {
        here = here.child(key);
        match field.under(key) {
            Some(below) => field = below,
            None => return Err(Problem::asked(unknown(field, &here, key))),
        }
    }
    Ok(field)
}

/// What is built in, as entries.
fn defaults() -> Vec<Entry> {
    let mut entries = Vec::new();
    let tree = serde_json::to_value(Settings::default()).unwrap_or_default();
    flatten(&SettingPath::root(), tree, &mut entries);
    entries
}

fn flatten(path: &SettingPath, value: Value, entries: &mut Vec<Entry>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                flatten(&path.child(&key), value, entries);
            }
        }
        value @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)) => {
            entries.push(Entry { path: path.clone(), value, origin: Origin::built_in() });
        }
    }
}

fn put(tree: &mut Value, keys: &[String], value: Value) {
    let Value::Object(map) = tree else { return };
    match keys {
        [] => {}
        [last] => {
            map.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            put(map.entry(first).or_insert_with(|| Value::Object(Map::new())), rest, value);
        }
    }
}

/// Puts what the weaker layers listed before what this one lists, each item once.
fn join(before: &Value, value: &mut Value) {
    if let (Value::Array(before), Value::Array(items)) = (before, value) {
        let mut all = before.clone();
        all.extend(items.drain(..).filter(|item| !before.contains(item)));
        *items = all;
    }
}

fn from_flag(flag: &FlagValue) -> Result<Entry, Vec<Problem>> {
    let field = find(&flag.path).map_err(|problem| vec![problem])?;
    let value = read_text(&flag.value, field, &flag.path, Some(&flag.flag))?;
    Ok(Entry { path: flag.path.clone(), value, origin: Origin::named(Layer::Flag, &flag.flag) })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::in_file(ProblemKind::Unreadable { message: error.to_string() }, path)
}

/// A value as TOML writes it.
pub(crate) fn as_toml(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => toml_edit::Value::from(text.as_str()).to_string(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(as_toml).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| {
                format!("{} = {}", toml_edit::Key::new(key).display_repr(), as_toml(value))
            });
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}
