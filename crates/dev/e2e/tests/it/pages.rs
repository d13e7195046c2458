//! The server's pages in a real browser: Debian's Chromium, driven by playwright-core.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::binary;
use crate::home::Home;
use crate::live::Live;
use crate::served::serve;

/// The browser, its driver, and what runs the driver; nothing where one of them is not installed.
fn browser() -> Option<(PathBuf, PathBuf, PathBuf)> {
    let path = binary::search_path();
    let program = |name: &str| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/look.mjs");
    let driver = script.with_file_name("node_modules/playwright-core");
    Some((program("node")?, script, program("chromium")?)).filter(|_| driver.is_dir())
}

/// What each screen shows of the page about the API.
#[expect(clippy::print_stderr, reason = "a test that can't look says so")]
fn looks(home: &Home) -> Option<Vec<Value>> {
    let Some((node, script, chromium)) = browser() else {
        eprintln!("no browser here: `cargo xtask setup --extras` brings it");
        return None;
    };
    let (_server, url) = serve(home);
    let token = std::fs::read_to_string(home.own_files().join("data/server-token")).unwrap();
    let child = Command::new(node)
        .arg(script)
        .args([url.as_str(), token.trim()])
        .arg(chromium)
        .env("HOME", home.own_files())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Some(Live::new(child, None).finish().done().events())
}

#[test]
fn the_page_about_the_api_can_be_read_on_every_screen() {
    let home = Home::new();
    let Some(looks) = looks(&home) else { return };
    let screens: Vec<_> = looks.iter().map(|look| (&look["width"], &look["colorScheme"])).collect();
    let expected = [(320, "light"), (390, "dark"), (1280, "light"), (1280, "dark")];
    let expected = expected.map(|(width, colours)| (json!(width), json!(colours)));
    assert!(screens.into_iter().eq(expected.iter().map(|(width, colours)| (width, colours))));
    for look in &looks {
        assert_eq!((&look["status"], &look["refused"]), (&json!(200), &json!(401)), "{look:#}");
        assert_eq!(look["complaints"], json!([]), "{look:#}");
        assert_eq!(look["overflow"], 0, "{look:#}");
        assert_eq!(look["faint"], json!([]), "text that can't be told from its ground: {look:#}");
        assert!(look["texts"].as_u64().unwrap() > 300, "{look:#}");
        assert!(look["operations"].as_u64().unwrap() > 20, "{look:#}");
        assert!(look["headings"].as_array().unwrap().contains(&json!("Agents")), "{look:#}");
        assert!(look["error"].as_str().unwrap().starts_with("BTG0023"), "{look:#}");
    }
}
