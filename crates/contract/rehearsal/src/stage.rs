//! Where a guest plays: its host, its clock and its source of random numbers, as a script has them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bottega_acl::directory::{DirectoryEntry, Template};
use bottega_acl::{AgentName, Aid, json};
use bottega_manifest::{
    Answer as ModelAnswer, Host, HttpRequest, HttpResponse, Level, Question, Refusal,
};
use bottega_types::{Clock, Entropy, Seeded, Timestamp, Tokens};
use serde_json::Value;

use crate::Call;
use crate::call::shown;
use crate::record::{Ending, Happened, Record};
use crate::script::{Answer, Asked, Script};

/// Where a guest plays. Everything that it asks for is noted; nothing reaches the world.
#[derive(Debug)]
pub struct Stage {
    name: AgentName,
    set: Mutex<Set>,
}

/// What stands on the stage.
#[derive(Debug)]
struct Set {
    now: Timestamp,
    dice: Seeded,
    keys: BTreeMap<String, Vec<u8>>,
    directory: Vec<DirectoryEntry>,
    /// Answers that were not given yet.
    answers: Vec<Answer>,
    calls: Vec<Call>,
    name: String,
    steps: Vec<Happened>,
}

impl Set {
    /// The first answer that fits, which is given once.
    fn answer(&mut self, fits: impl Fn(&Asked) -> bool) -> Option<Answer> {
        let found = self.answers.iter().position(|answer| fits(&answer.asked))?;
        Some(self.answers.remove(found))
    }
}

fn nobody(table: &str) -> Refusal {
    Refusal::Unavailable(format!("the script has no answer left for this: add a `[[{table}]]`"))
}

impl Stage {
    /// An empty stage for the agent of that name.
    #[must_use]
    pub fn new(name: AgentName) -> Self {
        let set = Set {
            now: Timestamp::default(),
            dice: Seeded::new(0),
            keys: BTreeMap::new(),
            directory: Vec::new(),
            answers: Vec::new(),
            calls: Vec::new(),
            name: String::new(),
            steps: Vec::new(),
        };
        Self { name, set: Mutex::new(set) }
    }

    fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the stage for a script; what was there before is gone.
    pub fn open(&self, script: &Script) {
        let keys = script.keys.iter();
        *self.set() = Set {
            now: script.now,
            dice: Seeded::new(script.seed),
            keys: keys.map(|(key, value)| (key.clone(), value.clone().into_bytes())).collect(),
            directory: script.directory.clone(),
            answers: script.answers.clone(),
            calls: Vec::new(),
            name: script.name.clone(),
            steps: Vec::new(),
        };
    }

    /// Time passes.
    pub fn advance(&self, span: std::time::Duration) {
        let mut set = self.set();
        set.now = set.now.plus(span);
    }

    /// A step is over; whatever was asked since the one before belongs to it.
    pub fn step(&self, step: usize, ending: Ending) {
        let mut set = self.set();
        let calls = std::mem::take(&mut set.calls);
        let keeps = set.keys.iter().map(|(key, value)| (key.clone(), shown(value))).collect();
        let at = set.now.to_string();
        set.steps.push(Happened { step, at, calls, ending, keeps });
    }

    /// What happened since the stage was set.
    #[must_use]
    pub fn close(&self) -> Record {
        let mut set = self.set();
        let unasked = set.answers.iter().map(|answer| {
            let table = match answer.asked {
                Asked::Http { .. } => "http",
                Asked::Model { .. } => "model",
                Asked::Tool { .. } => "tools",
            };
            format!("the `[[{table}]]` on line {}", answer.line)
        });
        let unasked = unasked.collect();
        let (name, steps) = (std::mem::take(&mut set.name), std::mem::take(&mut set.steps));
        Record { name, steps, unasked }
    }

    fn note(&self, call: Call) {
        self.set().calls.push(call);
    }
}

/// Why it was refused, for the record.
fn why<T>(answer: &Result<T, Refusal>) -> Option<String> {
    answer.as_ref().err().map(ToString::to_string)
}

impl Clock for Stage {
    fn now(&self) -> Timestamp {
        let mut set = self.set();
        let now = set.now;
        set.calls.push(Call::Clock { now: now.to_string() });
        now
    }
}

impl Entropy for Stage {
    fn bits(&self) -> u64 {
        let mut set = self.set();
        let bits = set.dice.bits();
        set.calls.push(Call::Random { bits: format!("{bits:016x}") });
        bits
    }
}

#[async_trait]
impl Host for Stage {
    async fn send(&self, message: String) -> Result<(), Refusal> {
        let (message, sent) = match json::decode(message.as_bytes()) {
            Ok(decoded) => {
                let text = json::encode(&decoded.from(Aid::new(self.name.clone())));
                (serde_json::from_str(&text).unwrap_or(Value::String(text)), Ok(()))
            }
            Err(malformed) => {
                (Value::String(message), Err(Refusal::Malformed(malformed.to_string())))
            }
        };
        self.note(Call::Send { message, refused: why(&sent) });
        sent
    }

    async fn search(&self, query: String) -> Result<Vec<String>, Refusal> {
        let mut set = self.set();
        let found: Result<Vec<&DirectoryEntry>, Refusal> =
            match serde_json::from_str::<Template>(&query) {
                Ok(template) => Ok(set
                    .directory
                    .iter()
                    .filter(|entry| entry.holds(set.now) && template.matches(entry))
                    .collect()),
                Err(error) => {
                    let example = r#"{"services":[{"type":"greeting"}]}"#;
                    let why = format!("the query is no template: {error}; write {example}");
                    Err(Refusal::Malformed(why))
                }
            };
        let refused = why(&found);
        let found = found.map(|found| {
            let names: Vec<String> = found.iter().map(|entry| entry.agent.to_string()).collect();
            // An entry came as JSON, so it goes as JSON.
            let json = |entry: &&DirectoryEntry| serde_json::to_string(entry).unwrap_or_default();
            (names, found.iter().map(json).collect::<Vec<_>>())
        });
        let names = found.as_ref().map(|(names, _)| names.clone()).unwrap_or_default();
        set.calls.push(Call::Search { query, found: names, refused });
        found.map(|(_, entries)| entries)
    }

    async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        let mut set = self.set();
        let value = set.keys.get(&key).cloned();
        set.calls.push(Call::Get { key, value: value.as_deref().map(shown) });
        Ok(value)
    }

    async fn set(&self, key: String, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        let mut set = Self::set(self);
        match value {
            Some(value) => {
                set.calls.push(Call::Set { key: key.clone(), value: shown(&value) });
                set.keys.insert(key, value);
            }
            None => {
                set.keys.remove(&key);
                set.calls.push(Call::Delete { key });
            }
        }
        Ok(())
    }

    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        self.note(Call::Log { level, text: text.to_owned() });
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        let mut set = Self::set(self);
        let HttpRequest { method, url, headers: _, body } = request;
        let url = url.as_str().to_owned();
        let given = set.answer(|asked| match asked {
            Asked::Http { method: only, url: to, .. } => {
                only.as_ref().is_none_or(|only| *only == method)
                    && to.as_ref().is_none_or(|to| *to == url)
            }
            Asked::Model { .. } | Asked::Tool { .. } => false,
        });
        let answer = match given {
            Some(Answer { asked: Asked::Http { status, headers, .. }, says, .. }) => says
                .map(|body| HttpResponse { status, headers, body: body.into_bytes() })
                .map_err(Refusal::Unavailable),
            Some(_) | None => Err(nobody("http")),
        };
        let body = shown(&body);
        set.calls.push(Call::Http { method, url, body, refused: why(&answer) });
        answer
    }

    async fn ask(&self, question: Question) -> Result<ModelAnswer, Refusal> {
        let mut set = Self::set(self);
        let Question { route: _, instructions, prompt, longest: _, within } = question;
        let given = set.answer(|asked| match asked {
            Asked::Model { words, .. } => {
                words.as_ref().is_none_or(|words| prompt.contains(words.as_str()))
            }
            Asked::Http { .. } | Asked::Tool { .. } => false,
        });
        let answer = match given {
            Some(Answer { asked: Asked::Model { tokens, .. }, says, .. }) => {
                // It costs no more than was reserved, as every host promises.
                let tokens = Tokens::new(tokens.min(within.get()));
                says.map(|text| ModelAnswer { text, tokens }).map_err(Refusal::Unavailable)
            }
            Some(_) | None => Err(nobody("model")),
        };
        set.calls.push(Call::Model { instructions, prompt, refused: why(&answer) });
        answer
    }

    async fn call(&self, tool: String, arguments: String) -> Result<String, Refusal> {
        let mut set = Self::set(self);
        let given = set.answer(|asked| match asked {
            Asked::Tool { tool: only, arguments: with } => {
                let read = || serde_json::from_str::<Value>(&arguments).ok();
                only.as_ref().is_none_or(|only| *only == tool)
                    && with.as_ref().is_none_or(|with| read().as_ref() == Some(with))
            }
            Asked::Http { .. } | Asked::Model { .. } => false,
        });
        let answer = match given {
            Some(Answer { says, .. }) => says.map_err(Refusal::Unavailable),
            None => Err(nobody("tools")),
        };
        set.calls.push(Call::Tool { tool, arguments, refused: why(&answer) });
        answer
    }
}
