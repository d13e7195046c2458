//! The worlds, the catalogue of capabilities and the templates say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bottega_manifest::{Capability, Manifest};
use wit_parser::{Resolve, WorldItem};

const TEMPLATES: [&str; 4] = ["rust", "python", "js", "c"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn worlds() -> Resolve {
    let mut worlds = Resolve::default();
    worlds
        .push_str("guest.wit", &fs::read_to_string(root().join("wit/guest.wit")).unwrap())
        .unwrap();
    worlds
}

/// The words between `before` and `after` in each line that has both.
fn between(text: &str, before: &str, after: &str) -> BTreeSet<String> {
    let found = text.lines().filter_map(|line| line.split_once(before)?.1.split_once(after));
    found.map(|(word, _)| word.to_owned()).collect()
}

#[test]
fn every_capability_is_an_interface_and_every_interface_a_capability() {
    let worlds = worlds();
    let (_, world) = worlds.worlds.iter().find(|(_, world)| world.name == "capabilities").unwrap();
    let imported: BTreeSet<_> = world
        .imports
        .values()
        .filter_map(|item| match item {
            WorldItem::Interface { id, .. } => worlds.interfaces[*id].name.as_deref(),
            WorldItem::Function(_) | WorldItem::Type { .. } => None,
        })
        .filter(|name| *name != "types")
        .collect();
    assert_eq!(imported, Capability::ALL.iter().map(|capability| capability.key()).collect());
}

#[test]
fn every_template_is_granted_what_it_uses_and_no_more() {
    for template in TEMPLATES {
        let folder = root().join("guests/templates").join(template);
        let manifest =
            Manifest::parse(&fs::read_to_string(folder.join(Manifest::FILE)).unwrap()).unwrap();
        let granted: BTreeSet<_> =
            manifest.capabilities.granted().map(|capability| capability.key().to_owned()).collect();
        let used = match fs::read_to_string(folder.join("wit/world.wit")) {
            Ok(world) => between(&world, "import bottega:guest/", "@"),
            // Of these only what is called is imported.
            Err(_) => ["log", "send"].map(str::to_owned).into(),
        };
        assert_eq!(granted, used, "{template}");
        assert!(folder.join("build.sh").is_file(), "{template}");
    }
}

#[test]
fn the_header_for_c_names_functions_of_the_worlds() {
    let worlds = worlds();
    let text = fs::read_to_string(root().join("guests/templates/c/bottega.h")).unwrap();
    let functions: BTreeSet<_> = worlds
        .interfaces
        .iter()
        .filter_map(|(_, interface)| Some((interface.name.as_deref()?, interface)))
        .flat_map(|(name, interface)| {
            interface.functions.keys().map(move |function| format!("{name}\", \"{function}"))
        })
        .collect();
    let named = between(&text, "BOTTEGA_IMPORT(\"", "\")");
    let exported = ["behaviour", "callable", "types"];
    let imported = |function: &&String| !exported.iter().any(|name| function.starts_with(name));
    let asked: BTreeSet<_> = functions.iter().filter(imported).cloned().collect();
    assert_eq!(named, asked, "every function of every capability, and nothing else");
}
