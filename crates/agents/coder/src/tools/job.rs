//! `job`.

use std::time::Duration;

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need};
use bottega_tool::{
    Effect, JobLook, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::command::{Command, ending, status};

/// A job that runs longer than a day was forgotten.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Seconds that a look waits at most.
const PATIENCE: u64 = 300;

/// Runs a command in the background: starts it, shows new output, stops it.
#[derive(Debug, Deserialize, JsonSchema)]
struct JobInput {
    /// Command line to start.
    command: Option<String>,
    /// Number of the job.
    id: Option<u32>,
    /// Seconds to wait for output.
    wait: Option<u64>,
    /// Stop that job.
    stop: Option<bool>,
    /// As in `shell`.
    #[serde(default)]
    hosts: Vec<String>,
}

/// Handles commands in the background.
#[derive(Debug)]
pub(super) struct Job;

#[async_trait]
impl Tool for Job {
    fn name(&self) -> &'static str {
        "job"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<JobInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let JobInput { command, id, wait, stop, hosts } = parse_arguments(arguments)?;
        let bad = |why: &str| Err(ToolError::BadArguments { why: why.to_owned() });
        let patience = Duration::from_secs(wait.unwrap_or(0).min(PATIENCE));
        let deed = match (command.filter(|line| !line.trim().is_empty()), id) {
            (Some(line), None) => Deed::Start(Command::read(line, LONGEST, &hosts)?),
            (None, Some(id)) if stop == Some(true) => Deed::Stop(id),
            (None, Some(id)) => Deed::Look(id),
            (None, None) => Deed::List,
            (Some(_), Some(_)) => {
                return bad("give either command, to start, or id, to look or stop");
            }
        };
        let (needs, sources) = match &deed {
            Deed::Start(command) => {
                (command.needs(context.mode, context), command.sources(context.mode, context))
            }
            Deed::Look(id) | Deed::Stop(id) => (Vec::new(), context.jobs.sources(*id)),
            Deed::List => (Vec::new(), Vec::new()),
        };
        Ok(Box::new(Handling { deed, patience, mode: context.mode, needs, sources }))
    }
}

enum Deed {
    Start(Command),
    Look(u32),
    Stop(u32),
    List,
}

struct Handling {
    deed: Deed,
    patience: Duration,
    mode: AccessMode,
    needs: Vec<Need>,
    sources: Vec<Need>,
}

#[async_trait]
impl Prepared for Handling {
    fn needs(&self) -> Vec<Need> {
        self.needs.clone()
    }

    fn sources(&self) -> Vec<Need> {
        self.sources.clone()
    }

    fn summary(&self) -> String {
        match &self.deed {
            Deed::Start(command) => format!("run in the background: {}", command.line),
            Deed::Look(id) => format!("look at job {id}"),
            Deed::Stop(id) => format!("stop job {id}"),
            Deed::List => "list jobs".to_owned(),
        }
    }

    async fn details(&self, _: &ToolContext) -> String {
        match &self.deed {
            Deed::Start(command) => command.line.clone(),
            Deed::Look(_) | Deed::Stop(_) | Deed::List => self.summary(),
        }
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        match &self.deed {
            Deed::Start(command) => {
                let spec = command.spec(self.mode, context).await?;
                let hosts = self.needs.iter().filter(|need| matches!(need, Need::Network { .. }));
                let sources = hosts.chain(&self.sources).cloned().collect();
                let started = context.jobs.start(spec, &command.line, sources);
                let id = started.map_err(|error| ToolError::Refused(error.to_string()))?;
                let output = if self.patience.is_zero() {
                    ToolOutput::text(format!(
                        "job {id} runs; look at it with id {id}. It ends with the session. What it changes is not kept for undo"
                    ))
                } else {
                    told(id, context.jobs.look(id, self.patience).await, context, "runs")?
                };
                let line = command.line.lines().next().unwrap_or_default();
                let unkept = format!("what job {id} changed (`{line}`)");
                Ok(ToolOutput { unkept: Some(unkept), ..output })
            }
            Deed::Look(id) => {
                told(*id, context.jobs.look(*id, self.patience).await, context, "runs")
            }
            Deed::Stop(id) => told(*id, context.jobs.stop(*id).await, context, "was stopped"),
            Deed::List => Ok(ToolOutput::text(match list(context) {
                jobs if jobs.is_empty() => "no jobs; start one with command".to_owned(),
                jobs => jobs,
            })),
        }
    }
}

fn list(context: &ToolContext) -> String {
    context.jobs.all().iter().map(|(id, line)| format!("job {id}: {line}\n")).collect()
}

fn told(
    id: u32,
    look: Option<JobLook>,
    context: &ToolContext,
    otherwise: &str,
) -> Result<ToolOutput, ToolError> {
    let Some(JobLook { line: _, output, omitted, ended }) = look else {
        let others = list(context);
        return Err(ToolError::Refused(format!(
            "there is no job {id}: jobs end with the session, and one whose end was seen is gone\n{others}"
        )));
    };
    let (head, exit_code, failed) = match &ended {
        None => (format!("job {id} {otherwise}"), None, false),
        Some(Ok(how)) => {
            let code = status(*how);
            (format!("job {id} ended: {}", ending(*how, LONGEST)), code, code != Some(0))
        }
        Some(Err(why)) => (format!("job {id} could not be run: {why}"), None, true),
    };
    let lost = if omitted > 0 {
        format!("[{omitted} bytes before this were not looked at in time and are gone]\n")
    } else {
        String::new()
    };
    let output = match output.trim_end() {
        "" => "(no new output)",
        output => output,
    };
    Ok(ToolOutput {
        text: format!("{head}\n{lost}{output}"),
        failed,
        exit_code,
        ..ToolOutput::default()
    })
}
