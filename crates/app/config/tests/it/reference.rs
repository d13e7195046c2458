//! The reference page and the schema in `docs/` are those of the code.

use std::fs;
use std::path::Path;

use bottega_config::{Environment, reference_markdown, schema};

/// Compares a page with what is generated; writes it instead where `UPDATE_REFERENCE` is set.
#[track_caller]
fn check(name: &str, generated: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/reference");
    let file = folder.join(name);
    if Environment::capture().get("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, generated).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == generated,
        "docs/reference/{name} is old; run `UPDATE_REFERENCE=1 cargo test -p bottega-config`"
    );
}

#[test]
fn the_reference_page_is_up_to_date() {
    check("settings.md", &reference_markdown());
}

#[test]
fn the_schema_is_up_to_date() {
    check("settings.schema.json", &format!("{:#}\n", schema()));
}

#[test]
fn the_schema_refuses_what_is_not_known() {
    let schema = schema();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["limits"]["additionalProperties"], false);
    assert_eq!(schema["properties"]["limits"]["properties"]["turns"]["default"], 100);
}
