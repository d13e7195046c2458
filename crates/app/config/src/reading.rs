//! From the text of a file, a variable or a flag to checked values.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::format::{Misfit, looks_like_a_key, names_a_secret};
use crate::problem::{Problem, ProblemKind, Quoted, nearest};
use crate::shape::{Field, Numbers, SHAPE, Shape};
use crate::{Layer, Origin, SettingPath, Template};

/// One value that somebody set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) path: SettingPath,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// What a file says: its values, or all that is wrong with it.
pub(crate) fn read_file(layer: Layer, quoted: Quoted<'_>) -> Result<Vec<Entry>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(quoted.text);
    if !errors.is_empty() {
        let problem = |error: &toml::de::Error| {
            let kind = ProblemKind::Syntax { message: error.message().to_owned() };
            Problem::in_text(kind, quoted, error.span().unwrap_or_default())
        };
        return Err(in_order(errors.iter().map(problem).collect()));
    }
    let mut reader = Reader { layer, quoted, entries: Vec::new(), problems: Vec::new() };
    reader.table(table.get_ref(), &SHAPE, &SettingPath::root());
    if reader.problems.is_empty() { Ok(reader.entries) } else { Err(in_order(reader.problems)) }
}

/// As a reader of the file meets them.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(Problem::start);
    problems
}

struct Reader<'t> {
    layer: Layer,
    quoted: Quoted<'t>,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, field: &Field, path: &SettingPath) {
        for (key, value) in table {
            let here = path.child(key.get_ref());
            let refused = match field.under(key.get_ref()) {
                None => Some(unknown(field, &here, key.get_ref())),
                Some(_) if !is_key(key.get_ref()) => Some(not_a_key(&here)),
                Some(below) => {
                    self.value(value, below, &here);
                    None
                }
            };
            if let Some(kind) = refused {
                self.problems.push(Problem::in_text(kind, self.quoted, key.span()));
            }
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, field: &Field, path: &SettingPath) {
        if let (Shape::Table { .. }, DeValue::Table(table)) = (&field.shape, value.get_ref()) {
            return self.table(table, field, path);
        }
        let mut wrong = Vec::new();
        let plain = plain(value);
        check(&plain, field, path, &mut wrong);
        for (kind, at) in wrong {
            let span = at.map_or(value.span(), |at| item_span(value, at));
            self.problems.push(Problem::in_text(kind, self.quoted, span));
        }
        let line = 1 + self.quoted.text[..value.span().start].matches('\n').count();
        let origin = Origin::in_file(self.layer, self.quoted.file, line);
        self.entries.push(Entry { path: path.clone(), value: plain, origin });
    }
}

/// The value that the text of a variable, a flag or a command line stands for: a list is separated by
/// commas or written as in a file, with brackets; the rest is written as in a file but without quotes.
pub(crate) fn read_text(
    text: &str,
    field: &Field,
    path: &SettingPath,
    name: Option<&str>,
) -> Result<Value, Vec<Problem>> {
    let problem = |kind| match name {
        Some(name) => Problem::named(kind, name),
        None => Problem::asked(kind),
    };
    let number = || {
        let whole = text.trim().replace('_', "").parse::<i64>().map(Value::from);
        whole
            .or_else(|_| text.trim().parse::<f64>().map(Value::from))
            .unwrap_or_else(|_| text.into())
    };
    let value = match &field.shape {
        Shape::List { .. } => match DeValue::parse(text.trim()) {
            Ok(list) if list.get_ref().is_array() => plain(&list),
            _ => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                items.map(Value::from).collect()
            }
        },
        Shape::Whole { .. } | Shape::Number | Shape::Text(_, Numbers::Whole | Numbers::Any) => {
            number()
        }
        Shape::Switch => match text.trim() {
            "true" | "1" | "yes" | "on" => true.into(),
            "false" | "0" | "no" | "off" => false.into(),
            _ => text.into(),
        },
        Shape::Text(_, Numbers::Refused) | Shape::Choice(_) => text.into(),
        Shape::Table { .. } => {
            let why = match field.keys().as_slice() {
                [] => "is a group of settings; set one in it".to_owned(),
                keys => format!("is a group of settings; set one of {}", keys.join(", ")),
            };
            return Err(vec![problem(ProblemKind::Conflict { path: path.clone(), why })]);
        }
    };
    let mut wrong = Vec::new();
    check(&value, field, path, &mut wrong);
    if wrong.is_empty() {
        return Ok(value);
    }
    Err(wrong.into_iter().map(|(kind, _)| problem(kind)).collect())
}

/// What is wrong when there is nothing known under this path.
pub(crate) fn unknown(parent: &Field, path: &SettingPath, key: &str) -> ProblemKind {
    let known = parent.keys();
    ProblemKind::UnknownKey {
        path: path.clone(),
        nearest: nearest(key, known.iter().copied()),
        known: known.into_iter().map(str::to_owned).collect(),
    }
}

/// Names that people choose (of providers, routes, headers, models) are one line and not blank.
fn is_key(key: &str) -> bool {
    !key.trim().is_empty() && !key.contains(char::is_control)
}

fn not_a_key(path: &SettingPath) -> ProblemKind {
    let expected = "a name that is not blank".to_owned();
    ProblemKind::WrongValue { path: path.clone(), expected, nearest: None }
}

type Wrong = Vec<(ProblemKind, Option<usize>)>;

/// Holds a value against its form. The number is the item's, where one item of a list is wrong.
fn check(value: &Value, field: &Field, path: &SettingPath, wrong: &mut Wrong) {
    if let (Shape::List { items, least }, Value::Array(values)) = (&field.shape, value) {
        if values.len() < *least {
            let expected = format!("{least} items at least");
            wrong.push((
                ProblemKind::WrongValue { path: path.clone(), expected, nearest: None },
                None,
            ));
        }
        for (at, value) in values.iter().enumerate() {
            wrong.extend(check_one(value, items, path).map(|kind| (kind, Some(at))));
        }
        return;
    }
    wrong.extend(check_one(value, field, path).map(|kind| (kind, None)));
}

fn check_one(value: &Value, field: &Field, path: &SettingPath) -> Option<ProblemKind> {
    let wrong_value = |expected: String, nearest| {
        Some(ProblemKind::WrongValue { path: path.clone(), expected, nearest })
    };
    if let Some(text) = value.as_str()
        && is_literal_secret(text, path)
    {
        return Some(ProblemKind::LiteralSecret { path: path.clone() });
    }
    match (&field.shape, value) {
        (Shape::Text(format, _), Value::String(text)) => match format.check(text) {
            Ok(()) => None,
            Err(Misfit::Expected(expected)) => wrong_value(expected.to_owned(), None),
            Err(Misfit::LiteralSecret) => Some(ProblemKind::LiteralSecret { path: path.clone() }),
        },
        (Shape::Text(format, numbers), Value::Number(number)) if fits(*numbers, number) => {
            match format.check(&number.to_string()) {
                Ok(()) => None,
                Err(Misfit::Expected(_) | Misfit::LiteralSecret) => {
                    wrong_value(field.expected(), None)
                }
            }
        }
        (Shape::Choice(choices), Value::String(text)) => {
            let mut words = choices.iter().map(|choice| choice.word.as_str());
            if words.clone().any(|word| word == text) {
                return None;
            }
            let near = nearest(text, words.by_ref());
            wrong_value(field.expected(), near)
        }
        (Shape::Whole { min, max }, Value::Number(number)) if number.is_i64() => {
            let is_within = number.as_i64().is_some_and(|n| (*min..=*max).contains(&n));
            if is_within { None } else { wrong_value(field.expected(), None) }
        }
        (Shape::Number, Value::Number(_)) | (Shape::Switch, Value::Bool(_)) => None,
        (_, _) => Some(ProblemKind::WrongType {
            path: path.clone(),
            expected: field.expected(),
            found: kind_of(value),
        }),
    }
}

fn fits(numbers: Numbers, number: &serde_json::Number) -> bool {
    match numbers {
        Numbers::Refused => false,
        Numbers::Whole => number.is_u64(),
        Numbers::Any => true,
    }
}

/// Whether a text is a secret by its looks, or by the name of the header it stands under.
fn is_literal_secret(text: &str, path: &SettingPath) -> bool {
    let under_headers = path.keys().iter().rev().nth(1).is_some_and(|key| key == "headers");
    let names_secret = under_headers && path.keys().last().is_some_and(|key| names_a_secret(key));
    let holds_reference =
        text.parse::<Template>().is_ok_and(|template| template.references().next().is_some());
    (names_secret && !holds_reference)
        || text
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
            .any(looks_like_a_key)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(number) if number.is_f64() => "a broken number",
        Value::Number(_) => "a whole number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn plain(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| number.to_string().into(), Value::from),
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map_or_else(|| number.to_string().into(), Value::Number),
        DeValue::Boolean(yes) => (*yes).into(),
        DeValue::Datetime(moment) => moment.to_string().into(),
        DeValue::Array(items) => items.iter().map(plain).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value))).collect()
        }
    }
}

fn item_span(value: &Spanned<DeValue<'_>>, at: usize) -> Range<usize> {
    value.get_ref().as_array().and_then(|items| items.get(at)).map_or(value.span(), Spanned::span)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "([a-z_.\"=\\[\\]{}# \n0-9é-]|limits|turns|providers|key|headers){0,40}") {
            let quoted = Quoted { file: std::path::Path::new("x.toml"), text: &text };
            if let Ok(entries) = read_file(Layer::User, quoted) {
                for entry in entries {
                    prop_assert!(SHAPE.at(&entry.path).is_some(), "{}", entry.path);
                }
            }
        }
    }
}
