//! The reference page of the settings.

use std::fmt::Write as _;

use serde_json::Value;

use crate::config::as_toml;
use crate::shape::{Field, SHAPE, Shape};
use crate::vendor::{DEFAULT_LOCAL_MODEL, VENDORS, VENDORS_AS_OF};
use crate::{SettingPath, variables};

const INTRODUCTION: &str = "\
# Settings

This page is written by `bottega-config` from the settings themselves; `settings.schema.json` beside it is
their JSON Schema.

## Layers

Each layer wins over those before it:

| layer | where |
| --- | --- |
| default | built in, listed below |
| system | `/etc/bottega/config.toml` |
| user | `$XDG_CONFIG_HOME/bottega/config.toml`, or `$BOTTEGA_HOME/config/config.toml` |
| project | `.bottega/config.toml` at the root of the workspace, once the folder is trusted |
| local | `.bottega/config.local.toml` beside it, for what is yours alone; the same trust |
| environment | the variables below |
| flag | the flags of one command |

A list replaces the list of the layer before, except where it says that the layers add to each other.
Settings of a folder that is not trusted are ignored and Bottega says so; a change to them needs trust anew.
Unknown keys and impossible values are refused, all of them at once. Keys and other secrets are never written
into a file: name them as `${VARIABLE}` or `secret:NAME`.

`bottega config show` lists every value with its origin.
";

/// The reference page, in Markdown.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Settings by section\n");
    section(&mut page, &SettingPath::root(), "", &SHAPE);
    page.push_str("\n## Known providers\n\n");
    let _ = writeln!(
        page,
        "Default models as of {VENDORS_AS_OF}. Without a key or a running Ollama, the local model \
         `{DEFAULT_LOCAL_MODEL}` is used or offered.\n\n\
         | provider | protocol | address | key | default model |\n| --- | --- | --- | --- | --- |"
    );
    for vendor in VENDORS {
        let keys: Vec<_> = vendor.key_variables.iter().map(|key| format!("`{key}`")).collect();
        let model =
            vendor.default_model.map_or("the first installed".to_owned(), |m| format!("`{m}`"));
        let _ = writeln!(
            page,
            "| `{}` | `{}` | `{}` | {} | {model} |",
            vendor.name,
            vendor.protocol.as_str(),
            vendor.base_url,
            keys.join(", ")
        );
    }
    page.push_str(
        "\n## Environment variables\n\n\
         A variable that is empty counts as absent. Items of a list are separated by commas.\n\n\
         | variable | sets | meaning |\n| --- | --- | --- |\n",
    );
    for variable in variables() {
        let setting = variable.setting.map_or_else(String::new, |setting| format!("`{setting}`"));
        let _ = writeln!(page, "| `{}` | {setting} | {} |", variable.name, cell(&variable.meaning));
    }
    page
}

/// A heading and a table for what stands right here, then the sections below.
fn section(page: &mut String, path: &SettingPath, shown: &str, field: &Field) {
    let Shape::Table { fields, others } = &field.shape else { return };
    let is_table = |field: &Field| matches!(field.shape, Shape::Table { .. });
    let values: Vec<_> = fields.iter().filter(|(_, field)| !is_table(field)).collect();
    if !values.is_empty() {
        let _ = write!(page, "\n### `[{shown}]`\n\n{}\n\n", field.doc);
        page.push_str("| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
    }
    for (name, field) in values {
        let default = field.default.as_ref().filter(|value| !is_nothing(value)).map(as_toml);
        let default = default.map_or_else(String::new, |default| format!("`{default}`"));
        let (value, doc) = (cell(&words(field)), cell(&meaning(field)));
        let _ = writeln!(page, "| `{name}` | {value} | {default} | {doc} |");
    }
    let dot = if shown.is_empty() { "" } else { "." };
    for (name, field) in fields.iter().filter(|(_, field)| is_table(field)) {
        section(page, &path.child(name), &format!("{shown}{dot}{name}"), field);
    }
    if let Some(others) = others {
        let below = format!("{shown}{dot}NAME");
        if is_table(others) {
            section(page, &path.child("NAME"), &below, others);
        } else {
            let _ = write!(page, "\n### `[{shown}]`\n\n{} Each is {}.\n", field.doc, words(others));
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn words(field: &Field) -> String {
    match &field.shape {
        Shape::Text(format, _) => format.meaning.to_owned(),
        Shape::Choice(choices) => {
            let words: Vec<_> = choices.iter().map(|choice| format!("`{}`", choice.word)).collect();
            words.join(", ")
        }
        Shape::List { items, .. } => format!("list of {}", words(items)),
        Shape::Table { .. } | Shape::Whole { .. } | Shape::Number | Shape::Switch => {
            field.expected()
        }
    }
}

fn meaning(field: &Field) -> String {
    let Shape::Choice(choices) = &field.shape else { return field.doc.clone() };
    let said = choices.iter().filter(|choice| !choice.doc.is_empty());
    let words = said.map(|choice| format!(" `{}`: {}", choice.word, choice.doc));
    format!("{}{}", field.doc, words.collect::<String>())
}

/// A text that fits into a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}
