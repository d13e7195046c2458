//! The models in a folder: `NAME.gguf` with its record `NAME.json` beside it.

use std::path::PathBuf;

use bottega_llm::{LibraryError, LocalModel};

/// A folder of models.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    folder: PathBuf,
}

impl Records {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.gguf"))
    }

    pub(crate) fn lock_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}.lock"))
    }

    fn record(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// Makes the folder.
    pub(crate) fn create(&self) -> Result<(), LibraryError> {
        std::fs::create_dir_all(&self.folder).map_err(|source| LibraryError::Disk {
            action: "create",
            path: self.folder.clone(),
            source,
        })
    }

    /// The model of this name, when its file is there and as large as it was.
    pub(crate) fn read(&self, name: &str) -> Option<LocalModel> {
        let mut model: LocalModel =
            serde_json::from_slice(&std::fs::read(self.record(name)).ok()?).ok()?;
        // The folder may have moved since.
        model.path = self.file(name);
        let file = model.path.metadata().ok()?;
        (file.len() == model.size && model.name == name).then_some(model)
    }

    /// Every model, by name.
    pub(crate) fn all(&self) -> Result<Vec<LocalModel>, LibraryError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => {
                let path = self.folder.clone();
                return Err(LibraryError::Disk { action: "read", path, source });
            }
        };
        let mut models: Vec<LocalModel> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| self.read(entry.file_name().to_str()?.strip_suffix(".json")?))
            .collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }

    /// Lists `model`: its record appears whole or not at all.
    pub(crate) fn write(&self, model: &LocalModel) -> Result<(), LibraryError> {
        let path = self.record(&model.name);
        let fresh = self.folder.join(format!(".{}.json.new", model.name));
        let text = serde_json::to_vec_pretty(model).unwrap_or_default();
        std::fs::write(&fresh, text)
            .and_then(|()| std::fs::rename(&fresh, &path))
            .map_err(|source| LibraryError::Disk { action: "write", path, source })
    }

    /// Deletes the record, then the file.
    pub(crate) fn remove(&self, name: &str) -> Result<(), LibraryError> {
        for path in [self.record(name), self.file(name)] {
            std::fs::remove_file(&path).map_err(|source| LibraryError::Disk {
                action: "delete",
                path,
                source,
            })?;
        }
        Ok(())
    }
}
