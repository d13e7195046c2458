//! `run_tests`.

use std::time::Duration;

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need};
use bottega_tool::{
    Effect, Ending, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, excerpt,
    parse_arguments, plain,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::command::{Command, ending, status};
use crate::failing_place::failing_code;
use crate::project::Project;
use crate::test_digest::missing_program;
use crate::test_runner::{Runner, detect, without};

/// Tests are built before they run, and that may take its time.
const TIMEOUT: Duration = Duration::from_secs(1_200);

/// Runs tests and shows what failed.
#[derive(Debug, Deserialize, JsonSchema)]
struct RunTestsInput {
    /// Only tests with this in their name.
    filter: Option<String>,
    /// Folder of the project.
    path: Option<String>,
}

/// Runs the tests.
#[derive(Debug)]
pub(super) struct RunTests;

#[async_trait]
impl Tool for RunTests {
    fn name(&self) -> &'static str {
        "run_tests"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<RunTestsInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let RunTestsInput { filter, path } = parse_arguments(arguments)?;
        let filter = filter.filter(|filter| !filter.trim().is_empty());
        if filter.as_deref().is_some_and(|filter| filter.starts_with('-') || filter.contains('\0'))
        {
            return Err(ToolError::BadArguments {
                why: "filter is a part of a test's name".to_owned(),
            });
        }
        let project = Project::look(path, context).await?;
        let Some(runner) = detect(&project) else {
            let why = match without(&project) {
                Some(why) => format!("{why}, and no other test runner"),
                None => "found no known test runner".to_owned(),
            };
            return Err(ToolError::Refused(format!(
                "{why} (cargo, go, pytest, npm, make) at {}",
                project.elsewhere(context).await?
            )));
        };
        let line = project.line(&(runner.line)(&project, filter.as_deref()));
        let command =
            Command { line, timeout: TIMEOUT, hosts: Vec::new(), environment: runner.environment };
        Ok(Box::new(Testing { runner, filter, command, mode: context.mode }))
    }
}

struct Testing {
    runner: &'static Runner,
    filter: Option<String>,
    command: Command,
    mode: AccessMode,
}

#[async_trait]
impl Prepared for Testing {
    fn needs(&self) -> Vec<Need> {
        vec![self.command.need(self.mode)]
    }

    fn summary(&self) -> String {
        format!("run tests: {}", self.command.line)
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.command.line.clone()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let outcome = self.command.run(self.mode, context).await?;
        let whole = plain(&outcome.output);
        let digest = (self.runner.digest)(&whole);
        let exit_code = status(outcome.ending);
        let says = |codes: &[i32]| exit_code.is_some_and(|code| codes.contains(&code));
        let nothing_ran =
            says(self.runner.nothing) || (digest.ran == Some(0) && exit_code == Some(0));
        let broken = exit_code.and_then(|code| missing_program(code, &whole));
        let broken = broken.or_else(|| says(self.runner.broken).then(|| "see below".to_owned()));
        let verdict = match (outcome.ending, digest.counts.as_deref()) {
            _ if nothing_ran => match &self.filter {
                Some(filter) => format!("no test ran: no test's name has `{filter}`"),
                None => "no test ran: there are none".to_owned(),
            },
            _ if let Some(why) = &broken => {
                format!("the tests could not run with {}: {why}", self.runner.name)
            }
            (Ending::Exited(0), Some(counts)) => format!("tests passed: {counts}"),
            (Ending::Exited(0), None) => "tests passed".to_owned(),
            (Ending::Exited(_), Some(counts)) => format!("tests FAILED: {counts}"),
            (how, _) => format!("tests FAILED: {}", ending(how, self.command.timeout)),
        };
        let passed = outcome.ending == Ending::Exited(0);
        // What keeps tests from running no digest knows.
        let kept = if broken.is_some() { tail(&whole) } else { digest.kept.trim_matches('\n') };
        let shown = if passed { String::new() } else { failing_code(kept, context).await };
        let text = if kept.is_empty() || (passed && !nothing_ran) {
            format!("{verdict} ({})", self.command.line)
        } else {
            format!("{verdict} ({})\n{kept}{shown}", self.command.line)
        };
        let hint = "give run_tests a filter to see one test";
        Ok(ToolOutput {
            text: excerpt(&text, context.output_limit, hint).unwrap_or(text),
            full: Some(format!("{verdict}\n{whole}")),
            failed: !passed || (nothing_ran && self.filter.is_some()),
            exit_code,
            ..ToolOutput::default()
        })
    }
}

/// The last lines of a text.
fn tail(text: &str) -> &str {
    const LINES: usize = 30;
    let text = text.trim_matches('\n');
    let start = text.rmatch_indices('\n').nth(LINES - 1).map_or(0, |(at, _)| at + 1);
    &text[start..]
}
