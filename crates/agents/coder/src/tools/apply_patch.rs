//! `apply_patch`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, FileStep, Found, Prepared, Tool, ToolContext, ToolError, ToolOutput, WorkspaceError,
    describe, excerpt, parse_arguments,
};
use bottega_types::Digest;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::diff::{diff, tally};
use crate::elision::elided;
use crate::patch::{Deed, Patch, read};
use crate::replacement::{Hunk, apply};
use crate::target::Target;

/// Applies a patch to files: all of it, or nothing.
#[derive(Debug, Deserialize, JsonSchema)]
struct ApplyPatchInput {
    /// A unified diff, or `*** Begin Patch` … `*** End Patch`.
    patch: String,
}

/// Changes several files at once.
#[derive(Debug)]
pub(super) struct ApplyPatch;

#[async_trait]
impl Tool for ApplyPatch {
    fn name(&self) -> &'static str {
        "apply_patch"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<ApplyPatchInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let ApplyPatchInput { patch } = parse_arguments(arguments)?;
        let Patch { parts } = read(&patch)
            .map_err(|error| ToolError::Refused(format!("the patch can't be read: {error}")))?;
        let mut aimed = Vec::with_capacity(parts.len());
        for part in parts {
            let target = Target::find(part.path, context)?;
            let to = match &part.deed {
                Deed::Update { to: Some(to), .. } => Some(Target::find(to.clone(), context)?),
                Deed::Update { to: None, .. } | Deed::Add { .. } | Deed::Delete { .. } => None,
            };
            aimed.push(Aimed { target, to, deed: part.deed, executable: part.executable });
        }
        Ok(Box::new(Patching { aimed }))
    }
}

/// A part of a patch, and where the paths in it lead.
struct Aimed {
    target: Target,
    to: Option<Target>,
    deed: Deed,
    executable: Option<bool>,
}

struct Patching {
    aimed: Vec<Aimed>,
}

/// What becomes of one file.
struct Planned<'p> {
    target: &'p Target,
    /// What it holds now, with the digest of that; nothing when it is new.
    before: Option<(String, Digest)>,
    fate: Fate<'p>,
    /// Whether it may be run afterwards; as it is when absent.
    executable: Option<bool>,
}

enum Fate<'p> {
    Written {
        text: String,
        to: Option<&'p Target>,
    },
    /// Moved as it is: it holds no text, or its text stays.
    Moved {
        to: &'p Target,
    },
    Deleted,
}

impl Patching {
    /// What becomes of every file, or all that stands against it.
    async fn plan(&self, context: &ToolContext) -> Result<Vec<Planned<'_>>, ToolError> {
        let mut planned: Vec<Planned<'_>> = Vec::new();
        let mut refusals = Vec::new();
        for aimed in &self.aimed {
            if let Err(error) = plan_one(aimed, &mut planned, context).await {
                let told = error.to_string();
                let (path, asked) = (aimed.target.shown(), aimed.target.asked.as_str());
                let named = told.contains(path) || told.contains(asked);
                refusals.push(if named { told } else { format!("{path}: {told}") });
            }
        }
        match &refusals[..] {
            [] => Ok(planned),
            _ if self.aimed.len() > 1 => Err(ToolError::Refused(format!(
                "no file was changed, since not all of the patch can be applied. {}",
                refusals.join("\n")
            ))),
            _ => Err(ToolError::Refused(refusals.join("\n"))),
        }
    }

    fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = Vec::new();
        for aimed in &self.aimed {
            let both = [Some(&aimed.target), aimed.to.as_ref()];
            for path in both.into_iter().flatten().map(Target::shown) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        paths
    }
}

/// Adds what becomes of one file. A file that an earlier part changed is changed further.
async fn plan_one<'p>(
    aimed: &'p Aimed,
    planned: &mut Vec<Planned<'p>>,
    context: &ToolContext,
) -> Result<(), ToolError> {
    let Aimed { target, to, deed, executable } = aimed;
    target.still(context)?;
    let path = target.shown();
    let refuse = |why: &str| Err(ToolError::Refused(format!("{path} {why}")));
    if let Some(new) = to {
        new.still(context)?;
        let taken = planned.iter().any(|other| other.ends_at() == Some(new.key()));
        if taken || context.workspace.stat(&new.asked).await?.is_some() {
            return refuse(&format!(
                "can't be moved to {}: something is there already; delete that first, or choose another name",
                new.shown()
            ));
        }
    }
    let known = planned.iter().position(|other| other.target.key() == target.key());
    if let Some(known) = known {
        return match (&mut planned[known].fate, deed, to) {
            (Fate::Written { text, to: None }, Deed::Update { hunks, .. }, None) => {
                *text = changed(path, text, hunks)?;
                planned[known].executable = executable.or(planned[known].executable);
                Ok(())
            }
            (Fate::Written { .. } | Fate::Moved { .. } | Fate::Deleted, ..) => {
                refuse("is named twice in the patch; say all about a file in one place")
            }
        };
    }
    let (before, fate) = match deed {
        Deed::Add { text } => {
            if context.workspace.stat(&target.asked).await?.is_some() {
                let path = &target.asked;
                return Err(ToolError::Refused(format!(
                    "{path} exists already; change it with `*** Update File: {path}`"
                )));
            }
            if let Some(line) = elided(text, "") {
                return refuse(&format!(
                    "would get the line `{line}`, which stands for other lines"
                ));
            }
            (None, Fate::Written { text: text.clone(), to: None })
        }
        Deed::Delete { text } => {
            (Some(deleted(target, text.as_deref(), context).await?), Fate::Deleted)
        }
        Deed::Update { hunks, .. } => updated(target, to.as_ref(), hunks, context).await?,
    };
    planned.push(Planned { target, before, fate, executable: *executable });
    Ok(())
}

impl Planned<'_> {
    /// The key of the file that will be there.
    fn ends_at(&self) -> Option<String> {
        match &self.fate {
            Fate::Written { to, .. } => Some(to.unwrap_or(self.target).key()),
            Fate::Moved { to } => Some(to.key()),
            Fate::Deleted => None,
        }
    }
}

/// `text` with the hunks applied; a refusal names each that can't be.
fn changed(path: &str, text: &str, hunks: &[Hunk]) -> Result<String, ToolError> {
    apply(text, hunks).map_err(|refused| {
        let told: Vec<String> = refused
            .iter()
            .take(4)
            .map(|(index, why)| {
                let line = hunks.get(*index).map_or(0, |hunk| hunk.line);
                format!(
                    "{path}, hunk {} of {} (line {line} of the patch): {why}",
                    index + 1,
                    hunks.len()
                )
            })
            .collect();
        ToolError::Refused(told.join("\n"))
    })
}

/// Refuses a link: the file that it leads to was not named.
fn no_link(target: &Target, what: &str, context: &ToolContext) -> Result<(), ToolError> {
    if !target.is_link(context)? {
        return Ok(());
    }
    Err(ToolError::Refused(format!(
        "{} is a link to {}; only files can be {what}, so name the file itself",
        target.asked,
        target.shown()
    )))
}

async fn updated<'p>(
    target: &'p Target,
    to: Option<&'p Target>,
    hunks: &[Hunk],
    context: &ToolContext,
) -> Result<(Option<(String, Digest)>, Fate<'p>), ToolError> {
    let path = target.shown();
    if to.is_some() {
        no_link(target, "moved", context)?;
    }
    match (context.workspace.read(&target.asked).await?, to) {
        (Found::Text(before), to) => {
            target.is_not_stale(context, before.digest)?;
            let fate = match to {
                Some(to) if hunks.is_empty() => Fate::Moved { to },
                to => Fate::Written { text: changed(path, &before.text, hunks)?, to },
            };
            Ok((Some((before.text, before.digest)), fate))
        }
        (Found::Binary { digest, .. }, Some(to)) if hunks.is_empty() => {
            target.is_not_stale(context, digest)?;
            Ok((Some((String::new(), digest)), Fate::Moved { to }))
        }
        (Found::Binary { .. }, _) => {
            Err(ToolError::Refused(format!("{path} is a binary file and can't be patched as text")))
        }
    }
}

/// The file that is to be deleted, which the agent must know: it has read it, or the patch holds all of it.
async fn deleted(
    target: &Target,
    text: Option<&str>,
    context: &ToolContext,
) -> Result<(String, Digest), ToolError> {
    no_link(target, "deleted", context)?;
    match context.workspace.read(&target.asked).await? {
        Found::Text(before) => {
            let folded = before.text.replace("\r\n", "\n");
            if text != Some(folded.as_str()) {
                target.is_known(context, before.digest)?;
            }
            target.is_not_stale(context, before.digest)?;
            Ok((before.text, before.digest))
        }
        Found::Binary { digest, .. } => {
            target.is_known(context, digest)?;
            Ok((String::new(), digest))
        }
    }
}

/// The steps that a plan comes to.
fn steps(plan: &[Planned<'_>]) -> Result<Vec<FileStep>, ToolError> {
    plan.iter()
        .map(|file| {
            let path = file.target.asked.clone();
            let expected = file.before.as_ref().map(|(_, digest)| *digest);
            let present = || expected.ok_or(WorkspaceError::Changed { path: path.clone() });
            Ok(match &file.fate {
                Fate::Written { text, to: None } => {
                    let executable = file.executable;
                    FileStep::Write { text: text.clone(), expected, path, executable }
                }
                Fate::Written { text, to: Some(to) } => FileStep::Move {
                    to: to.asked.clone(),
                    text: Some(text.clone()),
                    expected: present()?,
                    path,
                },
                Fate::Moved { to } => {
                    FileStep::Move { to: to.asked.clone(), text: None, expected: present()?, path }
                }
                Fate::Deleted => FileStep::Delete { expected: present()?, path },
            })
        })
        .collect()
}

/// What a file's change is, for people and models: a line, and the diff.
fn told(file: &Planned<'_>) -> String {
    let path = file.target.shown();
    let before = file.before.as_ref().map_or("", |(text, _)| text.as_str());
    let mode = match file.executable {
        Some(true) => ", may be run now",
        Some(false) => ", may not be run now",
        None => "",
    };
    match &file.fate {
        Fate::Written { text, .. } if file.before.is_none() => {
            format!("created {path} ({} lines){mode}\n", text.lines().count())
        }
        Fate::Written { text, to } => {
            let changes = diff(before, text);
            let moved = to.map(|to| format!(", moved to {}", to.shown())).unwrap_or_default();
            format!("patched {path} ({}){moved}{mode}\n{changes}", tally(&changes))
        }
        Fate::Moved { to } => format!("moved {path} to {}\n", to.shown()),
        Fate::Deleted => format!("deleted {path} ({} lines)\n", before.lines().count()),
    }
}

#[async_trait]
impl Prepared for Patching {
    fn needs(&self) -> Vec<Need> {
        let mut needs: Vec<Need> = Vec::new();
        for aimed in &self.aimed {
            let both = [Some(&aimed.target), aimed.to.as_ref()];
            for need in both.into_iter().flatten().map(Target::writing) {
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
        }
        needs
    }

    fn summary(&self) -> String {
        format!("patch {}", self.paths().join(", "))
    }

    async fn details(&self, context: &ToolContext) -> String {
        match self.plan(context).await {
            Ok(plan) => {
                let shown = plan.iter().map(|file| match (&file.fate, &file.before) {
                    (Fate::Written { text, .. }, None) => {
                        format!("{}{}", told(file), diff("", text))
                    }
                    (Fate::Written { .. } | Fate::Moved { .. } | Fate::Deleted, _) => told(file),
                });
                shown.collect()
            }
            Err(error) => error.to_string(),
        }
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let plan = self.plan(context).await?;
        let changes = context.workspace.change(&steps(&plan)?).await?;
        for change in &changes {
            if let Some(digest) = change.after {
                let target = Target::find(change.path.clone(), context)?;
                match change.before {
                    None => target.saw(context, digest),
                    Some(_) => target.edited(context, digest),
                }
            }
        }
        let text: String = plan.iter().map(told).collect();
        let text =
            excerpt(&text, context.output_limit.min(4_000), "all changes are made").unwrap_or(text);
        Ok(ToolOutput { text, changes, ..ToolOutput::default() })
    }
}
