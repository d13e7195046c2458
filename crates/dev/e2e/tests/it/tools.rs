//! The tools in the real binary: in its cage, before a person, within their size.

use std::fs;
use std::path::Path;
use std::process::Command;

use bottega_testkit::{Saying, ScriptedServer, WireProtocol};
use serde_json::{Value, json};

use crate::binary;
use crate::home::Home;
use crate::processes::Marked;
use crate::provider::Provider;

/// Bytes of a large model's first request at most.
const FIRST_REQUEST: usize = 8 * 1024;

fn call(tool: &str, arguments: &Value) -> Saying {
    Saying::call(tool, arguments.to_string())
}

/// Runs git as the person would.
fn git(home: &Home, words: &[&str]) -> String {
    git_in(home, &home.workspace(), words)
}

fn git_in(home: &Home, folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("PATH", binary::search_path())
        .env("HOME", home.workspace().with_file_name("home"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A home whose workspace is a repository with one commit.
fn repository() -> Home {
    let home = Home::new();
    let settings = home.workspace().with_file_name("home").join(".gitconfig");
    fs::write(settings, "[user]\n\tname = Ada\n\temail = ada@example.org\n").unwrap();
    git(&home, &["init", "--quiet", "--initial-branch=main"]);
    git(&home, &["add", "--all"]);
    git(&home, &["commit", "--quiet", "--message=the first"]);
    home
}

/// The last request, as text.
fn heard(server: &ScriptedServer) -> String {
    String::from_utf8_lossy(&server.asked().last().unwrap().raw).into_owned()
}

#[test]
fn the_first_request_is_small() {
    for protocol in
        [WireProtocol::Anthropic, WireProtocol::Responses, WireProtocol::ChatCompletions]
    {
        let home = Home::new();
        let server = ScriptedServer::of_turns([Saying::text("Done.")]).unwrap();
        home.run(&Provider::new(protocol, &server), &["say that you are done"]).finish().done();
        let bytes = server.asked()[0].raw.len();
        assert!(bytes <= FIRST_REQUEST, "{protocol:?}: {bytes} bytes");
    }
}

#[test]
fn git_that_only_looks_can_write_nothing() {
    let home = repository();
    // Git itself runs a repository's filters when it reads files.
    let trap = home.workspace().join("trapped");
    let filter = format!("sh -c 'touch {}; cat'", trap.display());
    git(&home, &["config", "filter.f.clean", &filter]);
    home.write(".git/info/attributes", "*.py filter=f\n");
    home.write("src/sum.py", "def sum(a, b):\n    return a + b\n");
    let server = ScriptedServer::of_turns([
        call("git_status", &json!({})).and_call("git_diff", "{}").and_call("git_log", "{}"),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["what changed?"]).finish().done();
    let heard = heard(&server);
    for words in ["## main", " M src/sum.py", "+    return a + b", "Ada (HEAD -> main): the first"]
    {
        assert!(heard.contains(words), "{words}: {heard}");
    }
    assert!(!trap.exists());
}

#[test]
fn a_commit_is_made_when_a_person_says_so() {
    let home = repository();
    home.write("new.txt", "new\n");
    let commit = json!({ "message": "the second", "paths": ["new.txt"] });
    let server =
        ScriptedServer::of_turns([call("git_commit", &commit), Saying::text("Done.")]).unwrap();
    home.run(&Provider::usual(&server), &["commit it"]).finish().with_code(4);
    let refusal = "to write .git touches a protected place, and there is no terminal to ask";
    assert!(heard(&server).contains(refusal), "{}", heard(&server));
    assert_eq!(git(&home, &["log", "--format=%an: %s"]), "Ada: the first\n");

    let server =
        ScriptedServer::of_turns([call("git_commit", &commit), Saying::text("Done.")]).unwrap();
    let mut person = home.run(&Provider::usual(&server), &["commit it"]).at_a_terminal();
    person.sees("[y]es once");
    person.types("y\r");
    let (code, seen) = person.waits();
    assert_eq!(code, Some(0), "{seen}");
    assert_eq!(git(&home, &["log", "--format=%an: %s"]), "Ada: the second\nAda: the first\n");
}

/// Agents that work side by side have a worktree each.
#[test]
fn a_linked_worktree_is_looked_at_and_committed_in() {
    let home = repository();
    let main = home.workspace().with_file_name("main");
    fs::rename(home.workspace(), &main).unwrap();
    let tree = home.workspace();
    git_in(&home, &main, &["worktree", "add", "--quiet", &tree.to_string_lossy()]);
    home.write("new.txt", "new\n");
    let commit = json!({ "message": "the second", "paths": ["new.txt"] });
    let server = ScriptedServer::of_turns([
        call("git_status", &json!({})),
        call("shell", &json!({ "command": "git log --format=%s; echo x >> ../main/.git/config" })),
        call("git_commit", &commit),
        Saying::text("Done."),
    ])
    .unwrap();
    let mut person = home.run(&Provider::usual(&server), &["commit it"]).at_a_terminal();
    person.sees("[y]es once");
    person.types("y\r");
    let (code, seen) = person.waits();
    assert_eq!(code, Some(0), "{seen}");
    let heard = heard(&server);
    for words in ["?? new.txt", "the first", "Read-only file system", "1 file changed"] {
        assert!(heard.contains(words), "{words}: {heard}");
    }
    assert_eq!(git(&home, &["log", "--format=%an: %s"]), "Ada: the second\nAda: the first\n");
}

#[test]
fn a_job_ends_with_its_session() {
    let home = Home::new();
    let mark = format!("4711.{}", std::process::id());
    let server = ScriptedServer::of_turns([
        call("job", &json!({ "command": format!("echo ready; exec sleep {mark}"), "wait": 60 })),
        call("job", &json!({ "id": 1 })),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["serve"]).finish().done();
    let heard = heard(&server);
    assert!(heard.contains(r"job 1 runs\nready") && heard.contains("(no new output)"), "{heard}");
    Marked::find(&mark).wait_until_gone();
}

#[test]
fn a_question_without_a_terminal_never_blocks() {
    let home = Home::new();
    let question = json!({ "question": "Which one?", "choices": ["a", "b"] });
    let server =
        ScriptedServer::of_turns([call("ask_user", &question), Saying::text("Done.")]).unwrap();
    home.run(&Provider::usual(&server), &["choose"]).silent_input().finish().done();
    assert!(heard(&server).contains("There is nobody to ask"), "{}", heard(&server));
}

#[test]
fn a_patch_that_fails_leaves_every_file_alone() {
    let home = Home::new();
    let before = home.tree();
    let patch = "*** Begin Patch\n*** Update File: greeting.txt\n@@\n-Hello, world.\n+Hi.\n*** Update File: src/sum.py\n@@\n\
                 -    return a * b\n+    return a + b\n*** Add File: made/new.txt\n+new\n*** End Patch";
    let good = patch.replace("a * b", "a - b");
    let server = ScriptedServer::of_turns([
        call("apply_patch", &json!({ "patch": patch })),
        call("apply_patch", &json!({ "patch": good })),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["patch"]).finish().done();
    let second = String::from_utf8_lossy(&server.asked()[1].raw).into_owned();
    assert!(
        second.contains("no file was changed") && second.contains("src/sum.py, hunk 1"),
        "{second}"
    );
    assert_eq!(home.read("made/new.txt"), "new\n");
    assert!(
        home.read("src/sum.py").contains("a + b") && home.read("greeting.txt").starts_with("Hi.")
    );
    home.bottega(&["sessions", "undo", "last"]).finish().done();
    assert_eq!(home.tree(), before);
}

#[test]
fn calls_of_one_answer_that_change_something_run_in_their_order() {
    let home = Home::new();
    home.write("a.py", "x = 1\ny = 1\n");
    let edit = |old: &str, new: &str| {
        json!({ "path": "a.py", "old_text": old, "new_text": new }).to_string()
    };
    let server = ScriptedServer::of_turns([
        call("read_file", &json!({ "path": "a.py" })),
        call("edit_file", &json!({ "path": "a.py", "old_text": "x = 1", "new_text": "x = 10" }))
            .and_call("edit_file", edit("y = 1", "y = 10"))
            .and_call("shell", json!({ "command": "cat a.py" }).to_string())
            .and_call("write_file", json!({ "path": "b.txt", "content": "fresh" }).to_string())
            .and_call("shell", json!({ "command": "cat b.txt && rm b.txt" }).to_string())
            .and_call("list_files", json!({}).to_string()),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["task"]).finish().done();
    assert_eq!(home.read("a.py"), "x = 10\ny = 10\n");
    let heard = heard(&server);
    let answers: Vec<&str> = heard.split("\"role\":\"tool\"").skip(2).collect();
    assert!(answers[2].contains("x = 10\\ny = 10"), "{}", answers[2]);
    assert!(answers[4].contains("fresh"), "{}", answers[4]);
    assert!(!answers[5].contains("b.txt"), "{}", answers[5]);
}
