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
