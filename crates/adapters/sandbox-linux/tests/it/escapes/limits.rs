//! Too much of everything.

use std::io::Read;
use std::time::Duration;

use bottega_tool::Ending;

use super::{has, try_out, world};
use crate::world::{BOTH, pipe};

#[test]
fn processes_are_bounded() {
    for namespaces in BOTH {
        let world = world(namespaces, |options| options.processes = Some(400));
        if has(&world, "processes are bounded") {
            try_out(&world, "limits::many_processes", &[("MOST", "400".to_owned())]);
        }
    }
}

#[test]
fn a_fork_bomb_dies() {
    for namespaces in BOTH {
        let world = world(namespaces, |options| options.processes = Some(400));
        if !has(&world, "processes are bounded") {
            continue;
        }
        let mut alive = pipe(&world.path("w/alive"));
        // Everyone of them holds the pipe.
        let mut spec = world.sh(
            "exec 9>alive 2>/dev/null; echo up >&9; bomb() { bomb | bomb & wait; }; bomb; sleep 60",
        );
        spec.timeout = Duration::from_secs(2);
        // It runs past its time, or its first shell gives up since it can't fork.
        let ending = world.run(&spec).ending;
        assert!(matches!(ending, Ending::TimedOut | Ending::Exited(1..)), "{ending:?}");
        let mut said = String::new();
        // Not blocking: one that lives would make this fail with `WouldBlock`.
        alive.read_to_string(&mut said).unwrap();
        assert_eq!(said, "up\n");
    }
}

#[test]
fn memory_is_bounded() {
    for namespaces in BOTH {
        let small = world(namespaces, |options| options.memory = Some(512 << 20));
        try_out(&small, "limits::much_memory", &[("BYTES", (1_u64 << 30).to_string())]);
        // Nobody needs more than there is.
        try_out(
            &world(namespaces, |_| {}),
            "limits::much_memory",
            &[("BYTES", (1_u64 << 46).to_string())],
        );
    }
}

#[test]
fn shared_memory_is_bounded_for_all_together() {
    for namespaces in BOTH {
        let small = world(namespaces, |options| options.memory = Some(32 << 20));
        if has(&small, "terminals and shared memory of other programs are hidden") {
            let spec = small
                .sh("for n in 1 2 3 4; do head -c 16M /dev/zero > /dev/shm/$n || exit 7; done");
            assert_eq!(small.run(&spec).ending, Ending::Exited(7));
        }
    }
}

#[test]
fn files_are_bounded() {
    for namespaces in BOTH {
        let world = world(namespaces, |options| options.file_size = Some(1 << 20));
        try_out(&world, "limits::a_large_file", &[]);
    }
}
