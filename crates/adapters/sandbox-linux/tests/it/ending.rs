//! How commands end, and that nothing outlives them.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use bottega_sandbox_linux::{LinuxSandbox, Namespaces, Options};
use bottega_tool::{CommandSink, CommandSpec, Ending, Sandbox, SandboxError, StreamName};

use crate::world::{BOTH, Heard, World, environment, pipe, wait};

/// A daemon: forked twice, in a session of its own, without the command's output. It holds `alive` open and
/// says so; it would speak again if it lived.
const DAEMON: &str = "(setsid sh -c '(exec 9>alive; echo up >&9; sleep 60; echo survived >&9) &' >/dev/null 2>&1 </dev/null &);";

#[test]
fn statuses_and_signals_are_told() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        world.check("exit 0", Ending::Exited(0), "");
        world.check("exit 3", Ending::Exited(3), "");
        world.check("kill -TERM $$", Ending::Signalled(15), "");
        world.check("kill -KILL $$", Ending::Signalled(9), "");
        world.check("cat; echo read nothing", Ending::Exited(0), "read nothing");
        world.check("echo out; echo err >&2", Ending::Exited(0), "out\nerr");
    }
}

#[test]
fn what_can_not_start_says_why() {
    let world = World::new(Namespaces::WhereAllowed);
    let why = |argv: &[&str], folder: &str| {
        let mut spec = world.sh("");
        spec.argv = argv.iter().map(|word| (*word).to_owned()).collect();
        spec.directory = world.path(folder);
        match world.try_run(&spec) {
            Err(SandboxError::Start { program, source }) => {
                format!("{program}: {:?}", source.kind())
            }
            other => format!("{other:?}"),
        }
    };
    assert_eq!(why(&["no-such-program"], "w"), "no-such-program: NotFound");
    assert_eq!(why(&["true"], "nowhere"), "true: NotFound");
    assert_eq!(why(&[], "w"), ": InvalidInput");
}

#[test]
fn a_timeout_kills_a_tree_with_its_daemons() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        let mut alive = pipe(&world.path("w/alive"));
        let mut spec = world.sh(&format!("{DAEMON} sleep 60 & sh -c 'trap \"\" TERM; sleep 60'"));
        spec.timeout = Duration::from_secs(2);
        assert_eq!(world.run(&spec).ending, Ending::TimedOut);
        let mut said = String::new();
        // Not blocking: a daemon that lives would make this fail with `WouldBlock`.
        alive.read_to_string(&mut said).unwrap();
        assert_eq!(said, "up\n");
    }
}

#[test]
fn what_is_left_behind_dies_after_its_grace() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        let mut alive = pipe(&world.path("w/alive"));
        // The daemon is up before the main process ends: it reads what the daemon wrote beside the pipe.
        world.check(
            &format!(
                "mkfifo ready; {} read x < ready; echo $x",
                DAEMON.replace("echo up >&9;", "echo up >&9; echo go > ready;")
            ),
            Ending::Exited(0),
            "go",
        );
        let mut said = String::new();
        alive.read_to_string(&mut said).unwrap();
        assert_eq!(said, "up\n");
    }
}

#[test]
fn one_who_holds_the_pipe_does_not_block() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        world.check("sleep 500 & echo hi", Ending::Exited(0), "hi");
        world.check("setsid sleep 500 & echo hi", Ending::Exited(0), "hi");
    }
}

#[test]
fn what_finishes_within_its_grace_is_heard() {
    for namespaces in BOTH {
        let world = World::with(|options| {
            options.namespaces = namespaces;
            options.grace = Duration::from_secs(90);
        });
        world.check("(sleep 0.2; echo late) & echo early", Ending::Exited(0), "early\nlate");
    }
}

/// Tells when the command has spoken.
struct Spoken(tokio::sync::Notify);

impl CommandSink for Spoken {
    fn output(&self, _: StreamName, _: &[u8]) {
        self.0.notify_one();
    }
}

#[test]
fn dropping_the_future_kills_everything() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        let mut alive = pipe(&world.path("w/alive"));
        let script = format!(
            "mkfifo ready; {} read x < ready; echo $x; sleep 60",
            DAEMON.replace("echo up >&9;", "echo up >&9; echo go > ready;")
        );
        let spec = world.sh(&script);
        wait(async {
            let spoken = Spoken(tokio::sync::Notify::new());
            tokio::select! {
                outcome = world.sandbox.run(&spec, &spoken) => panic!("{outcome:?}"),
                () = spoken.0.notified() => {}
            }
        });
        assert_eq!(rest(&mut alive), "up\n");
    }
}

/// Stands for Bottega: runs a command in the folder it is started in, until it is killed.
#[test]
#[ignore = "is started and killed by the next test"]
fn one_who_will_be_killed() {
    let folder = std::env::current_dir().unwrap();
    let mut options = Options::new(folder.join("scratch"));
    options.environment = environment();
    options.namespaces = match std::fs::read_to_string("namespaces").unwrap().as_str() {
        "Never" => Namespaces::Never,
        _ => Namespaces::WhereAllowed,
    };
    let spec = CommandSpec {
        argv: vec!["sh".into(), "-c".into(), std::fs::read_to_string("script").unwrap()],
        directory: folder.clone(),
        writable: vec![folder],
        guarded: bottega_tool::Guarded::default(),
        environment: std::collections::BTreeMap::new(),
        network: false,
        hosts: Vec::new(),
        caged: true,
        timeout: Duration::from_secs(60),
        keep_output: 100,
    };
    let outcome = wait(LinuxSandbox::new(options).run(&spec, &Heard::default()));
    panic!("nobody killed it: {outcome:?}");
}

#[test]
fn nothing_outlives_a_bottega_that_is_killed() {
    for namespaces in BOTH {
        let folder = tempfile::tempdir().unwrap();
        let mut alive = pipe(&folder.path().join("alive"));
        std::fs::write(folder.path().join("namespaces"), format!("{namespaces:?}")).unwrap();
        std::fs::write(folder.path().join("script"), format!("{DAEMON} sleep 60")).unwrap();
        let mut bottega = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["ending::one_who_will_be_killed", "--exact", "--ignored"])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        // Nobody has opened the pipe for writing yet: its end comes before its beginning.
        while !said.ends_with(b"up\n") {
            let mut buffer = [0; 64];
            match alive.read(&mut buffer) {
                Ok(read) => said.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            assert_eq!(bottega.try_wait().unwrap(), None);
            std::thread::yield_now();
        }
        bottega.kill().unwrap();
        bottega.wait().unwrap();
        assert_eq!(rest(&mut alive), "");
    }
}

/// What comes until every process that holds the pipe is gone. The keeper needs a moment for that.
fn rest(alive: &mut std::fs::File) -> String {
    let mut said = Vec::new();
    loop {
        let mut buffer = [0; 64];
        match alive.read(&mut buffer) {
            Ok(0) => return String::from_utf8(said).unwrap(),
            Ok(read) => said.extend_from_slice(&buffer[..read]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                std::thread::yield_now();
            }
        }
    }
}
