//! Which model is taken.

use bottega_config::{Choice, Rungs, choose_model};

use crate::world::World;

/// `found` has lines `asked X`, `settings X`, `keys A B`, `ollama A B`, `local A B`.
#[track_caller]
fn check(found: &str, expected: &str) {
    let world = World::new();
    let list = |word: &str| {
        let line = found.lines().map(str::trim).find_map(|line| line.strip_prefix(word))?;
        Some(line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    if let Some(default) = list("settings") {
        let route = "models.routes.fast.models = [\"openai/x\"]";
        world.write("user", &format!("{route}\nmodel.default = \"{}\"", default[0]));
    }
    let asked = list("asked");
    let (keyed, ollama) = (list("keys").unwrap_or_default(), list("ollama"));
    let local = list("local").unwrap_or_default();
    let rungs = Rungs {
        explicit: asked.as_ref().map(|names| names[0].as_str()),
        keyed: &keyed,
        ollama: ollama.as_deref(),
        local: &local,
    };
    let chosen = match choose_model(world.load().unwrap().settings(), rungs) {
        Ok(Choice::Use { model, why }) => format!("{model}: {why}"),
        Ok(Choice::OfferPull { name }) => format!("pull {name}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(chosen, expected);
}

#[test]
fn the_rungs_are_tried_from_the_top() {
    let rest = "keys openai
                ollama qwen
                local small qwen2.5-coder-1.5b";
    check(&format!("asked gemini/x\nsettings fast\n{rest}"), "gemini/x: asked for");
    check(&format!("settings fast\n{rest}"), "fast: `model.default` names it");
    check(rest, "openai/gpt-6.1-sol: a key for openai was found");
    check("ollama llama qwen-coder\nlocal small", "ollama/qwen-coder: Ollama runs and has it");
    check("ollama llama\nlocal small", "ollama/llama: Ollama runs and has it");
    check(
        "local small qwen2.5-coder-1.5b",
        "local/qwen2.5-coder-1.5b: it is on this machine's disk",
    );
    check("local small", "local/small: it is on this machine's disk");
    check("", "pull qwen2.5-coder-1.5b");
}

#[test]
fn a_rung_that_bears_nothing_is_passed() {
    check("keys ollama\nlocal small", "local/small: it is on this machine's disk");
    check("ollama\nlocal small", "local/small: it is on this machine's disk");
}

#[test]
fn what_is_asked_for_must_name_something() {
    check("asked small\nlocal small", "local/small: asked for");
    check("asked local/other", "local/other: asked for");
    check(
        "asked fest\nsettings fast",
        "`fest` is neither a route nor `PROVIDER/NAME`; did you mean `fast`?",
    );
    check(
        "asked smal\nlocal small",
        "`smal` is neither a route nor `PROVIDER/NAME`; did you mean `small`?",
    );
    check(
        "asked opnai/x",
        "`opnai/x` names the provider `opnai`, and there is none; did you mean `openai`?",
    );
}
