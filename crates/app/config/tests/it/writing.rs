//! Changing settings files.

use std::fs;

use bottega_config::{EditError, Editor, Layer};
use bottega_types::Timestamp;

use crate::world::{World, report};

const NOW: Timestamp = Timestamp::from_millis(1);

/// Changes the user's file and compares all of it.
#[track_caller]
fn check(before: &str, path: &str, value: &str, after: &str) {
    let world = World::new();
    world.write("user", before);
    let editor = Editor::new(&world.places, None);
    editor.set(&path.parse().unwrap(), value, Layer::User, NOW).unwrap();
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
    let editor = Editor::new(&world.places, None);
    editor.unset(&"limits.turns".parse().unwrap(), Layer::User, NOW).unwrap();
    let after = fs::read_to_string(world.file("user")).unwrap();
    assert_eq!(after, "# mine\n[limits]\ntime = \"1h\" # long\n");
}

#[test]
fn a_bad_value_leaves_the_file_as_it_was() {
    let refused = |before: &str, path: &str, value: &str| {
        let world = World::new();
        world.write("user", before);
        let editor = Editor::new(&world.places, None);
        let error = editor.set(&path.parse().unwrap(), value, Layer::User, NOW).unwrap_err();
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
    let editor = Editor::new(&world.places, None);
    let result = editor.set(&"limits.turns".parse().unwrap(), "7", Layer::User, NOW);
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
    let editor = Editor::new(&world.places, None);
    let result = editor.set(&"limits.turns".parse().unwrap(), "7", Layer::User, NOW);
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
    let editor = Editor::new(&world.places, None);
    editor.set(&"limits.turns".parse().unwrap(), "7", Layer::User, NOW).unwrap();
    assert!(world.file("user").is_symlink());
    assert_eq!(fs::read_to_string(kept).unwrap(), "[limits]\nturns = 7\n");
}

#[test]
fn what_a_person_sets_in_a_project_is_trusted_and_the_rest_is_not() {
    let world = World::new();
    let workspace = world.workspace();
    let editor = Editor::new(&world.places, Some(&workspace));
    let turns = "limits.turns".parse().unwrap();
    editor.set(&turns, "7", Layer::Project, NOW).unwrap();
    editor.set(&turns, "8", Layer::Local, NOW).unwrap();
    assert_eq!(world.load().unwrap().settings().limits.turns, 8);

    world.write("project", "limits.turns = 1\nlimits.repeats = 50\n");
    editor.set(&turns, "9", Layer::Local, NOW).unwrap();
    let config = world.load().unwrap();
    assert_eq!(config.settings().limits.turns, 100);
    assert_eq!(config.notices().len(), 1);
}

#[test]
fn only_files_can_be_changed() {
    let world = World::new();
    let editor = Editor::new(&world.places, None);
    let set = |layer| editor.set(&"limits.turns".parse().unwrap(), "7", layer, NOW);
    assert!(matches!(set(Layer::Environment), Err(EditError::NoFile { .. })));
    assert!(matches!(set(Layer::Project), Err(EditError::NoWorkspace)));
    assert!(set(Layer::System).is_ok());
}
