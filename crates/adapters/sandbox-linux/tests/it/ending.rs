//! How commands end, and that nothing outlives them.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use bottega_sandbox_linux::Namespaces;
use bottega_tool::{CommandSink, Ending, Sandbox, SandboxError, StreamName};

use crate::world::{BOTH, World, pipe, wait};

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
        let mut said = Vec::new();
        // The keeper needs a moment; the end of the pipe comes when the daemon is gone.
        loop {
            let mut buffer = [0; 64];
            match alive.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => said.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(String::from_utf8(said).unwrap(), "up\n");
    }
}
