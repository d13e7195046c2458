//! A home with secrets, a workspace, and a sandbox around them.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use bottega_sandbox_linux::{LinuxSandbox, Namespaces, Options};
use bottega_tool::{
    CommandOutcome, CommandSink, CommandSpec, Ending, Sandbox, SandboxError, StreamName,
};

pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) sandbox: LinuxSandbox,
}

/// Both ways of keeping processes together; where namespaces are not allowed they are the same.
pub(crate) const BOTH: [Namespaces; 2] = [Namespaces::WhereAllowed, Namespaces::Never];

impl World {
    pub(crate) fn new(namespaces: Namespaces) -> Self {
        Self::with(|options| options.namespaces = namespaces)
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for (name, text) in [
            ("home/.ssh/id", "SECRET"),
            ("home/.cargo/credentials.toml", "SECRET"),
            ("home/.cargo/registry/x", "crate"),
            ("home/notes", "SECRET"),
            ("w/src/a.txt", "work"),
            ("w/.git/config", "[core]\n"),
            ("w/.git/hooks/x", ""),
            ("w/.git/HEAD", "ref: x\n"),
            ("outside/o", "SECRET"),
            ("lent/l", "lent"),
        ] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), text).unwrap();
        }
        let mut options = Options::new(root.join("scratch"));
        options.environment = environment();
        options.home = Some(root.join("home"));
        options.readable = vec![root.join("lent")];
        change(&mut options);
        Self { folder, sandbox: LinuxSandbox::new(options) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// A shell script in the cage, without the network. `OUT` stands for the folder around the workspace.
    pub(crate) fn sh(&self, script: &str) -> CommandSpec {
        let script = script.replace("OUT", &self.path("").to_string_lossy());
        CommandSpec {
            argv: vec!["sh".into(), "-c".into(), script],
            directory: self.path("w"),
            writable: vec![self.path("w")],
            guarded: bottega_tool::Guarded::default(),
            environment: BTreeMap::new(),
            network: false,
            hosts: Vec::new(),
            caged: true,
            timeout: Duration::from_secs(100),
            keep_output: 4_000,
        }
    }

    pub(crate) fn run(&self, spec: &CommandSpec) -> CommandOutcome {
        self.try_run(spec).unwrap()
    }

    pub(crate) fn try_run(&self, spec: &CommandSpec) -> Result<CommandOutcome, SandboxError> {
        wait(self.sandbox.run(spec, &Heard::default()))
    }

    /// Runs a script and compares how it ended and what it said.
    #[track_caller]
    pub(crate) fn check(&self, script: &str, ending: Ending, output: &str) {
        let outcome = self.run(&self.sh(script));
        assert_eq!((outcome.ending, outcome.output.trim_end()), (ending, output), "{script}");
    }

    /// Runs a script that must fail without having seen a secret.
    #[track_caller]
    pub(crate) fn refused(&self, script: &str) {
        let outcome = self.run(&self.sh(script));
        assert!(matches!(outcome.ending, Ending::Exited(1..)), "{script}: {outcome:?}");
        assert!(!outcome.output.contains("SECRET"), "{script}: {outcome:?}");
    }
}

/// What a sink heard.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<(StreamName, Vec<u8>)>>);

impl CommandSink for Heard {
    fn output(&self, stream: StreamName, bytes: &[u8]) {
        self.0.lock().unwrap().push((stream, bytes.to_vec()));
    }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test stands where the app stands: it captures the environment"
)]
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

/// A pipe with a name in the workspace, open for reading; its end of file comes when every process that
/// opened it for writing is gone.
pub(crate) fn pipe(path: &Path) -> fs::File {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::OpenOptionsExt;
    let status = std::process::Command::new("mkfifo").arg(path.as_os_str()).status().unwrap();
    assert!(status.success(), "{:?}", path.as_os_str().as_bytes());
    fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap()
}
