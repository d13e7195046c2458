//! What a tool is.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need, Question, Reply};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{CommandSink, FileVersions, Jobs, Sandbox, ToolError, ToolOutput, Web, Workspace};

/// What a call does to the world; decides what happens when its outcome is unknown after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Looks only: may be repeated at will.
    ReadOnly,
    /// Changes files of the workspace or runs commands: never repeated by itself.
    Changes,
}

/// One tool. A catalogue row: no state of its own between calls.
///
/// Of a built-in tool the doc comment of its input type is its description for the model, the fields' doc comments are
/// its parameters' descriptions; see [`describe`].
#[async_trait]
pub trait Tool: Send + Sync {
    /// Its name: lower-case letters, digits and `_`.
    fn name(&self) -> &str;

    /// What it does to the world.
    fn effect(&self) -> Effect;

    /// Whether a call with these arguments changes nothing, as far as that can be told: then it may run beside others
    /// of the same answer that change nothing either.
    fn only_looks(&self, _arguments: &str) -> bool {
        self.effect() == Effect::ReadOnly
    }

    /// JSON Schema of its arguments; `description` at its root is the tool's description.
    fn schema(&self) -> Value;

    /// Parses the arguments and finds out what the call needs. Reads nothing but names and links.
    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError>;
}

/// A call that is ready to be judged and run.
#[async_trait]
pub trait Prepared: Send + Sync {
    /// What it needs to be allowed to do.
    fn needs(&self) -> Vec<Need>;

    /// Needs that say where its output comes from and that it does not ask for: what a command reads inside its cage, or
    /// reaches outside of it. Nothing is judged by them.
    fn sources(&self) -> Vec<Need> {
        Vec::new()
    }

    /// What it will do, in one line: `edit src/lib.rs`, `run cargo test`.
    fn summary(&self) -> String;

    /// The exact command or diff, for a person to approve.
    async fn details(&self, context: &ToolContext) -> String;

    /// Does it. Dropping the future stops it: no process it started goes on, and a file is either as
    /// before or wholly written.
    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError>;
}

/// The person, for a tool that has a question. Never blocks where nobody can be asked.
#[async_trait]
pub trait Respondent: Send + Sync {
    /// Asks, and waits for the answer as long as it takes. Dropping the future takes the question back.
    async fn answer(&self, question: &Question) -> Reply;
}

/// All that a tool may touch.
#[derive(Clone)]
pub struct ToolContext {
    /// The files.
    pub workspace: Arc<dyn Workspace>,
    /// The commands.
    pub sandbox: Arc<dyn Sandbox>,
    /// What was read of the files.
    pub versions: Arc<dyn FileVersions>,
    /// Where live output goes.
    pub sink: Arc<dyn CommandSink>,
    /// The person.
    pub person: Arc<dyn Respondent>,
    /// Commands in the background.
    pub jobs: Arc<dyn Jobs>,
    /// The web, as far as this call asked for it.
    pub web: Arc<dyn Web>,
    /// The access mode, so that a command is caged as the mode says (`full` has no cage for files).
    pub mode: AccessMode,
    /// The most bytes of output that the model should read from one call.
    pub output_limit: usize,
}

impl std::fmt::Debug for ToolContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolContext")
            .field("mode", &self.mode)
            .field("output_limit", &self.output_limit)
            .finish_non_exhaustive()
    }
}

/// The tools of one agent, in the order the model is told about them.
#[derive(Clone)]
pub struct ToolCatalogue(Arc<[Arc<dyn Tool>]>);

/// A tool that is always there, as one of those that may come and go.
struct BuiltIn(&'static dyn Tool);

#[async_trait]
impl Tool for BuiltIn {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn effect(&self) -> Effect {
        self.0.effect()
    }

    fn only_looks(&self, arguments: &str) -> bool {
        self.0.only_looks(arguments)
    }

    fn schema(&self) -> Value {
        self.0.schema()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        self.0.prepare(arguments, context).await
    }
}

impl ToolCatalogue {
    /// A catalogue of these tools.
    #[must_use]
    pub fn new(tools: &[&'static dyn Tool]) -> Self {
        Self(tools.iter().map(|tool| Arc::new(BuiltIn(*tool)) as Arc<dyn Tool>).collect())
    }

    /// With these behind the others. One whose name is taken is left out: no tool hides another.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let mut all = self.0.to_vec();
        for tool in more {
            if all.iter().all(|there| there.name() != tool.name()) {
                all.push(tool);
            }
        }
        Self(all.into())
    }

    /// Those of them that `may` be called.
    #[must_use]
    pub fn only(&self, may: impl Fn(&dyn Tool) -> bool) -> Self {
        Self(self.iter().filter(|tool| may(tool.as_ref())).cloned().collect())
    }

    /// The tool of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.iter().find(|tool| tool.name() == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Tool>> {
        self.0.iter()
    }
}

impl std::fmt::Debug for ToolCatalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|tool| tool.name())).finish()
    }
}

/// The JSON Schema of an input type as a model should read it: no `$schema`, no titles, definitions
/// inlined.
#[must_use]
pub fn describe<T: JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    strip(&mut schema);
    // Not every provider takes an object that doesn't say that it has no properties.
    if let Some(root) = schema.as_object_mut() {
        root.entry("properties").or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    schema
}

/// Takes out what costs tokens and tells a model nothing.
fn strip(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("title").is_some_and(Value::is_string) {
                map.shift_remove("title");
            }
            for noise in ["format", "minimum"] {
                if map.get("type").is_some() {
                    map.shift_remove(noise);
                }
            }
            // `Option<T>` says `["string", "null"]`; a model that may leave a field out needs no null.
            if let Some(Value::Array(types)) = map.get("type")
                && let [first, Value::String(null)] = types.as_slice()
                && null == "null"
            {
                let first = first.clone();
                map.insert("type".into(), first);
            }
            let is_nothing =
                |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if map.get("default").is_some_and(is_nothing) {
                map.shift_remove("default");
            }
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Parses a call's arguments. The error tells the model which field is wrong and what is expected.
pub fn parse_arguments<T: DeserializeOwned>(arguments: &str) -> Result<T, ToolError> {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments };
    serde_json::from_str(text).map_err(|error| ToolError::BadArguments { why: error.to_string() })
}
