//! What can't be understood ends with 2 and says what would have been right.

use crate::home::Home;

#[track_caller]
fn check(home: &Home, words: &[&str], hints: &[&str]) {
    let run = home.bottega(words).finish().with_code(2);
    assert_eq!(run.stdout, "");
    for hint in hints {
        assert!(run.stderr.contains(hint), "{hint} in {}", run.stderr);
    }
}

#[test]
fn an_unknown_flag() {
    check(&Home::new(), &["run", "--max-turn", "3", "task"], &["--max-turns"]);
}

#[test]
fn no_task() {
    check(&Home::new(), &["run"], &["no task"]);
}

#[test]
fn an_unknown_setting_is_shown_with_its_line_and_the_right_one() {
    let home = Home::new();
    home.settings("[limits]\nturn = 3\n");
    check(&home, &["run", "task"], &["turn = 3", "turns", "config.toml"]);
}

#[test]
fn an_unknown_setting_on_the_command_line() {
    check(
        &Home::new(),
        &["run", "--set", "limits.turn=3", "task"],
        &["limits.turn", "did you mean `turns`?"],
    );
}

#[test]
fn an_unknown_setting_that_is_asked_for() {
    let home = Home::new();
    for words in
        [["config", "get", "limits.turn"].as_slice(), &["config", "set", "limits.turn", "3"]]
    {
        check(&home, words, &["there is no setting `limits.turn`; did you mean `turns`?"]);
    }
    let settings = ["config", "set", "limits.turns", "many"];
    check(&home, &settings, &["needs a whole number", "next: mend it where it was written"]);
}

#[test]
fn settings_to_trust_where_there_are_none() {
    check(&Home::new(), &["config", "trust"], &["brings no settings"]);
}

#[test]
fn an_unknown_provider() {
    check(&Home::new(), &["run", "--model", "antropic/claude", "task"], &["anthropic"]);
}

#[test]
fn no_model_at_all() {
    // Nothing listens on this port: an Ollama of this machine must not answer.
    let home = Home::new();
    let run =
        home.bottega(&["run", "task"]).env("OLLAMA_HOST", "127.0.0.1:1").finish().with_code(2);
    assert!(run.stderr.contains("bottega model pull"), "{}", run.stderr);
}
