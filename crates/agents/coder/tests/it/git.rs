//! The git tools on a real repository. Commands run without a cage here; what the cage is told is checked.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use bottega_policy::{AccessMode, Need, Place};
use bottega_testkit::Unwatched;
use bottega_tool::{CommandSpec, Ending};
use serde_json::{Value, json};

use crate::world::World;

/// A repository with one commit, by somebody whom the user's settings name.
async fn repository() -> World {
    let world = World::new(AccessMode::Auto);
    world.put("home/.gitconfig", b"[user]\n\tname = Ada\n\temail = ada@example.org\n");
    world.put("w/src/a.rs", b"fn a() {}\n");
    world.put("w/.env", b"KEY=one\n");
    git(&world, &["init", "--quiet", "--initial-branch=main"]).await;
    git(&world, &["add", "--all"]).await;
    git(&world, &["commit", "--quiet", "--message=the first"]).await;
    world
}

/// Runs git as the user would.
async fn git(world: &World, words: &[&str]) -> String {
    let spec = CommandSpec {
        argv: [&["git"], words].concat().into_iter().map(str::to_owned).collect(),
        directory: world.path("w"),
        writable: Vec::new(),
        guarded: bottega_tool::Guarded::default(),
        environment: BTreeMap::new(),
        network: true,
        hosts: Vec::new(),
        caged: false,
        timeout: Duration::from_secs(60),
        keep_output: 1 << 20,
    };
    let outcome = world.context.sandbox.run(&spec, &Unwatched).await.unwrap();
    assert_eq!(outcome.ending, Ending::Exited(0), "{words:?}: {}", outcome.output);
    outcome.output
}

async fn text(world: &World, tool: &str, arguments: Value) -> String {
    world.call(tool, &arguments).await.unwrap().text
}

#[tokio::test]
async fn the_state_of_a_repository_is_told() {
    let world = repository().await;
    assert_eq!(text(&world, "git_status", json!({})).await, "## main\nnothing has changed");
    world.put("w/src/a.rs", b"fn a() { 1 }\n");
    world.put("w/new.txt", b"new\n");
    assert_eq!(text(&world, "git_status", json!({})).await, "## main\n M src/a.rs\n?? new.txt");
    let diff = text(&world, "git_diff", json!({})).await;
    assert!(diff.contains("-fn a() {}\n+fn a() { 1 }"), "{diff}");
    let log = text(&world, "git_log", json!({ "path": "src/a.rs" })).await;
    assert!(log.contains(" Ada (HEAD -> main): the first"), "{log}");
    assert_eq!(text(&world, "git_log", json!({ "path": "new.txt" })).await, "no commits");
    let branches = text(&world, "git_branch", json!({})).await;
    assert!(branches.starts_with("* main "), "{branches}");
}

#[tokio::test]
async fn protected_files_show_only_when_they_are_named_and_allowed() {
    let world = repository().await;
    world.put("w/.env", b"KEY=two\n");
    world.put("w/src/a.rs", b"fn b() {}\n");
    let diff = text(&world, "git_diff", json!({})).await;
    assert!(
        !diff.contains("KEY") && diff.contains("the difference of .env is not shown"),
        "{diff}"
    );
    assert!(diff.contains("+fn b() {}"), "{diff}");
    let named = json!({ "paths": [".env"] });
    let refusal = world.call("git_diff", &named).await.unwrap_err();
    assert!(refusal.contains("protected place"), "{refusal}");
    assert!(world.allowed("git_diff", &named).await.unwrap().text.contains("+KEY=two"));
}

#[tokio::test]
async fn a_commit_holds_the_named_files_and_their_author() {
    let world = repository().await;
    world.put("w/src/a.rs", b"fn b() {}\n");
    world.put("w/new.txt", b"new\n");
    world.put("w/mine.txt", b"mine\n");
    git(&world, &["add", "mine.txt"]).await;
    let call =
        json!({ "message": "second $(touch x)\n\nwith a body", "paths": ["new.txt", "src"] });
    let output = world.allowed("git_commit", &call).await.unwrap();
    assert!(!output.failed && output.text.contains("2 files changed"), "{}", output.text);
    let shown = git(&world, &["show", "--name-only", "--format=%an <%ae>%n%B"]).await;
    assert_eq!(
        shown.trim(),
        "Ada <ada@example.org>\nsecond $(touch x)\n\nwith a body\n\n\nnew.txt\nsrc/a.rs"
    );
    // What the user had staged is still staged, and not committed.
    assert_eq!(git(&world, &["status", "--porcelain"]).await, "A  mine.txt\n");
}

#[tokio::test]
async fn what_a_commit_lacks_or_leaves_out_is_told() {
    let world = repository().await;
    let refused = async |call: Value| world.allowed("git_commit", &call).await.unwrap_err();
    let told = refused(json!({ "message": "x" })).await;
    assert!(told.ends_with("nothing is staged; name the files to commit in paths"), "{told}");
    let told = refused(json!({ "message": "x", "paths": ["src/a.rs"] })).await;
    assert!(told.ends_with("nothing has changed in these paths"), "{told}");
    world.put("w/.git/hooks/pre-commit", b"#!/bin/sh\nexit 1\n");
    world.put("w/src/a.rs", b"fn b() {}\n");
    let call = json!({ "message": "x", "paths": ["src/a.rs"] });
    let output = world.allowed("git_commit", &call).await.unwrap();
    let told = "[the repository's hooks did not run: pre-commit]";
    assert!(!output.failed && output.text.ends_with(told), "{}", output.text);
    let none = text(&world, "git_diff", json!({ "paths": ["nowhere"] })).await;
    assert_eq!(none, "no difference (there is no nowhere)");
    world.put("w/.gitmodules", b"");
    let status = text(&world, "git_status", json!({})).await;
    assert!(status.ends_with("[changes inside of submodules are not looked for]"), "{status}");
}

#[tokio::test]
async fn a_branch_is_made_and_left() {
    let world = repository().await;
    let made = json!({ "name": "feature/x", "create": true });
    assert!(!world.allowed("git_branch", &made).await.unwrap().failed);
    assert_eq!(git(&world, &["branch", "--show-current"]).await, "feature/x\n");
    assert!(!world.allowed("git_branch", &json!({ "name": "main" })).await.unwrap().failed);
    assert_eq!(git(&world, &["branch", "--show-current"]).await, "main\n");
    assert!(world.allowed("git_branch", &json!({ "name": "nowhere" })).await.unwrap().failed);
    let refusal = world.allowed("git_branch", &json!({ "name": "-d" })).await.unwrap_err();
    assert!(refusal.contains("no branch's name"), "{refusal}");
}

#[tokio::test]
async fn nothing_of_the_repository_is_run() {
    let world = repository().await;
    let trap = |name: &str| format!("touch {}", world.path(&format!("w/trapped-{name}")).display());
    for (key, name) in [
        ("core.fsmonitor", "monitor"),
        ("core.pager", "pager"),
        ("core.editor", "editor"),
        ("diff.external", "external"),
        ("diff.rs.command", "driver"),
        ("diff.rs.textconv", "textconv"),
        ("gpg.program", "signature"),
        ("alias.status", "alias"),
    ] {
        git(&world, &["config", key, &trap(name)]).await;
    }
    git(&world, &["config", "commit.gpgSign", "true"]).await;
    git(&world, &["config", "log.showSignature", "true"]).await;
    world.put("w/.git/info/attributes", b"*.rs diff=rs\n");
    for hook in ["pre-commit", "commit-msg", "post-commit", "post-checkout", "post-index-change"] {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("w/.git/hooks/{hook}");
        world.put(&name, format!("#!/bin/sh\n{}\n", trap(hook)).as_bytes());
        fs::set_permissions(world.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    world.put("w/src/a.rs", b"fn trapped() {}\n");
    text(&world, "git_status", json!({})).await;
    assert!(text(&world, "git_diff", json!({})).await.contains("+fn trapped() {}"));
    text(&world, "git_log", json!({})).await;
    text(&world, "git_branch", json!({})).await;
    let commit = json!({ "message": "x", "paths": ["src/a.rs"] });
    let output = world.allowed("git_commit", &commit).await.unwrap();
    assert!(!output.failed, "{}", output.text);
    let branch = json!({ "name": "other", "create": true });
    assert!(!world.allowed("git_branch", &branch).await.unwrap().failed);
    let trapped: Vec<String> = fs::read_dir(world.path("w"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("trapped"))
        .collect();
    assert!(trapped.is_empty(), "{trapped:?}");
}

#[tokio::test]
async fn a_person_is_asked_for_what_changes_the_repository() {
    let mut world = World::new(AccessMode::Ask);
    world.put("w/a.txt", b"a\n");
    let commit = json!({ "message": "it's done", "paths": ["a.txt"] });
    let git = Need::Write { path: ".git".to_owned(), place: Place::Protected };
    for mode in [AccessMode::Ask, AccessMode::Auto] {
        world.context.mode = mode;
        assert!(world.needs("git_commit", &commit).await.contains(&git));
        assert!(world.needs("git_branch", &json!({ "name": "x" })).await.contains(&git));
        let refusal = world.call("git_commit", &commit).await.unwrap_err();
        assert!(refusal.starts_with("a person is asked"), "{refusal}");
        let reading = Need::Read { path: ".".to_owned(), place: Place::Inside };
        for tool in ["git_status", "git_diff", "git_log", "git_branch"] {
            assert_eq!(
                world.needs(tool, &json!({})).await,
                std::slice::from_ref(&reading),
                "{tool}"
            );
        }
    }
    world.context.mode = AccessMode::Full;
    let needs = world.needs("git_commit", &commit).await;
    let Some(Need::Execute { command, parts, caged: false }) = needs.last() else {
        panic!("{needs:?}");
    };
    assert!(command.starts_with("git commit ") && command.ends_with(" -- a.txt"), "{command}");
    assert_eq!(parts.len(), 1);
    let option = world.call("git_diff", &json!({ "commit": "--output=x" })).await.unwrap_err();
    assert!(option.contains("is no revision"), "{option}");
}

#[tokio::test]
async fn a_folder_without_a_repository_is_said_to_be_none() {
    let world = World::new(AccessMode::Full);
    let refusal = world.call("git_status", &json!({})).await.unwrap_err();
    assert!(refusal.contains("no git repository"), "{refusal}");
}
