//! Where what happened is not what was expected.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::Call;
use crate::record::{Ending, Happened, Record};
use crate::script::{Script, Step};

/// One pair of what was expected and what was found; nothing where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What was expected.
    pub expected: Option<String>,
    /// What was found.
    pub found: Option<String>,
    /// Whether they are as they should be.
    pub fits: bool,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The step's number; 0 is the beginning.
    pub step: usize,
    /// The line of the script on which the step stands.
    pub line: usize,
    /// What differs, in a few words.
    pub what: &'static str,
    /// Pair by pair.
    pub rows: Vec<Row>,
}

impl Script {
    /// Where `record` is not what this script expects; nothing when all is as expected.
    #[must_use]
    pub fn compare(&self, record: &Record) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            match record.steps.get(index) {
                Some(happened) => compare(index, step, happened, &mut differences),
                None => {
                    let rows = vec![row(
                        Some("to be reached".to_owned()),
                        Some("the agent did not begin".to_owned()),
                    )];
                    differences.push(Difference {
                        step: index,
                        line: step.line,
                        what: "whether it came",
                        rows,
                    });
                    break;
                }
            }
        }
        for unasked in &record.unasked {
            let line = self.steps.last().map_or(1, |step| step.line);
            let rows = vec![row(Some(unasked.clone()), None)];
            let step = self.steps.len().saturating_sub(1);
            differences.push(Difference {
                step,
                line,
                what: "answers that nobody asked for",
                rows,
            });
        }
        differences
    }
}

const fn row(expected: Option<String>, found: Option<String>) -> Row {
    Row { expected, found, fits: false }
}

fn compare(index: usize, step: &Step, happened: &Happened, differences: &mut Vec<Difference>) {
    let mut differs = |what, rows: Vec<Row>| {
        if rows.iter().any(|row| !row.fits) {
            differences.push(Difference { step: index, line: step.line, what, rows });
        }
    };
    differs("how it ended", vec![ended(step, &happened.ending)]);
    let said: Vec<(&Value, Option<&String>)> = happened
        .calls
        .iter()
        .filter_map(|call| match call {
            Call::Send { message, refused } => Some((message, refused.as_ref())),
            Call::Search { .. }
            | Call::Get { .. }
            | Call::Set { .. }
            | Call::Delete { .. }
            | Call::Log { .. }
            | Call::Clock { .. }
            | Call::Random { .. }
            | Call::Http { .. }
            | Call::Model { .. }
            | Call::Tool { .. } => None,
        })
        .collect();
    let longest = step.says.len().max(said.len());
    let rows = (0..longest).map(|at| one_message(step.says.get(at), said.get(at).copied()));
    differs("what it says", rows.collect());
    let lines = |logs: bool| {
        let calls = happened.calls.iter().filter(move |call| is_log(call) == Some(logs));
        calls.map(ToString::to_string).collect::<Vec<_>>()
    };
    if let Some(expected) = &step.logs {
        differs("what it logs", paired(expected, &lines(true)));
    }
    if let Some(expected) = &step.asks {
        differs("what it asks for", paired(expected, &lines(false)));
    }
    let kept = step.keeps.iter().map(|(key, value)| {
        let found = happened.keeps.get(key);
        let shown = |value: &String| format!("{key} = {value}");
        Row { expected: Some(shown(value)), found: found.map(shown), fits: found == Some(value) }
    });
    differs("what it keeps", kept.collect());
}

/// Whether a call is a line for people; nothing for a message, which is neither that nor asked for.
const fn is_log(call: &Call) -> Option<bool> {
    match call {
        Call::Log { .. } => Some(true),
        Call::Send { .. } => None,
        Call::Search { .. }
        | Call::Get { .. }
        | Call::Set { .. }
        | Call::Delete { .. }
        | Call::Clock { .. }
        | Call::Random { .. }
        | Call::Http { .. }
        | Call::Model { .. }
        | Call::Tool { .. } => Some(false),
    }
}

fn ended(step: &Step, ending: &Ending) -> Row {
    let (expected, fits) = match (&step.refuses, &step.fails) {
        (Some(words), _) => {
            let fits = matches!(ending, Ending::Refused(why) if why.contains(words.as_str()));
            (format!("refuses: … {words} …"), fits)
        }
        (None, Some(words)) => {
            let fits = matches!(ending, Ending::Failed(why) if why.contains(words.as_str()));
            (format!("fails: … {words} …"), fits)
        }
        (None, None) => ("done".to_owned(), *ending == Ending::Done),
    };
    let found = match ending {
        Ending::Done => "done".to_owned(),
        Ending::Refused(why) => format!("refuses: {why}"),
        Ending::Failed(why) => format!("fails: {why}"),
    };
    Row { expected: Some(expected), found: Some(found), fits }
}

fn paired(expected: &[String], found: &[String]) -> Vec<Row> {
    let longest = expected.len().max(found.len());
    let pair = |at: usize| {
        let (expected, found) = (expected.get(at), found.get(at));
        Row { expected: expected.cloned(), found: found.cloned(), fits: expected == found }
    };
    (0..longest).map(pair).collect()
}

/// A message that was expected, beside the one that was said.
fn one_message(
    expected: Option<&Map<String, Value>>,
    said: Option<(&Value, Option<&String>)>,
) -> Row {
    let nothing = Map::new();
    let named = expected.unwrap_or(&nothing);
    let found = said.map(|(message, refused)| match (message.as_object(), refused) {
        (Some(parts), None) => line(parts, named),
        (_, refused) => {
            format!("{message}, refused: {}", refused.map_or("", String::as_str))
        }
    });
    let parts = said.filter(|(_, refused)| refused.is_none()).and_then(|(it, _)| it.as_object());
    let fits = match (expected, parts) {
        (Some(expected), Some(parts)) => {
            expected.iter().all(|(name, value)| same(name, value, parts.get(name)))
        }
        (Some(_) | None, Some(_) | None) => false,
    };
    Row { expected: expected.map(|parts| line(parts, named)), found, fits }
}

/// Whether a parameter is what was expected. Content that was not written as text is JSON in the text.
fn same(name: &str, expected: &Value, found: Option<&Value>) -> bool {
    match found {
        Some(Value::String(text)) if name == "content" && !expected.is_string() => {
            serde_json::from_str::<Value>(text).is_ok_and(|found| found == *expected)
        }
        Some(found) => found == expected,
        None => false,
    }
}

/// A message in a line: what it is, to whom, what it says, and what else was named.
fn line(parts: &Map<String, Value>, named: &Map<String, Value>) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts = values.iter().map(|value| match value {
                Value::String(text) => text.clone(),
                other @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_)) => other.to_string(),
            });
            texts.collect::<Vec<_>>().join(", ")
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            other.to_string()
        }
    };
    let mut text = parts.get("performative").map_or_else(|| "anything".to_owned(), plain);
    if let Some(receiver) = parts.get("receiver") {
        text.push_str(&format!(" to {}", plain(receiver)));
    }
    if let Some(content) = parts.get("content") {
        text.push_str(&format!(": {content}"));
    }
    for name in named.keys() {
        if !["performative", "receiver", "content"].contains(&name.as_str()) {
            let value = parts.get(name).map_or_else(|| "nothing".to_owned(), plain);
            text.push_str(&format!(", {name} {value}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
