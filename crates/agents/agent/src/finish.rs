//! Whether a model that says it is done is believed, and how the work then ends.

use bottega_event::EndKind;
use bottega_llm::ToolCall;
use serde_json::Value;

use crate::request::small;
use crate::state::Work;
use crate::{Definition, State};

/// How often a `finish` is not believed, before the work ends.
pub(crate) const SENT_BACK: u32 = 4;

/// How the work ends when the model's answer is believed.
pub(crate) fn how(state: &State, work: &Work, definition: &Definition) -> EndKind {
    match (&work.refused, &definition.check) {
        (Some(why), _) => EndKind::Refused { why: why.clone() },
        (None, Some(check)) if small(state) && work.check_failed => {
            EndKind::Stuck { why: format!("`{check}` still fails") }
        }
        (None, _) => EndKind::Done,
    }
}

/// The answer in a `finish`, or why it is not believed.
pub(crate) fn answer(
    state: &State,
    definition: &Definition,
    request: &ToolCall,
) -> Result<String, String> {
    let arguments: Value = serde_json::from_str(&request.arguments)
        .map_err(|error| format!("The arguments are not JSON ({error}). Call `finish` again."))?;
    let schema = state.work.as_ref().and_then(|work| work.schema.clone());
    let answer = &match schema {
        // Small models write the object as a text, or leave the wrapping out; both are understood.
        Some(schema) => understood(&arguments, &schema),
        None => arguments.get("answer").cloned(),
    }
    .ok_or("The argument `answer` is missing. Call `finish` again with it.")?;
    let Some(work) = &state.work else { return Ok(plain(answer)) };
    // A machine reads an answer that has a schema: it stays JSON, a bare text too.
    let said = if work.schema.is_some() { answer.to_string() } else { plain(answer) };
    if let Some(why) = work.schema.as_ref().and_then(|schema| fault(schema, answer)) {
        return Err(format!("The answer does not follow its schema: {why}. Call `finish` again."));
    }
    let Some(check) = &definition.check else { return Ok(said) };
    if !small(state) || work.sent_back >= SENT_BACK {
        return Ok(said);
    }
    if work.tools_called == 0 {
        return Err("You have not looked at anything yet. Use the other tools first.".to_owned());
    }
    if work.check_failed {
        return Err(format!(
            "Not done: `{check}` failed when you last called it. Mend what it reports, call \
             `{check}` again, and finish when it passes."
        ));
    }
    if work.unchecked {
        return Err(format!("Not done: call `{check}` to check your changes first."));
    }
    Ok(said)
}

/// What is wrong with an answer, held against its schema.
pub(crate) fn fault(schema: &Value, answer: &Value) -> Option<String> {
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return Some(format!("the schema itself is not valid: {error}")),
    };
    let error = validator.iter_errors(answer).next()?;
    let place = error.instance_path().to_string();
    Some(if place.is_empty() { error.to_string() } else { format!("{error} (at `{place}`)") })
}

/// The answer in what was said, if it follows the schema: alone, or with words or a code fence around it.
pub(crate) fn well_formed(schema: &Value, text: &str) -> Option<Value> {
    values(text).find(|answer| fault(schema, answer).is_none())
}

/// What is said of an answer that is JSON and does not follow its schema.
pub(crate) fn misshapen(schema: &Value, text: &str) -> Option<String> {
    let answer = values(text).next()?;
    let why = fault(schema, &answer)?;
    Some(format!("The answer does not follow its schema: {why}. Answer again."))
}

/// The JSON values that a text may mean: all of it, what stands in its code fences, and what stands between its first
/// opening and its last closing bracket.
fn values(text: &str) -> impl Iterator<Item = Value> {
    let whole = std::iter::once(text);
    // Every second piece between fences is inside of one; its first line may name the language.
    let fenced = text.split("```").skip(1).step_by(2).map(|inside| {
        let (language, rest) = inside.split_once('\n').unwrap_or(("", inside));
        if language.trim().chars().all(char::is_alphanumeric) { rest } else { inside }
    });
    let between = [('{', '}'), ('[', ']')]
        .into_iter()
        .filter_map(|(open, close)| text.get(text.find(open)?..=text.rfind(close)?));
    whole.chain(fenced).chain(between).filter_map(|text| serde_json::from_str(text.trim()).ok())
}

/// The answer in the arguments of a `finish` that must follow a schema.
fn understood(arguments: &Value, schema: &Value) -> Option<Value> {
    let Some(answer) = arguments.get("answer") else {
        return fault(schema, arguments).is_none().then(|| arguments.clone());
    };
    let written = answer.as_str().and_then(|text| serde_json::from_str(text).ok());
    match written {
        Some(written) if fault(schema, answer).is_some() => Some(written),
        _ => Some(answer.clone()),
    }
}

fn plain(answer: &Value) -> String {
    match answer {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            answer.to_string()
        }
    }
}
