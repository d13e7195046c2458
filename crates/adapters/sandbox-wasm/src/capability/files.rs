//! `files`: files under one folder.

use bottega_manifest::{FileAccess, Refusal};

use super::{Refused, refused};
use crate::bindings::guest::files::{Entry, Host};
use crate::folder::{Granted, Path};
use crate::inside::Inside;

impl Host for Inside {
    async fn list(&mut self, folder: String) -> wasmtime::Result<Result<Vec<Entry>, Refused>> {
        self.called(folder.len())?;
        self.file(&folder, FileAccess::ReadOnly, |granted, path| {
            let entries = granted.list(path)?;
            Ok(entries.into_iter().map(|(name, folder)| Entry { name, folder }).collect())
        })
        .await
    }

    async fn read(&mut self, path: String) -> wasmtime::Result<Result<Vec<u8>, Refused>> {
        self.called(path.len())?;
        let most = self.terms.memory;
        self.file(&path, FileAccess::ReadOnly, move |granted, path| granted.read(path, most)).await
    }

    async fn write(
        &mut self,
        path: String,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Refused>> {
        self.called(path.len().saturating_add(bytes.len()))?;
        self.file(&path, FileAccess::ReadWrite, move |granted, path| granted.write(path, &bytes))
            .await
    }

    async fn remove(&mut self, path: String) -> wasmtime::Result<Result<(), Refused>> {
        self.called(path.len())?;
        self.file(&path, FileAccess::ReadWrite, |granted, path| granted.remove(path)).await
    }
}

impl Inside {
    /// Does something with a file, beside the threads that serve everybody.
    async fn file<T: Send + 'static>(
        &self,
        path: &str,
        needed: FileAccess,
        work: impl FnOnce(&Granted, &Path) -> Result<T, Refusal> + Send + 'static,
    ) -> wasmtime::Result<Result<T, Refused>> {
        let (Some(grant), Some(home)) =
            (self.terms.manifest.capabilities.files.as_ref(), &self.provision.home)
        else {
            let why = "this host set no folder aside for the guest".to_owned();
            return Ok(Err(Refused::Unavailable(why)));
        };
        match (needed, grant.access) {
            (FileAccess::ReadWrite, FileAccess::ReadOnly) => {
                let why = "the folder was granted for reading only".to_owned();
                return Ok(Err(Refused::Denied(why)));
            }
            (FileAccess::ReadOnly, FileAccess::ReadOnly | FileAccess::ReadWrite)
            | (FileAccess::ReadWrite, FileAccess::ReadWrite) => {}
        }
        let path = match path.parse::<Path>() {
            Ok(path) => path,
            Err(refusal) => return Ok(Err(refused(refusal))),
        };
        let (home, folder) = (home.clone(), grant.folder.clone());
        let work = tokio::task::spawn_blocking(move || {
            let granted = Granted::open(&home, &folder)?;
            work(&granted, &path)
        });
        let answer = self.waited(async {
            // It panics or is cancelled only when the runtime ends.
            work.await.unwrap_or_else(|error| Err(Refusal::Unavailable(error.to_string())))
        });
        Ok(answer.await?.map_err(refused))
    }
}
