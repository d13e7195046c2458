//! Where log lines go: standard error, as the settings say, each with what it belongs to.

use std::fmt::{self, Write as _};

use bottega_config::LogFormat;
use bottega_telemetry::here;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::app::App;

/// Starts writing the log. Without readable settings there is none: the command itself tells what is wrong with
/// them.
pub(crate) fn start(app: &App) {
    let Ok(config) = app.config() else { return };
    let log = &config.settings().log;
    // A filter that can't be read silences nobody: the usual level holds.
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The one subscriber of the process; a second call would be a fault of this file alone.
    let started = match log.format {
        LogFormat::Text => lines
            .with_ansi(false)
            .map_event_format(|lines| Correlated { lines, json: false })
            .try_init(),
        LogFormat::Json => {
            lines.json().map_event_format(|lines| Correlated { lines, json: true }).try_init()
        }
    };
    drop(started);
}

/// Lines of a form, each followed by what it belongs to: trace, step, request, conversation, agent.
struct Correlated<L> {
    lines: L,
    json: bool,
}

impl<S, N, L> FormatEvent<S, N> for Correlated<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    L: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let marks = marks();
        if marks.is_empty() {
            return self.lines.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&with(&line, marks, self.json))
    }
}

/// What the present task belongs to.
fn marks() -> Map<String, Value> {
    let mut marks = Map::new();
    let Some(trail) = here() else { return marks };
    let context = trail.context();
    let mut mark = |name: &str, value: &str| marks.insert(name.to_owned(), value.into());
    mark("trace_id", &context.trace.to_string());
    mark("span_id", &context.span.to_string());
    let known = [
        ("request", context.request.as_deref()),
        ("conversation", trail.conversation()),
        ("agent", trail.agent()),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            mark(name, value);
        }
    }
    marks
}

/// A line with marks at its end.
fn with(line: &str, marks: Map<String, Value>, json: bool) -> String {
    let line = line.trim_end();
    match (json, line.strip_suffix('}')) {
        (true, Some(open)) => {
            let marks = Value::Object(marks).to_string();
            format!("{open},{}\n", marks.trim_start_matches('{'))
        }
        (true, None) | (false, _) => {
            let mut line = line.to_owned();
            for (name, value) in marks {
                // As JSON, so that no name of somebody else begins a line of its own.
                let _ = write!(line, " {name}={value}");
            }
            line + "\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, json: bool, expected: &str) {
        let mut marks = Map::new();
        marks.insert("trace_id".to_owned(), "ab".into());
        marks.insert("agent".to_owned(), "a\nb".into());
        assert_eq!(with(line, marks, json), expected);
    }

    #[test]
    fn a_line_ends_with_what_it_belongs_to() {
        check(
            "{\"level\":\"INFO\"}\n",
            true,
            "{\"level\":\"INFO\",\"trace_id\":\"ab\",\"agent\":\"a\\nb\"}\n",
        );
        check("INFO done\n", false, "INFO done trace_id=\"ab\" agent=\"a\\nb\"\n");
    }
}
