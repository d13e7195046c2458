//! Files, variables and the network: what a caged command can touch.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;

use bottega_sandbox_linux::{LinuxSandbox, Namespaces, Options};
use bottega_tool::{Ending, Sandbox};

use crate::world::{BOTH, World};

#[test]
fn secrets_are_not_read() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        world.refused("cat OUT/home/.ssh/id");
        world.refused("cat OUT/home/.cargo/credentials.toml");
        world.refused("cat OUT/home/notes");
        world.refused("cat OUT/outside/o");
        world.refused("ln -s OUT/home/.ssh/id here && cat here");
        world.refused("ln OUT/home/.ssh/id here && cat here");
        world.refused("cat /etc/shadow");
        world.refused("ls OUT/home");
        // Nor through another process that may read them.
        // The keeper is a copy of Bottega, memory and variables included.
        world.refused("cat /proc/$PPID/environ");
        world.refused("head -c 1 /proc/$PPID/mem");
        world.refused("ls -l /proc/$PPID/fd/");
        world.refused(&format!("cat /proc/{}/environ", std::process::id()));
        world.refused(&format!("cat /proc/{}/root/OUT/home/notes", std::process::id()));
    }
}

#[test]
fn what_work_needs_is_read() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        world.check("cat src/a.txt", Ending::Exited(0), "work");
        world.check("cat OUT/lent/l OUT/home/.cargo/registry/x", Ending::Exited(0), "lentcrate");
        world.check("cat /etc/passwd >/dev/null && ls /usr >/dev/null", Ending::Exited(0), "");
        world.check("test -r /proc/self/status && echo $$ > /dev/null", Ending::Exited(0), "");
    }
}

#[test]
fn writes_stay_inside() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        for place in [
            "OUT/outside/n",
            "OUT/home/n",
            "OUT/lent/l",
            "/etc/n",
            "/tmp/bottega-n",
            "/usr/n",
            "/dev/n",
        ] {
            world.refused(&format!("echo x > {place}"));
        }
        world.refused("mv src/a.txt OUT/outside/a.txt");
        world.refused("rm OUT/outside/o");
        world.check(
            "echo x > n && mkdir d && mv n d/m && cat d/m && rm -r d",
            Ending::Exited(0),
            "x",
        );
        assert_eq!(std::fs::read(world.path("outside/o")).unwrap(), b"SECRET");
    }
}

#[test]
fn private_folders_are_private() {
    let world = World::new(Namespaces::WhereAllowed);
    let outcome = world
        .run(&world.sh("echo x > $TMPDIR/t && cat $TMPDIR/t && echo $TMPDIR && mktemp >/dev/null"));
    assert_eq!(outcome.ending, Ending::Exited(0), "{outcome:?}");
    let folder = outcome.output.lines().nth(1).unwrap();
    assert!(folder.starts_with(&*world.path("scratch").to_string_lossy()), "{folder}");
    assert!(!std::path::Path::new(folder).exists());
    // The home stays for the next command: caches live there.
    world.check("echo kept > ~/cache", Ending::Exited(0), "");
    world.check("cat ~/cache", Ending::Exited(0), "kept");
}

#[test]
fn what_is_unreadable_is_so_in_the_middle_of_a_workspace() {
    for namespaces in BOTH {
        let world = World::with(|options| {
            options.namespaces = namespaces;
            let root = options.scratch.parent().unwrap().to_owned();
            std::fs::create_dir(root.join("w/data")).unwrap();
            std::fs::write(root.join("w/data/journal"), "SECRET").unwrap();
            options.unreadable = vec![root.join("w/data")];
        });
        world.refused("cat data/journal");
        world.refused("echo x > data/new");
        world.check("echo x > src/new && cat src/new", Ending::Exited(0), "x");
    }
}

#[test]
fn a_folder_is_found_under_each_of_its_names() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        std::os::unix::fs::symlink("w/src", world.path("near")).unwrap();
        std::os::unix::fs::symlink(world.path("near"), world.path("nearer")).unwrap();
        let mut spec = world.sh("cat a.txt && echo x > n && cat OUT/w/src/n && pwd | sed s,OUT,,");
        spec.directory = world.path("").join("nearer");
        let outcome = world.run(&spec);
        assert_eq!(outcome.output, "workx\nnearer\n", "{outcome:?}");
        // Where nothing may be written it may still be looked.
        spec.writable.clear();
        spec.argv[2] = "cat a.txt; echo x > m".to_owned();
        let outcome = world.run(&spec);
        assert!(outcome.output.starts_with("work") && outcome.ending != Ending::Exited(0));
        assert!(!world.path("w/src/m").exists());
    }
}

#[test]
fn a_home_that_is_worked_in_keeps_its_secrets() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        let mut spec = world.sh("cat notes; ls -a; cat .ssh/id .cargo/credentials.toml");
        spec.directory = world.path("home");
        spec.writable = vec![world.path("home")];
        let outcome = world.run(&spec);
        assert!(outcome.output.starts_with("SECRET.\n..\n"), "{outcome:?}");
        assert_eq!(outcome.output.matches("SECRET").count(), 1, "{outcome:?}");
    }
}

/// Whether the cage holds what the user's own git goes by. Where it can't be held the report says so.
fn holds_repositories(world: &World) -> bool {
    let report = world.sandbox.report();
    let found = report.features.iter().find(|(name, _)| name.starts_with("repositories"));
    found.unwrap().1.is_ok()
}

#[test]
fn repositories_are_read_only_where_mounts_can_be_made() {
    let world = World::new(Namespaces::WhereAllowed);
    if !holds_repositories(&world) {
        return world.check("echo x >> .git/config && tail -1 .git/config", Ending::Exited(0), "x");
    }
    for (name, text) in [("sub/.git/HEAD", ""), ("deep/real/HEAD", ""), ("tree/x", "")] {
        fs::create_dir_all(world.path("w").join(name).parent().unwrap()).unwrap();
        fs::write(world.path("w").join(name), text).unwrap();
    }
    fs::write(world.path("w/tree/.git"), "gitdir: ../deep/real\n").unwrap();
    fs::create_dir(world.path("w/linked")).unwrap();
    std::os::unix::fs::symlink("../deep", world.path("w/linked/.git")).unwrap();
    for script in [
        "echo evil >> .git/config",
        "echo evil > .git/hooks/pre-commit",
        "cp -r .git evil; echo ../evil > .git/commondir",
        "echo evil > .git/HEAD",
        "echo evil > .git/config.worktree",
        "mv .git elsewhere",
        "echo evil > sub/.git/commondir",
        "mv sub elsewhere",
        "echo evil > tree/.git",
        "echo evil > deep/real/commondir",
        "mv deep elsewhere",
        "rm -f linked/.git",
        "mkdir .bottega/x",
        "mkdir .bottega",
        "rmdir .bottega",
        "mv .bottega elsewhere",
    ] {
        world.refused(script);
    }
    world.check("cat .git/HEAD; echo x > tree/y; mkdir made", Ending::Exited(0), "ref: x");
    assert!(!world.path("w/.bottega").exists() && world.path("w/made").exists());
    // What was granted by name may be written, and still runs nothing.
    let mut spec = world.sh("echo new > .git/HEAD && cat .git/HEAD; echo evil > .git/config");
    spec.writable.push(world.path("w/.git"));
    let outcome = world.run(&spec);
    assert!(outcome.output.starts_with("new\n"), "{outcome:?}");
    assert_eq!(fs::read_to_string(world.path("w/.git/config")).unwrap(), "[core]\n");
}

#[test]
fn what_a_killed_command_left_in_the_way_is_taken_away() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new(Namespaces::WhereAllowed);
    if holds_repositories(&world) {
        fs::remove_dir_all(world.path("w/.git")).unwrap();
        fs::create_dir(world.path("w/.git")).unwrap();
        fs::set_permissions(world.path("w/.git"), fs::Permissions::from_mode(0o500)).unwrap();
        world.refused("git init");
        assert!(!world.path("w/.git").exists());
    }
}

#[test]
fn git_looks_at_a_repository_from_inside() {
    let world = World::new(Namespaces::WhereAllowed);
    fs::remove_dir_all(world.path("w/.git")).unwrap();
    let mut free = world.sh("git init -q && git add src");
    free.caged = false;
    assert_eq!(world.run(&free).ending, Ending::Exited(0));
    world.check("git -c safe.directory='*' status --short", Ending::Exited(0), "A  src/a.txt");
}

#[test]
fn without_the_network_nobody_hears_a_command() {
    for namespaces in BOTH {
        let world = World::new(namespaces);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut spec = world.sh("");
        spec.argv = vec!["bash".into(), "-c".into(), format!("exec 3<>/dev/tcp/127.0.0.1/{port}")];
        let refused = world.run(&spec);
        assert!(matches!(refused.ending, Ending::Exited(1..)), "{refused:?}");
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        // Neither does a command that is free to touch files.
        spec.caged = false;
        let refused = world.run(&spec);
        assert!(matches!(refused.ending, Ending::Exited(1..)), "{refused:?}");
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        for caged in [true, false] {
            spec.caged = caged;
            spec.network = true;
            let granted = world.run(&spec);
            assert_eq!(granted.ending, Ending::Exited(0), "{granted:?}");
            listener.accept().unwrap();
        }
    }
}

#[test]
fn the_environment_is_clean() {
    let world = World::with(|options| {
        for (name, value) in [
            ("LD_PRELOAD", "/evil.so"),
            ("ANTHROPIC_API_KEY", "SECRET"),
            ("GIT_SSH_COMMAND", "evil"),
            ("RANDOM_NAME", "x"),
            ("LC_TIME", "C"),
        ] {
            options.environment.insert(name.to_owned(), value.to_owned());
        }
    });
    for caged in [true, false] {
        let mut spec = world.sh("env");
        spec.caged = caged;
        spec.environment =
            [("ADDED".to_owned(), "1".to_owned()), ("BASH_ENV".to_owned(), "evil".to_owned())]
                .into();
        let output = world.run(&spec).output;
        for absent in ["LD_PRELOAD", "SECRET", "GIT_", "RANDOM_NAME", "BASH_ENV"] {
            assert!(!output.contains(absent), "{absent}: {output}");
        }
        assert!(
            output.contains("ADDED=1") && output.contains("LC_TIME=C") && output.contains("PATH="),
            "{output}"
        );
    }
}

#[test]
fn a_free_command_touches_what_the_user_can() {
    let world = World::new(Namespaces::WhereAllowed);
    let mut spec = world.sh("cat OUT/home/notes && echo $HOME");
    spec.caged = false;
    let outcome = world.run(&spec);
    assert_eq!(outcome.ending, Ending::Exited(0));
    assert_eq!(outcome.output, format!("SECRET{}\n", world.path("home").display()));
}

#[test]
fn the_report_names_every_feature() {
    let sandbox = LinuxSandbox::new(Options::new("/nonexistent".into()));
    let report = sandbox.report();
    assert!(report.features.len() > 10);
    assert_eq!(report.holds, report.features[0].1.is_ok());
    let text = format!(
        "{:?}",
        Options {
            environment: [("K".into(), "SECRET".into())].into(),
            ..Options::new("/s".into())
        }
    );
    assert!(!text.contains("SECRET"), "{text}");
}
