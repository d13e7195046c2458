//! Undo: whatever a session did to files, by tools and by commands, is taken back to the same tree.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bottega_coder::BUILT_IN;
use bottega_event::{Revision, SessionEvent, Undone};
use bottega_llm::ToolCall;
use bottega_platform::{Happened, carry_out, plan_undo};
use bottega_policy::{AccessMode, Approval, ApprovalRequest, Approver, Rules};
use bottega_store::MemoryStore;
use bottega_testkit::{FakeSandbox, Unwatched};
use bottega_tool::{
    CageReport, CommandOutcome, CommandSink, CommandSpec, Ending, NoWeb, Sandbox, SandboxError,
    ToolCatalogue,
};
use bottega_toolhost::{Options, Parts, SessionScope, ToolHost};
use bottega_types::{CallId, ManualClock, Redactor, Seeded, SessionId, Timestamp};
use bottega_workspace::DiskWorkspace;
use proptest::prelude::*;
use serde_json::{Value, json};

/// One thing a command may do.
#[derive(Clone, Debug)]
enum Deed {
    Write(String, Vec<u8>),
    Delete(String),
    Rename(String, String),
    Mode(String, u32),
    Folder(String),
    Link(String, String),
}

/// One call of the agent.
#[derive(Clone, Debug)]
enum Act {
    Command(Vec<Deed>),
    WriteFile(String, String),
    EditFile(String, String),
    DeleteFile(String),
    /// A patch that adds a file, and one that moves one.
    Add(String, String),
    Move(String, String),
}

fn path() -> impl Strategy<Value = String> {
    "[ab](/[ab]){0,2}"
}

fn text() -> impl Strategy<Value = String> {
    "[xy]{1,3}\n"
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        (path(), proptest::collection::vec(any::<u8>(), 0..6)).prop_map(|(p, b)| Deed::Write(p, b)),
        path().prop_map(Deed::Delete),
        (path(), path()).prop_map(|(a, b)| Deed::Rename(a, b)),
        (path(), prop_oneof![Just(0o600), Just(0o755), Just(0o700), Just(0o750)])
            .prop_map(|(p, m)| Deed::Mode(p, m)),
        path().prop_map(Deed::Folder),
        (path(), path()).prop_map(|(a, b)| Deed::Link(a, b)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => proptest::collection::vec(deed(), 0..5).prop_map(Act::Command),
        2 => (path(), text()).prop_map(|(path, text)| Act::WriteFile(path, text)),
        1 => (path(), text()).prop_map(|(path, text)| Act::EditFile(path, text)),
        1 => path().prop_map(Act::DeleteFile),
        1 => (path(), text()).prop_map(|(path, text)| Act::Add(path, text)),
        1 => (path(), path()).prop_map(|(from, to)| Act::Move(from, to)),
    ]
}

/// Does what can be done; what can't be is the command's own failure.
fn perform(root: &Path, deed: &Deed) {
    let at = |path: &String| root.join(path);
    let _ = match deed {
        Deed::Write(path, bytes) => {
            let _ = fs::create_dir_all(at(path).parent().unwrap());
            fs::write(at(path), bytes)
        }
        Deed::Delete(path) if at(path).is_dir() && !at(path).is_symlink() => {
            fs::remove_dir_all(at(path))
        }
        Deed::Delete(path) => fs::remove_file(at(path)),
        Deed::Rename(from, to) => fs::rename(at(from), at(to)),
        Deed::Mode(path, mode) if at(path).is_file() || at(path).is_dir() => {
            let mode = if at(path).is_dir() { mode | 0o700 } else { *mode };
            fs::set_permissions(at(path), Permissions::from_mode(mode))
        }
        Deed::Mode(..) => Ok(()),
        Deed::Folder(path) => fs::create_dir_all(at(path)),
        Deed::Link(path, target) => symlink(target, at(path)),
    };
}

/// Everything below a folder with its mode, and bytes or what it leads to.
fn tree(root: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            let name = entry.path().strip_prefix(root).unwrap().display().to_string();
            let bytes = if kind.is_dir() {
                open.push(entry.path());
                Vec::new()
            } else if kind.is_symlink() {
                fs::read_link(entry.path()).unwrap().into_os_string().into_vec()
            } else {
                fs::read(entry.path()).unwrap()
            };
            found.push((name, mode, bytes));
        }
    }
    found.sort();
    found
}

/// Carries out deeds in the place of commands: the line of one says which.
#[derive(Debug)]
struct Hands {
    root: PathBuf,
    commands: Vec<Vec<Deed>>,
}

#[async_trait]
impl Sandbox for Hands {
    fn report(&self) -> CageReport {
        FakeSandbox::new().report()
    }

    async fn run(
        &self,
        command: &CommandSpec,
        _: &dyn CommandSink,
    ) -> Result<CommandOutcome, SandboxError> {
        let line = command.argv.last().unwrap();
        let number: usize = line
            .strip_prefix("deeds ")
            .unwrap()
            .parse()
            .map_err(io::Error::other)
            .map_err(SandboxError::Lost)?;
        self.commands[number].iter().for_each(|deed| perform(&self.root, deed));
        Ok(CommandOutcome {
            ending: Ending::Exited(0),
            output: String::new(),
            omitted: 0,
            elapsed: Duration::ZERO,
        })
    }
}

/// Nobody is there to be asked.
struct Nobody;

#[async_trait]
impl Approver for Nobody {
    async fn ask(&self, _: &ApprovalRequest) -> Approval {
        Approval::Unavailable
    }
}

/// A session's tools in a real folder, and its history.
struct Session {
    host: ToolHost,
    scope: SessionScope,
    workspace: Arc<DiskWorkspace>,
    blobs: Arc<MemoryStore>,
    entropy: Seeded,
    history: Vec<Happened>,
}

impl Session {
    fn new(root: &Path, acts: &[Act]) -> Self {
        let workspace =
            Arc::new(DiskWorkspace::open(root, &bottega_workspace::Options::default()).unwrap());
        let blobs = Arc::new(MemoryStore::new());
        let commands = acts.iter().filter_map(|act| match act {
            Act::Command(deeds) => Some(deeds.clone()),
            Act::WriteFile(..)
            | Act::EditFile(..)
            | Act::DeleteFile(_)
            | Act::Add(..)
            | Act::Move(..) => None,
        });
        let parts = Parts {
            catalogue: ToolCatalogue::new(BUILT_IN),
            workspace: workspace.clone(),
            sandbox: Arc::new(Hands { root: root.to_owned(), commands: commands.collect() }),
            web: Arc::new(NoWeb),
            blobs: blobs.clone(),
            approver: Arc::new(Nobody),
            rules: Rules::default(),
            redactor: Arc::new(Redactor::default()),
            clock: Arc::new(ManualClock::new(Timestamp::from_millis(5))),
        };
        let entropy = Seeded::new(1);
        let session = SessionId::new(Timestamp::from_millis(5), &entropy);
        Self {
            host: ToolHost::new(Options::default(), parts),
            scope: SessionScope::new(session, AccessMode::Auto),
            workspace,
            blobs,
            entropy,
            history: Vec::new(),
        }
    }

    /// Makes a call; returns what the model reads.
    async fn call(&mut self, name: &str, arguments: Value) -> String {
        let request = ToolCall {
            id: "1".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_string(),
        };
        let call = CallId::new(Timestamp::from_millis(5), &self.entropy);
        let place = self.scope.place();
        let report = self.host.call(&self.scope, place, call, &request, Arc::new(Unwatched)).await;
        let text = report.text.clone();
        self.happened(SessionEvent::ToolFinished(report));
        text
    }

    fn happened(&mut self, event: SessionEvent) {
        let (revision, at) = (Revision(0), Timestamp::from_millis(5));
        self.history.push(Happened { revision, at, event });
    }

    async fn act(&mut self, act: &Act, commands: &mut usize) {
        match act {
            Act::Command(_) => {
                self.call("shell", json!({ "command": format!("deeds {commands}") })).await;
                *commands += 1;
            }
            Act::WriteFile(path, text) => {
                self.call("read_file", json!({ "path": path })).await;
                self.call("write_file", json!({ "path": path, "content": text })).await;
            }
            Act::EditFile(path, text) => {
                self.call("read_file", json!({ "path": path })).await;
                for old in ["x", "y"] {
                    let arguments = json!({
                        "path": path, "old_text": old, "new_text": text.trim(), "replace_all": true
                    });
                    self.call("edit_file", arguments).await;
                }
            }
            Act::DeleteFile(path) => {
                self.call("read_file", json!({ "path": path })).await;
                self.call("delete_file", json!({ "path": path })).await;
            }
            Act::Add(path, text) => {
                let patch = format!("*** Begin Patch\n*** Add File: {path}\n+{text}*** End Patch");
                self.call("apply_patch", json!({ "patch": patch })).await;
            }
            Act::Move(from, to) => {
                self.call("read_file", json!({ "path": from })).await;
                let patch = format!(
                    "diff --git a/{from} b/{to}\nsimilarity index 100%\nrename from {from}\nrename to {to}\n"
                );
                self.call("apply_patch", json!({ "patch": patch })).await;
            }
        }
    }

    /// Takes back the last `steps` calls that changed files, or all. Returns what stayed as it was.
    async fn undo(&mut self, steps: Option<usize>) -> Vec<String> {
        let plan = plan_undo(&self.history, steps);
        let outcome = carry_out(&plan, self.workspace.as_ref(), self.blobs.as_ref()).await.unwrap();
        let calls = plan.iter().flat_map(|restore| restore.calls.clone()).collect();
        let paths = [&outcome.restored[..], &outcome.removed].concat();
        self.happened(SessionEvent::Undone(Undone { calls, paths }));
        [outcome.left_alone, outcome.forgotten].concat()
    }
}

/// The other name may be in a store that other projects use.
#[test]
fn other_names_of_a_file_keep_what_it_held_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::write(root.join("a"), "x\n").unwrap();
    fs::hard_link(root.join("a"), root.join("b")).unwrap();
    block_on(async {
        let mut session = Session::new(&root, &[]);
        session.call("read_file", json!({ "path": "a" })).await;
        let told = "a had other names (hard links: 1); they keep the earlier content]";
        let arguments = json!({ "path": "a", "old_text": "x", "new_text": "y" });
        assert!(session.call("edit_file", arguments).await.ends_with(told));
        assert_eq!(
            (fs::read(root.join("a")).unwrap(), fs::read(root.join("b")).unwrap()),
            (b"y\n".to_vec(), b"x\n".to_vec())
        );
        let again = session.call("write_file", json!({ "path": "a", "content": "z\n" })).await;
        assert!(!again.contains("other names"), "{again}");
    });
}

/// A folder that goes, is made again for a file, and goes again comes back as it was at first.
#[test]
fn a_folder_that_came_and_went_has_its_first_mode_again() {
    for last in [
        Deed::Delete("a".to_owned()),
        Deed::Rename("a".to_owned(), "b".to_owned()),
        Deed::Mode("a".to_owned(), 0o700),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("a")).unwrap();
        fs::set_permissions(root.join("a"), Permissions::from_mode(0o750)).unwrap();
        let before = tree(&root);
        let acts = [
            Act::Command(vec![Deed::Delete("a".to_owned())]),
            Act::WriteFile("a/b/new".to_owned(), "x\n".to_owned()),
            Act::Command(vec![last]),
        ];
        let stayed = block_on(async {
            let mut session = Session::new(&root, &acts);
            let mut commands = 0;
            for act in &acts {
                session.act(act, &mut commands).await;
            }
            session.undo(None).await
        });
        assert_eq!((tree(&root), stayed), (before, Vec::new()), "{acts:?}");
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn any_work_is_taken_back_to_the_same_tree(
        first in proptest::collection::vec(deed(), 0..5),
        acts in proptest::collection::vec(act(), 1..7),
        steps in proptest::option::of(1_usize..3),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join("keep"), "k").unwrap();
        first.iter().for_each(|deed| perform(&root, deed));
        let before = tree(&root);
        let stayed = block_on(async {
            let mut session = Session::new(&root, &acts);
            let mut commands = 0;
            for act in &acts {
                session.act(act, &mut commands).await;
            }
            // Part of it first, or at once.
            let mut stayed = Vec::new();
            if steps.is_some() {
                stayed.extend(session.undo(steps).await);
            }
            stayed.extend(session.undo(None).await);
            stayed
        });
        prop_assert_eq!(stayed, Vec::<String>::new());
        prop_assert_eq!(tree(&root), before);
    }
}
