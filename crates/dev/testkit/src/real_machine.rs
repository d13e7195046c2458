//! Files and commands as they really are, in a temporary folder, for rooms that see only the ports.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bottega_policy::{Need, Question, Reply};
use bottega_tool::{
    CageReport, CommandOutcome, CommandSink, CommandSpec, Ending, FileVersions, JobLook, Jobs,
    Lines, Respondent, Sandbox, SandboxError, SeenFiles, StreamName, TooManyJobs, Workspace,
};
use bottega_types::Digest;
use bottega_workspace::{DiskWorkspace, Options};

/// A workspace `w` on disk, with a folder around it that is no part of it.
#[derive(Debug)]
pub struct RealMachine {
    folder: tempfile::TempDir,
}

impl RealMachine {
    /// An empty workspace.
    pub fn new() -> io::Result<Self> {
        let machine = Self { folder: tempfile::tempdir()? };
        std::fs::create_dir_all(machine.root())?;
        Ok(machine)
    }

    /// The folder around the workspace.
    #[must_use]
    pub fn around(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap_or_else(|_| self.folder.path().to_owned())
    }

    /// The workspace's folder.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.around().join("w")
    }

    /// The files, with `home` as the user's home.
    pub fn workspace(&self) -> io::Result<Arc<dyn Workspace>> {
        let options = Options { home: Some(self.home()), ..Options::default() };
        let workspace = DiskWorkspace::open(&self.root(), &options).map_err(io::Error::other)?;
        Ok(Arc::new(workspace))
    }

    /// The commands, run without a cage, with nothing of this process's environment but the usual path.
    #[must_use]
    pub fn sandbox(&self) -> Arc<dyn Sandbox> {
        Arc::new(Uncaged { home: self.home() })
    }

    fn home(&self) -> PathBuf {
        self.around().join("home")
    }

    /// Everything in the folder by path: a file's mode and bytes, a link's target as `-> TARGET`, and empty folders
    /// with `/` at their end.
    pub fn everything(&self) -> io::Result<HashMap<String, (u32, Vec<u8>)>> {
        let mut found = HashMap::new();
        gather(&self.around(), &self.around(), &mut found)?;
        Ok(found)
    }
}

fn gather(
    root: &Path,
    folder: &Path,
    found: &mut HashMap<String, (u32, Vec<u8>)>,
) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let about = path.symlink_metadata()?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let mode = about.permissions().mode() & 0o7777;
        if about.is_symlink() {
            let target = format!("-> {}", path.read_link()?.to_string_lossy());
            found.insert(name, (0o777, target.into_bytes()));
        } else if about.is_dir() {
            gather(root, &path, found)?;
            if std::fs::read_dir(&path)?.next().is_none() {
                found.insert(format!("{name}/"), (mode, Vec::new()));
            }
        } else {
            found.insert(name, (mode, std::fs::read(&path)?));
        }
    }
    Ok(())
}

/// Runs commands as they are.
struct Uncaged {
    home: PathBuf,
}

#[async_trait::async_trait]
impl Sandbox for Uncaged {
    fn report(&self) -> CageReport {
        CageReport { features: Vec::new(), holds: false }
    }

    async fn run(
        &self,
        command: &CommandSpec,
        _: &dyn CommandSink,
    ) -> Result<CommandOutcome, SandboxError> {
        let program = command.argv.first().cloned().unwrap_or_default();
        let ended = std::process::Command::new(&program)
            .args(&command.argv[1..])
            .current_dir(&command.directory)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &self.home)
            .envs(&command.environment)
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(|source| SandboxError::Start { program, source })?;
        let output = [ended.stdout, ended.stderr].concat();
        Ok(CommandOutcome {
            ending: Ending::Exited(ended.status.code().unwrap_or(-1)),
            output: String::from_utf8_lossy(&output).into_owned(),
            omitted: 0,
            elapsed: Duration::ZERO,
        })
    }
}

/// What an agent has seen of files.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<SeenFiles>);

impl Remembered {
    fn files(&self) -> MutexGuard<'_, SeenFiles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileVersions for Remembered {
    fn seen(&self, path: &str) -> Option<Digest> {
        self.files().seen(path)
    }

    fn unseen_line(&self, path: &str) -> Option<usize> {
        self.files().unseen_line(path)
    }

    fn saw(&self, path: &str, digest: Digest) {
        self.files().saw(path, digest);
    }

    fn saw_lines(&self, path: &str, digest: Digest, lines: Lines) {
        self.files().saw_lines(path, digest, lines);
    }

    fn edited(&self, path: &str, digest: Digest) {
        self.files().edited(path, digest);
    }
}

/// A machine that nobody sits at: output goes nowhere, no question is answered, no job goes on.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl CommandSink for Unwatched {
    fn output(&self, _: StreamName, _: &[u8]) {}
}

#[async_trait::async_trait]
impl Respondent for Unwatched {
    async fn answer(&self, _: &Question) -> Reply {
        Reply::Unavailable
    }
}

#[async_trait::async_trait]
impl Jobs for Unwatched {
    fn start(&self, _: CommandSpec, _: &str, _: Vec<Need>) -> Result<u32, TooManyJobs> {
        Err(TooManyJobs { running: 0 })
    }

    fn sources(&self, _: u32) -> Vec<Need> {
        Vec::new()
    }

    async fn look(&self, _: u32, _: Duration) -> Option<JobLook> {
        None
    }

    async fn stop(&self, _: u32) -> Option<JobLook> {
        None
    }

    fn all(&self) -> Vec<(u32, String)> {
        Vec::new()
    }
}
