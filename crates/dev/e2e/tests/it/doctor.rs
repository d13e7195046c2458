//! The doctor finds what is broken, before work meets it.

use std::fs;

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::Value;

use crate::home::Home;
use crate::provider::Provider;

const WORDS: &str = "count the purple elephants";

fn chain(report: &Value) -> &Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == "journal's chain").unwrap()
}

#[test]
fn the_chain_of_the_journal_is_verified() {
    let home = Home::new();
    let server = ScriptedServer::of_turns([Saying::text("None.")]).unwrap();
    home.run(&Provider::usual(&server), &[WORDS]).finish().done();
    for words in [["doctor", "--json"].as_slice(), &["doctor", "--full", "--json"]] {
        let report = home.bottega(words).finish();
        let report: Value = serde_json::from_str(&report.stdout).unwrap();
        assert_eq!(chain(&report)["state"], "good", "{words:?}: {report}");
    }

    // An export opens and closes the journal: what was written stands in the database's own file then.
    home.records();
    let mut bytes = fs::read(home.journal()).unwrap();
    let places: Vec<usize> = (0..bytes.len() - WORDS.len())
        .filter(|place| bytes[*place..].starts_with(WORDS.as_bytes()))
        .collect();
    assert!(!places.is_empty(), "the task stands in the journal's file");
    for place in places {
        bytes[place] ^= 0x01;
    }
    fs::write(home.journal(), bytes).unwrap();
    let report = home.bottega(&["doctor", "--json"]).finish().with_code(1);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(chain(&report)["state"], "bad", "{report}");
    let found = chain(&report)["found"].as_str().unwrap();
    assert!(found.contains("was changed after it was stored"), "{found}");
}
