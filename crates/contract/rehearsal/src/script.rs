//! What a guest is to hear, and what is expected then.

use std::collections::BTreeMap;
use std::time::Duration;

use bottega_acl::directory::DirectoryEntry;
use bottega_acl::json;
use bottega_manifest::{Folder, Problem, Problems, line_of, read};
use bottega_types::Timestamp;
use serde_json::{Map, Value};

use crate::form::{BeginForm, MessageForm, ScriptForm, StepForm};
use crate::moment;

/// The first moment of a script that names none: 2026-01-01T00:00:00Z.
const USUAL: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A rehearsal as it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What it shows, in a sentence.
    pub name: String,
    /// The agent's own settings, as JSON.
    pub config: String,
    /// What random numbers begin with.
    pub seed: u64,
    /// The first moment.
    pub now: Timestamp,
    /// What the guest keeps at the beginning.
    pub keys: BTreeMap<String, String>,
    /// Files of its folder by their paths, which lead nowhere else.
    pub files: BTreeMap<String, String>,
    /// Who can be found.
    pub directory: Vec<DirectoryEntry>,
    /// What others answer, each once.
    pub answers: Vec<Answer>,
    /// The first is the beginning, where nothing is heard; then one a message.
    pub steps: Vec<Step>,
}

/// Whom an answer is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// A request, with that status and headers when it is not refused.
    Http {
        /// The method, if it matters.
        method: Option<String>,
        /// The address, if it matters.
        url: Option<String>,
        /// The status code.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
    },
    /// A question to a model.
    Model {
        /// Words of its prompt, if they matter.
        words: Option<String>,
        /// What it costs.
        tokens: u64,
    },
    /// A call of a tool.
    Tool {
        /// The tool, if it matters.
        tool: Option<String>,
        /// The arguments, if they matter.
        arguments: Option<Value>,
    },
}

/// What somebody answers the guest, once.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The line on which it stands.
    pub line: usize,
    /// To what.
    pub asked: Asked,
    /// Its words, or those of a refusal.
    pub says: Result<String, String>,
}

/// One message, and what is expected then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The line on which it stands.
    pub line: usize,
    /// The message as the guest hears it; nothing at the beginning.
    pub hear: String,
    /// Time that passes before.
    pub advance: Duration,
    /// Whether the guest is put in its own place before.
    pub upgrade: bool,
    /// Messages by the parameters that matter.
    pub(crate) says: Vec<Map<String, Value>>,
    pub(crate) logs: Option<Vec<String>>,
    pub(crate) asks: Option<Vec<String>>,
    pub(crate) keeps: BTreeMap<String, String>,
    pub(crate) refuses: Option<String>,
    pub(crate) fails: Option<String>,
}

impl Script {
    /// The folder beside a manifest where scripts lie.
    pub const FOLDER: &'static str = "tests";

    /// Reads a script.
    ///
    /// # Errors
    /// All unknown keys, or else the first value that is wrong, or else every value that makes no sense; each with its line.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let form: ScriptForm = read(text)?;
        let mut problems = Vec::new();
        let mut wrong = |byte: usize, what: String| {
            problems.push(Problem { line: line_of(text, byte), what });
        };
        let now = form.now.as_ref().map_or(USUAL, |written| {
            moment::parse(written.get_ref()).unwrap_or_else(|| {
                let what =
                    format!("`{}` is no moment: write `2026-01-01T00:00:00Z`", written.get_ref());
                wrong(written.span().start, what);
                USUAL
            })
        });
        let mut files = BTreeMap::new();
        for (path, content) in form.files {
            match path.get_ref().parse::<Folder>() {
                Ok(_) => drop(files.insert(path.into_inner(), content)),
                Err(error) => wrong(path.span().start, error.to_string()),
            }
        }
        let mut directory = Vec::new();
        for entry in form.directory {
            let at = entry.span().start;
            match serde_json::from_value(entry.into_inner()) {
                Ok(entry) => directory.push(entry),
                Err(error) => {
                    let example = r#"{ agent = "smith@local", services = [{ name = "hinges", type = "forging" }] }"#;
                    wrong(
                        at,
                        format!("this is no entry of a directory: {error}; write `{example}`"),
                    );
                }
            }
        }
        let mut steps = Vec::with_capacity(form.steps.len() + 1);
        let begin = form.begin.map(|begin| (begin.span().start, begin.into_inner()));
        let (at, begin) = begin.unwrap_or_default();
        match begun(line_of(text, at), begin) {
            Ok(step) => steps.push(step),
            Err(what) => wrong(at, what),
        }
        for step in form.steps {
            let at = step.span().start;
            match heard(line_of(text, at), step.into_inner()) {
                Ok(step) => steps.push(step),
                Err(what) => wrong(at, what),
            }
        }
        let answers = answers(text, form.http, form.model, form.tools);
        match Problems::of(problems) {
            Some(problems) => Err(problems),
            None => Ok(Self {
                name: form.name,
                config: form.config.unwrap_or_default().to_string(),
                seed: form.seed,
                now,
                keys: form.keys,
                files,
                directory,
                answers,
                steps,
            }),
        }
    }
}

fn answers(
    text: &str,
    http: Vec<toml::Spanned<crate::form::HttpForm>>,
    model: Vec<toml::Spanned<crate::form::ModelForm>>,
    tools: Vec<toml::Spanned<crate::form::ToolForm>>,
) -> Vec<Answer> {
    let says = |says: String, refuses: Option<String>| refuses.map_or(Ok(says), Err);
    let mut answers = Vec::new();
    for form in http {
        let line = line_of(text, form.span().start);
        let form = form.into_inner();
        let headers = form.headers.into_iter().collect();
        let asked =
            Asked::Http { method: form.method, url: form.url, status: form.status, headers };
        answers.push(Answer { line, asked, says: says(form.body, form.refuses) });
    }
    for form in model {
        let line = line_of(text, form.span().start);
        let form = form.into_inner();
        let asked = Asked::Model { words: form.asked, tokens: form.tokens };
        answers.push(Answer { line, asked, says: says(form.says, form.refuses) });
    }
    for form in tools {
        let line = line_of(text, form.span().start);
        let form = form.into_inner();
        let asked = Asked::Tool { tool: form.tool, arguments: form.arguments };
        answers.push(Answer { line, asked, says: says(form.says, form.refuses) });
    }
    answers
}

fn begun(line: usize, form: BeginForm) -> Result<Step, String> {
    let BeginForm { says, logs, asks, keeps, refuses, fails } = form;
    ends_once(refuses.as_ref(), fails.as_ref())?;
    let says = says.into_iter().map(expected).collect::<Result<_, _>>()?;
    Ok(Step { line, says, logs, asks, keeps, refuses, fails, ..Step::default() })
}

fn heard(line: usize, form: StepForm) -> Result<Step, String> {
    let StepForm { advance, upgrade, hear, says, logs, asks, keeps, refuses, fails } = form;
    ends_once(refuses.as_ref(), fails.as_ref())?;
    let hear = message(hear)?;
    let says = says.into_iter().map(expected).collect::<Result<_, _>>()?;
    let advance = advance.map_or(Duration::ZERO, |period| period.0);
    Ok(Step { line, hear, advance, upgrade, says, logs, asks, keeps, refuses, fails })
}

fn ends_once(refuses: Option<&String>, fails: Option<&String>) -> Result<(), String> {
    match (refuses, fails) {
        (Some(_), Some(_)) => {
            Err("it either `refuses`, and goes on, or `fails`: leave out one".to_owned())
        }
        (Some(_), None) | (None, Some(_) | None) => Ok(()),
    }
}

/// The JSON of a message that is heard.
fn message(form: MessageForm) -> Result<String, String> {
    if form.performative.is_none() {
        return Err("what it hears needs a `performative`, such as \"request\"".to_owned());
    }
    let mut parts = parts(form)?;
    if let Some(content) = parts.get_mut("content") {
        // Bytes are an object of that name alone, as the encoding has them.
        let bytes = content.as_object().is_some_and(|object| object.contains_key("base64"));
        if !bytes && !content.is_string() {
            *content = Value::String(content.to_string());
        }
    }
    let text = Value::Object(parts).to_string();
    let message = json::decode(text.as_bytes())
        .map_err(|malformed| format!("what it hears is no message: {malformed}"))?;
    Ok(json::encode(&message))
}

/// The parameters of a message that matter.
fn expected(form: MessageForm) -> Result<Map<String, Value>, String> {
    if let Some(word) = &form.performative {
        word.parse::<bottega_acl::Performative>().map_err(|error| error.to_string())?;
    }
    parts(form)
}

fn parts(form: MessageForm) -> Result<Map<String, Value>, String> {
    match serde_json::to_value(form).map_err(|error| error.to_string())? {
        Value::Object(mut parts) => {
            // A single receiver may stand bare.
            for name in ["receiver", "reply-to"] {
                if let Some(who) = parts.get_mut(name)
                    && !who.is_array()
                {
                    *who = Value::Array(vec![who.take()]);
                }
            }
            Ok(parts)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("a message is a table".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
