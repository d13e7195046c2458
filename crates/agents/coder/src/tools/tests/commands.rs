//! Calls that run commands.

use bottega_tool::CommandSpec;

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
