//! A route's next model is asked when the first keeps breaking off.

use bottega_testkit::{Saying, ScriptedServer, Serving};

use crate::home::Home;
use crate::provider::Provider;

#[test]
fn a_model_that_breaks_off_again_and_again_is_left() {
    let home = Home::new();
    home.settings("[models.routes.both]\nmodels = [\"openrouter/first\", \"openrouter/second\"]\n");
    let server = ScriptedServer::start(|asked| {
        let answer = Saying::text("The second one says so.");
        match asked.body["model"].as_str() {
            Some("first") => Serving::Cut { answer, after: 200 },
            _ => answer.into(),
        }
    })
    .unwrap();
    let provider = Provider::usual(&server);
    let words = ["run", "--access-mode", "auto", "--model", "both", "task"];
    let run = home.bottega(&words).with(&provider).finish().done();
    assert_eq!(run.stdout, "The second one says so.\n");
    let asked: Vec<String> =
        server.asked().iter().map(|it| it.body["model"].as_str().unwrap().to_owned()).collect();
    assert_eq!(asked, ["first", "first", "second"]);
    // What broke off may have to be paid, and is in the books of who broke off.
    let rows = home.view(&["cost", "--by", "model"])["rows"].clone();
    let tokens = |model: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["key"] == model);
        row.unwrap_or_else(|| panic!("{model} in {rows}"))["input_tokens"].as_u64().unwrap()
    };
    assert!(tokens("openrouter/first") > tokens("openrouter/second"), "{rows}");
}
