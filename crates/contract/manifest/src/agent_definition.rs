//! An agent that a language model plays: one Markdown file with front matter, the form that coding tools use for their
//! sub-agents.
//!
//! ```text
//! ---
//! name: critic
//! description: Reads a text and says what is weak in it.
//! model: anthropic/claude-sonnet-4-5
//! tools: read_file, grep
//! services: [review]
//! budget: 0.25
//! ---
//! You read a text and say what is weak in it.
//! ```

use std::collections::BTreeMap;

use bottega_types::Money;
use semver::Version;
use serde::Deserialize;

use crate::reading::unknown;
use crate::{GuestName, Manifest, Period, Problem, Problems, Service, Supervision, World};

/// What stands before and after the front matter.
const FENCE: &str = "---";

/// Keys that other tools write, and that mean nothing here.
const FOREIGN: &[&str] = &["color", "permissionMode"];
/// Names of models that other tools know without a provider. What they stand for there is not what stands here: the usual
/// model is meant.
const ALIASES: &[&str] = &["inherit", "haiku", "opus", "sonnet"];

/// An agent that a language model plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentDefinition {
    /// Who it is.
    pub name: GuestName,
    /// Its version; 0.1.0 where the file says none.
    pub version: Version,
    /// What it is for, in a sentence.
    pub description: String,
    /// The model or route; the usual one when absent.
    pub model: Option<String>,
    /// The tools that it may call, by the names that the file has. None when absent: here every capability is granted by
    /// name.
    pub tools: Vec<String>,
    /// What it offers to others.
    pub services: Vec<Service>,
    /// The most that one task may cost.
    pub budget: Option<Money>,
    /// The most questions to the model for one task.
    pub max_turns: Option<u32>,
    /// The longest that one task may take.
    pub max_time: Option<Period>,
    /// What follows when it crashes.
    pub supervision: Supervision,
    /// What the model is told.
    pub instructions: String,
}

/// Several names, as a list or by commas.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    Text(String),
    List(Vec<String>),
}

impl Names {
    fn listed(self) -> Vec<String> {
        match self {
            Self::List(names) => names,
            Self::Text(text) => text
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect(),
        }
    }
}

/// A service by its type alone, or with its name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Offer {
    Kind(String),
    Whole(Service),
}

/// An amount, written as a number or as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Amount {
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FrontMatter {
    name: GuestName,
    #[serde(default)]
    version: Option<Version>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    tools: Option<Names>,
    #[serde(default)]
    services: Vec<Offer>,
    #[serde(default)]
    budget: Option<Amount>,
    #[serde(default)]
    #[serde(alias = "maxTurns")]
    max_turns: Option<u32>,
    #[serde(default, rename = "disallowedTools")]
    disallowed: Option<Names>,
    #[serde(default)]
    max_time: Option<Period>,
    #[serde(default)]
    supervision: Supervision,
}

const KEYS: &[&str] = &[
    "budget",
    "description",
    "disallowedTools",
    "max-time",
    "max-turns",
    "maxTurns",
    "model",
    "name",
    "services",
    "supervision",
    "tools",
    "version",
];

impl AgentDefinition {
    /// Whether a text is meant as one: it begins with front matter.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.trim_start_matches('\u{feff}')
            .lines()
            .next()
            .is_some_and(|line| line.trim_end() == FENCE)
    }

    /// Reads a definition. Either all of it is right, or all unknown keys are told, or else the first value that is wrong.
    ///
    /// # Errors
    /// Where and what is wrong.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let (front, instructions) = split(text)?;
        let told = |error: &serde_saphyr::Error| {
            // The front matter begins on the second line.
            let line =
                error.location().map_or(1, |place| usize::try_from(place.line()).unwrap_or(1));
            let what = error.without_snippet().to_string();
            Problems::one(Problem { line: line + 1, what })
        };
        let keys: BTreeMap<String, serde_json::Value> =
            serde_saphyr::from_str(front).map_err(|error| told(&error))?;
        let strange = keys
            .keys()
            .filter(|key| !KEYS.contains(&key.as_str()) && !FOREIGN.contains(&key.as_str()));
        let strange = strange.map(|key| {
            let line = front.lines().position(|line| line.starts_with(key.as_str()));
            let what = unknown(key, "", KEYS.iter().copied());
            Problem { line: line.unwrap_or(0) + 2, what }
        });
        if let Some(problems) = Problems::of(strange.collect()) {
            return Err(problems);
        }
        let front: FrontMatter = serde_saphyr::from_str(front).map_err(|error| told(&error))?;
        let wrong = |what: String| Problems::one(Problem { line: 1, what });
        if instructions.trim().is_empty() {
            return Err(wrong(
                "below the front matter stands nothing that the model is told".into(),
            ));
        }
        let budget = match front.budget {
            None => None,
            Some(amount) => {
                let text = match amount {
                    Amount::Number(number) => format!("{number:.9}"),
                    Amount::Text(text) => text,
                };
                Some(text.parse().map_err(|error| wrong(format!("budget: {error}")))?)
            }
        };
        let disallowed = front.disallowed.map(Names::listed).unwrap_or_default();
        let mut tools = front.tools.map(Names::listed).unwrap_or_default();
        tools.retain(|tool| !disallowed.contains(tool));
        Ok(Self {
            name: front.name,
            version: front.version.unwrap_or(Version::new(0, 1, 0)),
            description: front.description,
            model: front.model.filter(|model| !ALIASES.contains(&model.as_str())),
            tools,
            services: front
                .services
                .into_iter()
                .map(|offer| match offer {
                    Offer::Kind(kind) => Service { kind, name: None },
                    Offer::Whole(service) => service,
                })
                .collect(),
            budget,
            max_turns: front.max_turns,
            max_time: front.max_time,
            supervision: front.supervision,
            instructions: instructions.trim().to_owned(),
        })
    }

    /// The same as a manifest: what others of its kind are told by. Its messages are durable, for its work is dear.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        Manifest {
            description: self.description.clone(),
            delivery: crate::Delivery::Durable,
            services: self.services.clone(),
            supervision: self.supervision,
            ..Manifest::new(self.name.clone(), self.version.clone(), World::Agent)
        }
    }
}

/// The front matter and what stands below it.
fn split(text: &str) -> Result<(&str, &str), Problems> {
    let text = text.trim_start_matches('\u{feff}');
    let wrong = |line, what: &str| Err(Problems::one(Problem { line, what: what.to_owned() }));
    let Some(rest) = text.split_once('\n').filter(|(first, _)| first.trim_end() == FENCE) else {
        return wrong(1, "the file must begin with front matter: a line `---`, keys, a line `---`");
    };
    let mut at = 0;
    for line in rest.1.split_inclusive('\n') {
        if line.trim_end() == FENCE {
            return Ok((&rest.1[..at], &rest.1[at + line.len()..]));
        }
        at += line.len();
    }
    wrong(1, "the front matter has no end: a line `---`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "---\nname: critic\nversion: 1.2.0\ndescription: Says what is weak.\nmodel: local/small\n\
                         tools: Read, grep\nservices:\n  - review\n  - type: proof\n    name: careful\nbudget: 0.25\n\
                         max-turns: 7\nmax-time: 2m\nsupervision: { restart: permanent, most: 3 }\ncolor: red\n---\n\n\
                         You say what is weak.\n---\nAlways.\n";

    #[test]
    fn a_whole_definition_is_read() {
        let definition = AgentDefinition::parse(WHOLE).unwrap();
        assert_eq!(definition.tools, ["Read", "grep"]);
        assert_eq!(definition.budget, Some("0.25".parse().unwrap()));
        assert_eq!(definition.instructions, "You say what is weak.\n---\nAlways.");
        let manifest = definition.manifest();
        assert_eq!(manifest.version, Version::new(1, 2, 0));
        assert_eq!(manifest.services[0], Service { kind: "review".into(), name: None });
        assert_eq!(manifest.services[1].name.as_deref(), Some("careful"));
        assert_eq!((manifest.supervision.most, definition.max_turns), (3, Some(7)));
        assert_eq!(definition.max_time, Some(Period::seconds(120)));
    }

    #[test]
    fn what_coding_tools_write_is_read() {
        let text = "---\r\nname: reviewer\r\ndescription: Reviews.\r\ntools: Read, Grep, Glob\r\nmodel: inherit\r\n\
                    ---\r\nYou review.\r\n";
        let definition = AgentDefinition::parse(text).unwrap();
        assert_eq!(definition.tools, ["Read", "Grep", "Glob"]);
        assert_eq!((definition.model, definition.budget), (None, None));
        let text = "---\nname: a\ndescription: A.\ntools: Read, Bash, Grep\ndisallowedTools: Bash\nmaxTurns: 3\n\
                    model: sonnet\n---\nYou work.\n";
        let definition = AgentDefinition::parse(text).unwrap();
        assert_eq!(definition.tools, ["Read", "Grep"]);
        assert_eq!((definition.model, definition.max_turns), (None, Some(3)));
        assert!(AgentDefinition::is_meant(text) && !AgentDefinition::is_meant("name = \"x\"\n"));
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let problems = AgentDefinition::parse(text).unwrap_err().to_string();
        assert!(problems.contains(expected), "{problems}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        check("name: x", "must begin with front matter");
        check("---\nname: x\n", "has no end");
        check("---\nname: x\n---\n \n", "nothing that the model is told");
        check(
            "---\nname: x\ntols: Read\n---\nY",
            "line 3: there is no `tols`; did you mean `tools`?",
        );
        check("---\nname: [x]\n---\nY", "line 2");
        check("---\nname: x\nbudget: much\n---\nY", "not an amount of US dollars");
        check("---\nname: x\nmax-turns: -1\n---\nY", "line 3");
    }
}
