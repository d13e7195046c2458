//! Settings: told where they are passed over, typed for scripts, never left dangling.

use std::fs;

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::json;

use crate::home::Home;
use crate::provider::Provider;

#[test]
fn settings_of_a_folder_that_nobody_trusts_are_told_once() {
    let home = Home::new();
    home.write(".bottega/config.toml", "[limits]\nturns = 1\n");
    let server = ScriptedServer::of_turns([Saying::text("Here."), Saying::text("Again.")]).unwrap();
    let provider = Provider::usual(&server);
    let told = ["this folder is not trusted", "`bottega config trust`", "BOTTEGA_LIMITS_TURNS"];
    let check = |run: &str| {
        for words in told {
            assert_eq!(run.matches(words).count(), 1, "{words}: {run}");
        }
    };
    let slip = ("BOTTEGA_LIMIT_TURNS", "5");
    let run = home.run(&provider, &["task"]).env(slip.0, slip.1).finish().done();
    assert_eq!(run.stdout, "Here.\n");
    check(&run.stderr);
    let words = ["--task", "go on"];
    let resumed = home.resume(&provider, &words).env(slip.0, slip.1).finish().done();
    check(&resumed.stderr);
    home.bottega(&["config", "trust"]).finish().done();
    let run = home.run(&provider, &["task"]).finish().done();
    assert!(!run.stderr.contains("trusted"), "{}", run.stderr);
}

#[test]
fn values_keep_their_types_for_scripts() {
    let home = Home::new();
    home.settings("[limits]\nturns = 7\n[access]\nprotected = [\"a\", \"b\"]\n");
    let value = |path: &str| home.view(&["config", "get", path])["value"].clone();
    assert_eq!(value("limits.turns"), json!(7));
    assert_eq!(value("ui.cost"), json!(true));
    assert_eq!(value("access.mode"), json!("ask"));
    assert_eq!(value("access.protected"), json!(["a", "b"]));
    assert_eq!(value("model.default"), json!(null));
}

#[test]
fn settings_that_are_not_valid_can_be_found() {
    let home = Home::new();
    home.settings("[limits]\nturns = \"many\"\n");
    let paths = home.view(&["config", "path"]);
    assert_eq!((&paths[1]["layer"], &paths[1]["state"]), (&json!("user"), &json!("not valid")));
    let doctor = home.bottega(&["doctor"]).finish().with_code(1).stdout;
    assert_eq!(doctor.matches("`limits.turns` needs a whole number").count(), 1, "{doctor}");
    assert!(doctor.contains("config/config.toml"), "{doctor}");
    // Mended from here, since the change is checked with the rest.
    home.bottega(&["config", "set", "limits.turns", "7"]).finish().done();
    assert_eq!(home.view(&["config", "get", "limits.turns"])["value"], json!(7));
}

#[test]
fn a_home_that_depends_on_the_folder_is_refused() {
    let home = Home::new();
    for words in [["cost"].as_slice(), &["run", "x"], &["config", "path"]] {
        let refused = home.bottega(words).env("BOTTEGA_HOME", "./mine").finish().with_code(2);
        assert!(
            refused.stderr.contains("BOTTEGA_HOME is `./mine`, which is not an absolute path"),
            "{words:?}: {}",
            refused.stderr
        );
        assert!(refused.stderr.contains("BOTTEGA_HOME=\"$PWD/mine\""), "{}", refused.stderr);
    }
    assert!(!home.workspace().join("mine").exists());
}

/// Puts a model into the library that no engine could load, but that can be deleted.
fn with_model(name: &str) -> Home {
    let home = Home::new();
    let folder = home.own_files().join("data/models");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.gguf")), "GGUF").unwrap();
    let record = json!({
        "name": name, "path": folder.join(format!("{name}.gguf")), "size": 4, "digest": "ab".repeat(32),
        "source": "file:x", "architecture": "llama", "quantisation": "Q4_0", "parameters": 1,
        "context_window": 2048, "licence": null,
    });
    fs::write(folder.join(format!("{name}.json")), record.to_string()).unwrap();
    home
}

#[test]
fn a_deleted_model_is_the_default_no_longer() {
    let home = with_model("small");
    home.bottega(&["model", "use", "small"]).finish().done();
    assert_eq!(home.view(&["config", "get", "model.default"])["value"], "local/small");
    let removed = home.bottega(&["model", "rm", "small"]).finish().done();
    assert!(removed.stdout.contains("`model.default` is unset in "), "{}", removed.stdout);
    assert_eq!(home.view(&["config", "get", "model.default"])["value"], json!(null));
}

#[test]
fn a_default_of_another_place_is_named() {
    let home = with_model("small");
    let removed = home
        .bottega(&["model", "rm", "local/small"])
        .env("BOTTEGA_MODEL_DEFAULT", "local/small")
        .finish()
        .done();
    let told = "`model.default` still names it, in environment BOTTEGA_MODEL_DEFAULT";
    assert!(removed.stdout.contains(told), "{}", removed.stdout);
}

#[test]
fn a_local_model_that_is_not_there_is_named_with_those_that_are() {
    let home = with_model("small");
    let refused = home.bottega(&["run", "-m", "local/smal", "x"]).finish().with_code(2);
    let told = "the model `smal` is not on this machine; these are: small";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    let refused = home.bottega(&["model", "use", "local/smal"]).finish().with_code(2);
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    let refused = home.bottega(&["run", "-m", "smal", "x"]).finish().with_code(2);
    assert!(refused.stderr.contains("did you mean `small`?"), "{}", refused.stderr);
}
