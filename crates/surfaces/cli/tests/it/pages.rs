//! The pages about the command line say what it does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bottega_api::CODES;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs")
}

/// Compares a generated page with the one in the repository; `UPDATE_PAGES=1` writes it instead.
#[track_caller]
fn check(page: &str, generated: &str) {
    let path = docs().join(page);
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever changes the commands")]
    let update = std::env::var_os("UPDATE_PAGES").is_some();
    if update {
        std::fs::write(&path, generated).unwrap();
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        present == generated,
        "docs/{page} is out of date: run `UPDATE_PAGES=1 cargo test -p bottega-cli` and review it"
    );
}

#[test]
fn the_reference_is_up_to_date() {
    check("reference/cli.md", &bottega_cli::cli_markdown());
    check("reference/exit-codes.md", &bottega_cli::exit_codes_markdown());
    check("reference/run-events.schema.json", &bottega_cli::run_events_schema());
}

#[test]
fn every_error_has_its_page_and_every_page_its_error() {
    let expected: BTreeSet<String> = CODES.iter().map(|code| format!("{}.md", code.name)).collect();
    assert_eq!(expected.len(), CODES.len(), "two errors share a code");
    let present: BTreeSet<String> = std::fs::read_dir(docs().join("errors"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(present, expected);
    let list = std::fs::read_to_string(docs().join("errors/README.md")).unwrap();
    for code in CODES {
        let page = std::fs::read_to_string(docs().join("errors").join(format!("{}.md", code.name)))
            .unwrap();
        assert!(page.starts_with(&format!("# {}: {}\n", code.name, code.title)), "{}", code.name);
        assert!(page.contains(&format!("Exit code {}.", code.exit)), "{}", code.name);
        assert!(page.contains(code.next_step), "{} does not tell its next step", code.name);
        let row = format!("| [{0}]({0}.md) | {1} | {2} |", code.name, code.exit, code.title);
        assert!(list.contains(&row), "{row}");
    }
}

#[test]
fn every_exit_code_stands_in_the_table() {
    let page = bottega_cli::exit_codes_markdown();
    for code in CODES {
        assert!(
            page.contains(&format!("[{}]", code.name)),
            "{} exits with {}",
            code.name,
            code.exit
        );
    }
}
