//! The rules of the house, believed by nobody and checked here: floors, homes of foreign crates, maps,
//! lints, licences, the root folder. Every offender is named before the test fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Who may import whom. A room of `surfaces` may import the kernel where [`HANDLES`] says so.
const FLOORS: &[(&str, &[&str])] = &[
    ("base", &["base"]),
    ("contract", &["base", "contract"]),
    ("runtime", &["base", "contract"]),
    ("kernel", &["base", "contract", "runtime", "kernel"]),
    ("agents", &["base", "contract", "agents"]),
    ("adapters", &["base", "contract"]),
    ("surfaces", &["base", "contract", "runtime", "surfaces"]),
    ("app", &["base", "contract", "runtime", "kernel", "agents", "adapters", "surfaces", "app"]),
    (
        "dev",
        &["base", "contract", "runtime", "kernel", "agents", "adapters", "surfaces", "app", "dev"],
    ),
];

/// Surfaces that hold handles of the kernel; the others go through them.
const HANDLES: &[&str] = &["bottega-client"];

/// The rooms of `surfaces` that other surfaces may import.
const SHARED_SURFACES: &[&str] = &["bottega-api", "bottega-client", "bottega-tui"];

/// Foreign crates with a home: nobody else imports them, so that replacing one touches one room.
const HOMES: &[(&str, &[&str])] = &[
    ("age", &["bottega-config"]),
    ("anyhow", &["bottega", "xtask"]),
    ("axum", &["bottega-server", "bottega-testkit"]),
    ("clap", &["bottega-cli", "xtask"]),
    ("clap_complete", &["bottega-cli"]),
    ("clap_mangen", &["bottega-cli"]),
    ("crossterm", &["bottega-tui"]),
    ("flate2", &["bottega-egress"]),
    ("grep", &["bottega-workspace"]),
    ("html5gum", &["bottega-coder"]),
    ("hyper", &["bottega-server"]),
    ("hyper-util", &["bottega-server"]),
    ("ignore", &["bottega-workspace"]),
    ("indicatif", &["bottega-cli"]),
    ("keyring", &["bottega-config"]),
    ("landlock", &["bottega-sandbox-linux"]),
    ("llama-cpp-sys-2", &["bottega-local-model"]),
    ("llguidance", &["bottega-local-model"]),
    ("loom", &["bottega-actor"]),
    ("minijinja", &["bottega-local-model"]),
    ("opentelemetry", &["bottega-telemetry"]),
    ("opentelemetry-proto", &["bottega-telemetry", "bottega-testkit"]),
    ("opentelemetry_sdk", &["bottega-telemetry"]),
    ("prost", &["bottega-server", "bottega-telemetry", "bottega-testkit"]),
    ("prost-types", &["bottega-server"]),
    ("protox", &["bottega-server"]),
    ("ratatui", &["bottega-tui"]),
    ("reedline", &["bottega-cli"]),
    (
        "reqwest",
        &[
            "bottega-providers",
            "bottega-local-model",
            "bottega-egress",
            "bottega-client",
            "bottega-telemetry",
        ],
    ),
    ("rusqlite", &["bottega-journal-sqlite"]),
    (
        "rustls",
        &[
            "bottega-providers",
            "bottega-local-model",
            "bottega-egress",
            "bottega-client",
            "bottega-server",
            "bottega-telemetry",
        ],
    ),
    ("seccompiler", &["bottega-sandbox-linux"]),
    ("serde-saphyr", &["bottega-manifest"]),
    ("semver", &["bottega-manifest", "bottega-sandbox-wasm"]),
    ("tokio-rustls", &["bottega-server"]),
    ("toktrie", &["bottega-local-model"]),
    ("tonic", &["bottega-server"]),
    ("tonic-health", &["bottega-server"]),
    ("tonic-prost", &["bottega-server"]),
    ("tonic-prost-build", &["bottega-server"]),
    ("tonic-reflection", &["bottega-server"]),
    ("tonic-types", &["bottega-server"]),
    ("tracing-subscriber", &["bottega"]),
    ("wasmtime", &["bottega-sandbox-wasm"]),
    ("wit-component", &["bottega-sandbox-wasm"]),
    ("wit-parser", &["bottega-sandbox-wasm"]),
    ("x509-cert", &["bottega-server"]),
    ("zip", &["bottega-local-model"]),
];

/// Floors that only think: no async runtime, no I/O.
const PURE: &[&str] = &["base", "contract", "agents"];
const IMPURE: &[&str] =
    &["hyper", "libc", "mio", "rustix", "sysinfo", "tokio", "tokio-util", "wiremock"];

/// What may lie at the root.
const ROOT: &[&str] = &[
    ".bottega",
    ".cargo",
    ".ci",
    ".config",
    ".git",
    ".gitignore",
    "AGENTS.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "GLOSSARY.md",
    "LICENSE",
    "README.md",
    "bench",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "fuzz",
    "guests",
    "proto",
    "rustfmt.toml",
    "target",
    "wit",
    "xtask",
];

/// A finding, in words that say where.
type Findings = Vec<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// What cargo knows of this machine's build. Offline: a test fetches nothing.
fn metadata() -> Value {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}\n(`cargo fetch` brings what is missing here)");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().unwrap()
}

fn rooms(metadata: &Value) -> impl Iterator<Item = &Value> {
    packages(metadata).iter().filter(|package| package["source"].is_null())
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap()
}

fn floor(room: &Value) -> Option<&str> {
    room["metadata"]["bottega"]["floor"].as_str()
}

/// Every edge from a room: whom it imports, and whether only its tests do.
fn edges(room: &Value) -> impl Iterator<Item = (&str, bool)> {
    room["dependencies"].as_array().unwrap().iter().map(|to| (name(to), to["kind"] == "dev"))
}

fn check_floors(metadata: &Value, findings: &mut Findings) {
    let floors: BTreeMap<&str, &str> =
        rooms(metadata).filter_map(|room| Some((name(room), floor(room)?))).collect();
    let table: BTreeMap<&str, &[&str]> = FLOORS.iter().copied().collect();
    for room in rooms(metadata).filter(|room| name(room) != "xtask") {
        let from = name(room);
        let Some(own) = floors.get(from) else {
            findings.push(format!("{from}: no `floor` in [package.metadata.bottega]"));
            continue;
        };
        let Some(below) = table.get(own) else {
            findings.push(format!("{from}: there is no floor `{own}`"));
            continue;
        };
        let folder = room["manifest_path"].as_str().unwrap();
        let place =
            format!("/crates/{own}/{}/Cargo.toml", from.strip_prefix("bottega-").unwrap_or(from));
        if !folder.ends_with(&place) {
            findings.push(format!("{from}: lies in {folder}, not in {place}"));
        }
        for (to, in_tests) in edges(room) {
            let Some(&floor) = floors.get(to) else { continue };
            let by_handle = *own == "surfaces" && floor == "kernel" && HANDLES.contains(&from);
            let closed =
                *own == "surfaces" && floor == "surfaces" && !SHARED_SURFACES.contains(&to);
            let allowed =
                below.contains(&floor) && !closed || by_handle || in_tests && floor == "dev";
            if !allowed {
                findings.push(format!("{from} ({own}) may not import {to} ({floor})"));
            }
        }
    }
}

fn check_homes(metadata: &Value, findings: &mut Findings) {
    let homes: BTreeMap<&str, &[&str]> = HOMES.iter().copied().collect();
    for room in rooms(metadata) {
        for (to, _) in edges(room).filter(|(_, in_tests)| !in_tests) {
            if homes.get(to).is_some_and(|home| !home.contains(&name(room))) {
                findings.push(format!(
                    "{} may not import {to}; its home is {}",
                    name(room),
                    homes[to].join(", ")
                ));
            }
            if floor(room).is_some_and(|floor| PURE.contains(&floor)) && IMPURE.contains(&to) {
                findings
                    .push(format!("{} is on a floor that only thinks; {to} does more", name(room)));
            }
        }
    }
}

fn check_manifests_and_maps(metadata: &Value, findings: &mut Findings) {
    for room in rooms(metadata) {
        let manifest = Path::new(room["manifest_path"].as_str().unwrap());
        let text: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
        let inherits = text.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        if inherits != Some(true) {
            findings.push(format!("{}: does not inherit the workspace's lints", name(room)));
        }
        if room["description"].as_str().is_none_or(str::is_empty) {
            findings.push(format!("{}: has no description", name(room)));
        }
        for target in room["targets"].as_array().unwrap() {
            let source = target["src_path"].as_str().unwrap();
            let first =
                fs::read_to_string(source).unwrap().lines().next().unwrap_or_default().to_owned();
            if !first.starts_with("//! ") && !source.contains("/build.rs") {
                findings.push(format!("{source}: does not begin with what it is (`//! …`)"));
            }
        }
    }
}

/// Whether an SPDX expression can be met with `allowed` licences alone. A `/` is an old way to write `OR`.
fn licensed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    fn any(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
        let mut met = all(words, at, allowed);
        while words.get(*at) == Some(&"OR") {
            *at += 1;
            met |= all(words, at, allowed);
        }
        met
    }
    fn all(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
        let mut met = one(words, at, allowed);
        while words.get(*at) == Some(&"AND") {
            *at += 1;
            met &= one(words, at, allowed);
        }
        met
    }
    fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
        let word = words.get(*at).copied().unwrap_or_default();
        *at += 1;
        if word == "(" {
            let met = any(words, at, allowed);
            *at += 1;
            return met;
        }
        if words.get(*at) == Some(&"WITH") {
            let whole = format!("{word} WITH {}", words.get(*at + 1).copied().unwrap_or_default());
            *at += 2;
            return allowed.contains(&whole);
        }
        allowed.contains(word)
    }
    any(&words, &mut 0, allowed)
}

fn check_dependencies(metadata: &Value, findings: &mut Findings) {
    let deny: toml::Table = fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap();
    let texts = |list: &toml::Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let allowed = texts(&deny["licenses"]["allow"]);
    let banned: BTreeSet<&str> = deny["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ban| ban["crate"].as_str().unwrap())
        .collect();
    let mut used = BTreeSet::new();
    for package in packages(metadata) {
        let who = format!("{} {}", name(package), package["version"].as_str().unwrap());
        let licence = package["license"].as_str().unwrap_or("no licence");
        if !licensed(licence, &allowed) {
            findings
                .push(format!("{who}: `{licence}` can't be met with the licences of deny.toml"));
        }
        used.extend(allowed.iter().filter(|allowed| licence.contains(allowed.as_str())));
        if package["source"].as_str().is_some_and(|source| !source.starts_with("registry+")) {
            findings
                .push(format!("{who}: comes from {}, not from the registry", package["source"]));
        }
        if banned.contains(name(package)) {
            findings.push(format!("{who}: is banned by deny.toml"));
        }
    }
    findings.extend(
        allowed
            .iter()
            .filter(|licence| !used.contains(licence))
            .map(|licence| format!("deny.toml allows {licence}, which nobody has: strike it out")),
    );
}

fn check_root(findings: &mut Findings) {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if !ROOT.contains(&name.as_str()) {
            findings.push(format!("{name}: does not belong at the root"));
        }
    }
}

#[test]
fn the_house_is_in_order() {
    let metadata = metadata();
    let mut findings = Findings::new();
    check_floors(&metadata, &mut findings);
    check_homes(&metadata, &mut findings);
    check_manifests_and_maps(&metadata, &mut findings);
    check_dependencies(&metadata, &mut findings);
    check_root(&mut findings);
    assert!(findings.is_empty(), "{} findings:\n  {}", findings.len(), findings.join("\n  "));
}

/// A house with faults, so that the test above is known to see them.
#[test]
fn faults_are_seen() {
    let package = |name: &str, floor: &str, imports: &[(&str, Option<&str>)]| {
        let imports: Vec<_> = imports
            .iter()
            .map(|(to, kind)| serde_json::json!({"name": to, "kind": kind}))
            .collect();
        let folder = name.trim_start_matches("bottega-");
        serde_json::json!({
            "name": name, "source": null, "metadata": {"bottega": {"floor": floor}},
            "manifest_path": format!("/h/crates/{floor}/{folder}/Cargo.toml"), "dependencies": imports,
        })
    };
    let metadata = serde_json::json!({"packages": [
        package("bottega-llm", "contract", &[("bottega-gateway", None), ("tokio", None), ("bottega-testkit", Some("dev"))]),
        package("bottega-gateway", "kernel", &[("bottega-llm", None), ("rusqlite", None), ("bottega-testkit", None)]),
        package("bottega-cli", "surfaces", &[("bottega-gateway", None)]),
        package("bottega-client", "surfaces", &[("bottega-gateway", None), ("bottega-cli", None)]),
        package("bottega-attic", "attic", &[]),
        package("bottega-testkit", "dev", &[]),
    ]});
    let mut findings = Findings::new();
    check_floors(&metadata, &mut findings);
    check_homes(&metadata, &mut findings);
    assert_eq!(
        findings,
        [
            "bottega-llm (contract) may not import bottega-gateway (kernel)",
            "bottega-gateway (kernel) may not import bottega-testkit (dev)",
            "bottega-cli (surfaces) may not import bottega-gateway (kernel)",
            "bottega-client (surfaces) may not import bottega-cli (surfaces)",
            "bottega-attic: there is no floor `attic`",
            "bottega-llm is on a floor that only thinks; tokio does more",
            "bottega-gateway may not import rusqlite; its home is bottega-journal-sqlite",
        ]
    );
}

#[test]
fn a_licence_expression_is_met_by_what_is_allowed() {
    let allowed: BTreeSet<String> =
        ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only/MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("MIT AND (GPL-3.0-only OR ISC)", true),
        ("(MIT OR ISC) AND GPL-3.0-only", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("", false),
    ] {
        assert_eq!(licensed(expression, &allowed), met, "{expression}");
    }
}
