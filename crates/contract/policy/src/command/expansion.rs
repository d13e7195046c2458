//! What the shell makes of a line's words, as far as the line tells: variables that it sets, braces, and globs that may
//! be protected places.

use std::collections::BTreeMap;

use super::reached::Reached;
use super::{is_assignment, is_of_name};
use crate::path_pattern::matches;

/// Names that a glob is tried on: what is protected wherever it stands.
const TRIED: &[&str] = &[".git", ".bottega", ".env", ".ssh"];

/// Values that are put in the place of variables in one word at most.
const MOST_VALUES: usize = 8;

/// Puts the values of variables that the line sets in their place.
pub(super) fn put_values(reached: &mut Reached) {
    let mut values = BTreeMap::new();
    let exported = reached.commands.iter().flat_map(|command| &command.words);
    for assignment in reached.assigned.iter().chain(exported.filter(|word| is_assignment(word))) {
        let Some((name, value)) = assignment.split_once('=') else { continue };
        match name.strip_suffix('+') {
            Some(name) => values.entry(name.to_owned()).or_insert_with(String::new).push_str(value),
            None => drop(values.insert(name.to_owned(), value.to_owned())),
        }
    }
    for command in &reached.commands {
        if let ([program, .., name], Some(value)) = (&command.words[..], &command.input)
            && program == "read"
        {
            values.insert(name.clone(), value.trim().to_owned());
        }
    }
    if values.is_empty() {
        return;
    }
    let words = reached.commands.iter_mut().flat_map(|command| &mut command.words);
    for text in words.chain(reached.files.iter_mut().map(|(file, _)| file)) {
        *text = with_values(text, &values);
    }
}

/// `text` with the values of variables. A name may be longer than the variable's, whose braces are gone.
fn with_values(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    let mut from = 0;
    for _ in 0..MOST_VALUES {
        let Some(at) = text[from..].find('$').map(|at| from + at) else { break };
        let name = &text[at + 1..];
        let name = &name[..name.find(|char| !is_of_name(char)).unwrap_or(name.len())];
        let known = (1..=name.len()).rev().find_map(|end| Some((end, values.get(&name[..end])?)));
        match known {
            Some((end, value)) => text.replace_range(at..=at + end, value),
            None => from = at + 1,
        }
    }
    text
}

/// The protected places that a glob may be.
pub(super) fn perhaps(path: &str) -> Vec<String> {
    if !path.contains(['*', '?', '[']) {
        return Vec::new();
    }
    let parts: Vec<&str> = path.split('/').collect();
    let mut found = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        // No glob begins a hidden name by itself.
        let hidden = part.starts_with('.') && part.contains(['*', '?', '[']);
        for name in TRIED.iter().filter(|name| hidden && matches(&without_sets(part), name)) {
            let mut parts = parts.clone();
            parts[at] = name;
            found.push(parts.join("/"));
        }
    }
    found
}

/// A glob in which each set of characters is any character.
fn without_sets(glob: &str) -> String {
    let mut plain = String::new();
    let mut rest = glob;
    while let Some((before, set)) = rest.split_once('[') {
        let Some(end) = set.char_indices().skip(1).find(|(_, char)| *char == ']') else { break };
        plain.push_str(before);
        plain.push('?');
        rest = &set[end.0 + 1..];
    }
    plain + rest
}

/// The words that braces make of one: `{a,b}/c` is `a/c` and `b/c`.
pub(super) fn alternatives(word: &str) -> Vec<String> {
    const MOST: usize = 32;
    let mut open = vec![word.to_owned()];
    let mut done = Vec::new();
    while let Some(word) = open.pop() {
        let braces = word.find('{').and_then(|start| {
            let end = start + word[start..].find('}')?;
            word[start..end].contains(',').then_some((start, end))
        });
        match braces {
            Some((start, end)) if open.len() + done.len() < MOST => {
                for inner in word[start + 1..end].split(',') {
                    open.push(format!("{}{inner}{}", &word[..start], &word[end + 1..]));
                }
            }
            Some(_) | None => done.push(word),
        }
    }
    if done.len() > 1 {
        done.push(word.to_owned());
    }
    done
}
