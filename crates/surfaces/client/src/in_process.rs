//! Sessions over a platform in the same process.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use bottega_api::{
    ApiError, AttachmentFile, AuditReport, CostBy, CostReport, CostRow, GrantView, RunRequest,
    SessionDetail, SessionSummary, UndoView, codes,
};
use bottega_behaviour::Input;
use bottega_event::{Attachment, Limits, Position, Rerouted, SessionEvent, Started, Tasked};
use bottega_platform::{
    Ground, HeldGrant, Platform, PlatformError, SessionHandle, SessionRow, Update, WorkState,
    read_history,
};
use bottega_policy::{Approval, ApprovalRequest, Approver, Budget};
use bottega_store::{StoreError, audit};
use bottega_types::{GrantId, Money, SessionId, Tokens};
use tokio::sync::broadcast::Receiver;

use crate::ending::ending;
use crate::error::api_error;
use crate::grants::{find_grant, grant_error, grant_view};
use crate::stream::stream;
use crate::translate::Translator;
use crate::view::{cost_row, summary};
use crate::{Run, Sessions, Workshop, transcript};

/// Sessions over a platform in the same process.
pub struct InProcess {
    platform: Platform,
    workshop: Arc<dyn Workshop>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InProcess").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// Rows that a list reads at a time.
const STRIDE: usize = 500;

impl InProcess {
    /// Sessions of `platform`, whose runs work in `workshop`.
    #[must_use]
    pub fn new(platform: Platform, workshop: Arc<dyn Workshop>) -> Self {
        Self { platform, workshop }
    }

    /// All rows of the session view, the latest first.
    async fn rows(&self) -> Result<Vec<(SessionId, SessionRow)>, ApiError> {
        let views = self.platform.fresh_views().await.map_err(api_error)?;
        let mut rows: Vec<(SessionId, SessionRow)> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = views
                .rows("sessions", "", after.as_deref(), STRIDE)
                .await
                .map_err(|error| api_error(error.into()))?;
            let read = page.len();
            after = page.last().map(|(key, _)| key.clone());
            rows.extend(page.into_iter().filter_map(|(key, value)| {
                Some((key.parse().ok()?, serde_json::from_slice(&value).ok()?))
            }));
            if read < STRIDE {
                break;
            }
        }
        rows.retain(|(_, row)| !row.removed);
        rows.sort_by_key(|(session, row)| std::cmp::Reverse((row.updated_ms, *session)));
        Ok(rows)
    }

    /// The digest of the record at a position; empty when it can't be read.
    async fn digest_at(&self, position: u64) -> String {
        let before = Position(position.saturating_sub(1));
        let record = self.platform.journal.read_all(before, 1).await;
        let digest = record.ok().and_then(|records| records.first().map(|record| record.digest));
        digest.map(|digest| digest.to_string()).unwrap_or_default()
    }

    async fn row(&self, session: SessionId) -> Result<SessionRow, ApiError> {
        let views = self.platform.fresh_views().await.map_err(api_error)?;
        let row = views.row("sessions", &session.to_string()).await;
        row.map_err(|error| api_error(error.into()))?
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| api_error(PlatformError::NoSession(session)))
    }

    /// What a session works in.
    fn ground(&self, started: &Started, approver: Arc<dyn Approver>) -> Result<Ground, ApiError> {
        let Started { agent, workspace, mode, .. } = started;
        self.workshop.ground(agent, Path::new(workspace), *mode, approver)
    }

    /// Begins a session with its first task.
    async fn begin(
        &self,
        request: &RunRequest,
        task: Tasked,
        approver: Arc<dyn Approver>,
    ) -> Result<(SessionHandle, Receiver<Update>, Started), ApiError> {
        let defaults = self.workshop.defaults();
        let started = Started {
            session: request.named.unwrap_or_else(|| self.platform.fresh_session()),
            agent: request.agent.clone().unwrap_or_else(|| self.workshop.agent()),
            workspace: request
                .workspace
                .clone()
                .unwrap_or_else(|| self.workshop.workspace())
                .display()
                .to_string(),
            model: self.workshop.model(request.model.as_deref()).await?,
            mode: request.access_mode.unwrap_or(defaults.mode),
            limits: limits(request, defaults.limits)?,
            seed: request.seed,
            forked_from: None,
            trace: None,
        };
        let ground = self.ground(&started, approver)?;
        let begun = self.platform.begin_with(started.clone(), task, ground).await;
        let (handle, updates) = begun.map_err(api_error)?;
        Ok((handle, updates, started))
    }

    /// Opens a session to go on in it, as the request wants it.
    async fn open(
        &self,
        session: SessionId,
        request: &RunRequest,
        approver: Arc<dyn Approver>,
        resuming: bool,
    ) -> Result<(SessionHandle, Started), ApiError> {
        let before = self.platform.started(session).await.map_err(api_error)?;
        let model = match &request.model {
            Some(model) => self.workshop.model(Some(model)).await?,
            None => self.workshop.model(Some(&before.model.route)).await?,
        };
        let started = Started {
            model,
            mode: request.access_mode.unwrap_or(before.mode),
            limits: limits(request, before.limits)?,
            ..before.clone()
        };
        let ground = self.ground(&started, approver)?;
        let handle = self.platform.reopen(session, ground).await.map_err(api_error)?;
        if started != before && !resuming {
            handle.input(Input::Reroute(rerouted(&started))).await.map_err(api_error)?;
        }
        Ok((handle, started))
    }

    /// The task that a request gives, its files kept.
    async fn task(&self, request: &RunRequest) -> Result<Tasked, ApiError> {
        let mut attachments = Vec::new();
        for file in &request.attachments {
            attachments.push(self.keep(file).await?);
        }
        // What a person pastes may hold a key; neither the journal nor the model is to have it.
        let text = self.workshop.redactor()?.clean(&request.task).into_owned();
        Ok(Tasked {
            text,
            attachments,
            output_schema: request.output_schema.clone(),
            goes_on: request.goes_on,
        })
    }

    async fn keep(&self, file: &AttachmentFile) -> Result<Attachment, ApiError> {
        // As with the task: what a person attaches may hold a key.
        let cleaned = if file.media_type.starts_with("text/") {
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            Some(self.workshop.redactor()?.clean(&text).into_owned())
        } else {
            None
        };
        let bytes = cleaned.as_ref().map_or(file.bytes.as_slice(), |text| text.as_bytes());
        let blob = self.platform.blobs.put(bytes).await;
        let blob = blob.map_err(|error| api_error(error.into()))?;
        let encoded = || base64::engine::general_purpose::STANDARD.encode(&file.bytes);
        let inline = cleaned.unwrap_or_else(encoded);
        let (name, media_type) = (file.name.clone(), file.media_type.clone());
        Ok(Attachment { name, media_type, blob, inline: Some(inline) })
    }
}

/// Nobody to ask.
pub(crate) struct Nobody;

#[async_trait]
impl Approver for Nobody {
    async fn ask(&self, _request: &ApprovalRequest) -> Approval {
        Approval::Unavailable
    }
}

#[async_trait]
impl Sessions for InProcess {
    async fn run(&self, request: RunRequest, approver: Arc<dyn Approver>) -> Result<Run, ApiError> {
        let task = self.task(&request).await?;
        let (handle, updates, started) = match request.session {
            None => self.begin(&request, task, approver).await?,
            Some(session) => {
                let (handle, started) = self.open(session, &request, approver, false).await?;
                let updates = handle.updates();
                handle.input(Input::Task(task)).await.map_err(api_error)?;
                (handle, updates, started)
            }
        };
        let translator = Translator::new(handle.session().to_string());
        Ok(stream(&self.platform, handle, updates, &started, request.session.is_some(), translator))
    }

    async fn resume(
        &self,
        request: RunRequest,
        approver: Arc<dyn Approver>,
    ) -> Result<Run, ApiError> {
        let Some(session) = request.session else {
            return Err(ApiError::new(codes::USAGE, "no session is named to go on with"));
        };
        let (handle, started) = self.open(session, &request, approver, true).await?;
        let history = read_history(self.platform.journal.as_ref(), session).await;
        let history = history.map_err(api_error)?;
        let translator = Translator::resumed(session.to_string(), &history);
        let updates = handle.updates();
        handle.input(Input::Resume(rerouted(&started))).await.map_err(api_error)?;
        Ok(stream(&self.platform, handle, updates, &started, true, translator))
    }

    async fn model(&self, name: &str) -> Result<String, ApiError> {
        Ok(self.workshop.model(Some(name)).await?.route)
    }

    async fn list(
        &self,
        workspace: Option<&Path>,
        limit: usize,
    ) -> Result<Vec<SessionSummary>, ApiError> {
        let here =
            |row: &SessionRow| workspace.is_none_or(|path| Path::new(&row.workspace) == path);
        let rows = self.rows().await?;
        let rows = rows.into_iter().filter(|(_, row)| here(row)).take(limit);
        Ok(rows.map(|(session, row)| summary(session, &row)).collect())
    }

    async fn find(&self, text: &str) -> Result<SessionId, ApiError> {
        let rows = self.rows().await?;
        let none = |why: String| ApiError::new(codes::NO_SESSION, why);
        if text == "last" {
            let here = self.workshop.workspace().display().to_string();
            // One of another folder would be taken up, taken back or removed by mistake.
            let last = rows.iter().find(|(_, row)| row.workspace == here);
            return last.map(|(id, _)| *id).ok_or_else(|| match rows.len() {
                0 => none("there is no session yet".to_owned()),
                _ => none(format!("there is no session in {here}"))
                    .step("`bottega sessions list --all` shows those of other folders"),
            });
        }
        if let Ok(session) = text.parse::<SessionId>() {
            return Ok(session);
        }
        let names = |id: &SessionId| {
            let id = id.to_string();
            let bare = id.strip_prefix("ses_").unwrap_or(&id);
            id.starts_with(text) || bare.starts_with(text) || bare.ends_with(text)
        };
        let found: Vec<SessionId> = rows.iter().map(|(id, _)| *id).filter(names).collect();
        match found.as_slice() {
            [] => Err(none(format!("no session begins or ends with `{text}`"))),
            [only] => Ok(*only),
            several => {
                Err(none(format!("`{text}` names {} sessions; write more of it", several.len())))
            }
        }
    }

    async fn show(&self, session: SessionId) -> Result<SessionDetail, ApiError> {
        let row = self.row(session).await?;
        let history = read_history(self.platform.journal.as_ref(), session).await;
        let history = history.map_err(api_error)?;
        let changes = transcript::changes(&history, self.platform.blobs.as_ref()).await;
        let why = match &row.state {
            WorkState::Ended(how) => ending(how).1,
            WorkState::Idle | WorkState::Open => None,
        };
        Ok(SessionDetail {
            summary: summary(session, &row),
            answer: row.answer,
            why,
            transcript: transcript::transcript(&history),
            changes: changes.map_err(|error| api_error(error.into()))?,
        })
    }

    async fn fork(
        &self,
        session: SessionId,
        revision: Option<u64>,
    ) -> Result<SessionSummary, ApiError> {
        let fork = self.platform.fork(session, revision).await.map_err(api_error)?;
        Ok(summary(fork, &self.row(fork).await?))
    }

    async fn undo(&self, session: SessionId, steps: Option<usize>) -> Result<UndoView, ApiError> {
        let started = self.platform.started(session).await.map_err(api_error)?;
        let ground = self.ground(&started, Arc::new(Nobody))?;
        let outcome = self.platform.undo(session, steps, ground).await.map_err(api_error)?;
        Ok(UndoView {
            restored: outcome.restored,
            removed: outcome.removed,
            left_alone: outcome.left_alone,
            forgotten: outcome.forgotten,
            unkept: outcome.unkept,
        })
    }

    async fn compact(&self, session: SessionId) -> Result<u32, ApiError> {
        let started = self.platform.started(session).await.map_err(api_error)?;
        let ground = self.ground(&started, Arc::new(Nobody))?;
        let handle = self.platform.reopen(session, ground).await.map_err(api_error)?;
        handle.input(Input::Compact).await.map_err(api_error)?;
        let history = read_history(self.platform.journal.as_ref(), session).await;
        let kept = history.map_err(api_error)?.into_iter().rev().find_map(|happened| {
            if let SessionEvent::Compacted(compacted) = happened.event {
                Some(compacted.kept)
            } else {
                None
            }
        });
        Ok(u32::try_from(kept.unwrap_or_default()).unwrap_or(u32::MAX))
    }

    async fn export(&self, session: SessionId) -> Result<Vec<String>, ApiError> {
        self.platform.export(session).await.map_err(api_error)
    }

    async fn remove(&self, session: SessionId) -> Result<(), ApiError> {
        self.platform.remove(session).await.map(|_| ()).map_err(api_error)
    }

    async fn costs(&self, by: CostBy) -> Result<CostReport, ApiError> {
        let views = self.platform.fresh_views().await.map_err(api_error)?;
        let prefix = match by {
            CostBy::Day => "day/",
            CostBy::Model => "model/",
            CostBy::Session => "session/",
        };
        let mut report =
            CostReport { by, rows: Vec::new(), total: CostRow::nothing(String::new()) };
        let rows = views.rows("costs", prefix, None, usize::MAX).await;
        for (key, value) in rows.map_err(|error| api_error(error.into()))? {
            let Ok(row) = serde_json::from_slice::<bottega_platform::CostRow>(&value) else {
                continue;
            };
            let row = cost_row(&key[prefix.len()..], &row);
            report.total.add(&row);
            report.rows.push(row);
        }
        Ok(report)
    }

    async fn grants(&self, project: Option<&Path>) -> Result<Vec<GrantView>, ApiError> {
        let held = self.platform.grants().all().await.map_err(grant_error)?;
        let project = project.map(|project| project.display().to_string());
        let wanted =
            |held: &&HeldGrant| project.as_ref().is_none_or(|it| held.given.project == *it);
        Ok(held.iter().filter(wanted).map(grant_view).collect())
    }

    async fn revoke(&self, ids: &[String]) -> Result<Vec<GrantView>, ApiError> {
        let book = self.platform.grants();
        let held = book.all().await.map_err(grant_error)?;
        let ids: Vec<GrantId> =
            ids.iter().map(|id| find_grant(&held, id)).collect::<Result<_, _>>()?;
        let ended = book.revoke(&ids).await.map_err(grant_error)?;
        Ok(ended.iter().map(grant_view).collect())
    }

    async fn verify(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AuditReport, ApiError> {
        let mut tell = |done: Position, _goal: Position| progress(done.0);
        match audit::verify(self.platform.journal.as_ref(), &mut tell).await {
            Ok(head) => {
                let blobs = self.platform.verify_blobs().await.map_err(api_error)?;
                Ok(AuditReport {
                    verified: head.position.0,
                    head: head.digest.to_string(),
                    broken: None,
                    broken_at: None,
                    blobs: blobs.verified,
                    damaged_blobs: blobs.damaged.iter().map(ToString::to_string).collect(),
                    missing_blobs: blobs.missing,
                    forgotten_blobs: blobs.forgotten,
                })
            }
            Err(StoreError::Damaged(broken)) => {
                let verified = broken.position().0.saturating_sub(1);
                Ok(AuditReport {
                    verified,
                    head: self.digest_at(verified).await,
                    broken_at: Some(broken.position().0),
                    broken: Some(broken.to_string()),
                    blobs: 0,
                    damaged_blobs: Vec::new(),
                    missing_blobs: 0,
                    forgotten_blobs: 0,
                })
            }
            Err(error @ StoreError::DamagedFile(_)) => {
                let head = self.platform.journal.head().await;
                let head = head.map_err(|error| api_error(error.into()))?;
                Ok(AuditReport {
                    verified: head.position.0,
                    head: head.digest.to_string(),
                    broken: Some(error.to_string()),
                    broken_at: None,
                    blobs: 0,
                    damaged_blobs: Vec::new(),
                    missing_blobs: 0,
                    forgotten_blobs: 0,
                })
            }
            Err(error) => Err(api_error(error.into())),
        }
    }

    async fn export_all(&self, to: &mut (dyn std::io::Write + Send)) -> Result<u64, ApiError> {
        audit::export_jsonl(self.platform.journal.as_ref(), Position(0), to, &mut |_, _| {})
            .await
            .map_err(|error| ApiError::new(codes::STORE, error.to_string()))
    }
}

fn rerouted(started: &Started) -> Rerouted {
    let Started { model, mode, limits, .. } = started.clone();
    Rerouted { model, mode, limits }
}

fn limits(request: &RunRequest, defaults: Limits) -> Result<Limits, ApiError> {
    let money = match &request.max_cost {
        Some(text) => {
            let money: Money = text.parse().map_err(|error: bottega_types::NotMoney| {
                ApiError::new(codes::USAGE, error.to_string())
            })?;
            Some(money)
        }
        None => defaults.budget.money,
    };
    // What is paid only ever lowers what may be spent.
    let money = money.into_iter().chain(request.paid).min();
    Ok(Limits {
        turns: request.max_turns.unwrap_or(defaults.turns),
        seconds: request.max_seconds.unwrap_or(defaults.seconds),
        budget: Budget {
            tokens: request.max_tokens.map(Tokens::new).or(defaults.budget.tokens),
            money,
        },
    })
}
