//! What was said, as it was stored: an agent's mail, conversations, traces.

use bottega_acl::{AgentName, ConversationRef};
use bottega_event::{MailAccepted, MailEvent, MailResent, Revision, StreamId};
use bottega_store::{Append, Batch, Expected, StoreError, catch_up};
use bottega_types::{CommandId, MessageId, TraceId};

use crate::AgencyError;
use crate::agency::Agency;
use crate::conversation_view::{ConversationView, Place, Said};
use crate::lodging::Living;
use crate::mail_view::{MailRow, MailView};
use crate::trace_view::{TraceRow, TraceView};

/// Rows of the mail view that are read at a time.
const PAGE: usize = 512;
/// Copies of one message lie no further apart than this in a conversation.
const RECEIVERS: usize = 1_024;

impl Agency {
    /// Durable messages of an agent that were not handled, dead ones included, in the order in which they are handed over.
    pub async fn mail(&self, name: &AgentName) -> Result<Vec<MailRow>, AgencyError> {
        Ok(self.rows(&StreamId::mail(name)).await?)
    }

    /// The stored messages of a conversation, in the order in which they were taken in. Transient ones leave no trace.
    pub async fn conversation(
        &self,
        conversation: &ConversationRef,
    ) -> Result<Vec<Said>, AgencyError> {
        let (journal, views) = (self.desk.journal.as_ref(), self.views.as_ref());
        catch_up(&ConversationView, journal, views).await?;
        let prefix = ConversationView::prefix(conversation);
        let (mut said, mut after) = (Vec::<Said>::new(), None::<String>);
        loop {
            let name = ConversationView::NAME;
            let page = views.rows(name, &prefix, after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(said) };
            after = Some(last.clone());
            for place in page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()) {
                let Place { stream, revision } = place;
                let before = Revision(revision.0.saturating_sub(1));
                for record in journal.read_stream(&stream, before, 1).await? {
                    let Ok(MailEvent::Accepted(accepted)) = MailEvent::decode(&record.event) else {
                        continue;
                    };
                    let MailAccepted { id, letter, trace } = accepted;
                    // One that went to several stands in the mail of each.
                    if said.iter().rev().take(RECEIVERS).all(|other| other.id != id) {
                        said.push(Said { id, at: record.at, letter, trace });
                    }
                }
            }
        }
    }

    /// What was stored along a trace, in the order in which that was done, at most `most` of it.
    pub async fn trace(&self, trace: TraceId, most: usize) -> Result<Vec<TraceRow>, AgencyError> {
        let (journal, views) = (self.desk.journal.as_ref(), self.views.as_ref());
        catch_up(&TraceView, journal, views).await?;
        let prefix = TraceView::prefix(trace);
        let (mut found, mut after) = (Vec::<TraceRow>::new(), None::<String>);
        while found.len() < most {
            let wanted = PAGE.min(most - found.len());
            let page = views.rows(TraceView::NAME, &prefix, after.as_deref(), wanted).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            found.extend(page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()));
        }
        Ok(found)
    }

    /// Hands a dead letter over once more.
    pub async fn resend(&self, name: &AgentName, id: MessageId) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        if matches!(lodging.living(), Living::Gone) {
            return Err(AgencyError::Unknown(name.clone()));
        }
        let mailroom = &lodging.mailroom;
        let rows = self.rows(&mailroom.stream).await?;
        let dead = rows.into_iter().find(|row| row.id == id && row.dead.is_some());
        let dead = dead.ok_or_else(|| AgencyError::NoLetter { name: name.clone(), id })?;
        let at = self.desk.clock.now();
        let append = Append {
            command: CommandId::new(at, self.desk.entropy.as_ref()),
            at,
            batches: vec![Batch {
                stream: mailroom.stream.clone(),
                expected: Expected::Any,
                events: vec![MailEvent::from(MailResent { id }).encode()],
            }],
        };
        self.desk.journal.append(append).await?;
        if let Some(parcel) = self.parcel(mailroom, dead).await {
            mailroom.recover(vec![parcel]);
        }
        if let Living::Here(_, mailbox) = lodging.living() {
            mailroom.fill(&mailbox);
        }
        Ok(())
    }

    pub(crate) async fn rows(&self, stream: &StreamId) -> Result<Vec<MailRow>, StoreError> {
        catch_up(&MailView, self.desk.journal.as_ref(), self.views.as_ref()).await?;
        let prefix = format!("{stream} ");
        let (mut rows, mut after) = (Vec::<MailRow>::new(), None::<String>);
        loop {
            let page = self.views.rows("mail", &prefix, after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            rows.extend(page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()));
        }
        rows.sort_by_key(|row| row.revision);
        Ok(rows)
    }
}
