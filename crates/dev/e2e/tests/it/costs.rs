//! What is not known to cost something is not told to cost nothing.

use bottega_testkit::{Saying, ScriptedServer, WireProtocol};
use serde_json::{Value, json};

use crate::home::Home;
use crate::provider::Provider;

#[track_caller]
fn check(protocol: WireProtocol, known: bool, told: &str) {
    let home = Home::new();
    let server = ScriptedServer::of_turns([Saying::text("Here."), Saying::text("Still.")]).unwrap();
    let provider = Provider::new(protocol, &server);
    let run = home.run(&provider, &["task"]).finish().done();
    assert!(run.stderr.contains(told), "{protocol:?}: {}", run.stderr);
    let is_known = |totals: &Value| assert_eq!(totals["cost_usd"].is_f64(), known, "{totals}");
    is_known(&home.view(&["cost"])["total"]);
    is_known(&home.view(&["cost", "--by", "model"])["rows"][0]);
    is_known(&home.view(&["sessions", "list"])[0]["totals"]);
    is_known(&home.view(&["sessions", "show"])["totals"]);
    let events = home.run(&provider, &["--continue", "--json", "go on"]).finish().done().events();
    is_known(&events.last().unwrap()["totals"]);
    for view in [["cost", "--by=day"], ["sessions", "list"], ["sessions", "show"]] {
        let shown = home.bottega(&view).finish().done().stdout;
        assert_eq!(shown.contains("unknown"), !known, "{view:?}: {shown}");
    }
}

#[test]
fn a_model_without_a_known_price() {
    check(WireProtocol::ChatCompletions, false, "cost unknown");
}

#[test]
fn a_model_with_a_known_price() {
    check(WireProtocol::Anthropic, true, "$0.0");
}

#[test]
fn a_model_on_the_own_machine() {
    check(WireProtocol::Ollama, true, "$0.00");
}

#[test]
fn a_price_of_the_users_own() {
    let home = Home::new();
    home.settings("[models.prices.\"openrouter/*\"]\ninput = 1\noutput = 2\n");
    let server = ScriptedServer::of_turns([Saying::text("Here.")]).unwrap();
    home.run(&Provider::usual(&server), &["task"]).finish().done();
    let total = &home.view(&["cost"])["total"];
    assert_eq!(total["cost_usd"], json!(0.00012), "{total}");
}
