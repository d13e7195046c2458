//! What happened, written into its script as what is expected.

use bottega_manifest::Problems;
use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use crate::Call;
use crate::record::{Ending, Happened, Record};

/// Why a script was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// It can't be read.
    #[error("{0}")]
    Malformed(Problems),
    /// It is no TOML that can be edited.
    #[error("{0}")]
    Toml(#[from] toml_edit::TomlError),
    /// Its steps stand in one list within brackets.
    #[error("write each step as a table of its own, below `[[steps]]`")]
    OneList,
}

/// The text of a script with what `record` tells in the place of what it expected. All else stays as it is, comments too.
///
/// # Errors
/// A script that is none, or whose steps are not tables of their own.
pub fn written(text: &str, record: &Record) -> Result<String, NotWritten> {
    crate::Script::parse(text).map_err(NotWritten::Malformed)?;
    let mut document: DocumentMut = text.parse()?;
    if let Some(begin) = record.steps.first() {
        let dull = begin.calls.is_empty() && begin.ending == Ending::Done;
        if !dull && !document.contains_key("begin") {
            document.insert("begin", Item::Table(Table::new()));
        }
        if let Some(table) = document.get_mut("begin") {
            fill(table.as_table_mut().ok_or(NotWritten::OneList)?, begin);
        }
    }
    if let Some(steps) = document.get_mut("steps") {
        let steps = steps.as_array_of_tables_mut().ok_or(NotWritten::OneList)?;
        for (table, happened) in steps.iter_mut().zip(record.steps.iter().skip(1)) {
            fill(table, happened);
        }
    }
    Ok(document.to_string())
}

fn fill(table: &mut Table, happened: &Happened) {
    let (mut says, mut logs, mut asks) = (Array::new(), Array::new(), Array::new());
    for call in &happened.calls {
        match call {
            Call::Send { message, refused: None } => says.push(said(message)),
            // What was refused can't be expected: it is a fault of the agent's.
            Call::Send { .. } => {}
            Call::Log { .. } => logs.push(call.to_string()),
            Call::Search { .. }
            | Call::Get { .. }
            | Call::Set { .. }
            | Call::Delete { .. }
            | Call::Clock { .. }
            | Call::Random { .. }
            | Call::Http { .. }
            | Call::Model { .. }
            | Call::Tool { .. } => asks.push(call.to_string()),
        }
    }
    for (name, mut list) in [("says", says), ("logs", logs), ("asks", asks)] {
        if list.is_empty() {
            table.remove(name);
            continue;
        }
        if list.len() > 1 || name == "says" {
            for one in list.iter_mut() {
                one.decor_mut().set_prefix("\n    ");
            }
            list.set_trailing("\n");
            list.set_trailing_comma(true);
        }
        table.insert(name, value(list));
    }
    table.remove("refuses");
    table.remove("fails");
    match &happened.ending {
        Ending::Done => {}
        Ending::Refused(why) => drop(table.insert("refuses", value(why.as_str()))),
        Ending::Failed(why) => drop(table.insert("fails", value(why.as_str()))),
    }
}

/// What of a message is expected again: not who sends it, for the host fills that in.
fn said(message: &Value) -> InlineTable {
    let mut table = InlineTable::new();
    for name in
        ["performative", "receiver", "content", "conversation-id", "in-reply-to", "protocol"]
    {
        match message.get(name) {
            Some(Value::String(text)) => drop(table.insert(name, text.as_str().into())),
            Some(Value::Array(values)) => {
                let list: Array = values.iter().filter_map(Value::as_str).collect();
                table.insert(name, list.into());
            }
            // Bytes and agents with addresses: whoever wants them expected writes them.
            Some(_) | None => {}
        }
    }
    table
}

#[cfg(test)]
mod tests;
