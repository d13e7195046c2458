//! Tools that a person added: a folder with one file each, which says what the tool is and holds its module.
//!
//! A file is replaced whole by a rename, so whoever reads it meets one version or the other. What a tool keeps lies in a
//! folder of its name beside it and stays when another version takes its place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bottega_manifest::{Capability, Host, Manifest, Problems, World};
use bottega_tool::Tool;
use bottega_types::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{Engine, EngineError};
use crate::fault::{Fault, LoadError};
use crate::guest::{Description, ToolGuest};
use crate::options::Options;
use crate::tool::GuestTool;

/// The form of the files; raised when it changes.
const FORM: u32 = 1;
/// What a file's name ends with.
const ENDING: &str = "tool";
/// The longest name of a tool: what the models' protocols take.
const LONGEST_NAME: usize = 64;
/// Bytes of what a tool may tell of itself, which each request to a model carries.
const LONGEST_ABOUT: usize = 4 << 10;
/// Bytes of a schema.
const LONGEST_SCHEMA: usize = 16 << 10;
/// Bytes of the line before the module.
const LONGEST_LABEL: u64 = 256 << 10;
/// A file that is being written is not older.
const ABANDONED: std::time::Duration = std::time::Duration::from_secs(3600);
/// Instances that live at once: one for each call that is under way.
const INSTANCES: u32 = 64;

/// What a tool can't be granted: it has no address, no day's purse, and no tools of its own.
const NOT_FOR_TOOLS: [Capability; 4] =
    [Capability::Send, Capability::Directory, Capability::Model, Capability::Tools];

/// Why a tool was not added, found or removed.
#[derive(Debug, thiserror::Error)]
pub enum ToolboxError {
    /// The manifest can't be read.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Manifest(Problems),
    /// The module is no guest of its manifest.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No guest can be run here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The compiler broke off.
    #[error("its module could not be compiled: {0}")]
    Uncompiled(String),
    /// It broke off when it was asked what it is.
    #[error("asked what it is, the tool broke off: {0}")]
    Undescribed(#[source] Fault),
    /// It tells of itself what can't be told to a model.
    #[error("the tool says that {what}; let its `describe` say otherwise")]
    Description {
        /// What is wrong with it.
        what: String,
    },
    /// The name belongs to a built-in tool.
    #[error("there is a built-in tool `{name}`; give yours another name")]
    Taken {
        /// The name.
        name: String,
    },
    /// It belongs to a tool of another package, which keeps things in its own place.
    #[error(
        "the tool `{name}` is that of `{package}`; take that one away first (`bottega tool rm {name}`), or give yours another name"
    )]
    Another {
        /// The name.
        name: String,
        /// The package that has it.
        package: String,
    },
    /// Its manifest is too long.
    #[error(
        "the manifest and what the tool says of itself have {bytes} bytes together, more than {LONGEST_LABEL}"
    )]
    Long {
        /// How many.
        bytes: usize,
    },
    /// It was granted what a tool can't have.
    #[error("a tool can't have `{capability}`: take it out of `[capabilities]`")]
    Capability {
        /// What it was granted.
        capability: Capability,
    },
    /// Another version took its place since the agent was told about it.
    #[error(
        "the tool `{name}` was replaced by another version; it can be called from the next session on"
    )]
    Replaced {
        /// The name.
        name: String,
    },
    /// There is none of that name.
    #[error("no tool `{name}` was added")]
    Missing {
        /// The name.
        name: String,
    },
    /// Its file is not what was written there.
    #[error("`{path}` is damaged ({why}); add the tool again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The folder can't be read or written.
    #[error("`{path}`: {source}")]
    Disk {
        /// What was read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The first line of a file.
#[derive(Serialize, Deserialize)]
struct Label {
    form: u32,
    name: String,
    about: String,
    schema: Value,
    manifest: String,
    digest: Digest,
}

/// A tool that was added.
#[derive(Clone, Debug)]
pub struct Added {
    /// What it says of itself.
    pub description: Description,
    /// JSON Schema of its arguments.
    pub schema: Value,
    /// What it may do.
    pub manifest: Manifest,
    /// Digest of its manifest and module together.
    pub digest: Digest,
}

/// What is in a folder of tools.
#[derive(Debug)]
pub struct Found<T> {
    /// The tools, by name.
    pub tools: Vec<T>,
    /// What is wrong with files that can't be read.
    pub wrong: Vec<ToolboxError>,
}

/// The tools that were added to one folder. The engine is made when the first is called.
pub struct Toolbox {
    folder: PathBuf,
    options: Options,
    engine: OnceLock<Engine>,
    /// The version of each that was loaded last, by its digest.
    loaded: Mutex<BTreeMap<String, (Digest, ToolGuest)>>,
}

impl std::fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toolbox").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Toolbox {
    /// The tools of a folder, which need not be there yet. Touches nothing.
    #[must_use]
    pub fn new(folder: PathBuf, options: Options) -> Self {
        let options = Options { instances: INSTANCES, ..options };
        Self { folder, options, engine: OnceLock::new(), loaded: Mutex::default() }
    }

    /// Adds a tool, or another version of it, after it was loaded and asked what it is. `taken` are the names of other
    /// tools. Takes seconds of computing.
    ///
    /// # Errors
    /// When it can't be called as a tool. Then what was there before stays.
    pub async fn add(
        &self,
        manifest: &str,
        wasm: &[u8],
        taken: &[&str],
    ) -> Result<Added, ToolboxError> {
        let parsed = Manifest::parse(manifest).map_err(ToolboxError::Manifest)?;
        if parsed.world != World::Tool {
            let (asked, found) = (World::Tool, parsed.world);
            return Err(LoadError::OtherWorld { asked, found }.into());
        }
        for capability in NOT_FOR_TOOLS {
            if parsed.capabilities.grant(capability) {
                return Err(ToolboxError::Capability { capability });
            }
        }
        let guest = self.compiled(wasm, parsed.clone()).await?;
        let description = guest.describe().await.map_err(ToolboxError::Undescribed)?;
        let schema = read(&description)?;
        let Description { name, about, .. } = description.clone();
        if taken.contains(&name.as_str()) {
            return Err(ToolboxError::Taken { name });
        }
        match self.find(&name) {
            Ok(before) if before.manifest.name != parsed.name => {
                let package = before.manifest.name.to_string();
                return Err(ToolboxError::Another { name, package });
            }
            // One that can't be read is replaced.
            Ok(_) | Err(ToolboxError::Missing { .. } | ToolboxError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
        let digest = Digest::of_parts(&[manifest.as_bytes(), wasm]);
        let label = Label {
            form: FORM,
            name: name.clone(),
            about,
            schema: schema.clone(),
            manifest: manifest.to_owned(),
            digest,
        };
        let bytes = serde_json::to_string(&label).map_or(usize::MAX, |line| line.len());
        if bytes as u64 >= LONGEST_LABEL {
            return Err(ToolboxError::Long { bytes });
        }
        self.write(&label, wasm).map_err(|source| self.disk(&name, source))?;
        self.loaded().insert(name, (digest, guest));
        Ok(Added { description, schema, manifest: parsed, digest })
    }

    /// All tools that were added.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn list(&self) -> Result<Found<Added>, ToolboxError> {
        let unreadable = |source| ToolboxError::Disk { path: self.folder.clone(), source };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Found { tools: Vec::new(), wrong: Vec::new() });
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|ending| ending == ENDING)
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        let (mut tools, mut wrong) = (Vec::new(), Vec::new());
        for name in names {
            match self.open(&name) {
                Ok(tool) => tools.push(tool),
                // Somebody took it away between the two looks.
                Err(ToolboxError::Missing { .. }) => {}
                Err(error) => wrong.push(error),
            }
        }
        Ok(Found { tools, wrong })
    }

    /// The tool of that name.
    ///
    /// # Errors
    /// When there is none, or its file is damaged.
    pub fn find(&self, name: &str) -> Result<Added, ToolboxError> {
        self.open(name)
    }

    /// Takes a tool away, with all that it kept.
    ///
    /// # Errors
    /// When there is none of that name, or the disk fails.
    pub fn remove(&self, name: &str) -> Result<(), ToolboxError> {
        is_name(name)?;
        if !self.file(name).exists() {
            return Err(ToolboxError::Missing { name: name.to_owned() });
        }
        self.loaded().remove(name);
        // Cut off between the two, it has lost what it kept; the other way a stranger of its name would find that.
        self.empty(name)?;
        fs::remove_file(self.file(name)).map_err(|error| self.disk(name, error))?;
        // A call that was under way may have kept something meanwhile.
        self.empty(name)
    }

    /// Takes away what a tool kept.
    fn empty(&self, name: &str) -> Result<(), ToolboxError> {
        match fs::remove_dir_all(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.disk(name, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The tools as agents call them. `beyond` sends the requests that they were granted.
    ///
    /// # Errors
    /// As of [`Toolbox::list`].
    pub fn tools(
        self: &Arc<Self>,
        beyond: &Arc<dyn Host>,
    ) -> Result<Found<Arc<dyn Tool>>, ToolboxError> {
        let Found { tools, wrong } = self.list()?;
        let tool = |added| {
            let tool = GuestTool::new(added, Arc::clone(self), Arc::clone(beyond));
            Arc::new(tool) as Arc<dyn Tool>
        };
        Ok(Found { tools: tools.into_iter().map(tool).collect(), wrong })
    }

    /// Where a tool keeps what is its own. Made when it is not there.
    pub(crate) fn home(&self, name: &str) -> io::Result<PathBuf> {
        let home = self.folder.join(name);
        make_private(&home)?;
        Ok(home)
    }

    /// The guest of a tool, ready to be called. Computes where it was not compiled before.
    pub(crate) fn guest(&self, added: &Added) -> Result<ToolGuest, ToolboxError> {
        let name = &added.description.name;
        // What was taken away or replaced is not called any more, loaded or not.
        let (label, mut file) = self.opened(name)?;
        if let Some((digest, guest)) = self.loaded().get(name)
            && *digest == added.digest
            && label.digest == added.digest
        {
            return Ok(guest.clone());
        }
        let mut wasm = Vec::new();
        file.read_to_end(&mut wasm).map_err(|source| self.disk(name, source))?;
        if Digest::of_parts(&[label.manifest.as_bytes(), &wasm]) != label.digest {
            return Err(self.damaged(name, &"its digest does not fit"));
        }
        // The person was shown what the agent was told about, and nothing else.
        if label.digest != added.digest {
            return Err(ToolboxError::Replaced { name: name.clone() });
        }
        let guest = self.engine()?.tool(&wasm, added.manifest.clone())?;
        self.loaded().insert(name.clone(), (added.digest, guest.clone()));
        Ok(guest)
    }

    /// Compiles on a thread of its own: whoever waits for it may go.
    async fn compiled(&self, wasm: &[u8], manifest: Manifest) -> Result<ToolGuest, ToolboxError> {
        let (engine, wasm) = (self.engine()?.clone(), wasm.to_vec());
        let compiled = tokio::task::spawn_blocking(move || engine.tool(&wasm, manifest)).await;
        Ok(compiled.map_err(|error| ToolboxError::Uncompiled(error.to_string()))??)
    }

    fn engine(&self) -> Result<&Engine, ToolboxError> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = Engine::new(self.options.clone())?;
        Ok(self.engine.get_or_init(|| engine))
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn loaded(&self) -> MutexGuard<'_, BTreeMap<String, (Digest, ToolGuest)>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ENDING}"))
    }

    fn disk(&self, name: &str, source: io::Error) -> ToolboxError {
        ToolboxError::Disk { path: self.file(name), source }
    }

    fn damaged(&self, name: &str, why: &impl ToString) -> ToolboxError {
        ToolboxError::Damaged { path: self.file(name), why: why.to_string() }
    }

    fn open(&self, name: &str) -> Result<Added, ToolboxError> {
        let (label, _) = self.opened(name)?;
        let Label { form: _, name: own, about, schema, manifest, digest } = label;
        if own != name {
            return Err(self.damaged(name, &format!("it is that of `{own}`")));
        }
        let manifest = Manifest::parse(&manifest)
            .map_err(|problems| self.damaged(name, &ToolboxError::Manifest(problems)))?;
        let description = Description { name: own, about, schema: schema.to_string() };
        Ok(Added { description, schema, manifest, digest })
    }

    /// The first line of a tool's file, and the file with the module still to be read.
    fn opened(&self, name: &str) -> Result<(Label, BufReader<File>), ToolboxError> {
        is_name(name)?;
        let path = self.file(name);
        // A pipe would be waited for.
        if fs::metadata(&path).is_ok_and(|about| !about.is_file()) {
            return Err(self.damaged(name, &"it is no file"));
        }
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ToolboxError::Missing { name: name.to_owned() });
            }
            Err(error) => return Err(self.disk(name, error)),
        };
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        (&mut file)
            .take(LONGEST_LABEL)
            .read_until(b'\n', &mut line)
            .map_err(|source| self.disk(name, source))?;
        let label: Label =
            serde_json::from_slice(&line).map_err(|error| self.damaged(name, &error))?;
        if label.form != FORM {
            return Err(self.damaged(name, &format!("its form is {}, not {FORM}", label.form)));
        }
        Ok((label, file))
    }

    /// Removes what a process that was killed left half written.
    fn tidy(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if entry.file_name().as_encoded_bytes().starts_with(b".tmp") && age > ABANDONED {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn write(&self, label: &Label, wasm: &[u8]) -> io::Result<()> {
        make_private(&self.folder)?;
        self.tidy()?;
        let mut beside = tempfile::NamedTempFile::new_in(&self.folder)?;
        beside.write_all(serde_json::to_string(label)?.as_bytes())?;
        beside.write_all(b"\n")?;
        beside.write_all(wasm)?;
        beside.as_file().sync_all()?;
        beside.persist(self.file(&label.name)).map_err(|error| error.error)?;
        File::open(&self.folder)?.sync_all()
    }
}

/// Makes a folder for this user alone.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Also keeps a name from leading out of the folder.
fn is_name(name: &str) -> Result<(), ToolboxError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.len() <= LONGEST_NAME
        && name.bytes().all(fits)
    {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    let what = format!(
        "its name is `{shown}`, which is not of lower-case letters, digits and `_`, at most {LONGEST_NAME}"
    );
    Err(ToolboxError::Description { what })
}

/// Looks over what a tool says of itself; its schema, read.
fn read(description: &Description) -> Result<Value, ToolboxError> {
    let wrong = |what: String| Err(ToolboxError::Description { what });
    is_name(&description.name)?;
    if description.about.trim().is_empty() {
        return wrong("it does nothing: its text is empty".to_owned());
    }
    for (part, bytes, most) in [
        ("text", description.about.len(), LONGEST_ABOUT),
        ("schema", description.schema.len(), LONGEST_SCHEMA),
    ] {
        if bytes > most {
            return wrong(format!("its {part} has {bytes} bytes, more than {most}"));
        }
    }
    let mut schema: Value = match serde_json::from_str(&description.schema) {
        Ok(schema) => schema,
        Err(error) => return wrong(format!("its schema is no JSON: {error}")),
    };
    let Some(root) = schema.as_object_mut() else {
        return wrong("its schema is no JSON object".to_owned());
    };
    // Arguments come as an object; each protocol of models asks for that.
    if root.entry("type").or_insert_with(|| "object".into()) != "object" {
        return wrong("its schema is none of an object (`\"type\": \"object\"`)".to_owned());
    }
    match jsonschema::validator_for(&schema) {
        Ok(_) => Ok(schema),
        Err(error) => wrong(format!("its schema is no JSON Schema: {error}")),
    }
}
