//! Calls that run commands.

use super::*;

fn with(sandbox: FakeSandbox) -> Bench {
    Bench::new(FakeWorkspace::new().with("Cargo.toml", ""), sandbox)
}

fn only(bench: &Bench) -> CommandSpec {
    let ran = bench.sandbox.ran();
    assert_eq!(ran.len(), 1);
    ran[0].clone()
}

#[tokio::test]
async fn a_command_runs_in_the_cage_without_network() {
    let bench = with(FakeSandbox::new().when("echo hi", Reply::exits(0, "hi\n")));
    let output = bench.call("shell", json!({ "command": "echo hi" })).await.unwrap();
    assert_eq!(
        (output.text.as_str(), output.failed, output.exit_code),
        ("exit code 0\nhi", false, Some(0))
    );
    let spec = only(&bench);
    assert!(spec.caged && !spec.network);
    assert_eq!(spec.argv.last().unwrap(), "echo hi");
    assert_eq!((spec.timeout.as_secs(), spec.writable), (120, vec!["/w".into()]));
}

#[tokio::test]
async fn only_full_access_leaves_the_cage() {
    let mut bench = with(FakeSandbox::new().when("true", Reply::exits(0, "")));
    for (mode, caged) in [
        (AccessMode::ReadOnly, true),
        (AccessMode::Ask, true),
        (AccessMode::Auto, true),
        (AccessMode::Full, false),
    ] {
        bench.context.mode = mode;
        let need = bench.needs("shell", json!({ "command": "true && make" })).await;
        let parts = vec!["true".to_owned(), "make".to_owned()];
        assert_eq!(need, [Need::Execute { command: "true && make".to_owned(), parts, caged }]);
        bench.call("shell", json!({ "command": "true" })).await.unwrap();
        assert_eq!(
            bench.sandbox.ran().last().map(|spec| (spec.caged, spec.network)),
            Some((caged, !caged))
        );
    }
}

/// A rule that denies a host holds what a line plainly reaches.
#[tokio::test]
async fn full_access_needs_the_hosts_that_a_line_names() {
    let mut bench = with(FakeSandbox::new());
    bench.context.mode = AccessMode::Full;
    let needs = bench.needs("shell", json!({ "command": "curl -s https://evil.com/x" })).await;
    assert!(needs.contains(&Need::Network { host: "evil.com".to_owned() }), "{needs:?}");
}

/// What looks like a path names nothing where nothing is.
#[tokio::test]
async fn output_comes_from_files_that_are_there() {
    let bench = with(FakeSandbox::new().when("", Reply::exits(0, "")));
    let sources = |line: &str| {
        let command = crate::command::Command::read(line.to_owned(), Duration::from_secs(1), &[]);
        let sources = command.unwrap().sources(AccessMode::Auto, &bench.context);
        sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(sources("cat /etc/x"), "read /etc/x");
    assert_eq!(sources("curl http://127.0.0.1:3000/health"), "");
    assert_eq!(sources("npm run build --base=https://example.org/app"), "");
}

/// Where nothing holds a command, its line is judged by the protected places that it changes, spelled or not.
#[tokio::test]
async fn full_access_needs_a_word_for_protected_places() {
    let mut bench = with(FakeSandbox::new());
    bench.context.mode = AccessMode::Full;
    for (line, place) in [
        ("echo x > .git/hooks/pre-commit", Some(".git/hooks/pre-commit")),
        ("cd .git/hooks && echo x > pre-commit", Some(".git/hooks/pre-commit")),
        ("d=.git; echo x > $d/config", Some(".git/config")),
        ("git config core.fsmonitor x", Some(".git/config")),
        ("find . -delete", Some(".git")),
        ("rm -rf ../w", Some(".git")),
        ("find . -name '*.pyc' -delete", None),
        ("rm -rf build", None),
        ("git commit -am x && git push", None),
        ("cat .git/HEAD; ls .git; test -f .env", None),
        ("git clean -fdx", None),
    ] {
        let needs = bench.needs("shell", json!({ "command": line })).await;
        let written: Vec<&str> = needs
            .iter()
            .filter_map(|need| match need {
                Need::Write { path, place: Place::Protected } => Some(path.as_str()),
                Need::Write { .. }
                | Need::Read { .. }
                | Need::Execute { .. }
                | Need::Network { .. } => None,
            })
            .collect();
        assert_eq!(written, Vec::from_iter(place), "{line}");
    }
}

#[tokio::test]
async fn how_a_command_ended_is_said_first() {
    let sandbox = FakeSandbox::new()
        .when("false", Reply::exits(3, ""))
        .when("sleep", Reply::times_out("tick\n"));
    let bench = with(sandbox);
    let failed = bench.call("shell", json!({ "command": "false" })).await.unwrap();
    assert_eq!(
        (failed.text.as_str(), failed.failed, failed.exit_code),
        ("exit code 3\n(no output)", true, Some(3))
    );
    let late = bench.call("shell", json!({ "command": "sleep 9", "timeout": 5 })).await.unwrap();
    assert_eq!(
        (late.text.as_str(), late.failed),
        ("timed out after 5 s and was killed\ntick", true)
    );
    bench.refused("shell", json!({ "command": " " }), "command is empty").await;
}

#[tokio::test]
async fn failing_tests_are_told_first_and_kept_whole() {
    let output = include_str!("../../test_digest/outputs/cargo_failed.txt");
    let bench = with(FakeSandbox::new().when("cargo test", Reply::exits(101, output)));
    let tests = bench.call("run_tests", json!({})).await.unwrap();
    assert!(tests.failed);
    assert!(
        tests.text.starts_with("tests FAILED: 2 failed, 2 passed (cargo test --offline"),
        "{}",
        tests.text
    );
    assert!(tests.text.contains("panicked at src/lib.rs:10:17") && tests.text.contains("left: -1"));
    assert!(!tests.text.contains("Compiling"));
    assert!(tests.full.unwrap().contains("Compiling calc"));
    assert!(only(&bench).environment.contains_key("CARGO_TERM_COLOR"));
}

#[tokio::test]
async fn passing_tests_cost_one_line() {
    let output = include_str!("../../test_digest/outputs/cargo_passed.txt");
    let bench = with(FakeSandbox::new().when("cargo test", Reply::exits(0, output)));
    let tests = bench.call("run_tests", json!({ "filter": "zero" })).await.unwrap();
    assert_eq!(tests.text, "tests passed: 1 passed (cargo test --offline --no-fail-fast zero)");
    assert!(!tests.failed);
}

#[tokio::test]
async fn a_filter_that_fits_no_test_is_no_success() {
    let none =
        "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 9 filtered out\n";
    let bench = with(FakeSandbox::new().when("cargo test", Reply::exits(0, none)));
    let tests = bench.call("run_tests", json!({ "filter": "typo" })).await.unwrap();
    assert!(
        tests.failed && tests.text.starts_with("no test ran: no test's name has `typo`"),
        "{}",
        tests.text
    );
    assert!(!bench.call("run_tests", json!({})).await.unwrap().failed);
    bench.refused("run_tests", json!({ "filter": "--help" }), "a part of a test's name").await;
}

#[tokio::test]
async fn tests_that_could_not_run_did_not_fail() {
    let package = r#"{"scripts":{"test":"jest"}}"#;
    for (file, text, line, reply, told) in [
        (
            "package.json",
            package,
            "npm test",
            Reply::exits(127, "sh: 1: jest: not found\n"),
            "the tests could not run with npm: sh: 1: jest: not found (exit code 127)",
        ),
        (
            "setup.py",
            "",
            "python3 -m pytest",
            Reply::exits(1, "/usr/bin/python3: No module named pytest\n"),
            "the tests could not run with pytest: pytest is not installed for /usr/bin/python3",
        ),
        (
            "setup.py",
            "",
            "python3 -m pytest",
            Reply::exits(4, "bad -k\n"),
            "the tests could not run",
        ),
        ("setup.py", "", "python3 -m pytest", Reply::exits(5, ""), "no test ran: there are none"),
    ] {
        let sandbox = FakeSandbox::new().when(line, reply);
        let bench = Bench::new(FakeWorkspace::new().with(file, text), sandbox);
        let tests = bench.call("run_tests", json!({})).await.unwrap();
        assert!(tests.failed || told.starts_with("no test"), "{}", tests.text);
        assert!(tests.text.starts_with(told), "{}", tests.text);
    }
}

#[tokio::test]
async fn a_project_in_a_folder_is_found_and_tested_there() {
    let package = r#"{"scripts":{"test":"jest"}}"#;
    let workspace = FakeWorkspace::new()
        .with("js/package.json", package)
        .with("sub/Makefile", "test:\n")
        .with("README.md", "");
    let bench = Bench::new(workspace, FakeSandbox::new().when("cd js", Reply::exits(0, "")));
    let told = "at the workspace's root; name one of these as path: js, sub";
    bench.refused("run_tests", json!({}), told).await;
    bench.refused("check", json!({}), told).await;
    bench.refused("run_tests", json!({ "path": "no" }), "there is no folder no").await;
    bench.refused("run_tests", json!({ "path": "/etc" }), "lies outside of the workspace").await;
    bench.call("run_tests", json!({ "path": "js/" })).await.unwrap();
    assert_eq!(only(&bench).argv.last().unwrap(), "cd js && npm test --silent");
}

#[tokio::test]
async fn a_run_that_never_ends_is_a_failure() {
    let bench = with(FakeSandbox::new().when("cargo test", Reply::times_out("running 1 test\n")));
    let tests = bench.call("run_tests", json!({})).await.unwrap();
    assert!(
        tests.failed && tests.text.starts_with("tests FAILED: timed out after 1200 s"),
        "{}",
        tests.text
    );
}

#[tokio::test]
async fn the_runner_follows_from_the_files() {
    let bench = Bench::files(FakeWorkspace::new().with("tests/test_a.py", ""));
    let Need::Execute { command, .. } =
        &bench.needs("run_tests", json!({ "filter": "a or b" })).await[0]
    else {
        panic!("no command");
    };
    assert_eq!(command, "python3 -m pytest -q --tb=short -p no:cacheprovider -k 'a or b'");
    let bench = Bench::files(FakeWorkspace::new().with("README.md", ""));
    bench.refused("run_tests", json!({}), "no known test runner").await;
}

#[tokio::test]
async fn a_check_tells_what_is_wrong_and_shows_the_place() {
    let output = "    Checking calc v0.1.0\nwarning: unused variable: `x`\n --> src/lib.rs:1:9\n\n\
                  error[E0308]: mismatched types\n --> src/lib.rs:2:5\n\nerror: could not compile `calc` (lib) due to 1 \
                  previous error; 1 warning emitted\n";
    let workspace = FakeWorkspace::new().with("Cargo.toml", "").with("src/lib.rs", "one\ntwo\n");
    let sandbox = FakeSandbox::new()
        .when("cargo check", Reply::exits(101, output))
        .when("cargo clippy", Reply::exits(0, "warning: needless clone\n --> src/lib.rs:1:1\n"));
    let bench = Bench::new(workspace, sandbox);
    let failed = bench.call("check", json!({})).await.unwrap();
    assert!(failed.failed);
    insta::assert_snapshot!(failed.text, @r"
    check FAILED: 1 error, 1 warning (cargo check --offline --all-targets)
    warning: unused variable: `x`
     --> src/lib.rs:1:9

    error[E0308]: mismatched types
     --> src/lib.rs:2:5

    src/lib.rs, lines around 1:
    1|one
    2|two
    ");
    let linted = bench.call("check", json!({ "lint": true })).await.unwrap();
    assert!(!linted.failed && linted.text.contains("check passed: 1 warning"), "{}", linted.text);
    let bench = Bench::files(FakeWorkspace::new().with("README.md", ""));
    bench.refused("check", json!({}), "found nothing to check this project with").await;
}

#[tokio::test]
async fn git_is_run_without_a_shell() {
    let bench = with(FakeSandbox::new().when("git", Reply::exits(0, "")));
    bench.text("git_log", json!({ "path": "a; rm -rf .", "count": 3 })).await;
    let spec = only(&bench);
    assert_eq!((spec.argv[0].as_str(), spec.argv.last().unwrap().as_str()), ("git", "a; rm -rf ."));
    assert_eq!(spec.argv[spec.argv.len() - 2], "--");
    assert!(spec.writable.is_empty() && spec.caged && !spec.network);
}

#[tokio::test]
async fn a_job_is_started_looked_at_and_stopped() {
    let bench = with(FakeSandbox::new());
    let job = async |arguments: Value| bench.call("job", arguments).await;
    assert_eq!(job(json!({})).await.unwrap().text, "no jobs; start one with command");
    let needs = bench.needs("job", json!({ "command": "make serve" })).await;
    let parts = vec!["make serve".to_owned()];
    assert_eq!(needs, [Need::Execute { command: "make serve".to_owned(), parts, caged: true }]);
    let asking = json!({ "command": "make serve", "hosts": ["example.org"] });
    let needs = bench.needs("job", asking).await;
    assert_eq!(needs[1..], [Need::Network { host: "example.org".to_owned() }]);
    bench.refused("job", json!({ "command": "x", "hosts": ["a b"] }), "a b").await;
    let started = job(json!({ "command": "make serve" })).await.unwrap();
    assert!(started.text.starts_with("job 7 runs; look at it with id 7"), "{}", started.text);
    bench.refused("job", json!({ "command": "true" }), "1 jobs run already").await;
    assert_eq!(job(json!({})).await.unwrap().text, "job 7: make serve\n");
    assert_eq!(job(json!({ "id": 7 })).await.unwrap().text, "job 7 runs\nline 1");
    let ended = job(json!({ "id": 7, "wait": 5 })).await.unwrap();
    assert_eq!(
        (ended.text.as_str(), ended.exit_code),
        ("job 7 ended: exit code 3\nline 2", Some(3))
    );
    bench.refused("job", json!({ "id": 7 }), "there is no job 7").await;
    let started = job(json!({ "command": "make serve", "wait": 1 })).await.unwrap();
    assert_eq!(started.text, "job 7 runs\nline 1");
    let stopped = job(json!({ "id": 7, "stop": true })).await.unwrap();
    assert!(stopped.text.starts_with("job 7 was stopped"), "{}", stopped.text);
    bench.refused("job", json!({ "id": 7, "command": "x" }), "either command").await;
}
