//! `check`.

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

use crate::checker::{Checker, detect};
use crate::command::{Command, ending, status};
use crate::failing_place::failing_code;
use crate::project::Project;
use crate::test_digest::missing_program;

/// What is checked may have to be built first.
const TIMEOUT: Duration = Duration::from_secs(1_200);

/// Checks that the project compiles, without running tests.
#[derive(Debug, Deserialize, JsonSchema)]
struct CheckInput {
    /// Run the project's linter as well.
    lint: Option<bool>,
    /// Folder of the project.
    path: Option<String>,
}

/// Checks the project.
#[derive(Debug)]
pub(super) struct Check;

#[async_trait]
impl Tool for Check {
    fn name(&self) -> &'static str {
        "check"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<CheckInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let CheckInput { lint, path } = parse_arguments(arguments)?;
        let project = Project::look(path, context).await?;
        let Some(checker) = detect(&project, lint == Some(true)) else {
            let broken = match &project.package {
                Some(Err(error)) => format!("package.json can't be read: {error}; "),
                Some(Ok(_)) | None => String::new(),
            };
            return Err(ToolError::Refused(format!(
                "{broken}found nothing to check this project with (cargo, go, tsc, npm run lint, mypy, ruff, python, \
                 make check) at {}",
                project.elsewhere(context).await?
            )));
        };
        let command = Command {
            line: checker.line_for(&project),
            timeout: TIMEOUT,
            hosts: Vec::new(),
            environment: checker.environment,
        };
        Ok(Box::new(Checking { checker, command, mode: context.mode }))
    }
}

struct Checking {
    checker: &'static Checker,
    command: Command,
    mode: AccessMode,
}

#[async_trait]
impl Prepared for Checking {
    fn needs(&self) -> Vec<Need> {
        vec![self.command.need(self.mode)]
    }

    fn summary(&self) -> String {
        format!("check: {}", self.command.line)
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.command.line.clone()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let outcome = self.command.run(self.mode, context).await?;
        let whole = plain(&outcome.output);
        let digest = (self.checker.digest)(&whole);
        let counts = digest.counts.map(|counts| format!(": {counts}")).unwrap_or_default();
        let passed = outcome.ending == Ending::Exited(0);
        let verdict = match outcome.ending {
            Ending::Exited(0) => format!("check passed{counts}"),
            Ending::Exited(code) if let Some(missing) = missing_program(code, &whole) => {
                format!("the check could not run: {missing}")
            }
            Ending::Exited(_) => format!("check FAILED{counts}"),
            how @ (Ending::Signalled(_) | Ending::TimedOut) => {
                format!("check FAILED: {}", ending(how, self.command.timeout))
            }
        };
        let kept = digest.kept.trim_matches('\n');
        let shown = if passed { String::new() } else { failing_code(kept, context).await };
        let text = format!("{verdict} ({})\n{kept}{shown}", self.command.line);
        let text = text.trim_end().to_owned();
        let hint = "mend what is shown first, then check again";
        Ok(ToolOutput {
            text: excerpt(&text, context.output_limit, hint).unwrap_or(text),
            full: Some(format!("{verdict}\n{whole}")),
            failed: !passed,
            exit_code: status(outcome.ending),
            ..ToolOutput::default()
        })
    }
}
