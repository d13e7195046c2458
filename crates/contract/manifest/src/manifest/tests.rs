use super::*;
use proptest::prelude::*;

const LEAST: &str = "name = \"greeter\"\nversion = \"0.1.0\"\nworld = \"agent\"\n";

#[track_caller]
fn check(lines: &str, expected: &str) {
    let shown = match Manifest::parse(&format!("{LEAST}{lines}")) {
        Ok(_) => "right".to_owned(),
        Err(problems) => problems.to_string(),
    };
    assert_eq!(shown, expected);
}

#[test]
fn the_least_manifest_grants_nothing() {
    let manifest = Manifest::parse(LEAST).unwrap();
    assert_eq!(manifest.capabilities.granted().count(), 0);
    assert_eq!(manifest.module_file(), "greeter.wasm");
    assert_eq!(
        manifest,
        Manifest::new("greeter".parse().unwrap(), Version::new(0, 1, 0), World::Agent)
    );
}

#[test]
fn a_whole_manifest_is_read_and_written_as_it_is() {
    let text = r#"
        name = "clerk"
        version = "1.2.3-rc.1"
        world = "tool"
        description = "Keeps the books."
        module = "build/clerk.wasm"
        delivery = "durable"
        [[services]]
        type = "book-keeping"
        [[services]]
        type = "audit"
        name = "yearly"
        [capabilities]
        send = true
        key-value = true
        http = ["api.example.org", "*.example.com:8443"]
        model = { tokens = 20000, routes = ["cheap"] }
        tools = ["grep"]
        files = { folder = "notes", access = "read-write" }
        [limits]
        memory = "16MiB"
        fuel = 1000000
        compute = "250ms"
        deadline = "10s"
        output = 65536
        calls = 10
        [supervision]
        restart = "permanent"
        most = 3
        within = "1m"
    "#;
    let manifest = Manifest::parse(text).unwrap();
    assert_eq!(Manifest::parse(&toml::to_string(&manifest).unwrap()), Ok(manifest.clone()));
    insta::assert_snapshot!(toml::to_string(&manifest).unwrap(), @r#"
    name = "clerk"
    version = "1.2.3-rc.1"
    world = "tool"
    description = "Keeps the books."
    module = "build/clerk.wasm"
    delivery = "durable"

    [[services]]
    type = "book-keeping"

    [[services]]
    type = "audit"
    name = "yearly"

    [capabilities]
    send = true
    directory = false
    key-value = true
    log = false
    clock = false
    random = false
    http = ["api.example.org", "*.example.com:8443"]
    tools = ["grep"]

    [capabilities.model]
    tokens = 20000
    routes = ["cheap"]

    [capabilities.files]
    folder = "notes"
    access = "read-write"

    [limits]
    memory = "16MiB"
    fuel = 1000000
    compute = "250ms"
    deadline = "10s"
    output = "64KiB"
    calls = 10

    [supervision]
    restart = "permanent"
    most = 3
    within = "1m"
    "#);
}

#[test]
fn a_plug_in_says_what_is_called_and_how() {
    let text = r#"
        [extism]
        call = "count_vowels"
        config = { vowels = "aeiou" }
        [extism.schema]
        type = "object"
        required = ["text"]
        properties.text = { type = "string", maxLength = 100 }
    "#;
    let manifest = Manifest::parse(&format!("{LEAST}{text}")).unwrap();
    assert_eq!(Manifest::parse(&toml::to_string(&manifest).unwrap()), Ok(manifest.clone()));
    let extism = manifest.extism.unwrap();
    assert_eq!(extism.call, "count_vowels");
    assert_eq!(extism.config["vowels"], "aeiou");
    let schema = serde_json::json!({
        "type": "object",
        "required": ["text"],
        "properties": { "text": { "type": "string", "maxLength": 100 } },
    });
    assert_eq!(extism.schema(), schema);
    let least = Manifest::parse(&format!("{LEAST}[extism]\ncall = \"go\"")).unwrap();
    assert_eq!(least.extism.unwrap().schema(), serde_json::json!({ "type": "object" }));
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_what_was_meant() {
    check("deliverey = \"durable\"", "line 4: there is no `deliverey`; did you mean `delivery`?");
    check(
        "[limits]\nmemmory = \"1MiB\"\n\n[capabilities]\nkeyvalue = true",
        "line 5: there is no `limits.memmory`; did you mean `limits.memory`?\n\
         line 8: there is no `capabilities.keyvalue`; did you mean `capabilities.key-value`?",
    );
    check(
        "[capabilities]\nfiles = { folder = \".\", acces = \"read-only\" }",
        "line 5: there is no `capabilities.files.acces`; did you mean `capabilities.files.access`?",
    );
    check(
        "[[services]]\ntype = \"a\"\nnmae = \"b\"",
        "line 6: there is no `services.nmae`; did you mean `services.name`?",
    );
    check(
        "[extism]\ncal = \"go\"",
        "line 5: there is no `extism.cal`; did you mean `extism.call`?",
    );
    check(
        "[supervision]\nzzz = 1",
        "line 5: there is no `supervision.zzz`; known here: `restart`, `most`, `within`, `stuck-after`",
    );
}

#[test]
fn a_wrong_value_is_refused_where_it_stands() {
    check("[limits]\nfuel = 0", "line 5: invalid value: integer `0`, expected a nonzero u64");
    check(
        "[limits]\ndeadline = \"10\"",
        "line 5: expected a span of time above zero, such as `\"90s\"`, `\"500ms\"` or `\"10m\"`",
    );
    check(
        "[capabilities]\nfiles = { folder = \"../secrets\" }",
        "line 5: `../secrets` is no folder below the guest's own: write a relative path without `..`",
    );
    check(
        "[capabilities]\nhttp = [\"http://x\"]",
        "line 5: `http://x` names no host: write `example.org`, `*.example.org` or `example.org:8443`",
    );
    check(
        "delivery = \"sometimes\"",
        "line 4: unknown variant `sometimes`, expected `transient` or `durable`",
    );
    check("[extism]\nconfig = {}", "line 4: missing field `call`");
    check("= 1", "line 4: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`");
}

#[test]
fn what_is_missing_is_named() {
    let problems = Manifest::parse("name = \"a\"\nworld = \"agent\"\n").unwrap_err();
    assert_eq!(problems.to_string(), "line 1: missing field `version`");
}

#[test]
fn every_key_says_what_it_means() {
    fn walk(schema: &Value, path: &str, silent: &mut Vec<String>) {
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            if below["description"].as_str().is_none_or(str::is_empty) {
                silent.push(format!("{path}{key}"));
            }
            walk(below, &format!("{path}{key}."), silent);
        }
    }
    let mut silent = Vec::new();
    walk(&Manifest::schema(), "", &mut silent);
    assert_eq!(silent, [""; 0]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), cut in 0..400_usize) {
        let _answer = Manifest::parse(&text);
        let whole = format!("{LEAST}[capabilities]\nhttp = [\"a.example\"]\n[limits]\nfuel = 1\n");
        let cut = whole.char_indices().nth(cut).map_or(whole.len(), |(at, _)| at);
        let _answer = Manifest::parse(&format!("{}{text}{}", &whole[..cut], &whole[cut..]));
    }
}
