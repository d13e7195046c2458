//! Words on the command line: help, versions, slips, and what they set.

use std::ffi::OsString;

use bottega_cli::{Exit, Invocation, Needs, Override, parse};

use crate::world::World;

pub(crate) fn read(line: &[&str]) -> Result<Invocation, Exit> {
    parse(std::iter::once("bottega").chain(line.iter().copied()).map(OsString::from))
}

#[test]
fn help_reads_well() {
    insta::assert_snapshot!(World::default().run(&["--help"]).page());
    insta::assert_snapshot!(World::default().run(&["run", "--help"]).page());
    insta::assert_snapshot!(World::default().run(&["sessions", "--help"]).page());
}

#[test]
fn the_version_is_told() {
    let version = format!("bottega {}\n", env!("CARGO_PKG_VERSION"));
    for line in [["--version"].as_slice(), &["-V"], &["--color", "never", "--version"]] {
        let came = World::default().run(line);
        assert_eq!((came.exit, came.out.as_str(), came.err.as_str()), (0, version.as_str(), ""));
    }
}

#[test]
fn slips_get_the_nearest_right_word() {
    insta::assert_snapshot!(World::default().run(&["sesions"]).page());
    insta::assert_snapshot!(World::default().run(&["run", "--modle", "x", "y"]).page());
    insta::assert_snapshot!(World::default().run(&["run", "-a", "atuo", "y"]).page());
    insta::assert_snapshot!(World::default().run(&["run", "--max-time", "soon", "y"]).page());
    let fork = World::default().run(&["fork"]);
    assert_eq!(
        (fork.exit, fork.err.as_str()),
        (2, "error[BTG0001]: there is no command `fork`\n  next: run `bottega sessions fork`\n")
    );
    let json = World::default().run(&["--json", "sesions"]).err;
    assert!(json.starts_with("{\"error\":{\"code\":\"BTG0001\""), "{json}");
    assert_eq!(World::default().run(&[]).exit, 2);
}

#[test]
fn flags_become_settings() {
    let line = [
        "-vv",
        "--color",
        "never",
        "--set",
        "limits.turns=3",
        "-C",
        "/tmp",
        "run",
        "-m",
        "local/small",
        "-a",
        "auto",
        "--max-turns",
        "5",
        "--max-tokens",
        "900",
        "--max-cost",
        "0.5",
        "--max-time",
        "2h",
        "--seed",
        "7",
        "task",
    ];
    let invocation = read(&line).unwrap();
    let overrides = invocation.overrides();
    let rows: Vec<(&str, &str, &str)> = overrides
        .iter()
        .map(|Override { flag, path, value }| (*flag, path.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("--set", "limits.turns", "3"),
            ("--color", "ui.color", "never"),
            ("-vv", "log.filter", "debug"),
            ("--access-mode", "access.mode", "auto"),
            ("--max-turns", "limits.turns", "5"),
            ("--max-tokens", "budget.per_run.tokens", "900"),
            ("--max-cost", "budget.per_run.money", "0.5"),
            ("--max-time", "limits.time", "7200s"),
            ("--seed", "model.sampling.seed", "7"),
        ]
    );
    assert_eq!(invocation.directory().unwrap().to_str(), Some("/tmp"));
    assert!(read(&["cost"]).unwrap().overrides().is_empty());
}

#[test]
fn commands_say_what_they_need() {
    for (line, needs) in [
        (["man"].as_slice(), Needs::Nothing),
        (&["completions", "bash"], Needs::Nothing),
        (&["config", "path"], Needs::Places),
        (&["run", "x"], Needs::Settings),
    ] {
        assert_eq!(read(line).unwrap().needs(), needs, "{line:?}");
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        let came = World::default().run(&["completions", shell]);
        assert!(came.exit == 0 && came.out.contains("sessions"), "{shell}");
    }
    assert!(World::default().run(&["man"]).out.starts_with(".ie"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    assert_eq!(World::default().run(&["man", "--out", &path]).exit, 0);
    assert!(folder.path().join("bottega-run.1").is_file());
}

#[test]
fn a_process_that_can_not_work_says_so() {
    assert_eq!(Exit::internal("no threads to be had").code(), 1);
}

#[test]
fn examples_fit_a_terminal_of_80_columns() {
    let page = bottega_cli::cli_markdown();
    let mut within = false;
    for line in page.lines() {
        within = (within || line == "Examples:") && line != "```";
        let is_example = within && line.starts_with("  ");
        assert!(!is_example || line.chars().count() <= 80, "{line}");
    }
}
