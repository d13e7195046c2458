//! A guest as a tool that agents call: judged, bounded and reported like every other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bottega_manifest::{Capabilities, FileAccess, Host, HttpRequest, HttpResponse, Level, Refusal};
use bottega_policy::Need;
use bottega_tool::{Effect, Prepared, Tool, ToolContext, ToolError, ToolOutput};
use bottega_types::Digest;
use serde_json::Value;

use crate::folder::Home;
use crate::inside::Provision;
use crate::toolbox::{Added, Toolbox, make_private};

/// Letters of the arguments in a line about the call.
const SHOWN: usize = 120;
/// Keys that a tool may keep, and bytes of one.
const MOST_KEYS: usize = 1_000;
const LONGEST_KEY: usize = 512;

/// A tool that was added.
pub(crate) struct GuestTool {
    shared: Arc<Shared>,
}

struct Shared {
    added: Added,
    toolbox: Arc<Toolbox>,
    beyond: Arc<dyn Host>,
}

impl GuestTool {
    pub(crate) fn new(added: Added, toolbox: Arc<Toolbox>, beyond: Arc<dyn Host>) -> Self {
        Self { shared: Arc::new(Shared { added, toolbox, beyond }) }
    }
}

#[async_trait]
impl Tool for GuestTool {
    fn name(&self) -> &str {
        &self.shared.added.description.name
    }

    fn effect(&self) -> Effect {
        let Capabilities { key_value, http, files, .. } = &self.shared.added.manifest.capabilities;
        let writes = files.as_ref().is_some_and(|grant| grant.access == FileAccess::ReadWrite);
        match *key_value || writes || !http.is_empty() {
            true => Effect::Changes,
            false => Effect::ReadOnly,
        }
    }

    fn schema(&self) -> Value {
        let Added { description, schema, .. } = &self.shared.added;
        let mut schema = schema.clone();
        if let Some(root) = schema.as_object_mut() {
            root.insert("description".to_owned(), description.about.clone().into());
            root.entry("properties").or_insert_with(|| Value::Object(serde_json::Map::new()));
        }
        schema
    }

    async fn prepare(
        &self,
        arguments: &str,
        _: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        // Whoever calls without arguments means none.
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        Ok(Box::new(Calling { shared: self.shared.clone(), arguments: arguments.to_owned() }))
    }
}

/// One call.
struct Calling {
    shared: Arc<Shared>,
    arguments: String,
}

#[async_trait]
impl Prepared for Calling {
    fn needs(&self) -> Vec<Need> {
        let hosts = self.shared.added.manifest.capabilities.http.iter();
        hosts.map(|pattern| Need::Network { host: pattern.0.to_string() }).collect()
    }

    fn summary(&self) -> String {
        let name = &self.shared.added.description.name;
        let mut shown: String = self.arguments.chars().take(SHOWN).collect();
        if shown.len() < self.arguments.len() {
            shown.push('…');
        }
        format!("{name} {shown}")
    }

    async fn details(&self, _: &ToolContext) -> String {
        format!("{} {}", self.shared.added.description.name, self.arguments)
    }

    async fn run(&self, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        let Shared { added, .. } = &*self.shared;
        let name = &added.description.name;
        let shared = Arc::clone(&self.shared);
        // Compiles where it must, and reads files.
        let begun = tokio::task::spawn_blocking(move || shared.begin()).await;
        let (guest, provision) = match begun {
            Ok(begun) => begun.map_err(ToolError::Refused)?,
            Err(error) => return Err(ToolError::Refused(format!("{name} did not begin: {error}"))),
        };
        match guest.call(provision, &self.arguments).await {
            Ok(Ok(text)) => Ok(ToolOutput::text(text)),
            Ok(Err(why)) => Err(ToolError::Refused(why)),
            Err(fault) => Err(ToolError::Refused(format!(
                "{name} broke off: {fault}. Call it with less to do, or go another way."
            ))),
        }
    }
}

impl Shared {
    fn begin(&self) -> Result<(crate::ToolGuest, Provision), String> {
        let name = &self.added.description.name;
        let guest = self.toolbox.guest(&self.added).map_err(|error| error.to_string())?;
        let lies = |error: std::io::Error| format!("the folder of {name}: {error}");
        let own = self.toolbox.home(name).map_err(lies)?;
        let (files, keys) = (own.join("files"), own.join("keys"));
        for folder in [&files, &keys] {
            make_private(folder).map_err(lies)?;
        }
        let beyond = Arc::clone(&self.beyond);
        let host = Arc::new(ToolsHost { name: name.clone(), keys: Keys(keys), beyond });
        let home = Some(Home::open(&files).map_err(lies)?);
        Ok((guest, Provision { home, ..Provision::new(host) }))
    }
}

/// What stands behind a tool's capabilities.
struct ToolsHost {
    name: String,
    keys: Keys,
    beyond: Arc<dyn Host>,
}

#[async_trait]
impl Host for ToolsHost {
    async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        self.keys.work(move |keys| keys.get(&key)).await
    }

    async fn set(&self, key: String, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        self.keys.work(move |keys| keys.set(&key, value.as_deref())).await
    }

    fn log(&self, level: Level, text: &str) {
        self.beyond.log(level, &format!("tool {}: {text}", self.name));
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        self.beyond.fetch(request).await
    }
}

/// Keys and values of one tool: a folder with a file each, named by the key's digest.
#[derive(Clone)]
struct Keys(PathBuf);

impl Keys {
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let keys = self.clone();
        match tokio::task::spawn_blocking(move || work(&keys)).await {
            Ok(done) => done,
            Err(error) => Err(Refusal::Unavailable(error.to_string())),
        }
    }

    fn file(&self, key: &str) -> Result<PathBuf, Refusal> {
        if key.len() > LONGEST_KEY {
            return Err(Refusal::Malformed(format!("a key has {LONGEST_KEY} bytes at most")));
        }
        Ok(self.0.join(Digest::of(key.as_bytes()).to_string().replace(':', "-")))
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        match std::fs::read(self.file(key)?) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Refusal::Unavailable(error.to_string())),
        }
    }

    fn set(&self, key: &str, value: Option<&[u8]>) -> Result<(), Refusal> {
        let file = self.file(key)?;
        let unavailable = |error: std::io::Error| Refusal::Unavailable(error.to_string());
        let Some(value) = value else {
            return match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(unavailable(error))
                }
                Ok(()) | Err(_) => Ok(()),
            };
        };
        if !file.exists() && kept(&self.0).map_err(unavailable)? >= MOST_KEYS {
            return Err(Refusal::Exhausted(format!("{MOST_KEYS} keys are kept, and no more")));
        }
        write_whole(&self.0, &file, value).map_err(unavailable)
    }
}

/// How many keys there are. What a process that was killed left half written is none.
fn kept(folder: &Path) -> std::io::Result<usize> {
    let whole = |entry: &std::fs::DirEntry| !entry.file_name().as_encoded_bytes().starts_with(b".");
    Ok(std::fs::read_dir(folder)?.filter_map(Result::ok).filter(whole).count())
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(folder: &Path, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(bytes)?;
    beside.as_file().sync_all()?;
    beside.persist(file).map_err(|error| error.error)?;
    Ok(())
}
