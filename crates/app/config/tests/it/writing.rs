//! Changing settings files.

use std::fs;

use bottega_config::{EditError, Editor, Layer, Sources};
use bottega_types::Timestamp;

use crate::world::{World, report};

/// Changes the user's file and compares all of it.
#[track_caller]
fn check(before: &str, path: &str, value: &str, after: &str) {
    let world = World::new();
    world.write("user", before);
    world.set(Layer::User, path, value).unwrap();
    assert_eq!(fs::read_to_string(world.file("user")).unwrap(), after);
    world.load().unwrap();
}

#[test]
fn comments_and_layout_stay() {
    check(
        "# mine\n[limits]  # all of them\nturns   = 3   # few\ntime = \"1h\"\n",
        "limits.turns",
        "7",
        "# mine\n[limits]  # all of them\nturns   = 7   # few\ntime = \"1h\"\n",
    );
    check(
        "limits = { turns = 3 } # x\n",
        "limits.repeats",
        "5",
        "limits = { turns = 3 , repeats = 5 } # x\n",
    );
    check(
        "",
        "access.rules.deny",
        "run:rm, net:*",
        "[access.rules]\ndeny = [\"run:rm\", \"net:*\"]\n",
    );
    check(
        "[limits]\nturns = 3\n",
        "providers.openai.headers.\"X-Team\"",
        "blue",
        "[limits]\nturns = 3\n\n[providers.openai.headers]\nX-Team = \"blue\"\n",
    );
    check("", "access.rules.deny", "['run:a, b']", "[access.rules]\ndeny = [\"run:a, b\"]\n");
    check("", "ui.cost", "off", "[ui]\ncost = false\n");
    check("", "budget.per_run.money", "0.25", "[budget.per_run]\nmoney = 0.25\n");
    check("", "limits.tool_output", "64KiB", "[limits]\ntool_output = \"64KiB\"\n");
    check("", "providers.openai.key", "secret:work", "[providers.openai]\nkey = \"secret:work\"\n");
}

#[test]
fn a_setting_is_taken_out_again() {
    let world = World::new();
    world.write("user", "# mine\n[limits]\nturns = 3\ntime = \"1h\" # long\n");
    world.unset(Layer::User, "limits.turns").unwrap();
    let after = fs::read_to_string(world.file("user")).unwrap();
    assert_eq!(after, "# mine\n[limits]\ntime = \"1h\" # long\n");
}

#[test]
fn a_bad_value_leaves_the_file_as_it_was() {
    let refused = |before: &str, path: &str, value: &str| {
        let world = World::new();
        world.write("user", before);
        let error = world.set(Layer::User, path, value).unwrap_err();
        assert_eq!(fs::read_to_string(world.file("user")).unwrap(), before);
        world.clean(&report(&error))
    };
    let key = refused("", "providers.openai.key", "sk-canary-0123456789abcdef");
    assert!(!key.contains("canary"), "{key}");
    let all = [
        refused("limits.turns = 3", "limits.turns", "many"),
        refused("limits.turns = 3", "limits.trns", "4"),
        refused("limits.turn = 3", "limits.turns", "4"),
        refused("", "limits", "4"),
        refused("", "model.default", "opnai/x"),
        refused("", "providers.mine.max_concurrency", "3"),
        key,
    ];
    insta::assert_snapshot!(all.join("---\n"));
}

#[test]
fn a_folder_that_can_not_be_written_keeps_its_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new();
    world.write("user", "limits.turns = 3");
    let folder = world.file("user").parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    // Whoever may write everywhere (root) is not stopped by permissions: then there is nothing to see.
    let may_write_anyway = fs::write(folder.join("probe"), "").is_ok();
    let result = world.set(Layer::User, "limits.turns", "7");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    if may_write_anyway {
        assert!(result.is_ok());
    } else {
        assert!(matches!(result, Err(EditError::Disk { .. })));
        assert_eq!(fs::read_to_string(world.file("user")).unwrap(), "limits.turns = 3");
    }
}

#[test]
fn a_write_that_fails_leaves_no_rest() {
    // A folder stands where the file belongs, which stops everybody, root too.
    let world = World::new();
    fs::create_dir_all(world.file("user")).unwrap();
    let result = world.set(Layer::User, "limits.turns", "7");
    assert!(matches!(result, Err(EditError::Disk { .. })));
    let folder = world.file("user").parent().unwrap().to_owned();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn a_link_stays_a_link() {
    let world = World::new();
    world.write("user", "");
    let kept = world.workspace().join("kept.toml");
    fs::rename(world.file("user"), &kept).unwrap();
    std::os::unix::fs::symlink(&kept, world.file("user")).unwrap();
    world.set(Layer::User, "limits.turns", "7").unwrap();
    assert!(world.file("user").is_symlink());
    assert_eq!(fs::read_to_string(kept).unwrap(), "[limits]\nturns = 7\n");
}

#[test]
fn what_a_person_sets_in_a_project_is_trusted_and_the_rest_is_not() {
    let world = World::new();
    world.set(Layer::Project, "limits.turns", "7").unwrap();
    world.set(Layer::Local, "limits.turns", "8").unwrap();
    assert_eq!(world.load().unwrap().settings().limits.turns, 8);

    world.write("project", "limits.turns = 1\nlimits.repeats = 50\n");
    world.set(Layer::Local, "limits.turns", "9").unwrap();
    let config = world.load().unwrap();
    assert_eq!(config.settings().limits.turns, 100);
    assert_eq!(config.notices().len(), 1);
}

#[test]
fn what_was_wrong_before_does_not_stop_a_change() {
    let world = World::new();
    world.write("user", "model.default = \"opnai/x\"\n");
    world.set(Layer::User, "limits.turns", "7").unwrap();
    world.set(Layer::User, "model.default", "openai/x").unwrap();
    world.load().unwrap();
}

#[test]
fn only_files_can_be_changed() {
    let world = World::new();
    let set = |layer| world.set(layer, "limits.turns", "7");
    assert!(matches!(set(Layer::Environment), Err(EditError::NoFile { .. })));
    let nowhere = world.with_sources(|sources| {
        let editor = Editor::new(Sources { workspace: None, ..sources });
        editor.set(&"limits.turns".parse().unwrap(), "7", Layer::Project, Timestamp::from_millis(1))
    });
    assert!(matches!(nowhere, Err(EditError::NoWorkspace)));
    assert!(set(Layer::System).is_ok());
}
