//! Where there is no Landlock: bubblewrap, or a clear refusal.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use bottega_sandbox_linux::{Landlock, Options};
use bottega_tool::{Ending, Sandbox};

use crate::world::World;

fn world(change: impl FnOnce(&mut Options)) -> World {
    World::with(|options| {
        options.landlock = Landlock::Never;
        change(options);
    })
}

#[test]
fn without_bubblewrap_a_caged_command_is_refused_with_the_way_out() {
    let world = world(|options| options.bubblewrap = Some("/nonexistent/bwrap".into()));
    let refused = world.try_run(&world.sh("true")).unwrap_err().to_string();
    for word in ["Landlock", "bubblewrap", "--access-mode full"] {
        assert!(refused.contains(word), "{refused}");
    }
    let report = world.sandbox.report();
    assert!(!report.holds && report.features[0].1.is_err());
    // What accepts the risk.
    let mut free = world.sh("echo free");
    (free.caged, free.network) = (false, true);
    assert_eq!(world.run(&free).output, "free\n");
}

#[test]
fn bubblewrap_that_is_not_allowed_to_work_builds_no_cage() {
    let world = world(|options| {
        let program = options.scratch.parent().unwrap().join("bwrap");
        fs::write(
            &program,
            "#!/bin/sh\necho 'bwrap: No permissions to create a namespace' >&2; exit 1\n",
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        options.bubblewrap = Some(program);
    });
    let refused = world.try_run(&world.sh("true")).unwrap_err().to_string();
    for word in ["No permissions", "--access-mode full"] {
        assert!(refused.contains(word), "{refused}");
    }
    assert!(!world.sandbox.report().holds);
}

#[test]
fn bubblewrap_holds_a_command_where_there_is_one() {
    let world = world(|options| {
        let root = options.scratch.parent().unwrap().to_owned();
        fs::create_dir(root.join("w/data")).unwrap();
        fs::write(root.join("w/data/journal"), "SECRET").unwrap();
        options.unreadable = vec![root.join("w/data")];
    });
    if !world.sandbox.report().holds {
        // This machine has none.
        return;
    }
    world.check(
        "cat src/a.txt OUT/lent/l OUT/home/.cargo/registry/x; echo x > n && cat n; pwd | sed s,OUT,,",
        Ending::Exited(0),
        "worklentcratex\nw",
    );
    world.check(
        "echo t > $TMPDIR/t && cat $TMPDIR/t; echo h > ~/h && cat ~/h",
        Ending::Exited(0),
        "t\nh",
    );
    for refused in [
        "grep . OUT/home/.ssh/id",
        "grep . OUT/home/.cargo/credentials.toml",
        "grep . OUT/home/notes OUT/outside/o",
        "grep . data/journal",
        "grep . /etc/shadow",
        "echo x > OUT/lent/l",
        "echo x > OUT/outside/n",
        "chmod 777 OUT/lent/l",
        "echo x > .git/config",
        "mv .git elsewhere",
        "echo x > .git/commondir",
        "mkdir .bottega/x",
        "unshare -r true",
        "exec 3<>/dev/tcp/127.0.0.1/1",
    ] {
        world.refused(refused);
    }
    assert!(!world.path("outside/n").exists());
    let mut hosts = world.sh("true");
    hosts.hosts = vec!["example.org".parse().unwrap()];
    assert!(world.try_run(&hosts).is_err());
}
