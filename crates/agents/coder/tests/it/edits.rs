//! Edits told as folders, judged by the bytes on disk and by the exact refusal.
//!
//! `tests/edits/NAME/` has `before/` (the workspace), `call.json` (a call, or several of which the last counts), and
//! either `after/` (the workspace afterwards, whole) or `refusal.txt` (the words of the refusal; nothing may have
//! changed then). `setup.txt` says what files can't, line by line, in this order:
//!
//! | line | |
//! | --- | --- |
//! | `bytes PATH TEXT` | a file, with `\\n`, `\\r`, `\\t`, `\\0`, `\\\\` and `\\xNN` in the text |
//! | `link PATH TARGET` | a symbolic link; `OUT` in the target is the folder around the workspace |
//! | `hard PATH TARGET` | another name of a file |
//! | `mode PATH OCTAL` | mode bits |
//! | `folder PATH` | an empty folder |
//! | `read PATH` | the agent reads the file |
//! | `gone PATH` | the file is deleted |
//!
//! `expect.txt` has lines of the first four kinds, for what holds afterwards beside `after/`. Modes and links are as
//! before unless it says otherwise. `PATH` is relative to the workspace; `../x` lies outside.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use bottega_policy::AccessMode;
use serde_json::{Value, json};

use crate::world::World;

/// As many are promised.
const FEWEST: usize = 60;

/// The mode of a new file is the machine's business.
const ANY: u32 = 0;

/// What lies on disk: mode and bytes by path.
type Tree = BTreeMap<String, (u32, Vec<u8>)>;

#[tokio::test]
async fn every_edit_ends_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/edits");
    let mut scenarios: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    scenarios.sort();
    assert!(scenarios.len() >= FEWEST, "only {}", scenarios.len());
    let mut faults = Vec::new();
    for scenario in &scenarios {
        if let Err(fault) = play(scenario).await {
            faults
                .push(format!("=== {}\n{fault}", scenario.file_name().unwrap().to_string_lossy()));
        }
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), scenarios.len(), faults.join("\n"));
}

/// Plays one scenario; says what is not as expected.
async fn play(scenario: &Path) -> Result<(), String> {
    let world = World::new(AccessMode::Auto);
    copy(&scenario.join("before"), &world.path("w"));
    for line in lines(&scenario.join("setup.txt")) {
        prepare(&world, &line).await;
    }
    let before = tree(&world);
    let said = call(&world, scenario).await?;
    let after = tree(&world);
    let refusal = fs::read_to_string(scenario.join("refusal.txt")).ok();
    match (said, refusal) {
        (Ok(_), None) => differences(&expected(&world, scenario, &before), &after),
        (Err(said), Some(refusal)) if said.trim_end() == refusal.trim_end() => {
            differences(&before, &after)
        }
        (Err(said), _) => Err(format!("it was refused:\n{said}")),
        (Ok(text), Some(_)) => Err(format!("it was not refused:\n{text}")),
    }
}

/// Makes the calls. Those before the last must succeed.
async fn call(world: &World, scenario: &Path) -> Result<Result<String, String>, String> {
    let text = fs::read_to_string(scenario.join("call.json")).unwrap();
    let call: Value = serde_json::from_str(&text).unwrap();
    let calls = call.as_array().cloned().unwrap_or_else(|| vec![call]);
    let mut said = Err("there is no call".to_owned());
    for (number, call) in calls.iter().enumerate() {
        said = world.call(call["tool"].as_str().unwrap(), &call["arguments"]).await;
        if number + 1 < calls.len() {
            said.as_ref().map_err(|refusal| format!("an earlier call was refused:\n{refusal}"))?;
        }
    }
    Ok(said.map(|output| output.text))
}

/// What must lie on disk after a call that was not refused.
fn expected(world: &World, scenario: &Path, before: &Tree) -> Tree {
    // Outside, and links: as they were.
    let mut tree: Tree = before
        .iter()
        .filter(|(path, (_, bytes))| !path.starts_with("w/") || bytes.starts_with(b"-> "))
        .map(|(path, file)| (path.clone(), file.clone()))
        .collect();
    let after = scenario.join("after");
    for path in files(&after) {
        let name = format!("w/{}", path.strip_prefix(&after).unwrap().to_string_lossy());
        let mode = before.get(&name).map_or(ANY, |(mode, _)| *mode);
        tree.insert(name, (mode, fs::read(path).unwrap()));
    }
    for line in lines(&scenario.join("expect.txt")) {
        let mut words = line.splitn(3, ' ');
        let (verb, path) = (words.next().unwrap(), inside(words.next().unwrap()));
        let rest = words.next().unwrap_or_default();
        match verb {
            "bytes" => {
                let mode = before.get(&path).map_or(ANY, |(mode, _)| *mode);
                tree.insert(path, (mode, unescaped(rest)));
            }
            "link" => {
                let target = rest.replace("OUT", &world.path("").to_string_lossy());
                tree.insert(path, (0o777, format!("-> {target}").into_bytes()));
            }
            "mode" => {
                tree.get_mut(&path).unwrap().0 = u32::from_str_radix(rest, 8).unwrap();
            }
            "gone" => {
                tree.remove(&path);
            }
            _ => panic!("expect.txt: `{line}`"),
        }
    }
    tree
}

fn differences(expected: &Tree, actual: &Tree) -> Result<(), String> {
    let shown = |file: Option<&(u32, Vec<u8>)>| match file {
        Some((mode, bytes)) => format!("{mode:o} {}", bytes.escape_ascii()),
        None => "nothing".to_owned(),
    };
    let faults: Vec<String> = expected
        .keys()
        .chain(actual.keys().filter(|path| !expected.contains_key(*path)))
        .filter(|path| match (expected.get(*path), actual.get(*path)) {
            (Some((ANY, expected)), Some((_, actual))) => expected != actual,
            (expected, actual) => expected != actual,
        })
        .map(|path| {
            format!(
                "{path}\n  expected: {}\n  actual:   {}",
                shown(expected.get(path)),
                shown(actual.get(path))
            )
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

async fn prepare(world: &World, line: &str) {
    let mut words = line.splitn(3, ' ');
    let (verb, name) = (words.next().unwrap(), words.next().unwrap());
    let rest = words.next().unwrap_or_default();
    let path = world.path(&inside(name));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    match verb {
        "bytes" => fs::write(path, unescaped(rest)).unwrap(),
        "link" => {
            symlink(rest.replace("OUT", &world.path("").to_string_lossy()), path).unwrap();
        }
        "hard" => fs::hard_link(world.path(&inside(rest)), path).unwrap(),
        "mode" => {
            let mode = u32::from_str_radix(rest, 8).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        "folder" => fs::create_dir_all(path).unwrap(),
        "read" => {
            world.call("read_file", &json!({ "path": name })).await.unwrap();
        }
        "gone" => fs::remove_file(path).unwrap(),
        _ => panic!("setup.txt: `{line}`"),
    }
}

/// A path below the folder around the workspace.
fn inside(name: &str) -> String {
    name.strip_prefix("../").map_or_else(|| format!("w/{name}"), str::to_owned)
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            bytes.extend(character.to_string().bytes());
            continue;
        }
        match rest.next().unwrap() {
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            '0' => bytes.push(0),
            '\\' => bytes.push(b'\\'),
            'x' => {
                let digits: String = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            other => panic!("there is no escape \\{other}"),
        }
    }
    bytes
}

/// The files below a folder that may be missing.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, fs::read(&path).unwrap()).unwrap();
        fs::set_permissions(target, fs::Permissions::from_mode(0o644)).unwrap();
    }
}

fn tree(world: &World) -> Tree {
    world
        .machine
        .everything()
        .unwrap()
        .into_iter()
        .filter(|(path, _)| !path.ends_with('/'))
        .collect()
}
