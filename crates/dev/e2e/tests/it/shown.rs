//! What a person is shown before they say yes, and what a model is shown before anybody is asked.

use std::fs;
use std::os::unix::fs::symlink;

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::json;

use crate::home::Home;
use crate::provider::Provider;

/// A call whose text is made to look like another one. The person sees what it is, says no, and nothing happens.
#[track_caller]
fn check(tool: &str, arguments: &serde_json::Value, face: &str) {
    let home = Home::new();
    let server = ScriptedServer::of_turns([
        Saying::call(tool, arguments.to_string()),
        Saying::text("Not done."),
    ])
    .unwrap();
    let provider = Provider::usual(&server);
    let words = ["run", "--access-mode", "ask", "--model", provider.model(), "list the files"];
    let mut person = home.bottega(&words).with(&provider).at_a_terminal();
    person.sees(face);
    person.sees("characters that are hidden");
    person.types("n\n");
    let (code, seen) = person.waits();
    assert_eq!(code, Some(4), "{seen}");
    assert!(!home.workspace().join("PWNED").exists());
}

#[test]
fn nothing_passes_for_something_else() {
    check("shell", &json!({ "command": "touch PWNED #\rls" }), "touch PWNED #{U+000D}ls");
    let titled = json!({ "command": "ls \u{1b}]0; touch PWNED \u{7}" });
    check("shell", &titled, "ls {U+001B}]0; touch PWNED {U+0007}");
    let file = json!({ "path": "run.sh", "content": "touch PWNED #\recho hello\n" });
    check("write_file", &file, "touch PWNED #{U+000D}echo hello");
}

#[test]
fn a_look_around_opens_no_secret() {
    for (name, leads_to) in
        [("AGENTS.md", "../home/.ssh/id"), ("CLAUDE.md", ".env"), ("sub/AGENTS.md", "/etc/passwd")]
    {
        let home = Home::new();
        let secret = "root:of-all-evil";
        let person = home.workspace().with_file_name("home");
        fs::create_dir_all(person.join(".ssh")).unwrap();
        fs::write(person.join(".ssh/id"), secret).unwrap();
        home.write(".env", secret);
        home.write("sub/ordinary.txt", "x");
        symlink(leads_to, home.workspace().join(name)).unwrap();
        let server = ScriptedServer::of_turns([Saying::text("Hello.")]).unwrap();
        home.run(&Provider::usual(&server), &["hello"]).finish().done();
        let asked = String::from_utf8(server.asked()[0].raw.to_vec()).unwrap();
        assert!(asked.contains("sub/ordinary.txt"), "{asked}");
        assert!(!asked.contains("root:"), "{name}: {asked}");
    }
}

#[test]
fn what_rules_hold_back_is_no_instruction() {
    let home = Home::new();
    home.write("AGENTS.md", "the rules of this house");
    home.settings("[access.rules]\ndeny = [\"read:AGENTS.md\"]\n");
    let server = ScriptedServer::of_turns([Saying::text("Hello.")]).unwrap();
    home.run(&Provider::usual(&server), &["hello"]).finish().done();
    let asked = String::from_utf8(server.asked()[0].raw.to_vec()).unwrap();
    assert!(!asked.contains("the rules of this house"), "{asked}");
}
