//! Tools that people work with do their work in the cage, offline.

use std::fs;
use std::time::Duration;

use bottega_tool::Ending;

use crate::world::{BOTH, World, environment};

#[test]
fn cargo_builds_and_tests() {
    for namespaces in BOTH {
        let world = World::with(|options| {
            options.namespaces = namespaces;
            // The toolchain is the one that runs this test.
            options.home = options.environment.get("HOME").map(Into::into);
            options.environment.insert("CARGO_TARGET_DIR".into(), "/elsewhere/target".into());
        });
        fs::write(
            world.path("w/Cargo.toml"),
            "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
        )
        .unwrap();
        fs::write(
            world.path("w/src/lib.rs"),
            "#[test]\nfn it_holds() { std::fs::write(std::env::temp_dir().join(\"t\"), \"x\").unwrap(); }\n",
        )
        .unwrap();
        let mut spec = world.sh("cargo test --offline");
        spec.timeout = Duration::from_secs(500);
        let outcome = world.run(&spec);
        assert_eq!(outcome.ending, Ending::Exited(0), "{}", outcome.output);
        assert!(outcome.output.contains("1 passed"), "{}", outcome.output);
    }
}

#[test]
fn git_looks_and_commits_as_the_user() {
    for namespaces in BOTH {
        let world = World::with(|options| {
            options.namespaces = namespaces;
            let home = options.home.clone().unwrap();
            fs::write(
                home.join(".gitconfig"),
                "[user]\n\tname = A Person\n\temail = a@example.org\n",
            )
            .unwrap();
        });
        fs::remove_dir_all(world.path("w/.git")).unwrap();
        let check = |script: &str, output: &str| {
            let mut spec = world.sh(script);
            spec.writable.push(world.path("w/.git"));
            let outcome = world.run(&spec);
            assert_eq!((outcome.ending, outcome.output.trim_end()), (Ending::Exited(0), output));
        };
        check(
            "git init -q . && git add -A && git commit -q -m first && git log --format=%an",
            "A Person",
        );
        // Now with the repository there from the beginning, and its settings protected.
        check(
            "echo more >> src/a.txt && git diff --stat | tail -1 && git commit -q -a -m second && git log --oneline | wc -l",
            " 1 file changed, 1 insertion(+), 1 deletion(-)\n2",
        );
    }
}

#[test]
fn other_tools_that_are_here_work() {
    let path = environment().get("PATH").cloned().unwrap_or_default();
    let here = |tool: &str| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    for namespaces in BOTH {
        let world = World::with(|options| {
            options.namespaces = namespaces;
            options.home = options.environment.get("HOME").map(Into::into);
        });
        fs::write(world.path("w/Makefile"), "all:\n\t@echo made\n").unwrap();
        fs::write(
            world.path("w/package.json"),
            "{\"scripts\":{\"test\":\"node -e 'console.log(6*7)'\"}}",
        )
        .unwrap();
        for (tool, script, output) in [
            ("sh", "sort <<E | head -1\nb\na\nE", "a"),
            ("make", "make", "made"),
            ("node", "node -e 'console.log(6*7)'", "42"),
            ("npm", "npm test --silent", "42"),
            (
                "python3",
                "python3 -c 'import tempfile; print(tempfile.TemporaryFile().write(b\"ab\"))'",
                "2",
            ),
        ] {
            if here(tool) {
                world.check(script, Ending::Exited(0), output);
            }
        }
    }
}
