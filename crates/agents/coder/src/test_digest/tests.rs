use super::*;

/// One real output: how it is digested, and what must come out.
struct Case {
    name: &'static str,
    digest: fn(&str) -> Digest,
    output: &'static str,
    counts: Option<&'static str>,
    ran: Option<usize>,
}

macro_rules! case {
    ($name:literal, $digest:path, $counts:expr, $ran:expr) => {
        Case {
            name: $name,
            digest: $digest,
            output: include_str!(concat!("outputs/", $name, ".txt")),
            counts: $counts,
            ran: $ran,
        }
    };
}

const CASES: &[Case] = &[
    case!("cargo_failed", cargo::digest, Some("2 failed, 2 passed"), Some(4)),
    case!("cargo_not_compiled", cargo::digest, Some("the code does not compile"), None),
    case!("cargo_passed", cargo::digest, Some("1 passed"), Some(1)),
    case!("pytest_failed", pytest::digest, Some("1 failed, 1 passed"), Some(2)),
    case!("pytest_passed", pytest::digest, Some("1 passed"), Some(1)),
    case!("pytest_nothing", pytest::digest, Some("no tests ran"), Some(0)),
    case!("pytest_not_collected", pytest::digest, Some("1 error"), Some(1)),
    case!("pytest_absent", pytest::digest, None, None),
    case!("go_failed", go::digest, Some("1 failed"), None),
    case!("go_not_built", go::digest, Some("1 not built"), None),
    case!("go_passed", go::digest, Some("2 passed"), None),
    case!("go_nothing", go::digest, None, Some(0)),
    case!("node_tap", node::digest, Some("1 failed, 1 passed"), Some(2)),
    case!("node_spec", node::digest, Some("1 failed, 1 passed"), Some(2)),
    case!("jest_failed", node::digest, Some("1 failed, 1 passed"), Some(2)),
    case!("make_failed", plain::digest, None, None),
];

#[test]
fn real_outputs_are_counted() {
    for case in CASES {
        let digest = (case.digest)(case.output);
        assert_eq!(
            (digest.counts.as_deref(), digest.ran),
            (case.counts, case.ran),
            "{}",
            case.name
        );
    }
}

#[test]
fn what_is_kept_tells_why() {
    for case in CASES {
        insta::assert_snapshot!(case.name, (case.digest)(case.output).kept);
    }
}

#[test]
fn equal_runs_read_the_same() {
    let output = include_str!("outputs/cargo_failed.txt");
    let later = output.replace("(12788)", "(7)").replace("0.12s", "9.31s").replace("0.34s", "1s");
    assert_eq!(cargo::digest(output), cargo::digest(&later));
}

#[test]
fn any_text_is_digested() {
    for digest in [cargo::digest, pytest::digest, go::digest, node::digest, plain::digest] {
        for text in [
            "",
            "\n\n",
            "===",
            "test result: ",
            "--- FAIL:",
            "ℹ pass x",
            "' () panicked at ",
            "in s",
        ] {
            digest(text);
        }
    }
}
