//! Which value holds, and where it came from.

use bottega_config::FlagValue;

use crate::world::World;

/// Lays out the layers that `world` names, loads, and compares the settings named in `expected`.
///
/// `world` has lines `LAYER: TOML`, `NAME=VALUE` (a variable) and `--flag PATH VALUE`.
#[track_caller]
fn check(world: &str, expected: &str) {
    check_in(world, Trusted::Yes, expected);
}

#[derive(Clone, Copy, PartialEq)]
enum Trusted {
    Yes,
    No,
}

#[track_caller]
fn check_in(layout: &str, trusted: Trusted, expected: &str) {
    let mut world = World::new();
    let mut variables = Vec::new();
    for line in layout.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(flag) = line.strip_prefix("--") {
            let [flag, path, value] = flag.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
            let (flag, path) = (format!("--{flag}"), path.parse().unwrap());
            world.flags.push(FlagValue { flag, path, value: value.to_owned() });
        } else if let Some((layer, toml)) = line.split_once(": ") {
            world.write(layer, &toml.replace("; ", "\n"));
        } else {
            variables.push(line.split_once('=').unwrap());
        }
    }
    world.environment = variables.into_iter().collect();
    if trusted == Trusted::Yes {
        world.trust();
    }
    let config = world.load().unwrap();
    let mut found = String::new();
    for line in expected.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let path = line.split(" = ").next().unwrap();
        if line.starts_with("notice") {
            continue;
        }
        let rows = config.get(&path.parse().unwrap()).unwrap();
        for row in rows {
            let origin = row.origin.as_ref().map_or("nobody".to_owned(), ToString::to_string);
            let origin = world.clean(&origin);
            found.push_str(&format!("{} = {} ({origin})\n", row.path, row.value_text()));
        }
    }
    for notice in config.notices() {
        found.push_str(&format!("notice {}\n", world.clean(&notice.to_string())));
    }
    let wanted: String = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn each_layer_wins_over_those_before_it() {
    check("", "limits.turns = 100 (default)");
    check(
        "system: [limits]; turns = 1; repeats = 9; parallel_tools = 3
         user: # mine; [limits]; turns = 2; repeats = 8",
        "limits.turns = 2 (user /home/config/config.toml:3)
         limits.repeats = 8 (user /home/config/config.toml:4)
         limits.parallel_tools = 3 (system /etc/config.toml:4)",
    );
    check(
        "user: limits.turns = 2
         project: limits.turns = 3",
        "limits.turns = 3 (project /project/.bottega/config.toml:1)",
    );
    check(
        "project: limits.turns = 3
         local: limits = { turns = 4 }",
        "limits.turns = 4 (local /project/.bottega/config.local.toml:1)",
    );
    check(
        "local: limits.turns = 4
         BOTTEGA_LIMITS_TURNS=5",
        "limits.turns = 5 (environment BOTTEGA_LIMITS_TURNS)",
    );
    check(
        "BOTTEGA_LIMITS_TURNS=5
         --turns limits.turns 6",
        "limits.turns = 6 (flag --turns)",
    );
}

#[test]
fn lists_replace_except_those_that_only_tighten() {
    check(
        r#"user: access.rules.deny = ["run:rm"]; access.rules.allow = ["run:ls"]
           project: access.rules.deny = ["net:*", "run:rm"]; access.rules.allow = ["run:cat"]
           BOTTEGA_ACCESS_PROTECTED=a, b"#,
        r#"access.rules.deny = ["run:rm", "net:*"] (project /project/.bottega/config.toml:1)
           access.rules.allow = ["run:cat"] (project /project/.bottega/config.toml:2)
           access.protected = ["a", "b"] (environment BOTTEGA_ACCESS_PROTECTED)"#,
    );
}

#[test]
fn the_variables_of_the_official_clients_count() {
    check(
        "user: providers.openai.base_url = \"https://file/v1\"
         OPENAI_BASE_URL=http://127.0.0.1:1/v1
         OLLAMA_HOST=127.0.0.1:2
         GOOGLE_API_KEY=canary-google
         NO_COLOR=1
         CLICOLOR_FORCE=1",
        "providers.openai.base_url = \"http://127.0.0.1:1/v1\" (environment OPENAI_BASE_URL)
         providers.openai.key = \"${OPENAI_API_KEY}\" (default)
         providers.ollama.base_url = \"127.0.0.1:2\" (environment OLLAMA_HOST)
         providers.gemini.key = \"${GOOGLE_API_KEY}\" (environment GOOGLE_API_KEY)
         ui.color = \"never\" (environment NO_COLOR)",
    );
    check(
        "GEMINI_API_KEY=canary-gemini
         GOOGLE_API_KEY=canary-google
         CLICOLOR_FORCE=1
         BOTTEGA_UI_COLOR=auto",
        "providers.gemini.key = \"${GEMINI_API_KEY}\" (default)
         ui.color = \"auto\" (environment BOTTEGA_UI_COLOR)",
    );
}

#[test]
fn an_entry_for_a_known_provider_changes_what_it_names() {
    check(
        "user: providers.openai.max_concurrency = 2; providers.mine.base_url = \"http://h:1\"",
        "providers.openai.base_url = \"https://api.openai.com/v1\" (default)
         providers.openai.max_concurrency = 2 (user /home/config/config.toml:1)
         providers.mine.base_url = \"http://h:1\" (user /home/config/config.toml:2)",
    );
}

#[test]
fn measures_are_written_in_several_ways() {
    check(
        "user: limits.tool_output = 1024; limits.time = \"90s\"; budget.per_run.money = 0.5
         BOTTEGA_BUDGET_PER_DAY_MONEY=$2",
        "limits.tool_output = 1024 (user /home/config/config.toml:1)
         limits.time = \"90s\" (user /home/config/config.toml:2)
         budget.per_run.money = 0.5 (user /home/config/config.toml:3)
         budget.per_day.money = \"$2\" (environment BOTTEGA_BUDGET_PER_DAY_MONEY)
         budget.per_agent.tokens =  (nobody)",
    );
}

#[test]
fn settings_of_an_untrusted_folder_do_not_count() {
    check_in(
        "project: limits.turns = 3; not even TOML",
        Trusted::No,
        "limits.turns = 100 (default)
         notice the settings in /project/.bottega are ignored, since this folder is not trusted",
    );
}

#[test]
fn a_change_needs_trust_anew() {
    let world = World::new();
    world.write("project", "limits.turns = 3");
    world.trust();
    assert_eq!(world.load().unwrap().settings().limits.turns, 3);
    world.write("local", "limits.turns = 4");
    let config = world.load().unwrap();
    assert_eq!(config.settings().limits.turns, 100);
    assert!(config.notices()[0].to_string().contains("changed after you trusted them"));
    world.trust();
    assert_eq!(world.load().unwrap().settings().limits.turns, 4);
}

#[test]
fn the_standard_variables_of_telemetry_count_and_stop_nothing() {
    check(
        "user: [telemetry]; endpoint = 'http://own:4318'; service = 'own'
         OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318
         OTEL_EXPORTER_OTLP_TIMEOUT=2500
         OTEL_METRIC_EXPORT_INTERVAL=5000
         OTEL_SERVICE_NAME=shop
         OTEL_TRACES_EXPORTER=none
         OTEL_METRICS_EXPORTER=otlp
         OTEL_SDK_DISABLED=TRUE
         OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "telemetry.endpoint = \"http://collector:4318\" (environment OTEL_EXPORTER_OTLP_ENDPOINT)
         telemetry.timeout = \"2500ms\" (environment OTEL_EXPORTER_OTLP_TIMEOUT)
         telemetry.interval = \"5000ms\" (environment OTEL_METRIC_EXPORT_INTERVAL)
         telemetry.service = \"shop\" (environment OTEL_SERVICE_NAME)
         telemetry.traces = false (environment OTEL_TRACES_EXPORTER)
         telemetry.metrics = true (default)
         telemetry.disabled = true (environment OTEL_SDK_DISABLED)",
    );
    check(
        "OTEL_EXPORTER_OTLP_ENDPOINT=ftp://collector
         OTEL_EXPORTER_OTLP_TIMEOUT=soon
         OTEL_TRACES_EXPORTER=zipkin
         OTEL_EXPORTER_OTLP_PROTOCOL=grpc
         OTEL_SDK_DISABLED=1",
        "telemetry.timeout = \"10s\" (default)
         telemetry.traces = true (default)
         telemetry.disabled = false (default)
         notice a variable is ignored: OTEL_EXPORTER_OTLP_TIMEOUT: it needs a number of milliseconds
         notice a variable is ignored: OTEL_TRACES_EXPORTER: it needs `otlp` or `none`
         notice a variable is ignored: OTEL_EXPORTER_OTLP_PROTOCOL: it needs `http/protobuf`, and the address the port for HTTP, usually 4318
         notice a variable is ignored: OTEL_SDK_DISABLED: it needs `true` or `false`
         notice a variable is ignored: OTEL_EXPORTER_OTLP_ENDPOINT: `telemetry.endpoint` needs an address such as `https://host.example/v1`",
    );
    // Bottega's own variable comes after the standard one.
    check(
        "OTEL_SERVICE_NAME=shop
         BOTTEGA_TELEMETRY_SERVICE=mine",
        "telemetry.service = \"mine\" (environment BOTTEGA_TELEMETRY_SERVICE)",
    );
}

#[test]
fn a_variable_that_means_nothing_is_told() {
    check(
        "BOTTEGA_LIMIT_TURNS=3",
        "notice the variable BOTTEGA_LIMIT_TURNS means nothing; did you mean BOTTEGA_LIMITS_TURNS?",
    );
}

#[test]
fn the_files_that_were_looked_for_are_listed() {
    let world = World::new();
    world.write("user", "");
    world.write("local", "");
    let config = world.load().unwrap();
    let line = |file: &bottega_config::SettingsFile| {
        let path = world.clean(&file.path.display().to_string());
        format!("{} {path} {:?}", file.layer, file.state)
    };
    let found: Vec<_> = config.files().iter().map(line).collect();
    assert_eq!(
        found,
        [
            "system /etc/config.toml Absent",
            "user /home/config/config.toml Read",
            "project /project/.bottega/config.toml Absent",
            "local /project/.bottega/config.local.toml Ignored",
        ]
    );
}
