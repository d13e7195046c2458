//! Every environment variable that Bottega reads.

use crate::problem::Problem;
use crate::reading::{Entry, read_text};
use crate::shape::{Field, SHAPE, Shape};
use crate::vendor::VENDORS;
use crate::{Environment, Layer, Origin, SecretReference, SettingPath};

/// A variable that Bottega reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it means.
    pub meaning: String,
    /// The setting that it sets, where it sets one.
    pub setting: Option<String>,
    /// Whether its value is a secret.
    pub secret: bool,
}

/// A row of the table below.
struct Row {
    name: &'static str,
    meaning: &'static str,
    setting: Option<&'static str>,
    secret: bool,
}

const fn row(name: &'static str, meaning: &'static str) -> Row {
    Row { name, meaning, setting: None, secret: false }
}

const fn sets(name: &'static str, setting: &'static str, meaning: &'static str) -> Row {
    Row { name, meaning, setting: Some(setting), secret: false }
}

const fn key(name: &'static str, meaning: &'static str) -> Row {
    Row { name, meaning, setting: None, secret: true }
}

/// Every variable with a name of its own. Besides these, each setting has one (see [`variables`]).
const OWN_NAMES: &[Row] = &[
    row("BOTTEGA_HOME", "The folder that holds all of Bottega's files, as an absolute path."),
    row("HOME", "The person's home folder."),
    row("XDG_CONFIG_HOME", "Where settings are kept, when not `~/.config`."),
    row("XDG_DATA_HOME", "Where data is kept, when not `~/.local/share`."),
    row("XDG_CACHE_HOME", "Where caches are kept, when not `~/.cache`."),
    row("XDG_STATE_HOME", "Where state is kept, when not `~/.local/state`."),
    key("ANTHROPIC_API_KEY", "The key of provider `anthropic`, unless its settings name another."),
    sets(
        "ANTHROPIC_BASE_URL",
        "providers.anthropic.base_url",
        "The address of provider `anthropic`.",
    ),
    key("OPENAI_API_KEY", "The key of provider `openai`, unless its settings name another."),
    sets("OPENAI_BASE_URL", "providers.openai.base_url", "The address of provider `openai`."),
    key("GEMINI_API_KEY", "The key of provider `gemini`, unless its settings name another."),
    key("GOOGLE_API_KEY", "The key of provider `gemini` when `GEMINI_API_KEY` is absent."),
    sets(
        "GOOGLE_GEMINI_BASE_URL",
        "providers.gemini.base_url",
        "The address of provider `gemini`.",
    ),
    key(
        "OPENROUTER_API_KEY",
        "The key of provider `openrouter`, unless its settings name another.",
    ),
    sets(
        "OPENROUTER_BASE_URL",
        "providers.openrouter.base_url",
        "The address of provider `openrouter`.",
    ),
    key("OLLAMA_API_KEY", "The key of provider `ollama`, where its server wants one."),
    sets(
        "OLLAMA_HOST",
        "providers.ollama.base_url",
        "The address of provider `ollama`; scheme and port may be missing.",
    ),
    row("HF_ENDPOINT", "The address of the Hugging Face hub that models are pulled from."),
    key("HF_TOKEN", "The token for models that the Hugging Face hub gives to known people only."),
    sets("NO_COLOR", "ui.color", "Any value: output has no colours."),
    sets(
        "CLICOLOR_FORCE",
        "ui.color",
        "Any value but `0`: output has colours, unless `NO_COLOR` is set.",
    ),
    sets(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "telemetry.endpoint",
        "The address of a collector of OpenTelemetry.",
    ),
    sets(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "telemetry.traces_endpoint",
        "The collector's whole address for traces.",
    ),
    sets(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "telemetry.metrics_endpoint",
        "The collector's whole address for metrics.",
    ),
    key(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "Headers for the collector, as `name=value,name=value` with values percent-encoded. Those of the settings win.",
    ),
    row(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "How the collector is spoken to. `http/protobuf` is what is spoken; anything else is told and ignored.",
    ),
    sets(
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "telemetry.timeout",
        "How long one request to the collector may take, in milliseconds.",
    ),
    sets(
        "OTEL_METRIC_EXPORT_INTERVAL",
        "telemetry.interval",
        "How often metrics are sent, in milliseconds.",
    ),
    sets("OTEL_TRACES_EXPORTER", "telemetry.traces", "`none`: no traces are sent."),
    sets("OTEL_METRICS_EXPORTER", "telemetry.metrics", "`none`: no metrics are sent."),
    sets("OTEL_SERVICE_NAME", "telemetry.service", "The name that telemetry is sent under."),
    row(
        "OTEL_RESOURCE_ATTRIBUTES",
        "More about whoever sends telemetry, as `name=value,name=value` with values percent-encoded.",
    ),
    sets("OTEL_SDK_DISABLED", "telemetry.disabled", "`true`: nothing is sent to a collector."),
    row(
        "TERM",
        "`dumb`: output has no colours and draws over nothing, and a chat has no line editor.",
    ),
    row("PATH", "Where programs are looked for."),
    row(
        "HTTPS_PROXY",
        "The proxy for calls to providers; also `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case.",
    ),
];

/// Every variable that Bottega reads: those with names of their own, then one for each setting that
/// has a fixed place (`limits.turns` is `BOTTEGA_LIMITS_TURNS`; items of a list are separated by
/// commas).
#[must_use]
pub fn variables() -> Vec<Variable> {
    let own = OWN_NAMES.iter().map(|row| Variable {
        name: row.name.to_owned(),
        meaning: row.meaning.to_owned(),
        setting: row.setting.map(str::to_owned),
        secret: row.secret,
    });
    let settings = SHAPE.leaves().into_iter().filter(|(_, field)| is_settable(&field.shape));
    let each = settings.map(|(path, field)| Variable {
        name: path.variable(),
        meaning: field.doc.clone(),
        setting: Some(path.to_string()),
        secret: false,
    });
    own.chain(each).collect()
}

/// The names of the variables whose values are secrets.
pub(crate) fn secret_variables() -> impl Iterator<Item = &'static str> {
    OWN_NAMES.iter().filter(|row| row.secret).map(|row| row.name)
}

const fn is_settable(shape: &Shape) -> bool {
    !matches!(shape, Shape::Table { .. })
}

/// What the environment sets, and the `BOTTEGA_` variables that mean nothing.
pub(crate) struct FromEnvironment {
    pub(crate) entries: Vec<Entry>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) unknown: Vec<String>,
    /// Why variables that are not Bottega's own were ignored.
    pub(crate) ignored: Vec<String>,
}

pub(crate) fn read_environment(environment: &Environment) -> FromEnvironment {
    let mut found =
        FromEnvironment { entries: vec![], problems: vec![], unknown: vec![], ignored: vec![] };
    found.clients(environment);
    let leaves = SHAPE.leaves();
    for (name, text) in environment.iter().filter(|(name, _)| name.starts_with("BOTTEGA_")) {
        if OWN_NAMES.iter().any(|row| row.name == name) {
            continue;
        }
        match leaves.iter().find(|(path, _)| path.variable() == name) {
            None => found.unknown.push(name.to_owned()),
            Some((path, field)) => found.set(path.clone(), field, text, name),
        }
    }
    found
}

impl FromEnvironment {
    fn set(&mut self, path: SettingPath, field: &Field, text: &str, name: &str) {
        match read_text(text, field, &path, Some(name)) {
            Ok(value) => {
                let origin = Origin::named(Layer::Environment, name);
                self.entries.push(Entry { path, value, origin });
            }
            Err(problems) => self.problems.extend(problems),
        }
    }

    fn set_known(&mut self, keys: &[&str], text: &str, name: &str) {
        let path = SettingPath::of(keys.iter().copied());
        if let Some(field) = SHAPE.at(&path) {
            self.set(path, field, text, name);
        }
    }

    /// The standard variables of OpenTelemetry (specification, "Environment Variable Specification" and "OTLP Exporter
    /// Configuration"). They are often set for all programs of a machine, so what can't be read is told and ignored, as
    /// the specification has it.
    fn telemetry(&mut self, environment: &Environment) {
        let before = self.problems.len();
        let texts = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "endpoint"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "traces_endpoint"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "metrics_endpoint"),
            ("OTEL_SERVICE_NAME", "service"),
        ];
        for (name, key) in texts {
            if let Some(text) = environment.get(name) {
                self.set_known(&["telemetry", key], text, name);
            }
        }
        let spans = [
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "timeout"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "interval"),
        ];
        for (name, key) in spans {
            // The standard counts milliseconds and writes no unit.
            match environment.get(name).map(|text| text.trim().parse::<u64>()) {
                None => {}
                Some(Ok(millis)) => {
                    self.set_known(&["telemetry", key], &format!("{millis}ms"), name);
                }
                Some(Err(_)) => {
                    self.ignored.push(format!("{name}: it needs a number of milliseconds"));
                }
            }
        }
        for (name, key) in
            [("OTEL_TRACES_EXPORTER", "traces"), ("OTEL_METRICS_EXPORTER", "metrics")]
        {
            match environment.get(name).map(str::trim) {
                None | Some("otlp") => {}
                Some("none") => self.set_known(&["telemetry", key], "false", name),
                Some(_) => self.ignored.push(format!("{name}: it needs `otlp` or `none`")),
            }
        }
        match environment.get("OTEL_EXPORTER_OTLP_PROTOCOL").map(str::trim) {
            None | Some("http/protobuf") => {}
            Some(_) => self.ignored.push(
                "OTEL_EXPORTER_OTLP_PROTOCOL: it needs `http/protobuf`, and the address the port \
                 for HTTP, usually 4318"
                    .to_owned(),
            ),
        }
        match environment.get("OTEL_SDK_DISABLED").map(|text| text.trim().to_ascii_lowercase()) {
            Some(yes) if yes == "true" => {
                self.set_known(&["telemetry", "disabled"], "true", "OTEL_SDK_DISABLED");
            }
            Some(no) if no != "false" => {
                self.ignored.push("OTEL_SDK_DISABLED: it needs `true` or `false`".to_owned());
            }
            Some(_) | None => {}
        }
        let problems = self.problems.split_off(before);
        self.ignored.extend(problems.iter().map(ToString::to_string));
    }

    /// The variables of the official clients and of the terminal. `BOTTEGA_` variables come after them
    /// and win.
    fn clients(&mut self, environment: &Environment) {
        for vendor in VENDORS {
            let address = vendor.base_variable.and_then(|name| environment.first(&[name]));
            if let Some((name, address)) = address {
                self.set_known(&["providers", vendor.name, "base_url"], address, name);
            }
            let usual = vendor.key_variables.first().copied();
            let present = environment.first(vendor.key_variables).map(|(name, _)| name);
            if let Some(name) = present.filter(|_| present != usual) {
                let reference = SecretReference::Variable(name.to_owned()).to_string();
                self.set_known(&["providers", vendor.name, "key"], &reference, name);
            }
        }
        self.telemetry(environment);
        let forced = environment.get("CLICOLOR_FORCE").filter(|value| *value != "0");
        match (environment.get("NO_COLOR"), forced) {
            (Some(_), _) => self.set_known(&["ui", "color"], "never", "NO_COLOR"),
            (None, Some(_)) => self.set_known(&["ui", "color"], "always", "CLICOLOR_FORCE"),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_setting_that_there_is() {
        for variable in variables() {
            if let Some(setting) = &variable.setting {
                let path = setting.parse().unwrap();
                assert!(SHAPE.at(&path).is_some(), "{}: {setting}", variable.name);
            }
        }
    }

    #[test]
    fn every_variable_of_a_vendor_is_in_the_table() {
        for vendor in VENDORS {
            for name in vendor.key_variables {
                assert!(secret_variables().any(|secret| secret == *name), "{name}");
            }
            if let Some(name) = vendor.base_variable {
                assert!(OWN_NAMES.iter().any(|row| row.name == name), "{name}");
            }
        }
    }

    #[test]
    fn no_name_is_there_twice() {
        let mut names: Vec<_> = variables().into_iter().map(|variable| variable.name).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }
}
