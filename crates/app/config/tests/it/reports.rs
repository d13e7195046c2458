//! What a person sees when settings are wrong.

use bottega_config::FlagValue;

use crate::world::{World, report};

/// The report on a user's file.
fn reported(text: &str) -> String {
    let world = World::new();
    world.write("user", text);
    world.clean(&report(&world.load().unwrap_err()))
}

#[test]
fn an_unknown_key_names_the_nearest_right_one() {
    insta::assert_snapshot!(reported("[limits]\n# how long\nturn = 5\n"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let found = reported(
        r#"[limits]
turns = "many"
time = "90"
parallel_tools = 1000

[acess]
mode = "auto"

[access]
mode = "read_only"
rules.deny = ["run:rm", "rm"]

[budget]
per_run = 5

[providers.mine]
base_url = "https://ada:hunter2@host/v1"
protocol = "openai-compatible"
"#,
    );
    assert!(!found.contains("hunter2"), "{found}");
    insta::assert_snapshot!(found);
}

#[test]
fn a_key_that_is_written_out_is_refused_and_not_shown() {
    let found = reported(
        r#"[providers.openai]
key = "sk-canary-0123456789abcdef"

[providers.mine]
base_url = "http://127.0.0.1:8080/v1"
headers = { "X-Api-Key" = "canary", Accept = "application/json" }

[providers.typo]
api_key = "canary-0123456789"

[model]
default = "sk-canary-0123456789abcdef"
"#,
    );
    assert!(!found.contains("canary"), "{found}");
    insta::assert_snapshot!(found);
}

#[test]
fn a_file_that_is_not_toml_shows_where_and_no_key() {
    let found =
        reported("[providers.openai]\nkey = sk-canary-0123456789abcdef\n[limits\nturns = 3\n");
    assert!(!found.contains("canary"), "{found}");
    insta::assert_snapshot!(found);
}

#[test]
fn variables_and_flags_are_named_and_their_values_not_shown() {
    let mut world = World::new();
    world.environment = [
        ("BOTTEGA_LIMITS_TURNS", "canary"),
        ("BOTTEGA_ACCESS_MODE", "atuo"),
        ("OPENAI_BASE_URL", "http://ada:canary@host"),
    ]
    .into_iter()
    .collect();
    world.flags = vec![FlagValue {
        flag: "--max-cost".to_owned(),
        path: "budget.per_run.money".parse().unwrap(),
        value: "canary".to_owned(),
    }];
    let found = report(&world.load().unwrap_err());
    assert!(!found.contains("canary"), "{found}");
    insta::assert_snapshot!(found);
}

#[test]
fn what_does_not_go_together_names_its_origin() {
    insta::assert_snapshot!(reported(
        r#"model.default = "fst"

[models.routes.fast]
models = ["mine/x", "nobody/y"]

[models.routes.none]
retries = 1

[models.prices."openai/x"]
input = 1

[providers.mine]
max_concurrency = 1

[providers.local]
base_url = "http://127.0.0.1:1"
"#
    ));
}

#[test]
fn asking_for_a_setting_that_is_not_there_names_the_nearest() {
    let config = World::new().load().unwrap();
    let problem = config.get(&"limits.trns".parse().unwrap()).unwrap_err();
    insta::assert_snapshot!(report(&problem));
}

#[test]
fn what_is_no_settings_file_is_neither_waited_for_nor_read_whole() {
    use std::os::unix::fs::symlink;
    use std::process::Command;
    let world = World::new();
    for layer in ["project", "local", "user"] {
        for kind in ["pipe", "endless", "large"] {
            world.write(layer, &"#".repeat((1 << 20) + 1));
            let file = world.file(layer);
            if kind != "large" {
                std::fs::remove_file(&file).unwrap();
            }
            match kind {
                "pipe" => assert!(Command::new("mkfifo").arg(&file).status().unwrap().success()),
                "endless" => symlink("/dev/zero", &file).unwrap(),
                _ => {}
            }
            let told = report(&world.load().unwrap_err());
            let told = told.split_whitespace().collect::<String>();
            let why = if kind == "large" { "largerthan1MiB" } else { "noregularfile" };
            assert!(told.contains(why) && told.contains("removeit"), "{layer} {kind}: {told}");
            std::fs::remove_file(&file).unwrap();
        }
    }
}
